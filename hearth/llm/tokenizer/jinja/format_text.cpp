#include "hearth/llm/tokenizer/jinja/format_text.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>

#include "hearth/llm/tokenizer/jinja/operations.h"
#include "hearth/llm/tokenizer/jinja/printing.h"
#include "hearth/llm/tokenizer/jinja/text.h"

namespace hearth::llm::jinja {
namespace {

// A format specification, shared by both styles:
// [[fill]align][sign][#][0][width][,][.precision][type]
struct Spec {
  std::string fill = " ";
  char align = 0;  // < > ^ =, or 0 for the type's own
  char sign = '-';
  bool alternate = false;
  bool grouped = false;
  int64_t width = 0;
  int64_t precision = -1;
  char type = 0;
};

constexpr int64_t kPrecisionMax = 300;  // digits; a double has no more that differ from 0
constexpr int64_t kWidthMax = 1'000'000;

class SpecReader {
 public:
  SpecReader(Runtime& rt, std::string_view text) : rt_(rt), text_(text) {}

  int64_t number() {
    int64_t n = 0;
    while (!text_.empty() && std::isdigit(static_cast<unsigned char>(text_[0]))) {
      n = std::min<int64_t>(n * 10 + (text_[0] - '0'), kWidthMax + 1);
      text_.remove_prefix(1);
    }
    if (n > kWidthMax) rt_.fail("format width {} is above {}", n, kWidthMax);
    return n;
  }
  bool take(char c) {
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  char take_any(std::string_view set) {
    if (text_.empty() || set.find(text_[0]) == set.npos) return 0;
    const char c = text_[0];
    text_.remove_prefix(1);
    return c;
  }
  std::string_view rest() const { return text_; }
  void skip(size_t bytes) { text_.remove_prefix(bytes); }

 private:
  Runtime& rt_;
  std::string_view text_;
};

Spec read_brace_spec(Runtime& rt, std::string_view text) {
  constexpr std::string_view kAligns = "<>^=";
  Spec spec;
  SpecReader in(rt, text);
  if (!text.empty()) {
    const size_t fill_bytes = character_at(text, 0).bytes;
    if (text.size() > fill_bytes && kAligns.find(text[fill_bytes]) != kAligns.npos) {
      spec.fill = text.substr(0, fill_bytes);
      in.skip(fill_bytes);
    }
  }
  spec.align = in.take_any(kAligns);
  if (const char sign = in.take_any("+- ")) spec.sign = sign;
  spec.alternate = in.take('#');
  if (in.take('0') && spec.align == 0) {
    spec.fill = "0";
    spec.align = '=';
  }
  spec.width = in.number();
  spec.grouped = in.take(',');
  if (in.take('.')) spec.precision = in.number();
  spec.type = in.take_any("bcdeEfFgGnosxX%");
  if (!in.rest().empty()) rt.fail("invalid format specifier '{}'", text);
  return spec;
}

std::string pad(Runtime& rt, std::string_view sign, std::string_view body, const Spec& spec,
                char default_align) {
  const char align = spec.align ? spec.align : default_align;
  const int64_t room = spec.width - static_cast<int64_t>(length(sign) + length(body));
  const int64_t missing = std::max<int64_t>(room, 0);
  const int64_t left = align == '<' ? 0 : align == '^' ? missing / 2 : missing;
  std::string out;
  const auto fill = [&](int64_t count) {
    for (int64_t i = 0; i < count; ++i) rt.append(out, spec.fill);
  };
  if (align == '=') rt.append(out, sign);
  fill(left);
  if (align != '=') rt.append(out, sign);
  rt.append(out, body);
  fill(missing - left);
  return out;
}

std::string_view sign_of(bool is_negative, const Spec& spec) {
  return is_negative ? "-" : spec.sign == '+' ? "+" : spec.sign == ' ' ? " " : "";
}

std::string in_base(uint64_t magnitude, unsigned base, bool is_upper_case) {
  const std::string_view alphabet = is_upper_case ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string digits;
  do {
    digits += alphabet[magnitude % base];
    magnitude /= base;
  } while (magnitude > 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

std::string with_groups(std::string digits) {
  const size_t whole = std::min(digits.find('.'), digits.size());
  for (size_t at = whole; at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string format_integer(Runtime& rt, int64_t value, const Spec& spec) {
  const uint64_t magnitude =
      value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  std::string digits;
  switch (spec.type) {
    case 'x':
    case 'X':
      digits = (spec.alternate ? std::string("0") + spec.type : "") +
               in_base(magnitude, 16, spec.type == 'X');
      break;
    case 'o':
      digits = (spec.alternate ? "0o" : "") + in_base(magnitude, 8, false);
      break;
    case 'b':
      digits = (spec.alternate ? "0b" : "") + in_base(magnitude, 2, false);
      break;
    default:
      digits = in_base(magnitude, 10, false);
      if (spec.precision > static_cast<int64_t>(digits.size()))  // printf style only
        digits.insert(0, static_cast<size_t>(spec.precision) - digits.size(), '0');
  }
  if (spec.grouped) digits = with_groups(digits);
  return pad(rt, sign_of(value < 0, spec), digits, spec, '>');
}

std::string format_float(Runtime& rt, double value, const Spec& spec) {
  const double magnitude = std::fabs(value);
  const auto precision =
      static_cast<int>(std::min(spec.precision < 0 ? 6 : spec.precision, kPrecisionMax));
  std::string digits;
  if (!std::isfinite(value)) {
    digits = std::isnan(value) ? "nan" : "inf";
  } else {
    switch (spec.type) {
      case 'e':
        digits = fmt::format("{:.{}e}", magnitude, precision);
        break;
      case 'E':
        digits = fmt::format("{:.{}E}", magnitude, precision);
        break;
      case 'g':
      case 'n':
        digits = fmt::format("{:.{}g}", magnitude, std::max(precision, 1));
        break;
      case 'G':
        digits = fmt::format("{:.{}G}", magnitude, std::max(precision, 1));
        break;
      case '%':
        digits = fmt::format("{:.{}f}%", magnitude * 100, precision);
        break;
      case 0:
        digits = spec.precision < 0 ? format_real(magnitude)
                                    : fmt::format("{:.{}g}", magnitude, std::max(precision, 1));
        break;
      default:
        digits = fmt::format("{:.{}f}", magnitude, precision);
        break;
    }
  }
  if (spec.grouped) digits = with_groups(digits);
  return pad(rt, sign_of(std::signbit(value) && !std::isnan(value), spec), digits, spec, '>');
}

std::string format_string(Runtime& rt, std::string_view s, const Spec& spec, char default_align) {
  rt.scan(s.size());
  if (spec.precision >= 0) s = s.substr(0, byte_offset(s, static_cast<size_t>(spec.precision)));
  return pad(rt, "", s, spec, default_align);
}

// The character with this code.
std::string format_character(Runtime& rt, int64_t code, const Spec& spec) {
  if (code < 0 || code > 0x10FFFF) rt.fail("%c format: {} is not between 0 and 1114111", code);
  std::string character;
  append_character(character, static_cast<char32_t>(code));
  return pad(rt, "", character, spec, '>');
}

// format(value, spec)
std::string format_value(Runtime& rt, const Value& value, const Spec& spec) {
  const bool is_integer_type =
      spec.type == 0 || std::string_view("bcdnoxX").find(spec.type) != std::string_view::npos;
  if (value.is_integral() && spec.type == 'c')
    return format_character(rt, value.as_integer(), spec);
  if (value.is(Kind::integer) && is_integer_type)
    return format_integer(rt, value.as_integer(), spec);
  if (value.is(Kind::boolean) && spec.type != 0 && is_integer_type)
    return format_integer(rt, value.as_integer(), spec);
  const bool is_plain = spec.type == 0 || spec.type == 's';
  const bool is_real_type = spec.type == 0 || spec.type == 'n' || !is_integer_type;
  if (value.is(Kind::real) ? is_real_type : value.is_number() && !is_plain)
    return format_float(rt, value.as_real(), spec);
  if (!is_plain)
    rt.fail("Unknown format code '{}' for object of type '{}'", spec.type, type_name(value));
  return format_string(rt, to_text(rt, value), spec, '<');
}

class PercentFormatter {
 public:
  PercentFormatter(Runtime& rt, std::string_view format, const ArgumentValues& values)
      : rt_(rt), in_(rt, format), values_(values) {}

  std::string run() {
    while (!in_.rest().empty()) {
      const std::string_view rest = in_.rest();
      const size_t percent = std::min(rest.find('%'), rest.size());
      rt_.append(out_, rest.substr(0, percent));
      in_.skip(percent);
      if (in_.take('%')) conversion();
    }
    if (next_ < values_.positional.size() && !takes_mapping_ && !is_mapping_alone())
      rt_.fail("not all arguments converted during string formatting");
    return std::move(out_);
  }

 private:
  bool is_mapping_alone() const {
    return values_.positional.size() == 1 && values_.positional[0].is(Kind::mapping);
  }

  Value next_value() {
    if (next_ >= values_.positional.size()) rt_.fail("not enough arguments for format string");
    return values_.positional[next_++];
  }

  Value named_value() {
    const std::string_view rest = in_.rest();
    const size_t end = rest.find(')');
    if (end == rest.npos) rt_.fail("incomplete format key");
    const std::string_view name = rest.substr(0, end);
    in_.skip(end + 1);
    takes_mapping_ = true;
    rt_.step(values_.named.size() / 16);
    for (const auto& [key, value] : values_.named)
      if (key == name) return value;
    if (is_mapping_alone())
      if (const Value* found = find(rt_, values_.positional[0].as_mapping(), Value::text(name)))
        return *found;
    rt_.fail("format requires a mapping with the key '{}'", name);
  }

  void conversion() {
    std::optional<Value> named;
    if (in_.take('(')) named = named_value();
    Spec spec;
    spec.align = '>';
    while (const char flag = in_.take_any("-+ 0#")) {
      if (flag == '-') spec.align = '<';
      if (flag == '+' || (flag == ' ' && spec.sign != '+')) spec.sign = flag;
      if (flag == '#') spec.alternate = true;
      if (flag == '0') spec.fill = "0";
    }
    spec.width = in_.number();
    if (in_.take('.')) spec.precision = in_.number();
    in_.take_any("hlL");
    if (in_.take('%')) return rt_.append(out_, "%");
    const char type = in_.take_any("diouxXeEfFgGcrsa");
    if (type == 0) rt_.fail("incomplete or unsupported format character in '%' formatting");
    convert(named ? *named : next_value(), type, spec);
  }

  void convert(const Value& value, char type, Spec spec) {
    const bool is_text_type = std::string_view("rsac").find(type) != std::string_view::npos;
    if (spec.fill == "0") {
      if (spec.align == '<' || is_text_type)
        spec.fill = " ";
      else
        spec.align = '=';
    }
    if (type == 'r' || type == 'a') {
      std::string text;
      append_repr(rt_, text, value);
      return rt_.append(out_, format_string(rt_, text, spec, '>'));
    }
    if (type == 'c' && value.is_integral())
      return rt_.append(out_, format_character(rt_, value.as_integer(), spec));
    if (is_text_type) return rt_.append(out_, format_string(rt_, to_text(rt_, value), spec, '>'));
    if (!value.is_number()) {
      if (value.is_undefined()) fail_undefined(rt_, value);
      rt_.fail("%{} format: a number is required, not {}", type, type_name(value));
    }
    const bool is_integer_type = std::string_view("diouxX").find(type) != std::string_view::npos;
    spec.type = type == 'i' || type == 'u' ? 'd' : type;
    if (!is_integer_type) return rt_.append(out_, format_float(rt_, value.as_real(), spec));
    const double whole = std::trunc(value.as_real());
    if (value.is(Kind::real) && !(std::fabs(whole) < 9.2e18))
      rt_.fail("%{} format: {} is too large", type, whole);
    rt_.append(
        out_,
        format_integer(rt_, value.is(Kind::real) ? static_cast<int64_t>(whole) : value.as_integer(),
                       spec));
  }

  Runtime& rt_;
  SpecReader in_;
  const ArgumentValues& values_;
  size_t next_ = 0;
  bool takes_mapping_ = false;
  std::string out_;
};

class BraceFormatter {
 public:
  BraceFormatter(Runtime& rt, const ArgumentValues& values) : rt_(rt), values_(values) {}

  // A specification may itself hold fields, as `{:{width}}`; deeper goes Python neither.
  std::string run(std::string_view format, bool is_specification = false) {
    std::string out;
    while (!format.empty()) {
      const size_t brace = std::min(format.find_first_of("{}"), format.size());
      rt_.append(out, format.substr(0, brace));
      format.remove_prefix(brace);
      if (format.empty()) break;
      if (format.size() > 1 && format[1] == format[0]) {
        rt_.append(out, format.substr(0, 1));
        format.remove_prefix(2);
      } else if (format[0] == '}') {
        rt_.fail("Single '}}' encountered in format string");
      } else {
        const size_t end = closing(format);
        rt_.append(out, field(format.substr(1, end - 1), is_specification));
        format.remove_prefix(end + 1);
      }
    }
    return out;
  }

 private:
  size_t closing(std::string_view format) {
    int open = 0;
    for (size_t i = 0; i < format.size(); ++i) {
      if (format[i] == '{') ++open;
      if (format[i] == '}' && --open == 0) return i;
    }
    rt_.fail("expected '}}' before end of string");
  }

  std::string field(std::string_view text, bool in_specification) {
    const size_t name_end = std::min(text.find_first_of("!:"), text.size());
    const Value value = lookup(text.substr(0, name_end));
    text.remove_prefix(name_end);
    std::string converted;
    bool is_converted = false;
    if (text.starts_with('!')) {
      if (text.size() < 2 || (text[1] != 'r' && text[1] != 's'))
        rt_.fail("unknown conversion in format string");
      is_converted = true;
      if (text[1] == 'r')
        append_repr(rt_, converted, value);
      else
        converted = to_text(rt_, value);
      text.remove_prefix(2);
    }
    if (text.starts_with(':')) text.remove_prefix(1);
    const bool has_fields = text.find('{') != text.npos;
    if (has_fields && in_specification) rt_.fail("fields nested too deep in format string");
    const std::string spec_text = has_fields ? run(text, true) : std::string(text);
    const Spec spec = read_brace_spec(rt_, spec_text);
    return is_converted ? format_string(rt_, converted, spec, '<') : format_value(rt_, value, spec);
  }

  Value lookup(std::string_view path) {
    const size_t end = std::min(path.find_first_of(".["), path.size());
    Value value = argument(path.substr(0, end));
    path.remove_prefix(end);
    while (!path.empty()) {
      const bool is_attribute = path[0] == '.';
      path.remove_prefix(1);
      const size_t stop = std::min(path.find_first_of(is_attribute ? ".[" : "]"), path.size());
      const std::string_view key = path.substr(0, stop);
      const bool is_number = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
        return c >= '0' && c <= '9';
      });
      const Value name = rt_.text(key);
      if (is_attribute)
        value = get_attribute(rt_, value, name.as_text());
      else
        value = get_item(
            rt_, value,
            is_number && key.size() < 18 ? Value::integer(std::stoll(std::string(key))) : name);
      path.remove_prefix(std::min(path.size(), stop + (is_attribute ? 0 : 1)));
    }
    return value;
  }

  Value argument(std::string_view name) {
    const bool is_number =
        std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (is_number && name.size() < 10) {
      const size_t index =
          name.empty() ? next_++ : static_cast<size_t>(std::stoul(std::string(name)));
      if (index >= values_.positional.size())
        rt_.fail("Replacement index {} out of range for positional args tuple", index);
      return values_.positional[index];
    }
    rt_.step(values_.named.size() / 16);
    for (const auto& [key, value] : values_.named)
      if (key == name) return value;
    rt_.fail("format() has no argument '{}'", name);
  }

  Runtime& rt_;
  const ArgumentValues& values_;
  size_t next_ = 0;
};

}  // namespace

Value replace_text(Runtime& rt, std::string_view s, std::string_view old_part,
                   std::string_view new_part, int64_t count) {
  rt.search(s.size(), old_part.size());
  std::string out;
  int64_t left = count < 0 ? INT64_MAX : count;
  if (old_part.empty()) {
    size_t i = 0;
    for (; left > 0; --left) {
      rt.append(out, new_part);
      if (i == s.size()) return rt.text(out);
      const size_t bytes = character_at(s, i).bytes;
      rt.append(out, s.substr(i, bytes));
      i += bytes;
    }
    rt.append(out, s.substr(i));
    return rt.text(out);
  }
  size_t begin = 0, found = 0;
  for (; left > 0 && (found = s.find(old_part, begin)) != s.npos; --left) {
    rt.append(out, s.substr(begin, found - begin));
    rt.append(out, new_part);
    begin = found + old_part.size();
  }
  if (begin == 0) return Value::text(s);
  rt.append(out, s.substr(begin));
  return rt.text(out);
}

Value justify(Runtime& rt, std::string_view s, int64_t width, Alignment alignment,
              std::string_view fill) {
  if (length(fill) != 1) rt.fail("the fill character must be exactly one character long");
  rt.scan(s.size());
  const int64_t missing = width - static_cast<int64_t>(length(s));
  if (missing <= 0) return Value::text(s);
  // Python's centre puts the odd space to the left only when the width is odd too.
  const int64_t left = alignment == Alignment::left    ? 0
                       : alignment == Alignment::right ? missing
                                                       : missing / 2 + (missing & width & 1);
  std::string out;
  for (int64_t i = 0; i < left; ++i) rt.append(out, fill);
  rt.append(out, s);
  for (int64_t i = left; i < missing; ++i) rt.append(out, fill);
  return rt.text(out);
}

std::string format_percent(Runtime& rt, std::string_view format, const ArgumentValues& values) {
  return PercentFormatter(rt, format, values).run();
}

std::string format_braces(Runtime& rt, std::string_view format, const ArgumentValues& values) {
  return BraceFormatter(rt, values).run(format);
}

}  // namespace hearth::llm::jinja
