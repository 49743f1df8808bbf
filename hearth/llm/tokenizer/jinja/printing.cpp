#include "hearth/llm/tokenizer/jinja/printing.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "hearth/llm/tokenizer/jinja/builtin.h"
#include "hearth/llm/tokenizer/jinja/operations.h"
#include "hearth/llm/tokenizer/jinja/text.h"

namespace hearth::llm::jinja {
namespace {

// How repr() writes a character that does not stand as itself; empty for the others.
std::string repr_escape(char32_t c, char quote) {
  if (c == static_cast<char32_t>(quote) || c == '\\') return {'\\', static_cast<char>(c)};
  if (c == '\n') return "\\n";
  if (c == '\r') return "\\r";
  if (c == '\t') return "\\t";
  if (is_printable(c)) return {};
  const auto code = static_cast<uint32_t>(c);
  return c < 0x100     ? fmt::format("\\x{:02x}", code)
         : c < 0x10000 ? fmt::format("\\u{:04x}", code)
                       : fmt::format("\\U{:08x}", code);
}

[[gnu::noinline]] void append_text_repr(Runtime& rt, std::string& out, std::string_view s) {
  const bool has_single = s.find('\'') != s.npos;
  const char quote = has_single && s.find('"') == s.npos ? '"' : '\'';
  rt.append(out, {&quote, 1});
  size_t plain_begin = 0;
  for (size_t i = 0; i < s.size();) {
    const Character c = character_at(s, i);
    if (const std::string escape = repr_escape(c.code, quote); !escape.empty()) {
      rt.append(out, s.substr(plain_begin, i - plain_begin));
      rt.append(out, escape);
      plain_begin = i + c.bytes;
    }
    i += c.bytes;
  }
  rt.append(out, s.substr(plain_begin));
  rt.append(out, {&quote, 1});
}

std::string leaf_repr(const Value& value) {
  switch (value.kind()) {
    case Kind::undefined:
      return "Undefined";
    case Kind::boolean:
      return value.as_integer() ? "True" : "False";
    case Kind::integer:
      return std::to_string(value.as_integer());
    case Kind::real:
      return format_real(value.as_real());
    case Kind::loop:
      return fmt::format("<LoopContext {}/{}>", value.as_loop().index0 + 1,
                         value.as_loop().items.size());
    case Kind::macro:
      return "<Macro>";
    case Kind::function:
      return fmt::format("<function {}>", value.as_builtin().name);
    case Kind::method:
      return fmt::format("<built-in method {}>", value.as_method().builtin->name);
    default:
      return "None";
  }
}

// Not inlined: its temporaries would make every frame of append_repr(), which recurses, several
// times as large.
[[gnu::noinline]] void append_leaf(Runtime& rt, std::string& out, const Value& value) {
  rt.append(out, leaf_repr(value));
}

void append_items(Runtime& rt, std::string& out, const std::vector<Value>& items) {
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) rt.append(out, ", ");
    append_repr(rt, out, items[i]);
  }
}

// Only the numbers are kept; a range prints by its bounds, with a step of 1 left out.
[[gnu::noinline]] void append_range(Runtime& rt, std::string& out,
                                    const std::vector<Value>& items) {
  const int64_t step = items.size() > 1
                           ? static_cast<int64_t>(static_cast<uint64_t>(items[1].as_integer()) -
                                                  static_cast<uint64_t>(items[0].as_integer()))
                           : 1;
  const int64_t start = items.empty() ? 0 : items[0].as_integer();
  // Unsigned: behind the last number there may be none in 64 bits.
  const auto stop =
      static_cast<int64_t>(items.empty() ? 0
                                         : static_cast<uint64_t>(items.back().as_integer()) +
                                               static_cast<uint64_t>(step));
  rt.append(out, step == 1 ? fmt::format("range({}, {})", start, stop)
                           : fmt::format("range({}, {}, {})", start, stop, step));
}

void append_sequence(Runtime& rt, std::string& out, const Sequence& sequence) {
  const auto surrounded = [&](std::string_view open, std::string_view close) {
    rt.append(out, open);
    append_items(rt, out, sequence.items);
    rt.append(out, close);
  };
  switch (sequence.kind) {
    case SequenceKind::list:
      return surrounded("[", "]");
    case SequenceKind::tuple:
    case SequenceKind::group:
      return surrounded("(", sequence.items.size() == 1 ? ",)" : ")");
    case SequenceKind::keys:
      return surrounded("dict_keys([", "])");
    case SequenceKind::values:
      return surrounded("dict_values([", "])");
    case SequenceKind::items:
      return surrounded("dict_items([", "])");
    case SequenceKind::generator:
      return rt.append(out, "<generator object>");
    case SequenceKind::range:
      return append_range(rt, out, sequence.items);
  }
}

void append_mapping(Runtime& rt, std::string& out, const Mapping& mapping) {
  rt.append(out, "{");
  bool is_first = true;
  for (const auto& [key, value] : mapping.entries) {
    if (!is_first) rt.append(out, ", ");
    is_first = false;
    append_repr(rt, out, key);
    rt.append(out, ": ");
    append_repr(rt, out, value);
  }
  rt.append(out, "}");
}

class JsonWriter {
 public:
  JsonWriter(Runtime& rt, const JsonStyle& style) : rt_(rt), style_(style) {}

  std::string write(const Value& value) {
    append(value);
    return std::move(out_);
  }

 private:
  void append(const Value& value);
  void append_array(const std::vector<Value>& items);
  void append_object(const Mapping& mapping);
  void append_quoted(std::string_view s);
  void append_escape(char32_t code);
  std::string key_text(const Value& key);
  void new_line() {
    if (!style_.is_indented) return;
    rt_.append(out_, "\n");
    for (int i = 0; i < level_; ++i) rt_.append(out_, style_.indent);
  }

  Runtime& rt_;
  const JsonStyle& style_;
  std::string out_;
  int level_ = 0;
};

void JsonWriter::append(const Value& value) {
  const Runtime::Depth depth(rt_);
  rt_.step();
  switch (value.kind()) {
    case Kind::none:
      return rt_.append(out_, "null");
    case Kind::boolean:
      return rt_.append(out_, value.as_integer() ? "true" : "false");
    case Kind::integer:
    case Kind::real:
      return rt_.append(out_, key_text(value));
    case Kind::text:
      return append_quoted(value.as_text());
    case Kind::mapping:
      return append_object(value.as_mapping());
    case Kind::sequence: {
      const SequenceKind kind = value.as_sequence().kind;
      // Python refuses generators here. Templates written for other engines pipe map() into tojson
      // and mean a list.
      if (kind == SequenceKind::generator) return append_array(iterate(rt_, value));
      if (kind == SequenceKind::list || kind == SequenceKind::tuple || kind == SequenceKind::group)
        return append_array(value.as_sequence().items);
      break;
    }
    default:
      break;
  }
  rt_.fail("Object of type {} is not JSON serializable", type_name(value));
}

void JsonWriter::append_array(const std::vector<Value>& items) {
  if (items.empty()) return rt_.append(out_, "[]");
  rt_.append(out_, "[");
  ++level_;
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) rt_.append(out_, style_.item_separator);
    new_line();
    append(items[i]);
  }
  --level_;
  new_line();
  rt_.append(out_, "]");
}

void JsonWriter::append_object(const Mapping& mapping) {
  if (mapping.entries.empty()) return rt_.append(out_, "{}");
  std::vector<std::pair<Value, Value>> sorted;
  if (style_.sorts_keys) {
    rt_.step(mapping.entries.size());
    sorted = mapping.entries;
    std::stable_sort(sorted.begin(), sorted.end(), [&](const auto& a, const auto& b) {
      return compare(rt_, a.first, b.first, "<") < 0;
    });
  }
  rt_.append(out_, "{");
  ++level_;
  bool is_first = true;
  for (const auto& [key, value] : style_.sorts_keys ? sorted : mapping.entries) {
    if (!is_first) rt_.append(out_, style_.item_separator);
    is_first = false;
    new_line();
    append_quoted(key_text(key));
    rt_.append(out_, style_.key_separator);
    append(value);
  }
  --level_;
  new_line();
  rt_.append(out_, "}");
}

[[gnu::noinline]] std::string JsonWriter::key_text(const Value& key) {
  switch (key.kind()) {
    case Kind::text:
      return std::string(key.as_text());
    case Kind::none:
      return "null";
    case Kind::boolean:
      return key.as_integer() ? "true" : "false";
    case Kind::integer:
      return std::to_string(key.as_integer());
    case Kind::real:
      if (std::isnan(key.as_real())) return "NaN";
      if (std::isinf(key.as_real())) return key.as_real() > 0 ? "Infinity" : "-Infinity";
      return format_real(key.as_real());
    default:
      rt_.fail("keys must be str, int, float, bool or None, not {}", type_name(key));
  }
}

[[gnu::noinline]] void JsonWriter::append_quoted(std::string_view s) {
  rt_.append(out_, "\"");
  size_t plain_begin = 0;
  for (size_t i = 0; i < s.size();) {
    const auto byte = static_cast<unsigned char>(s[i]);
    const bool is_plain =
        byte >= 0x20 && byte != '"' && byte != '\\' && (byte < 0x7F || !style_.escapes_non_ascii);
    if (is_plain) {
      ++i;
      continue;
    }
    rt_.append(out_, s.substr(plain_begin, i - plain_begin));
    const Character c = character_at(s, i);
    append_escape(c.code);
    i += c.bytes;
    plain_begin = i;
  }
  rt_.append(out_, s.substr(plain_begin));
  rt_.append(out_, "\"");
}

void JsonWriter::append_escape(char32_t code) {
  constexpr std::string_view kLetters =
      "\"\"\\\\\bb\ff\nn\rr\tt";  // pairs: character, letter after the backslash
  for (size_t i = 0; i < kLetters.size(); i += 2)
    if (code == static_cast<unsigned char>(kLetters[i])) {
      out_ += '\\';
      out_ += kLetters[i + 1];
      return;
    }
  const auto unit = [&](char32_t u) { out_ += fmt::format("\\u{:04x}", static_cast<uint32_t>(u)); };
  if (code < 0x10000) return unit(code);
  unit(0xD800 + ((code - 0x10000) >> 10));
  unit(0xDC00 + ((code - 0x10000) & 0x3FF));
}

}  // namespace

std::string format_real(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char buffer[40];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  std::string_view all(buffer, static_cast<size_t>(end - buffer));  // "-d.ddde+xx"
  std::string out;
  if (all.front() == '-') {
    out = "-";
    all.remove_prefix(1);
  }
  const size_t e = all.find('e');
  std::string digits(1, all[0]);
  if (e > 1) digits += all.substr(2, e - 2);
  const int exponent = std::atoi(std::string(all.substr(e + 1)).c_str());
  const int count = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {  // where repr() changes to the exponent form
    out += digits[0];
    if (count > 1) out += "." + digits.substr(1);
    return out + fmt::format("e{}{:02}", exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  if (exponent < 0)
    return out + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  if (count <= exponent + 1)
    return out + digits + std::string(static_cast<size_t>(exponent + 1 - count), '0') + ".0";
  return out + digits.substr(0, static_cast<size_t>(exponent) + 1) + "." +
         digits.substr(static_cast<size_t>(exponent) + 1);
}

void append_repr(Runtime& rt, std::string& out, const Value& value) {
  const Runtime::Depth depth(rt);
  rt.step();
  switch (value.kind()) {
    case Kind::sequence:
      return append_sequence(rt, out, value.as_sequence());
    case Kind::mapping:
      return append_mapping(rt, out, value.as_mapping());
    case Kind::name_space:
      rt.append(out, "<Namespace ");
      append_mapping(rt, out, value.as_mapping());
      return rt.append(out, ">");
    case Kind::text:
      return append_text_repr(rt, out, value.as_text());
    default:
      return append_leaf(rt, out, value);
  }
}

void append_text(Runtime& rt, std::string& out, const Value& value) {
  if (value.is_text()) return rt.append(out, value.as_text());
  if (!value.is_undefined()) append_repr(rt, out, value);
}

std::string_view to_text(Runtime& rt, const Value& value) {
  if (value.is_text()) return value.as_text();
  if (value.is_undefined()) return {};
  std::string out;
  append_repr(rt, out, value);
  return rt.store(out);
}

std::string to_json(Runtime& rt, const Value& value, const JsonStyle& style) {
  return JsonWriter(rt, style).write(value);
}

std::string_view escape_html(Runtime& rt, std::string_view s) {
  constexpr std::string_view kSpecial = "&<>\"'";
  constexpr std::string_view kReferences[] = {"&amp;", "&lt;", "&gt;", "&#34;", "&#39;"};
  std::string out;
  while (true) {
    const size_t plain = std::min(s.find_first_of(kSpecial), s.size());
    rt.append(out, s.substr(0, plain));
    if (plain == s.size()) return rt.store(out);
    rt.append(out, kReferences[kSpecial.find(s[plain])]);
    s.remove_prefix(plain + 1);
  }
}

}  // namespace hearth::llm::jinja
