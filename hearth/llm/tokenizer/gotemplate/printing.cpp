#include "hearth/llm/tokenizer/gotemplate/printing.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "hearth/llm/tokenizer/jinja/text.h"

namespace hearth::llm::gotemplate {
namespace {

using List = TemplateValue::List;
using Dict = TemplateValue::Dict;

// The shortest digits that read back the same, with an exponent below 10^`low` and from 10^`high`
// on, as Go's strconv writes them ("1e+06"); `digits_min` are those of the exponent.
std::string real_text(double value, int low, int high, size_t digits_min) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char buffer[400];
  const auto write = [&](std::chars_format form) {
    return std::string(buffer, std::to_chars(buffer, buffer + sizeof buffer, value, form).ptr);
  };
  std::string text = write(std::chars_format::scientific);
  const size_t e = text.find('e');
  const int exponent = std::atoi(text.c_str() + e + 1);
  if (value == 0 || (exponent >= low && exponent < high)) return write(std::chars_format::fixed);
  const std::string digits = std::to_string(std::abs(exponent));
  return text.substr(0, e) + (exponent < 0 ? "e-" : "e+") +
         std::string(digits_min - std::min(digits_min, digits.size()), '0') + digits;
}

std::string go_real(double value) { return real_text(value, -4, 6, 2); }

bool is_object(const TemplateValue& value) { return std::holds_alternative<Dict>(value.data); }

void append_json_text(Rendering& r, std::string& out, std::string_view text) {
  std::string quoted = "\"";
  for (size_t at = 0; at < text.size();) {
    const jinja::Character c = jinja::character_at(text, at);
    const bool is_invalid = c.bytes == 1 && c.code >= 0x80;
    constexpr std::string_view kSimple = "\"\\\b\f\n\r\t", kLetters = "\"\\bfnrt";
    const size_t simple = c.code < 0x80 ? kSimple.find(static_cast<char>(c.code)) : kSimple.npos;
    if (simple != kSimple.npos)
      quoted += std::string{'\\', kLetters[simple]};
    else if (c.code < 0x20 || c.code == '<' || c.code == '>' || c.code == '&' || is_invalid ||
             c.code == 0x2028 || c.code == 0x2029)
      quoted += fmt::format("\\u{:04x}", is_invalid ? 0xFFFD : static_cast<uint32_t>(c.code));
    else
      quoted += text.substr(at, c.bytes);
    at += c.bytes;
  }
  r.rt.append(out, quoted + "\"");
}

struct JsonWriter {
  Rendering& r;
  std::string& out;

  void write(const TemplateValue& value) {
    const jinja::Runtime::Depth depth(r.rt);
    r.rt.step();
    std::visit(*this, value.data);
  }
  void operator()(std::monostate) { r.rt.append(out, "null"); }
  void operator()(bool b) { r.rt.append(out, b ? "true" : "false"); }
  void operator()(int64_t i) { r.rt.append(out, std::to_string(i)); }
  void operator()(double d) {
    if (!std::isfinite(d)) r.rt.fail("json: {} is no number of JSON", go_real(d));
    r.rt.append(out, real_text(d, -6, 21, 1));
  }
  void operator()(const std::string& s) { append_json_text(r, out, s); }
  void operator()(const List& list) { write_items(list); }
  void write_items(Value::Items list) {
    char before = '[';
    for (const TemplateValue& item : list) {
      r.rt.append(out, {&before, 1});
      write(item);
      before = ',';
    }
    r.rt.append(out, list.empty() ? "[]" : "]");
  }
  void operator()(const Dict& dict) {
    char before = '{';
    for (const auto& [key, value] : dict) {
      r.rt.append(out, {&before, 1});
      append_json_text(r, out, key);
      r.rt.append(out, ":");
      write(value);
      before = ',';
    }
    r.rt.append(out, dict.empty() ? "{}" : "}");
  }
};

struct TextWriter {
  Rendering& r;
  std::string& out;

  void write(const TemplateValue& value) {
    const jinja::Runtime::Depth depth(r.rt);
    r.rt.step();
    std::visit(*this, value.data);
  }
  void operator()(std::monostate) {}
  void operator()(bool b) { r.rt.append(out, b ? "true" : "false"); }
  void operator()(int64_t i) { r.rt.append(out, std::to_string(i)); }
  void operator()(double d) { r.rt.append(out, go_real(d)); }
  void operator()(const std::string& s) { r.rt.append(out, s); }
  void operator()(const List& list) { write_items(list); }
  void write_items(Value::Items list) {
    r.rt.step(list.size());
    if (!list.empty() && std::all_of(list.begin(), list.end(), is_object))
      return JsonWriter{r, out}.write_items(list);
    r.rt.append(out, "[");
    for (const TemplateValue& item : list) {
      if (&item != list.data()) r.rt.append(out, " ");
      write(item);
    }
    r.rt.append(out, "]");
  }
  void operator()(const Dict& dict) { JsonWriter{r, out}(dict); }
};

// One "%-5.2f" of a pattern.
struct Verb {
  bool is_left = false, has_plus = false, is_zero = false, has_space = false;
  size_t width = 0;
  std::optional<size_t> precision;
  char letter = '\0';
};

constexpr size_t kWidthMax = 1000;

size_t read_number(std::string_view pattern, size_t& at) {
  size_t number = 0;
  for (; at < pattern.size() && pattern[at] >= '0' && pattern[at] <= '9'; ++at)
    number = std::min(kWidthMax, number * 10 + static_cast<size_t>(pattern[at] - '0'));
  return number;
}

Verb read_verb(std::string_view pattern, size_t& at) {
  Verb verb;
  for (bool more = true; more && at < pattern.size();) {
    switch (pattern[at]) {
      case '-':
        verb.is_left = true;
        break;
      case '+':
        verb.has_plus = true;
        break;
      case '0':
        verb.is_zero = true;
        break;
      case ' ':
        verb.has_space = true;
        break;
      default:
        more = false;
    }
    if (more) ++at;
  }
  verb.width = read_number(pattern, at);
  if (at < pattern.size() && pattern[at] == '.') verb.precision = read_number(pattern, ++at);
  if (at < pattern.size()) verb.letter = pattern[at++];
  return verb;
}

std::string type_name(Value value) {
  constexpr std::string_view kNames[] = {
      "nil", "bool", "int", "float64", "string", "[]interface {}", "map[string]interface {}"};
  return std::string(kNames[value->data.index()]);
}

std::string text_of(Rendering& r, Value value) {
  std::string text;
  append_text(r, text, value);
  return text;
}

std::string bad_verb(Rendering& r, const Verb& verb, Value value) {
  return fmt::format("%!{}({}={})", verb.letter, type_name(value), text_of(r, value));
}

std::string with_sign(const Verb& verb, std::string text) {
  if (text.starts_with('-') || text.starts_with('+')) return text;
  if (verb.has_plus) return "+" + text;
  return verb.has_space ? " " + text : text;
}

std::string format_real(const Verb& verb, double value) {
  if (verb.letter == 'v' || (verb.letter == 'g' && !verb.precision))
    return with_sign(verb, go_real(value));
  const int precision = static_cast<int>(verb.precision.value_or(6));
  const auto form = verb.letter == 'e'   ? std::chars_format::scientific
                    : verb.letter == 'f' ? std::chars_format::fixed
                                         : std::chars_format::general;
  char buffer[1400];  // 309 digits in front of the point and kWidthMax behind it
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, form, precision).ptr;
  return with_sign(verb, std::string(buffer, end));
}

std::string format_text(Rendering& r, const Verb& verb, const std::string& text) {
  const size_t length = verb.precision ? jinja::length(text) : 0;
  const std::string shown = verb.precision && *verb.precision < length
                                ? text.substr(0, jinja::byte_offset(text, *verb.precision))
                                : text;
  if (verb.letter != 'q') return shown;
  std::string quoted;
  append_quoted(r, quoted, shown);
  return quoted;
}

// A list gives each of its items to the verb, so that %q of texts is ["a" "b"].
std::string format_value(Rendering& r, const Verb& verb, Value value) {
  const jinja::Runtime::Depth depth(r.rt);
  const std::string_view letter(&verb.letter, 1);
  const auto fits = [&](std::string_view letters) { return letters.find(letter) != letters.npos; };
  if (verb.letter == 'v') {
    if (const auto* integer = std::get_if<int64_t>(&value->data))
      return with_sign(verb, std::to_string(*integer));
    return text_of(r, value);
  }
  if (const auto* text = std::get_if<std::string>(&value->data)) {
    if (fits("sq")) return format_text(r, verb, *text);
  } else if (const auto* whole = std::get_if<int64_t>(&value->data)) {
    if (fits("d")) return with_sign(verb, std::to_string(*whole));
    if (fits("x")) return with_sign(verb, fmt::format("{:x}", *whole));
  } else if (const auto* real = std::get_if<double>(&value->data)) {
    if (fits("feg") && std::isfinite(*real)) return format_real(verb, *real);
  } else if (std::holds_alternative<bool>(value->data)) {
    if (fits("t")) return text_of(r, value);
  } else if (value.is_list()) {
    const Value::Items list = value.items();
    if (!list.empty() && std::all_of(list.begin(), list.end(), is_object) && fits("s"))
      return text_of(r, value);
    std::string items = "[";
    for (const TemplateValue& item : list) {
      if (&item != list.data()) r.rt.append(items, " ");
      r.rt.append(items, format_value(r, verb, &item));
    }
    return items + "]";
  } else if (fits("sq")) {
    return format_text(r, verb, text_of(r, value));
  }
  return bad_verb(r, verb, value);
}

void append_padded(Rendering& r, std::string& out, const Verb& verb, std::string text,
                   bool is_number) {
  if (verb.width == 0) return r.rt.append(out, text);
  const size_t length = jinja::length(text);
  r.rt.classify(text.size());
  const size_t missing = verb.width - std::min(verb.width, length);
  if (verb.is_left) {
    text.append(missing, ' ');
  } else if (verb.is_zero) {
    const bool is_signed = is_number && (text.starts_with('-') || text.starts_with('+'));
    text.insert(is_signed ? 1 : 0, missing, '0');
  } else {
    text.insert(0, missing, ' ');
  }
  r.rt.append(out, text);
}

}  // namespace

void append_text(Rendering& r, std::string& out, Value value) {
  TextWriter writer{r, out};
  value.is_list() ? writer.write_items(value.items()) : writer.write(*value);
}

void append_json(Rendering& r, std::string& out, Value value) {
  JsonWriter writer{r, out};
  value.is_list() ? writer.write_items(value.items()) : writer.write(*value);
}

// Not strconv's escapes for what Unicode does not print: what a model is to read stays as it is,
// and so do the private marks that a caller may have put into its texts.
void append_quoted(Rendering& r, std::string& out, std::string_view text) {
  std::string quoted = "\"";
  for (size_t at = 0; at < text.size();) {
    const jinja::Character c = jinja::character_at(text, at);
    constexpr std::string_view kSimple = "\"\\\a\b\f\n\r\t\v", kLetters = "\"\\abfnrtv";
    const size_t simple = c.code < 0x80 ? kSimple.find(static_cast<char>(c.code)) : kSimple.npos;
    if (simple != kSimple.npos)
      quoted += std::string{'\\', kLetters[simple]};
    else if (c.code < 0x20 || c.code == 0x7F || (c.bytes == 1 && c.code >= 0x80))
      quoted += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[at]));
    else
      quoted += text.substr(at, c.bytes);
    at += c.bytes;
  }
  r.rt.append(out, quoted + "\"");
}

std::string format(Rendering& r, std::string_view pattern, Arguments arguments) {
  std::string out;
  size_t next = 0;
  for (size_t at = 0; at < pattern.size();) {
    const size_t percent = std::min(pattern.find('%', at), pattern.size());
    r.rt.append(out, pattern.substr(at, percent - at));
    at = percent + 1;
    if (percent == pattern.size()) break;
    const Verb verb = read_verb(pattern, at);
    if (verb.letter == '\0') {
      r.rt.append(out, "%!(NOVERB)");
    } else if (verb.letter == '%') {
      r.rt.append(out, "%");
    } else if (next >= arguments.size()) {
      r.rt.append(out, fmt::format("%!{}(MISSING)", verb.letter));
    } else {
      const Value value = arguments[next++];
      const bool is_number = value->data.index() == 2 || value->data.index() == 3;
      append_padded(r, out, verb, format_value(r, verb, value), is_number);
    }
  }
  for (size_t i = next; i < arguments.size(); ++i)
    r.rt.append(out,
                fmt::format("{}{}={}{}", i == next ? "%!(EXTRA " : ", ", type_name(arguments[i]),
                            text_of(r, arguments[i]), i + 1 == arguments.size() ? ")" : ""));
  return out;
}

}  // namespace hearth::llm::gotemplate
