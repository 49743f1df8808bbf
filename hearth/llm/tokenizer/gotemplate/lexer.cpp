#include "hearth/llm/tokenizer/gotemplate/lexer.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "hearth/llm/tokenizer/jinja/text.h"

namespace hearth::llm::gotemplate {
namespace {

constexpr std::string_view kOpen = "{{", kClose = "}}";
constexpr std::string_view kCommentOpen = "/*", kCommentClose = "*/";

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
// Letters beyond ASCII are letters: Go asks Unicode, and nothing else can stand there.
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_word_byte(char c) { return is_letter(c) || is_digit(c); }

std::optional<uint32_t> hex_number(std::string_view digits) {
  uint32_t number = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size())
    return std::nullopt;
  return number;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) {
      read_text();
      if (at_ < source_.size()) read_action();
    }
    add(TokenKind::finish);
    return std::move(tokens_);
  }

 private:
  bool is_done() const { return at_ >= source_.size(); }
  char peek(size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }
  bool starts_with(std::string_view text) const { return source_.substr(at_).starts_with(text); }

  void advance(size_t bytes) {
    for (; bytes > 0 && !is_done(); --bytes, ++at_) {
      if (source_[at_] == '\n')
        place_ = {.line = place_.line + 1, .column = 1};
      else if ((static_cast<unsigned char>(source_[at_]) & 0xC0) != 0x80)
        ++place_.column;
    }
  }
  [[noreturn]] void fail(std::string_view message) const {
    fail_at(place_, Errc::corrupt_data, message);
  }

  Token& add(TokenKind kind, std::string text = {}) {
    Token& token = tokens_.emplace_back();
    token.kind = kind;
    token.is_after_space = after_space_;
    token.at = place_;
    token.text = std::move(text);
    after_space_ = false;
    return token;
  }
  void add_and_skip(TokenKind kind, size_t bytes) {
    add(kind);
    advance(bytes);
  }

  // "{{- " and " -}}": the space is part of the marker.
  bool is_trim_begin() const { return peek(2) == '-' && is_space(peek(3)); }
  bool is_trim_end() const { return is_space(peek()) && source_.substr(at_ + 1, 3) == "-}}"; }

  void skip_space() {
    while (!is_done() && is_space(peek())) advance(1);
  }

  void read_text() {
    if (trims_next_) skip_space();
    trims_next_ = false;
    const size_t end = std::min(source_.find(kOpen, at_), source_.size());
    std::string_view text = source_.substr(at_, end - at_);
    const bool trims =
        end + 3 < source_.size() && source_[end + 2] == '-' && is_space(source_[end + 3]);
    while (trims && !text.empty() && is_space(text.back())) text.remove_suffix(1);
    if (!text.empty()) add(TokenKind::text, std::string(text));
    advance(end - at_);
  }

  void read_action() {
    const Position begin = place_;
    const size_t marker = is_trim_begin() ? 4 : 2;
    if (source_.substr(at_ + marker).starts_with(kCommentOpen)) return read_comment(marker);
    add(TokenKind::begin);
    advance(marker);
    while (!is_at_end()) {
      if (is_done()) fail_at(begin, Errc::corrupt_data, "unclosed action");
      read_token();
    }
    add(TokenKind::end);
    skip_end();
  }

  bool is_at_end() const { return starts_with(kClose) || is_trim_end(); }
  void skip_end() {
    trims_next_ = !starts_with(kClose);
    advance(trims_next_ ? 4 : 2);
    after_space_ = false;
  }

  void read_comment(size_t marker) {
    const size_t end = source_.find(kCommentClose, at_ + marker + kCommentOpen.size());
    if (end == std::string_view::npos) fail("unclosed comment");
    advance(end + kCommentClose.size() - at_);
    if (!is_at_end()) fail("a comment must end right before the end of its action");
    skip_end();
  }

  void read_token() {
    const char c = peek();
    if (is_space(c)) {
      skip_space_in_action();
    } else if (c == '"') {
      read_string();
    } else if (c == '`') {
      read_raw_string();
    } else if (c == '\'') {
      read_character();
    } else if (is_digit(c) || ((c == '-' || c == '+') && (is_digit(peek(1)) || peek(1) == '.')) ||
               (c == '.' && is_digit(peek(1)))) {
      read_number();
    } else if (c == '.' || c == '$') {
      read_name();
    } else if (is_letter(c)) {
      const std::string_view word = word_at(at_);
      add(TokenKind::word, std::string(word));
      advance(word.size());
    } else {
      read_sign();
    }
  }

  void skip_space_in_action() {
    while (!is_done() && is_space(peek()) && !is_trim_end()) advance(1);
    after_space_ = true;
  }

  void read_sign() {
    if (starts_with(":=")) return add_and_skip(TokenKind::declare, 2);
    switch (peek()) {
      case '=':
        return add_and_skip(TokenKind::assign, 1);
      case ',':
        return add_and_skip(TokenKind::comma, 1);
      case '|':
        return add_and_skip(TokenKind::pipe, 1);
      case '(':
        return add_and_skip(TokenKind::open, 1);
      case ')':
        return add_and_skip(TokenKind::close, 1);
      default:
        fail("unexpected character in an action");
    }
  }

  std::string_view word_at(size_t from) const {
    size_t end = from;
    while (end < source_.size() && is_word_byte(source_[end])) ++end;
    return source_.substr(from, end - from);
  }

  void read_name() {
    const bool is_variable = peek() == '$';
    const std::string_view name = word_at(at_ + 1);
    if (is_variable)
      add(TokenKind::variable, "$" + std::string(name));
    else
      add(name.empty() ? TokenKind::dot : TokenKind::field, std::string(name));
    advance(1 + name.size());
  }

  void read_raw_string() {
    const size_t end = source_.find('`', at_ + 1);
    if (end == std::string_view::npos) fail("unclosed raw string");
    std::string text;
    for (const char c : source_.substr(at_ + 1, end - at_ - 1))
      if (c != '\r') text += c;  // as Go's own raw strings
    add(TokenKind::string, std::move(text));
    advance(end + 1 - at_);
  }

  void read_string() {
    Token token = add(TokenKind::string);
    advance(1);
    while (peek() != '"') {
      if (is_done() || peek() == '\n') fail_at(token.at, Errc::corrupt_data, "unclosed string");
      read_part(token.text, '"');
    }
    advance(1);
    tokens_.back().text = std::move(token.text);
  }

  // 'a' is a number: the character's code.
  void read_character() {
    Token& token = add(TokenKind::integer);
    advance(1);
    std::string part;
    if (is_done() || peek() == '\'' || peek() == '\n') fail("empty character");
    read_part(part, '\'');
    while ((static_cast<unsigned char>(peek()) & 0xC0) == 0x80) read_part(part, '\'');
    if (peek() != '\'') fail("a character holds one letter");
    advance(1);
    token.integer = jinja::character_at(part, 0).code;
  }

  // One character of a quoted text, or what an escape stands for.
  void read_part(std::string& out, char quote) {
    if (peek() != '\\') {
      out += peek();
      return advance(1);
    }
    constexpr std::string_view kLetters = "abfnrtv\\", kMeanings = "\a\b\f\n\r\t\v\\";
    const char letter = peek(1);
    const size_t simple = kLetters.find(letter);
    if (letter == quote || (letter != '\0' && simple != std::string_view::npos)) {
      out += letter == quote ? quote : kMeanings[simple];
      return advance(2);
    }
    const size_t digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    const std::string_view hex = source_.substr(std::min(at_ + 2, source_.size()), digits);
    const auto code = hex.size() == digits ? hex_number(hex) : std::nullopt;
    if (!code || *code > 0x10FFFF || (*code >= 0xD800 && *code < 0xE000)) fail("unknown escape");
    if (letter == 'x')
      out += static_cast<char>(*code);
    else
      jinja::append_character(out, *code);
    advance(2 + digits);
  }

  void read_number() {
    size_t end = at_ + 1;
    while (end < source_.size() && (is_word_byte(source_[end]) || source_[end] == '.' ||
                                    ((source_[end] == '+' || source_[end] == '-') &&
                                     (source_[end - 1] == 'e' || source_[end - 1] == 'E'))))
      ++end;
    std::string digits(source_.substr(at_, end - at_));
    if (!digits.ends_with('_')) std::erase(digits, '_');
    if (digits.ends_with('i')) fail_at(place_, Errc::unsupported, "complex numbers");
    Token& token = add(TokenKind::integer);
    if (!parse_integer(digits, token.integer)) {
      token.kind = TokenKind::real;
      if (!parse_real(digits, token.real)) fail("no number");
    }
    advance(end - at_);
  }

  static bool parse_integer(std::string_view digits, int64_t& value) {
    std::string plain(digits.starts_with('+') ? digits.substr(1) : digits);
    const size_t sign = plain.starts_with('-') ? 1 : 0;
    const bool is_hex =
        plain.substr(sign).starts_with("0x") || plain.substr(sign).starts_with("0X");
    if (is_hex) plain.erase(sign, 2);
    const auto [end, error] =
        std::from_chars(plain.data(), plain.data() + plain.size(), value, is_hex ? 16 : 10);
    return error == std::errc() && end == plain.data() + plain.size();
  }

  static bool parse_real(std::string_view digits, double& value) {
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size();
  }

  std::string_view source_;
  size_t at_ = 0;
  Position place_;
  bool trims_next_ = false, after_space_ = false;
  std::vector<Token> tokens_;
};

}  // namespace

void fail_at(Position at, Errc code, std::string_view message) {
  throw Error(code, "chat template, line {}, column {}: {}", at.line, at.column, message);
}

std::vector<Token> lex(std::string_view source, const ChatTemplateLimits& limits) {
  if (source.size() > limits.source_bytes_max)
    throw Error(Errc::resource_exhausted,
                "chat template: {} bytes, the limit is {} (source_bytes_max)", source.size(),
                limits.source_bytes_max);
  return Lexer(source).run();
}

}  // namespace hearth::llm::gotemplate
