#include "hearth/llm/grammar/gbnf.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/llm/grammar/utf8_ranges.h"
#include "hearth/llm/tokenizer/unicode.h"

namespace hearth::llm {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' || c == '_';
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// One method for each production of the notation; each leaves `at_` behind what it read.
class GbnfParser {
 public:
  GbnfParser(std::string_view source, const GbnfLimits& limits)
      : source_(source), limits_(limits), builder_(limits.grammar) {}
  Grammar parse();

 private:
  using Expr = GrammarBuilder::Expr;
  struct NamedRule {
    GrammarBuilder::Rule id;
    size_t first_use;
    bool is_defined = false;
  };

  char peek(size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }
  bool is_at_end() const { return at_ >= source_.size(); }
  std::string position_of(size_t offset) const;
  std::string found() const;
  [[noreturn]] void fail(std::string_view expected) const;
  void expect(std::string_view text, std::string_view expected);

  void skip_space(bool across_lines);
  std::string_view name();
  NamedRule& rule_named(std::string_view name);
  void rule();
  Expr alternatives();
  Expr sequence();
  std::optional<Expr> item();
  Expr group();
  Expr literal();
  Expr character_set();
  char32_t character(std::string_view where);
  char32_t escaped();
  char32_t hex_digits(int count);
  std::optional<Expr> repeated(Expr item);
  std::optional<Expr> counted(Expr item);
  int count();

  std::string_view source_;
  const GbnfLimits& limits_;
  size_t at_ = 0;
  int group_depth_ = 0;
  GrammarBuilder builder_;
  std::map<std::string, NamedRule, std::less<>> rules_;
};

std::string GbnfParser::position_of(size_t offset) const {
  const std::string_view before = source_.substr(0, offset);
  const size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const auto column = 1 + std::count_if(before.begin() + static_cast<ptrdiff_t>(line_begin),
                                        before.end(), [](char c) { return (c & 0xC0) != 0x80; });
  return fmt::format("grammar, line {}, column {}", line, column);
}

std::string GbnfParser::found() const {
  if (is_at_end()) return "the end of the text";
  if (peek() == '\n' || peek() == '\r') return "the end of the line";
  const auto byte = static_cast<uint8_t>(peek());
  const Char c = decode_char(source_.substr(at_));
  if (c.bytes == 1 && (byte < 0x20 || byte >= 0x7F)) return fmt::format("byte 0x{:02X}", byte);
  return fmt::format("'{}'", source_.substr(at_, c.bytes));
}

void GbnfParser::fail(std::string_view expected) const {
  throw Error(Errc::invalid_argument, "{}: expected {}, found {}", position_of(at_), expected,
              found());
}

void GbnfParser::expect(std::string_view text, std::string_view expected) {
  if (!source_.substr(at_).starts_with(text)) fail(expected);
  at_ += text.size();
}

// A comment ends before its newline, which may end the rule.
void GbnfParser::skip_space(bool across_lines) {
  for (; !is_at_end(); ++at_) {
    if (peek() == '#') at_ = std::min(source_.find('\n', at_), source_.size());
    if (is_at_end()) return;
    const bool is_line_end = peek() == '\n' || peek() == '\r';
    if (peek() != ' ' && peek() != '\t' && !(across_lines && is_line_end)) return;
  }
}

std::string_view GbnfParser::name() {
  const size_t begin = at_;
  while (is_name_char(peek())) ++at_;
  if (at_ == begin) fail("a rule's name");
  return source_.substr(begin, at_ - begin);
}

GbnfParser::NamedRule& GbnfParser::rule_named(std::string_view name) {
  const auto known = rules_.find(name);
  if (known != rules_.end()) return known->second;
  const NamedRule rule{.id = builder_.declare(std::string(name)), .first_use = at_ - name.size()};
  return rules_.emplace(name, rule).first->second;
}

void GbnfParser::rule() {
  const size_t begin = at_;
  const std::string_view rule_name = name();
  NamedRule& rule = rule_named(rule_name);
  if (rule.is_defined)
    throw Error(Errc::invalid_argument, "{}: rule '{}' is defined twice", position_of(begin),
                rule_name);
  skip_space(false);
  expect("::=", "'::='");
  skip_space(true);
  rule.is_defined = true;
  builder_.define(rule.id, alternatives());
  if (!is_at_end() && peek() != '\n' && peek() != '\r') fail("an item, '|' or the end of the rule");
  skip_space(true);
}

GbnfParser::Expr GbnfParser::alternatives() {
  std::vector<Expr> all = {sequence()};
  while (peek() == '|') {
    ++at_;
    skip_space(true);
    all.push_back(sequence());
  }
  return all.size() == 1 ? all[0] : builder_.choice(std::move(all));
}

GbnfParser::Expr GbnfParser::sequence() {
  std::vector<Expr> parts;
  for (;;) {
    std::optional<Expr> part = item();
    if (!part) break;
    skip_space(group_depth_ > 0);
    while (const std::optional<Expr> again = repeated(*part)) {
      part = again;
      skip_space(group_depth_ > 0);
    }
    parts.push_back(*part);
  }
  return parts.size() == 1 ? parts[0] : builder_.sequence(std::move(parts));
}

std::optional<GbnfParser::Expr> GbnfParser::item() {
  const char c = peek();
  if (c == '"') return literal();
  if (c == '[') return character_set();
  if (c == '(') return group();
  if (is_name_char(c)) return builder_.use(rule_named(name()).id);
  if (c == '.') {
    ++at_;
    return builder_.any_character();
  }
  if (c == '*' || c == '+' || c == '?' || c == '{') fail("an item before the repetition");
  if (c == '<' || (c == '!' && peek(1) == '<'))
    throw Error(Errc::unsupported, "{}: token terminals are not supported; write the text itself",
                position_of(at_));
  return std::nullopt;
}

GbnfParser::Expr GbnfParser::group() {
  if (group_depth_ >= limits_.group_depth_max)
    throw Error(Errc::resource_exhausted, "{}: parentheses nest deeper than {} levels",
                position_of(at_), limits_.group_depth_max);
  ++at_;
  ++group_depth_;
  skip_space(true);
  const Expr inner = alternatives();
  --group_depth_;
  expect(")", "an item, '|' or ')'");
  return inner;
}

GbnfParser::Expr GbnfParser::literal() {
  std::string text;
  ++at_;
  while (peek() != '"') append_utf8(text, character("the literal's closing '\"'"));
  ++at_;
  return builder_.text(text);
}

// [abc], [a-z], [^"\\]; a '-' that stands last is itself.
GbnfParser::Expr GbnfParser::character_set() {
  const size_t begin = at_++;
  const bool negated = peek() == '^';
  if (negated) ++at_;
  std::vector<CodeRange> ranges;
  while (peek() != ']') {
    const size_t range_begin = at_;
    CodeRange range{};
    range.first = range.last = character("the set's closing ']'");
    if (peek() == '-' && peek(1) != ']') {
      ++at_;
      range.last = character("the range's last character");
    }
    if (range.first > range.last)
      throw Error(Errc::invalid_argument, "{}: the range's last character comes before its first",
                  position_of(range_begin));
    ranges.push_back(range);
  }
  if (ranges.empty()) fail("a character in the set");
  ++at_;
  if (normalised(ranges, negated).empty())
    throw Error(Errc::invalid_argument, "{}: the set leaves no character", position_of(begin));
  return builder_.characters(std::move(ranges), negated);
}

// The character at at_, which may be an escape. Literals and sets may span lines.
char32_t GbnfParser::character(std::string_view where) {
  if (is_at_end()) fail(where);
  if (peek() == '\\') return escaped();
  const Char c = decode_char(source_.substr(at_));
  if (c.bytes == 1 && static_cast<uint8_t>(peek()) >= 0x80) fail("a character in UTF-8");
  at_ += c.bytes;
  return c.code;
}

char32_t GbnfParser::escaped() {
  ++at_;
  const char c = peek();
  constexpr std::string_view kThemselves = "\\\"[]-^";
  constexpr std::pair<char, char32_t> kControls[] = {{'n', '\n'}, {'r', '\r'}, {'t', '\t'}};
  constexpr std::pair<char, int> kHexDigits[] = {{'x', 2}, {'u', 4}, {'U', 8}};
  for (const auto& [letter, code] : kControls)
    if (c == letter) return ++at_, code;
  for (const auto& [letter, digits] : kHexDigits)
    if (c == letter) return ++at_, hex_digits(digits);
  if (is_at_end() || kThemselves.find(c) == std::string_view::npos)
    fail(R"(one of n r t x u U \ " [ ] - ^ after the backslash)");
  ++at_;
  return static_cast<uint8_t>(c);
}

char32_t GbnfParser::hex_digits(int count) {
  const size_t begin = at_;
  char32_t code = 0;
  for (int i = 0; i < count; ++i, ++at_) {
    const int value = hex_value(peek());
    if (value < 0) fail(fmt::format("{} hexadecimal digits", count));
    code = code * 16 + static_cast<char32_t>(value);
  }
  if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
    throw Error(Errc::invalid_argument, "{}: U+{:04X} is no character", position_of(begin),
                static_cast<uint32_t>(code));
  return code;
}

// The item with the repetition at at_; nothing when none stands there.
std::optional<GbnfParser::Expr> GbnfParser::repeated(Expr item) {
  constexpr int kAny = GrammarBuilder::kUnbounded;
  switch (peek()) {
    case '*':
      return ++at_, builder_.repeat(item, 0, kAny);
    case '+':
      return ++at_, builder_.repeat(item, 1, kAny);
    case '?':
      return ++at_, builder_.repeat(item, 0, 1);
    case '{':
      return counted(item);
    default:
      return std::nullopt;
  }
}

std::optional<GbnfParser::Expr> GbnfParser::counted(Expr item) {
  const size_t begin = at_++;
  skip_space(false);
  const int min = count();
  int max = min;
  skip_space(false);
  if (peek() == ',') {
    ++at_;
    skip_space(false);
    max = is_digit(peek()) ? count() : GrammarBuilder::kUnbounded;
    skip_space(false);
  }
  expect("}", max == min ? "',' or '}'" : "'}'");
  if (max != GrammarBuilder::kUnbounded && max < min)
    throw Error(Errc::invalid_argument, "{}: {{{},{}}} has more repetitions first than last",
                position_of(begin), min, max);
  return builder_.repeat(item, min, max);
}

int GbnfParser::count() {
  const size_t begin = at_;
  if (!is_digit(peek())) fail("a number of repetitions");
  long value = 0;
  for (; is_digit(peek()); ++at_) {
    value = value * 10 + (peek() - '0');
    if (value > limits_.grammar.repetitions_max)
      throw Error(Errc::resource_exhausted, "{}: more than {} repetitions", position_of(begin),
                  limits_.grammar.repetitions_max);
  }
  return static_cast<int>(value);
}

Grammar GbnfParser::parse() {
  if (source_.size() > limits_.source_bytes_max)
    throw Error(Errc::resource_exhausted, "grammar: {} bytes, at most {} are allowed",
                source_.size(), limits_.source_bytes_max);
  skip_space(true);
  while (!is_at_end()) rule();
  for (const auto& [name, rule] : rules_)
    if (!rule.is_defined)
      throw Error(Errc::invalid_argument, "{}: rule '{}' is not defined",
                  position_of(rule.first_use), name);
  const auto root = rules_.find("root");
  if (root == rules_.end())
    throw Error(Errc::invalid_argument, "grammar: has no rule 'root', which is the whole text");
  return builder_.build(root->second.id);
}

}  // namespace

Grammar parse_gbnf(std::string_view source, const GbnfLimits& limits) {
  return GbnfParser(source, limits).parse();
}

}  // namespace hearth::llm
