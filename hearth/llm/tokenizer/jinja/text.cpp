#include "hearth/llm/tokenizer/jinja/text.h"

#include <utf8proc.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace hearth::llm::jinja {
namespace {

utf8proc_category_t category(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

// Characters whose upper case is more than one character (Unicode SpecialCasing.txt, unconditional,
// Latin).
struct LongUpper {
  char32_t code;
  std::string_view upper, title;
};
constexpr LongUpper kLongUpper[] = {
    {0xDF, "SS", "Ss"},     {0x149, "\u02BCN", "\u02BCN"}, {0x1F0, "J\u030C", "J\u030C"},
    {0xFB00, "FF", "Ff"},   {0xFB01, "FI", "Fi"},          {0xFB02, "FL", "Fl"},
    {0xFB03, "FFI", "Ffi"}, {0xFB04, "FFL", "Ffl"},        {0xFB05, "ST", "St"},
    {0xFB06, "ST", "St"},
};

const LongUpper* find_long_upper(char32_t c) {
  const auto* found = std::find_if(std::begin(kLongUpper), std::end(kLongUpper),
                                   [&](const LongUpper& entry) { return entry.code == c; });
  return found == std::end(kLongUpper) ? nullptr : found;
}

// Case operations on one character whose bytes in the source are `original`.
void append_upper(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  } else if (const LongUpper* special = find_long_upper(c)) {
    out += special->upper;
  } else {
    append_character(out,
                     static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c))));
  }
}

void append_title(std::string& out, char32_t c) {
  if (c < 0x80) {
    append_upper(out, c);
  } else if (const LongUpper* special = find_long_upper(c)) {
    out += special->title;
  } else {
    append_character(out,
                     static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(c))));
  }
}

void append_lower(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  } else if (c == 0x130) {
    out += "i\u0307";
  } else {
    append_character(out,
                     static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
  }
}

bool is_cased(char32_t c) {
  return is_upper(c) || is_lower(c) || category(c) == UTF8PROC_CATEGORY_LT;
}

template <class Append>
std::string map_characters(std::string_view s, Append append) {
  std::string out;
  out.reserve(s.size());
  for (size_t i = 0; i < s.size();) {
    const Character c = character_at(s, i);
    append(out, c.code);
    i += c.bytes;
  }
  return out;
}

// Start of the character that ends before byte `end` > 0.
size_t previous_start(std::string_view s, size_t end) {
  const size_t lowest = end > 4 ? end - 4 : 0;
  size_t start = end - 1;
  while (start > lowest && (static_cast<unsigned char>(s[start]) & 0xC0) == 0x80) --start;
  return start + character_at(s, start).bytes == end ? start : end - 1;
}

bool is_in(char32_t c, std::string_view set) {
  for (size_t i = 0; i < set.size();) {
    const Character member = character_at(set, i);
    if (member.code == c) return true;
    i += member.bytes;
  }
  return false;
}

bool is_line_end(char32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 ||
         c == 0x2029;
}

void split_at_space(std::string_view s, int64_t splits_max, TakePart take) {
  s = strip(s, std::nullopt, Side::left);
  for (int64_t splits = 0; !s.empty() && splits != splits_max; ++splits) {
    size_t end = 0;
    while (end < s.size() && !is_space(character_at(s, end).code))
      end += character_at(s, end).bytes;
    take(s.substr(0, end));
    s = strip(s.substr(end), std::nullopt, Side::left);
  }
  if (!s.empty()) take(s);
}

void rsplit_at_space(std::string_view s, int64_t splits_max, TakePart take) {
  s = strip(s, std::nullopt, Side::right);
  for (int64_t splits = 0; !s.empty() && splits != splits_max; ++splits) {
    size_t begin = s.size();
    while (begin > 0) {
      const size_t start = previous_start(s, begin);
      if (is_space(character_at(s, start).code)) break;
      begin = start;
    }
    take(s.substr(begin));
    s = strip(s.substr(0, begin), std::nullopt, Side::right);
  }
  if (!s.empty()) take(s);
}

}  // namespace

Character character_at(std::string_view s, size_t at) {
  const auto first = static_cast<unsigned char>(s[at]);
  if (first < 0x80) return {first, 1};
  utf8proc_int32_t code = 0;
  const auto bytes =
      utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(s.data() + at),
                       static_cast<utf8proc_ssize_t>(std::min<size_t>(4, s.size() - at)), &code);
  if (bytes <= 0) return {0xDC00 + static_cast<char32_t>(first), 1};
  return {static_cast<char32_t>(code), static_cast<size_t>(bytes)};
}

void append_character(std::string& out, char32_t code) {
  if (code >= 0xDC80 && code <= 0xDCFF) {
    out += static_cast<char>(code - 0xDC00);
    return;
  }
  if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) code = 0xFFFD;
  utf8proc_uint8_t bytes[4];
  const auto count = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), bytes);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(count));
}

size_t length(std::string_view s) {
  size_t count = 0;
  for (size_t i = 0; i < s.size(); ++count) i += character_at(s, i).bytes;
  return count;
}

size_t byte_offset(std::string_view s, size_t index) {
  size_t at = 0;
  for (; index > 0 && at < s.size(); --index) at += character_at(s, at).bytes;
  return at;
}

bool is_space(char32_t c) {
  return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool is_upper(char32_t c) { return category(c) == UTF8PROC_CATEGORY_LU; }

bool is_lower(char32_t c) {
  return category(c) == UTF8PROC_CATEGORY_LL || c == 0xAA ||
         c == 0xBA;  // the two Latin ordinals count as lower
}

bool is_alpha(char32_t c) {
  const auto k = category(c);
  return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO;
}

bool is_decimal(char32_t c) { return category(c) == UTF8PROC_CATEGORY_ND; }

bool is_numeric(char32_t c) {
  const auto k = category(c);
  return k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO;
}

bool is_word(char32_t c) {
  const auto k = category(c);
  return c == '_' || (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_MC) ||
         k == UTF8PROC_CATEGORY_ND || k == UTF8PROC_CATEGORY_NL;
}

bool is_printable(char32_t c) {
  if (c == ' ') return true;
  switch (category(c)) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return false;
    default:
      return true;
  }
}

std::string upper(std::string_view s) { return map_characters(s, append_upper); }

std::string lower(std::string_view s) { return map_characters(s, append_lower); }

std::string capitalize(std::string_view s) {
  bool is_first = true;
  return map_characters(s, [&](std::string& out, char32_t c) {
    is_first ? append_title(out, c) : append_lower(out, c);
    is_first = false;
  });
}

std::string title(std::string_view s) {
  bool after_cased = false;
  return map_characters(s, [&](std::string& out, char32_t c) {
    after_cased ? append_lower(out, c) : append_title(out, c);
    after_cased = is_cased(c);
  });
}

std::string swapcase(std::string_view s) {
  return map_characters(s, [](std::string& out, char32_t c) {
    is_upper(c)   ? append_lower(out, c)
    : is_lower(c) ? append_upper(out, c)
                  : append_character(out, c);
  });
}

std::string_view strip(std::string_view s, std::optional<std::string_view> set, Side side) {
  const auto goes = [&](char32_t c) { return set ? is_in(c, *set) : is_space(c); };
  if (side != Side::right) {
    size_t begin = 0;
    while (begin < s.size() && goes(character_at(s, begin).code))
      begin += character_at(s, begin).bytes;
    s.remove_prefix(begin);
  }
  if (side != Side::left) {
    size_t end = s.size();
    while (end > 0) {
      const size_t start = previous_start(s, end);
      if (!goes(character_at(s, start).code)) break;
      end = start;
    }
    s = s.substr(0, end);
  }
  return s;
}

void split(std::string_view s, std::optional<std::string_view> separator, int64_t splits_max,
           TakePart take) {
  if (!separator) return split_at_space(s, splits_max, take);
  for (int64_t splits = 0; splits != splits_max; ++splits) {
    const size_t found = s.find(*separator);
    if (found == s.npos) break;
    take(s.substr(0, found));
    s.remove_prefix(found + separator->size());
  }
  take(s);
}

void rsplit(std::string_view s, std::optional<std::string_view> separator, int64_t splits_max,
            TakePart take) {
  if (!separator) return rsplit_at_space(s, splits_max, take);
  for (int64_t splits = 0; splits != splits_max; ++splits) {
    const size_t found = s.rfind(*separator);
    if (found == s.npos) break;
    take(s.substr(found + separator->size()));
    s = s.substr(0, found);
  }
  take(s);
}

void split_lines(std::string_view s, bool keep_ends, TakePart take) {
  for (size_t begin = 0; begin < s.size();) {
    size_t end = begin;
    while (end < s.size() && !is_line_end(character_at(s, end).code))
      end += character_at(s, end).bytes;
    size_t next = end;
    if (next < s.size()) next += character_at(s, next).bytes;
    if (next < s.size() && s[end] == '\r' && s[next] == '\n') ++next;
    take(s.substr(begin, (keep_ends ? next : end) - begin));
    begin = next;
  }
}

std::optional<double> read_real(std::string_view digits) {
  double value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (stop != end || error == std::errc::invalid_argument) return std::nullopt;
  if (error == std::errc()) return value;
  // Out of range, and from_chars does not say at which end: the places from the first digit that
  // counts to the point, moved by the exponent, do.
  const size_t e = std::min(digits.find_first_of("eE"), digits.size());
  const size_t point = std::min(digits.find('.'), e), first = digits.find_first_of("123456789");
  double exponent = 0;  // it may itself be longer than any integer
  if (e < digits.size())
    std::from_chars(digits.data() + e + (digits[e + 1] == '+' ? 2 : 1), end, exponent);
  return static_cast<double>(point) - static_cast<double>(first) + exponent > 0 ? HUGE_VAL : 0.0;
}

}  // namespace hearth::llm::jinja
