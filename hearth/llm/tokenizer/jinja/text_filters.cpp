// Filters that give a text.
#include "hearth/llm/tokenizer/jinja/builtin.h"
#include "hearth/llm/tokenizer/jinja/format_text.h"
#include "hearth/llm/tokenizer/jinja/operations.h"
#include "hearth/llm/tokenizer/jinja/printing.h"
#include "hearth/llm/tokenizer/jinja/text.h"

namespace hearth::llm::jinja {
namespace {

std::string_view subject_text(Call& call) {
  const std::string_view s = to_text(call.rt, call.subject);
  call.rt.scan(s.size());
  return s;
}

template <std::string (*kChange)(std::string_view)>
Value changed(Call& call) {
  return call.rt.text(kChange(subject_text(call)));
}

// Unlike str.title(), words begin only after a space, hyphen or opening bracket: "it's" gives
// "It's".
std::string title_words(std::string_view s) {
  std::string out;
  for (size_t begin = 0; begin < s.size();) {
    size_t end = begin;
    const auto is_separator = [&](size_t i) {
      const char32_t c = character_at(s, i).code;
      return is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
    };
    while (end < s.size() && is_separator(end)) end += character_at(s, end).bytes;
    out += s.substr(begin, end - begin);
    begin = end;
    while (end < s.size() && !is_separator(end)) end += character_at(s, end).bytes;
    if (begin == end) continue;
    const size_t first = character_at(s, begin).bytes;
    out += upper(s.substr(begin, first));
    out += lower(s.substr(begin + first, end - begin - first));
    begin = end;
  }
  return out;
}

Value filter_trim(Call& call) {
  const auto set = call.optional_text(0);
  const std::string_view s = subject_text(call);
  if (set) call.rt.step(s.size() * set->size() / 64);
  return Value::text(strip(s, set, Side::both), call.subject.is_text() && call.subject.is_safe());
}

Value filter_replace(Call& call) {
  const int64_t count = call.has(2) && !call.arg(2).is_none() ? call.integer(2, -1) : -1;
  return replace_text(call.rt, subject_text(call), to_text(call.rt, call.arg(0)),
                      to_text(call.rt, call.arg(1)), count);
}

Value filter_string(Call& call) {
  return call.subject.is_text() ? call.subject : Value::text(to_text(call.rt, call.subject));
}

Value filter_safe(Call& call) { return Value::text(to_text(call.rt, call.subject), true); }

Value filter_escape(Call& call) {
  if (call.subject.is_text() && call.subject.is_safe()) return call.subject;
  return Value::text(escape_html(call.rt, subject_text(call)), true);
}

Value filter_forceescape(Call& call) {
  return Value::text(escape_html(call.rt, subject_text(call)), true);
}

Value filter_indent(Call& call) {
  std::string indentation;
  if (call.has(0) && call.arg(0).is_text())
    indentation = call.arg(0).as_text();
  else
    for (int64_t i = call.integer(0, 4); i > 0; --i) call.rt.append(indentation, " ");
  const bool indents_first = call.flag(1, false), indents_blank = call.flag(2, false);
  if (call.subject.is_undefined()) fail_undefined(call.rt, call.subject);
  const std::string text = std::string(subject_text(call)) + "\n";
  std::string out;
  bool is_first = true;
  split_lines(text, false, [&](std::string_view line) {
    if (!is_first) call.rt.append(out, "\n");
    if (is_first ? indents_first : indents_blank || !line.empty()) call.rt.append(out, indentation);
    call.rt.append(out, line);
    is_first = false;
  });
  return call.rt.text(out);
}

Value filter_center(Call& call) {
  return justify(call.rt, subject_text(call), call.integer(0, 80), Alignment::center, " ");
}

Value filter_truncate(Call& call) {
  const std::string_view s = subject_text(call);
  const std::string_view end = call.has(2) ? call.text(2) : "...";
  const int64_t limit = call.integer(0, 255), end_length = static_cast<int64_t>(length(end));
  const int64_t leeway = call.has(3) && !call.arg(3).is_none() ? call.integer(3, 5) : 5;
  if (limit < end_length) call.rt.fail("expected length >= {}, got {}", end_length, limit);
  if (leeway < 0) call.rt.fail("expected leeway >= 0, got {}", leeway);
  const auto count = static_cast<int64_t>(length(s));
  if (count <= limit || count - limit <= leeway) return Value::text(s);
  std::string_view kept = s.substr(0, byte_offset(s, static_cast<size_t>(limit - end_length)));
  if (!call.flag(1, false)) kept = kept.substr(0, kept.rfind(' '));
  return Value::text(call.rt.concatenate(kept, end));
}

Value filter_format(Call& call) {
  if (!call.raw.positional.empty() && !call.raw.named.empty())
    call.rt.fail("can't handle positional and keyword arguments at the same time");
  return call.rt.text(format_percent(call.rt, subject_text(call), call.raw));
}

Value filter_wordcount(Call& call) {
  const std::string_view s = subject_text(call);
  call.rt.classify(s.size());
  int64_t words = 0;
  bool in_word = false;
  for (size_t i = 0; i < s.size();) {
    const Character c = character_at(s, i);
    const bool is_part = is_alpha(c.code) || is_numeric(c.code) || c.code == '_';
    words += is_part && !in_word;
    in_word = is_part;
    i += c.bytes;
  }
  return Value::integer(words);
}

// A path keeps "/" and writes a space as %20; a query has "+" for a space.
void append_percent_encoded(Runtime& rt, std::string& out, std::string_view s, bool is_path) {
  for (const char& c : s) {
    const bool is_plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
        std::string_view("_.-~").find(c) != std::string_view::npos || (is_path && c == '/');
    if (is_plain)
      rt.append(out, {&c, 1});
    else if (c == ' ' && !is_path)
      rt.append(out, "+");
    else
      rt.append(out, fmt::format("%{:02X}", static_cast<unsigned char>(c)));
  }
}

Value filter_urlencode(Call& call) {
  std::string out;
  if (!call.subject.is(Kind::mapping) && !call.subject.is(Kind::sequence)) {
    append_percent_encoded(call.rt, out, subject_text(call), true);
    return call.rt.text(out);
  }
  const Value rows = call.subject.is(Kind::mapping)
                         ? invoke(call.rt, *find_method(call.subject, "items"), call.subject, {})
                         : call.subject;
  for (const Value& row : iterate(call.rt, rows)) {
    const auto pair = iterate(call.rt, row);
    if (pair.size() != 2) call.rt.fail("urlencode needs pairs, got {} values", pair.size());
    if (!out.empty()) call.rt.append(out, "&");
    append_percent_encoded(call.rt, out, to_text(call.rt, pair[0]), false);
    call.rt.append(out, "=");
    append_percent_encoded(call.rt, out, to_text(call.rt, pair[1]), false);
  }
  return call.rt.text(out);
}

// json.dumps as Hugging Face's transformers calls it: no HTML escapes, non-ASCII kept.
Value filter_tojson(Call& call) {
  JsonStyle style;
  style.escapes_non_ascii = call.flag(0, false);
  if (call.has(1) && !call.arg(1).is_none()) {
    style.is_indented = true;
    style.item_separator = ",";
    if (call.arg(1).is_text())
      style.indent = call.arg(1).as_text();
    else
      for (int64_t i = call.integer(1, 0); i > 0; --i) call.rt.append(style.indent, " ");
  }
  if (call.has(2) && !call.arg(2).is_none()) {
    const auto separators = iterate(call.rt, call.arg(2));
    if (separators.size() != 2 || !separators[0].is_text() || !separators[1].is_text())
      call.rt.fail("separators must be two texts");
    style.item_separator = separators[0].as_text();
    style.key_separator = separators[1].as_text();
  }
  style.sorts_keys = call.flag(3, false);
  return call.rt.text(to_json(call.rt, call.subject, style));
}

constexpr Builtin kTextFilters[] = {
    {"tojson", filter_tojson, {"ensure_ascii", "indent", "separators", "sort_keys"}},
    {"trim", filter_trim, {"chars"}},
    {"string", filter_string},
    {"replace", filter_replace, {"old", "new", "count"}, 2},
    {"upper", changed<upper>},
    {"lower", changed<lower>},
    {"capitalize", changed<capitalize>},
    {"title", changed<title_words>},
    {"safe", filter_safe},
    {"escape", filter_escape},
    {"e", filter_escape},
    {"forceescape", filter_forceescape},
    {"indent", filter_indent, {"width", "first", "blank"}},
    {"center", filter_center, {"width"}},
    {"truncate", filter_truncate, {"length", "killwords", "end", "leeway"}},
    {.name = "format", .run = filter_format, .variadic = true},
    {"wordcount", filter_wordcount},
    {"urlencode", filter_urlencode},
};

}  // namespace

std::span<const Builtin> text_filters() { return kTextFilters; }

}  // namespace hearth::llm::jinja
