#include "hearth/llm/tokenizer/jinja/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "hearth/base/error.h"
#include "hearth/llm/tokenizer/jinja/text.h"

namespace hearth::llm::jinja {
namespace {

// Longest first, so that "//" is not read as two divisions.
constexpr std::string_view kSymbols[] = {"**", "//", "==", "!=", ">=", "<=", "+", "-", "/",
                                         "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                         ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string normalize_newlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
      continue;
    }
    out += '\n';
    if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(normalize_newlines(source)) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) read_data();
    add(TokenType::end, at_, {});
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return std::string_view(source_).substr(at_); }
  bool follows(std::string_view s) const { return rest().starts_with(s); }
  bool take(std::string_view s) {
    if (!follows(s)) return false;
    at_ += s.size();
    return true;
  }
  void skip_space() {
    while (at_ < source_.size()) {
      const Character c = character_at(source_, at_);
      if (!is_space(c.code)) return;
      at_ += c.bytes;
    }
  }

  Position position(size_t offset);
  [[noreturn]] void fail(size_t offset, std::string_view message) {
    const Position p = position(offset);
    throw Error(Errc::corrupt_data, "chat template, line {}, column {}: {}", p.line, p.column,
                message);
  }
  void add(TokenType type, size_t offset, std::string text) {
    Token token;
    token.type = type;
    token.at = position(offset);
    token.text = std::move(text);
    tokens_.push_back(std::move(token));
  }

  void read_data();
  void add_data(size_t begin, size_t end, char sign, bool strips_line);
  void read_comment(size_t begin);
  bool try_raw(size_t begin, size_t data_begin, size_t data_end);
  void read_tag(TokenType end_type);
  bool try_tag_end(TokenType end_type);
  void trim_after(char sign, bool drops_newline);
  void read_token();
  void read_number();
  void read_string();
  void read_symbol();
  std::string unescape(std::string_view s, size_t offset);
  char32_t read_hex(std::string_view s, size_t& i, size_t digits, size_t offset);

  std::string source_;
  size_t at_ = 0;
  std::vector<Token> tokens_;
  std::string open_brackets_;
  bool line_starts_ = true;  // the text before at_ ended with a newline, also one that was trimmed

  // position() is called with rising offsets, so counting goes on from the last one.
  size_t counted_ = 0;
  Position counted_position_;
};

Position Lexer::position(size_t offset) {
  if (offset < counted_) {
    counted_ = 0;
    counted_position_ = {};
  }
  while (counted_ < offset) {
    const size_t bytes = character_at(source_, counted_).bytes;
    if (source_[counted_] == '\n') {
      ++counted_position_.line;
      counted_position_.column = 1;
    } else {
      ++counted_position_.column;
    }
    counted_ += bytes;
  }
  return counted_position_;
}

// Text up to the next tag, then the tag.
void Lexer::read_data() {
  const size_t begin = at_;
  size_t open = begin;
  const auto is_tag = [&](size_t i) {
    return source_[i] == '{' && i + 1 < source_.size() &&
           (source_[i + 1] == '{' || source_[i + 1] == '%' || source_[i + 1] == '#');
  };
  while (open < source_.size() && !is_tag(open)) ++open;
  if (open == source_.size()) {
    at_ = open;
    if (open > begin) add(TokenType::data, begin, source_.substr(begin));
    return;
  }
  const char kind = source_[open + 1];
  at_ = open + 2;
  if (kind == '%' && try_raw(open, begin, open)) return;
  const char sign =
      at_ < source_.size() && (source_[at_] == '-' || source_[at_] == '+') ? source_[at_] : '\0';
  if (sign != '\0') ++at_;
  add_data(begin, open, sign, kind != '{');
  line_starts_ = false;
  if (kind == '#') return read_comment(open);
  add(kind == '{' ? TokenType::variable_begin : TokenType::block_begin, open, {});
  read_tag(kind == '{' ? TokenType::variable_end : TokenType::block_end);
}

// `sign` and `strips_line` belong to the tag behind the text: "-" takes all white space before it,
// "+" none, and lstrip_blocks that of its own line when nothing else stands there.
void Lexer::add_data(size_t begin, size_t end, char sign, bool strips_line) {
  std::string_view text = std::string_view(source_).substr(begin, end - begin);
  if (sign == '-') {
    text = strip(text, std::nullopt, Side::right);
  } else if (sign != '+' && strips_line) {
    const size_t newline = text.rfind('\n');
    const size_t line = newline == text.npos ? 0 : newline + 1;
    const bool is_whole_line = newline != text.npos || line_starts_;
    if (is_whole_line && strip(text.substr(line), std::nullopt, Side::left).empty())
      text = text.substr(0, line);
  }
  if (!text.empty()) add(TokenType::data, begin, std::string(text));
}

void Lexer::read_comment(size_t begin) {
  const size_t close = source_.find("#}", at_);
  if (close == source_.npos) fail(begin, "missing end of comment tag");
  const char sign = close > at_ ? source_[close - 1] : '\0';
  at_ = close + 2;
  trim_after(sign, true);
}

// {% raw %} … {% endraw %}: everything between is text.
bool Lexer::try_raw(size_t begin, size_t data_begin, size_t data_end) {
  const size_t after_open = at_;
  const char sign =
      at_ < source_.size() && (source_[at_] == '-' || source_[at_] == '+') ? source_[at_] : '\0';
  if (sign != '\0') ++at_;
  skip_space();
  const bool is_raw = take("raw");
  skip_space();
  const bool trims = is_raw && follows("-%}");
  if (!is_raw || !(take("-%}") || take("%}"))) {
    at_ = after_open;
    return false;
  }
  add_data(data_begin, data_end, sign, true);
  line_starts_ = false;
  trim_after(trims ? '-' : '+', false);
  const size_t text_begin = at_;
  for (size_t close = source_.find("{%", at_); close != source_.npos;
       close = source_.find("{%", close + 2)) {
    at_ = close + 2;
    const char end_sign =
        at_ < source_.size() && (source_[at_] == '-' || source_[at_] == '+') ? source_[at_] : '\0';
    if (end_sign != '\0') ++at_;
    skip_space();
    if (!take("endraw")) continue;
    skip_space();
    const char after = follows("-") ? '-' : follows("+") ? '+' : '\0';
    if (after != '\0') ++at_;
    if (!take("%}")) continue;
    add_data(text_begin, close, end_sign, true);
    trim_after(after, true);
    return true;
  }
  fail(begin, "missing end of raw directive");
}

// Behind a closing tag: "-" takes all white space, trim_blocks one newline unless "+" forbids it.
void Lexer::trim_after(char sign, bool drops_newline) {
  const size_t begin = at_;
  if (sign == '-')
    skip_space();
  else if (sign != '+' && drops_newline)
    take("\n");
  line_starts_ = at_ > begin && source_[at_ - 1] == '\n';
}

void Lexer::read_tag(TokenType end_type) {
  const size_t begin = at_;
  open_brackets_.clear();
  while (true) {
    skip_space();
    if (at_ >= source_.size()) fail(begin, "unexpected end of template inside a tag");
    if (open_brackets_.empty() && try_tag_end(end_type)) return;
    read_token();
  }
}

bool Lexer::try_tag_end(TokenType end_type) {
  const bool is_block = end_type == TokenType::block_end;
  const std::string_view close = is_block ? "%}" : "}}";
  const size_t begin = at_;
  char sign = '\0';
  if (follows("-") || (is_block && follows("+"))) sign = source_[at_];
  if (!rest().substr(sign != '\0').starts_with(close)) return false;
  at_ += close.size() + (sign != '\0');
  add(end_type, begin, {});
  trim_after(sign, is_block);
  return true;
}

void Lexer::read_token() {
  const char c = source_[at_];
  if (is_digit(c)) return read_number();
  if (c == '"' || c == '\'') return read_string();
  const size_t begin = at_;
  while (at_ < source_.size()) {
    const Character next = character_at(source_, at_);
    if (!is_word(next.code)) break;
    at_ += next.bytes;
  }
  if (at_ > begin) return add(TokenType::name, begin, source_.substr(begin, at_ - begin));
  read_symbol();
}

void Lexer::read_number() {
  const size_t begin = at_;
  const auto next = [&](size_t i) { return at_ + i < source_.size() ? source_[at_ + i] : '\0'; };
  const auto take_digits = [&] {
    while (is_digit(next(0)) || (next(0) == '_' && is_digit(next(1)))) ++at_;
  };
  const char prefix = static_cast<char>(next(1) | 0x20);
  const int base = next(0) != '0'  ? 10
                   : prefix == 'x' ? 16
                   : prefix == 'o' ? 8
                   : prefix == 'b' ? 2
                                   : 10;
  bool is_real = false;
  if (base != 10) {
    at_ += 2;
    while (std::isxdigit(static_cast<unsigned char>(next(0))) || next(0) == '_') ++at_;
  } else {
    take_digits();
    // In `a.0.1` the second dot is not a decimal point.
    const bool after_dot = begin > 0 && source_[begin - 1] == '.';
    if (!after_dot && next(0) == '.' && is_digit(next(1))) {
      is_real = true;
      ++at_;
      take_digits();
    }
    const size_t sign = next(1) == '+' || next(1) == '-' ? 1 : 0;
    if (!after_dot && (next(0) | 0x20) == 'e' && is_digit(next(1 + sign))) {
      is_real = true;
      at_ += 1 + sign;
      take_digits();
    }
  }
  std::string digits = source_.substr(begin, at_ - begin);
  std::erase(digits, '_');
  add(is_real ? TokenType::real : TokenType::integer, begin, digits);
  if (is_real) {
    tokens_.back().real = *read_real(digits);
    return;
  }
  const char *first = digits.data() + (base == 10 ? 0 : 2), *last = digits.data() + digits.size();
  const auto [end, error] = std::from_chars(first, last, tokens_.back().integer, base);
  if (error == std::errc::result_out_of_range)
    fail(begin, fmt::format("integer '{}' outside 64 bits", digits));
  if (error != std::errc() || end != last)
    fail(begin, fmt::format("malformed number '{}'", digits));
}

void Lexer::read_string() {
  const size_t begin = at_;
  const char quote = source_[at_++];
  while (at_ < source_.size() && source_[at_] != quote) at_ += source_[at_] == '\\' ? 2 : 1;
  if (at_ >= source_.size()) fail(begin, "string without a closing quote");
  const std::string_view inside = std::string_view(source_).substr(begin + 1, at_ - begin - 1);
  ++at_;
  std::string value = unescape(inside, begin);
  add(TokenType::string, begin, std::move(value));
}

char32_t Lexer::read_hex(std::string_view s, size_t& i, size_t digits, size_t offset) {
  uint32_t code = 0;
  if (i + digits > s.size()) fail(offset, "truncated escape in string");
  const auto [end, error] = std::from_chars(s.data() + i, s.data() + i + digits, code, 16);
  if (error != std::errc() || end != s.data() + i + digits)
    fail(offset, "malformed escape in string");
  i += digits;
  return code;
}

// Python's unicode-escape; a backslash before any other character stays.
std::string Lexer::unescape(std::string_view s, size_t offset) {
  constexpr std::string_view kFrom = "\\'\"abfnrtv", kTo = "\\'\"\a\b\f\n\r\t\v";
  std::string out;
  for (size_t i = 0; i < s.size();) {
    if (s[i] != '\\') {
      out += s[i++];
      continue;
    }
    const char c = s[i + 1];  // read_string() never ends on a backslash
    i += 2;
    if (const size_t letter = kFrom.find(c); letter != kFrom.npos) {
      out += kTo[letter];
    } else if (c == 'x' || c == 'u' || c == 'U') {
      append_character(out, read_hex(s, i, c == 'x' ? 2 : c == 'u' ? 4 : 8, offset));
    } else if (c >= '0' && c <= '7') {
      char32_t code = static_cast<char32_t>(c - '0');
      for (int k = 0; k < 2 && i < s.size() && s[i] >= '0' && s[i] <= '7'; ++k)
        code = code * 8 + static_cast<char32_t>(s[i++] - '0');
      append_character(out, code);
    } else if (c != '\n') {
      out += '\\';
      out += c;
    }
  }
  return out;
}

void Lexer::read_symbol() {
  const auto* found =
      std::find_if(std::begin(kSymbols), std::end(kSymbols), [&](auto s) { return follows(s); });
  if (found == std::end(kSymbols))
    fail(at_, fmt::format("unexpected character '{}'",
                          rest().substr(0, character_at(source_, at_).bytes)));
  const size_t begin = at_;
  at_ += found->size();
  constexpr std::string_view kOpen = "([{", kClose = ")]}";
  if (const size_t open = kOpen.find(*found); open != kOpen.npos) open_brackets_ += kClose[open];
  if (kClose.find(*found) != kClose.npos) {
    if (open_brackets_.empty()) fail(begin, fmt::format("unexpected '{}'", *found));
    if (open_brackets_.back() != found->front())
      fail(begin, fmt::format("unexpected '{}', expected '{}'", *found, open_brackets_.back()));
    open_brackets_.pop_back();
  }
  add(TokenType::symbol, begin, std::string(*found));
}

}  // namespace

std::vector<Token> tokenize(std::string_view source) { return Lexer(source).run(); }

}  // namespace hearth::llm::jinja
