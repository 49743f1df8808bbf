// Methods of texts, as Python's str defines them.
#include <algorithm>

#include "hearth/llm/tokenizer/jinja/builtin.h"
#include "hearth/llm/tokenizer/jinja/format_text.h"
#include "hearth/llm/tokenizer/jinja/operations.h"
#include "hearth/llm/tokenizer/jinja/printing.h"
#include "hearth/llm/tokenizer/jinja/text.h"

namespace hearth::llm::jinja {
namespace {

std::string_view self(Call& call) {
  const std::string_view s = call.subject.as_text();
  call.rt.scan(s.size());
  return s;
}

template <std::string (*kChange)(std::string_view)>
Value changed(Call& call) {
  return call.rt.text(kChange(self(call)));
}

template <Side kSide>
Value stripped(Call& call) {
  const auto set = call.optional_text(0);
  if (set) call.rt.step(self(call).size() * set->size() / 64);
  return Value::text(strip(self(call), set, kSide));
}

template <bool kFromRight>
Value text_split(Call& call) {
  const auto separator = call.optional_text(0);
  if (separator && separator->empty()) call.rt.fail("empty separator");
  call.rt.search(call.subject.as_text().size(), separator ? separator->size() : 0);
  std::vector<Value> parts;
  const auto take = [&](std::string_view part) { call.rt.push(parts, Value::text(part)); };
  const int64_t splits_max = call.integer(1, -1);
  if (kFromRight) {
    rsplit(self(call), separator, splits_max, take);
    std::reverse(parts.begin(), parts.end());
  } else {
    split(self(call), separator, splits_max, take);
  }
  return call.rt.list(std::move(parts));
}

Value text_splitlines(Call& call) {
  std::vector<Value> lines;
  split_lines(self(call), call.flag(0, false),
              [&](std::string_view line) { call.rt.push(lines, Value::text(line)); });
  return call.rt.list(std::move(lines));
}

Value text_partition(Call& call) {
  const std::string_view s = self(call), separator = call.text(0);
  if (separator.empty()) call.rt.fail("empty separator");
  call.rt.search(s.size(), separator.size());
  const size_t at = s.find(separator);
  if (at == s.npos) return call.rt.tuple({Value::text(s), Value::text(""), Value::text("")});
  return call.rt.tuple({Value::text(s.substr(0, at)), Value::text(separator),
                        Value::text(s.substr(at + separator.size()))});
}

Value text_rpartition(Call& call) {
  const std::string_view s = self(call), separator = call.text(0);
  if (separator.empty()) call.rt.fail("empty separator");
  call.rt.search(s.size(), separator.size());
  const size_t at = s.rfind(separator);
  if (at == s.npos) return call.rt.tuple({Value::text(""), Value::text(""), Value::text(s)});
  return call.rt.tuple({Value::text(s.substr(0, at)), Value::text(separator),
                        Value::text(s.substr(at + separator.size()))});
}

// The part of the subject between the optional start and stop arguments, and the character where it
// starts.
struct Window {
  std::string_view text;
  int64_t start = 0;
  bool is_valid =
      true;  // false: start lies behind the end, where Python finds nothing, not even ""
};

Window window_of(Call& call, int first_argument) {
  const std::string_view s = self(call);
  if (!call.has(first_argument)) return {s};
  const auto count = static_cast<int64_t>(length(s));
  const Value start = call.arg(first_argument), stop = call.arg(first_argument + 1);
  const int64_t from = start.is_none() ? 0 : to_index(call.rt, start);
  const int64_t begin = from < 0 ? std::max(from + count, int64_t{0}) : from;
  const Value part = get_slice(call.rt, Value::text(s), start, stop, Value::none());
  return {part.as_text(), begin, begin <= count};
}

Value starts_or_ends(Call& call, bool (*matches)(std::string_view, std::string_view)) {
  const Window window = window_of(call, 1);
  const auto is_match = [&](const Value& v) {
    if (v.is_undefined()) fail_undefined(call.rt, v);
    if (!v.is_text())
      call.rt.fail("{} first arg must be str or a tuple of str, not {}", call.builtin.name,
                   type_name(v));
    call.rt.scan(v.as_text().size());
    return window.is_valid && matches(window.text, v.as_text());
  };
  if (!call.arg(0).is(Kind::sequence)) return Value::boolean(is_match(call.arg(0)));
  const auto options = iterate(call.rt, call.arg(0));
  return Value::boolean(std::any_of(options.begin(), options.end(), is_match));
}

Value text_startswith(Call& call) {
  return starts_or_ends(
      call, [](std::string_view s, std::string_view part) { return s.starts_with(part); });
}
Value text_endswith(Call& call) {
  return starts_or_ends(
      call, [](std::string_view s, std::string_view part) { return s.ends_with(part); });
}

int64_t find_character(Call& call, bool from_right) {
  const Window window = window_of(call, 1);
  const std::string_view part = call.text(0);
  call.rt.search(window.text.size(), part.size());
  const size_t at = from_right ? window.text.rfind(part) : window.text.find(part);
  if (at == window.text.npos || !window.is_valid) return -1;
  return window.start + static_cast<int64_t>(length(window.text.substr(0, at)));
}

Value text_find(Call& call) { return Value::integer(find_character(call, false)); }
Value text_rfind(Call& call) { return Value::integer(find_character(call, true)); }

template <bool kFromRight>
Value text_index(Call& call) {
  const int64_t at = find_character(call, kFromRight);
  if (at < 0) call.rt.fail("substring not found");
  return Value::integer(at);
}

Value text_count(Call& call) {
  const std::string_view s = self(call), part = call.text(0);
  if (part.empty()) return Value::integer(static_cast<int64_t>(length(s)) + 1);
  call.rt.search(s.size(), part.size());
  int64_t count = 0;
  for (size_t at = s.find(part); at != s.npos; at = s.find(part, at + part.size())) ++count;
  return Value::integer(count);
}

Value text_replace(Call& call) {
  return replace_text(call.rt, self(call), call.text(0), call.text(1), call.integer(2, -1));
}

Value text_join(Call& call) {
  std::string out;
  const auto items = iterate(call.rt, call.arg(0));
  for (size_t i = 0; i < items.size(); ++i) {
    if (!items[i].is_text())
      call.rt.fail("sequence item {}: expected str instance, {} found", i, type_name(items[i]));
    if (i > 0) call.rt.append(out, self(call));
    call.rt.append(out, items[i].as_text());
  }
  return call.rt.text(out);
}

Value text_removeprefix(Call& call) {
  std::string_view s = self(call);
  if (s.starts_with(call.text(0))) s.remove_prefix(call.text(0).size());
  return Value::text(s);
}

Value text_removesuffix(Call& call) {
  std::string_view s = self(call);
  if (s.ends_with(call.text(0))) s.remove_suffix(call.text(0).size());
  return Value::text(s);
}

template <Alignment kAlignment>
Value justified(Call& call) {
  const std::string_view fill = call.has(1) ? call.text(1) : " ";
  return justify(call.rt, self(call), to_index(call.rt, call.arg(0)), kAlignment, fill);
}

Value text_zfill(Call& call) {
  std::string_view s = self(call);
  std::string_view sign;
  if (!s.empty() && (s[0] == '-' || s[0] == '+')) {
    sign = s.substr(0, 1);
    s.remove_prefix(1);
  }
  const int64_t width =
      std::max<int64_t>(to_index(call.rt, call.arg(0)), 0) - static_cast<int64_t>(sign.size());
  const Value digits = justify(call.rt, s, width, Alignment::right, "0");
  return Value::text(call.rt.concatenate(sign, digits.as_text()));
}

template <bool (*kHolds)(char32_t)>
Value all_characters(Call& call) {
  const std::string_view s = self(call);
  call.rt.classify(s.size());
  for (size_t i = 0; i < s.size();) {
    const Character c = character_at(s, i);
    if (!kHolds(c.code)) return Value::boolean(false);
    i += c.bytes;
  }
  return Value::boolean(!s.empty());
}

bool is_alphanumeric(char32_t c) { return is_alpha(c) || is_numeric(c); }

Value text_isascii(Call& call) {
  const std::string_view s = self(call);
  return Value::boolean(
      std::all_of(s.begin(), s.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
}

// The tests `is upper` and `is lower` are these methods.
Value text_isupper(Call& call) { return invoke(call.rt, *find_test("upper"), call.subject, {}); }
Value text_islower(Call& call) { return invoke(call.rt, *find_test("lower"), call.subject, {}); }
Value text_istitle(Call& call) {
  const bool has_case =
      is_true(invoke(call.rt, *find_test("upper"), call.rt.text(upper(self(call))), {}));
  return Value::boolean(has_case && title(self(call)) == self(call));
}

Value text_format(Call& call) { return call.rt.text(format_braces(call.rt, self(call), call.raw)); }

constexpr Builtin kTextMethods[] = {
    {"strip", stripped<Side::both>, {"chars"}},
    {"lstrip", stripped<Side::left>, {"chars"}},
    {"rstrip", stripped<Side::right>, {"chars"}},
    {"split", text_split<false>, {"sep", "maxsplit"}},
    {"rsplit", text_split<true>, {"sep", "maxsplit"}},
    {"splitlines", text_splitlines, {"keepends"}},
    {"partition", text_partition, {"sep"}, 1},
    {"rpartition", text_rpartition, {"sep"}, 1},
    {"startswith", text_startswith, {"prefix", "start", "end"}, 1},
    {"endswith", text_endswith, {"suffix", "start", "end"}, 1},
    {"find", text_find, {"sub", "start", "end"}, 1},
    {"rfind", text_rfind, {"sub", "start", "end"}, 1},
    {"index", text_index<false>, {"sub", "start", "end"}, 1},
    {"rindex", text_index<true>, {"sub", "start", "end"}, 1},
    {"count", text_count, {"sub"}, 1},
    {"replace", text_replace, {"old", "new", "count"}, 2},
    {"join", text_join, {"iterable"}, 1},
    {"removeprefix", text_removeprefix, {"prefix"}, 1},
    {"removesuffix", text_removesuffix, {"suffix"}, 1},
    {"upper", changed<upper>},
    {"lower", changed<lower>},
    {"casefold", changed<lower>},
    {"capitalize", changed<capitalize>},
    {"title", changed<title>},
    {"swapcase", changed<swapcase>},
    {"center", justified<Alignment::center>, {"width", "fillchar"}, 1},
    {"ljust", justified<Alignment::left>, {"width", "fillchar"}, 1},
    {"rjust", justified<Alignment::right>, {"width", "fillchar"}, 1},
    {"zfill", text_zfill, {"width"}, 1},
    {"isalpha", all_characters<is_alpha>},
    {"isalnum", all_characters<is_alphanumeric>},
    {"isdigit", all_characters<is_decimal>},
    {"isdecimal", all_characters<is_decimal>},
    {"isnumeric", all_characters<is_numeric>},
    {"isspace", all_characters<is_space>},
    {"isascii", text_isascii},
    {"isupper", text_isupper},
    {"islower", text_islower},
    {"istitle", text_istitle},
    {.name = "format", .run = text_format, .variadic = true},
};

}  // namespace

std::span<const Builtin> text_methods() { return kTextMethods; }

}  // namespace hearth::llm::jinja
