#include "hearth/serve/schema/pattern.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/serve/schema/code_points.h"

namespace hearth::serve {
namespace {

using llm::CodeRange;
using llm::GrammarBuilder;
using Ranges = std::vector<CodeRange>;

constexpr int kGroupDepthMax = 50;
constexpr int64_t kCountMax = 10'000;  // in {m,n}

const Ranges kDigits = {{'0', '9'}};
const Ranges kWord = {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}, {'_', '_'}};
const Ranges kNoWord = {{' ', '/'}, {':', '@'}, {'[', '^'}, {'`', '`'}, {'{', '~'}};
const Ranges kBlanks = {{' ', ' '}, {'\t', '\n'}, {'\r', '\r'}};
// White space of ECMA-262 and of Unicode, which other readers take \s for.
const Ranges kAllBlanks = {{'\t', '\r'},     {0x1C, ' '},      {0x85, 0x85},     {0xA0, 0xA0},
                           {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F},
                           {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
const Ranges kLineEnds = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

// Characters that a part of a pattern matches, at least and at most.
struct Part {
  Expr expr;
  Counts length;
  std::optional<Expr> unit = {};  // the part is this one, of one character, length times
};

Counts sum(const Counts& a, const Counts& b) {
  Counts out{.min = a.min + b.min};
  if (a.max && b.max) out.max = *a.max + *b.max;
  return out;
}

Counts either(const Counts& a, const Counts& b) {
  Counts out{.min = std::min(a.min, b.min)};
  if (a.max && b.max) out.max = std::max(*a.max, *b.max);
  return out;
}

Counts times(const Counts& a, const Counts& n) {
  Counts out{.min = std::min(a.min * n.min, int64_t{1} << 40)};
  if (a.max && n.max) out.max = std::min(*a.max * *n.max, int64_t{1} << 40);
  return out;
}

bool is_within(const Counts& inner, const Counts& outer) {
  return inner.min >= outer.min && (!outer.max || (inner.max && *inner.max <= *outer.max));
}

class PatternReader {
 public:
  PatternReader(GrammarBuilder& builder, JsonText& json, std::string_view pattern,
                const Counts& length, std::string_view place)
      : b_(builder),
        json_(json),
        text_(pattern),
        pattern_(code_points(pattern)),
        length_(length),
        place_(place) {}

  Expr read() {
    std::vector<Expr> branches = {branch()};
    while (try_take('|')) branches.push_back(branch());
    if (at_ < pattern_.size()) fail(Errc::invalid_argument, "has a ) without a (");
    return b_.choice(std::move(branches));
  }

 private:
  [[noreturn]] void fail(Errc code, std::string_view problem) const {
    throw Error(code, "{}: pattern '{}' {}, at character {}", place_, shortened(text_), problem,
                at_);
  }
  bool is_at(char32_t c) const { return at_ < pattern_.size() && pattern_[at_] == c; }
  bool try_take(char32_t c) { return is_at(c) && (++at_, true); }
  char32_t take() {
    if (at_ == pattern_.size()) fail(Errc::invalid_argument, "ends too early");
    return pattern_[at_++];
  }

  // An outermost alternative, with its anchors.
  Expr branch() {
    const bool starts = try_take('^');
    Part part = sequence(0);
    const bool ends = try_take('$');
    if (at_ < pattern_.size() && !is_at('|') && !is_at(')'))
      fail(Errc::unsupported, "has an anchor inside, which is not supported");
    if (starts && ends) return with_length(part);
    // Anything around it, as far as that is free.
    if (length_.max) fail(Errc::unsupported, "without ^ and $ cannot be joined with maxLength");
    if (length_.min > part.length.min)
      fail(Errc::unsupported, "without ^ and $ cannot be joined with minLength");
    const Expr anything = b_.repeat(json_.character(), 0, GrammarBuilder::kUnbounded);
    std::vector<Expr> parts = {part.expr};
    if (!starts) parts.insert(parts.begin(), anything);
    if (!ends) parts.push_back(anything);
    return b_.sequence(std::move(parts));
  }

  Expr with_length(const Part& part) {
    if (is_within(part.length, length_)) return part.expr;
    if (!part.unit) fail(Errc::unsupported, "cannot be joined with minLength and maxLength");
    Counts both{.min = std::max(part.length.min, length_.min), .max = part.length.max};
    if (length_.max) both.max = std::min(both.max.value_or(*length_.max), *length_.max);
    if (both.max && *both.max < both.min)
      fail(Errc::invalid_argument, "matches nothing of such a length");
    return json_.repeat(*part.unit, both);
  }

  Part alternatives(int depth) {
    if (depth > kGroupDepthMax)
      fail(Errc::resource_exhausted, fmt::format("has groups deeper than {}", kGroupDepthMax));
    Part all = sequence(depth);
    std::vector<Expr> branches = {all.expr};
    while (try_take('|')) {
      const Part next = sequence(depth);
      branches.push_back(next.expr);
      all = {.expr = 0, .length = either(all.length, next.length)};
    }
    if (branches.size() > 1) all.expr = b_.choice(std::move(branches));
    return all;
  }

  Part sequence(int depth) {
    std::vector<Expr> parts;
    Part all{.expr = 0, .length = {.min = 0, .max = 0}};
    while (at_ < pattern_.size() && !is_at('|') && !is_at(')') && !is_at('$') && !is_at('^')) {
      const Part part = repeated(atom(depth));
      all = {.expr = 0, .length = sum(all.length, part.length), .unit = part.unit};
      parts.push_back(part.expr);
    }
    if (depth > 0 && (is_at('$') || is_at('^')))
      fail(Errc::unsupported, "has an anchor inside, which is not supported");
    if (parts.size() != 1) all.unit.reset();
    all.expr = parts.size() == 1 ? parts[0] : b_.sequence(std::move(parts));
    return all;
  }

  Part repeated(Part part) {
    const std::optional<Counts> counts = quantifier();
    if (!counts) return part;
    if (part.length.max && *part.length.max == 0) return part;  // nothing, several times
    try_take('?');                                              // lazy: the same strings
    if (is_at('*') || is_at('+')) fail(Errc::invalid_argument, "repeats a repetition");
    const bool is_single = part.unit && part.length.min == 1 && part.length.max == 1;
    Part out{.expr = 0, .length = times(part.length, *counts)};
    if (is_single) out.unit = part.unit;
    // Something that may be empty, repeated: at least as often as it must be is no limit.
    out.expr = part.length.min == 0
                   ? b_.repeat(part.expr, 0, counts->max ? static_cast<int>(*counts->max) : -1)
                   : json_.repeat(part.expr, *counts);
    return out;
  }

  std::optional<Counts> quantifier() {
    if (try_take('*')) return Counts{};
    if (try_take('+')) return Counts{.min = 1};
    if (try_take('?')) return Counts{.min = 0, .max = 1};
    if (!is_at('{')) return std::nullopt;
    ++at_;
    Counts counts{.min = count()};
    counts.max = counts.min;
    if (try_take(',')) counts.max = is_at('}') ? std::nullopt : std::optional(count());
    if (!try_take('}')) fail(Errc::invalid_argument, "has a { without numbers and }");
    if (counts.max && *counts.max < counts.min)
      fail(Errc::invalid_argument, "has {m,n} with m > n");
    return counts;
  }

  int64_t count() {
    int64_t number = 0;
    const size_t begin = at_;
    for (; at_ < pattern_.size() && pattern_[at_] >= '0' && pattern_[at_] <= '9'; ++at_) {
      number = number * 10 + static_cast<int64_t>(pattern_[at_] - '0');
      if (number > kCountMax)
        fail(Errc::resource_exhausted, fmt::format("repeats more than {} times", kCountMax));
    }
    if (at_ == begin) fail(Errc::invalid_argument, "has a { without a number");
    return number;
  }

  Part atom(int depth) {
    const char32_t c = take();
    if (c == '(') return group(depth);
    if (c == '[') return set();
    if (c == '.') return one(kLineEnds, true);
    if (c == '\\') return escape();
    if (c == '*' || c == '+' || c == '?') fail(Errc::invalid_argument, "repeats nothing");
    return one({{c, c}}, false);
  }

  Part group(int depth) {
    if (try_take('?')) {
      if (try_take('<')) {  // a name, which nothing here asks for
        if (is_at('=') || is_at('!'))
          fail(Errc::unsupported, "has a lookbehind, which is not supported");
        while (take() != '>') {
        }
      } else if (!try_take(':')) {
        fail(Errc::unsupported, "has a lookaround or a flag, which is not supported");
      }
    }
    Part part = alternatives(depth + 1);
    if (!try_take(')')) fail(Errc::invalid_argument, "has a ( without a )");
    return part;
  }

  Part one(const Ranges& ranges, bool negated) {
    const std::optional<Expr> expr = json_.character_in(ranges, negated);
    if (!expr) fail(Errc::invalid_argument, "has a set without characters");
    return {.expr = *expr, .length = {.min = 1, .max = 1}, .unit = *expr};
  }

  Part escape() {
    const char32_t c = take();
    if (c == 'D') return one(kDigits, true);
    if (c == 'S') return one(kAllBlanks, true);
    return one(escaped_ranges(c), false);
  }

  // What \c stands for, inside a set or outside.
  Ranges escaped_ranges(char32_t c) {
    if (c == 'd') return kDigits;
    if (c == 'w') return kWord;
    if (c == 'W') return kNoWord;
    if (c == 's') return kBlanks;
    const char32_t point = escaped_point(c);
    return {{point, point}};
  }

  char32_t escaped_point(char32_t c) {
    constexpr std::u32string_view kNames = U"nrtfv0";
    constexpr char32_t kPoints[] = {'\n', '\r', '\t', '\f', '\v', 0};
    if (c == 'x') return hexadecimal(2);
    if (c == 'u') return try_take('{') ? braced_hexadecimal() : hexadecimal(4);
    if (const size_t at = kNames.find(c); at != kNames.npos) return kPoints[at];
    const bool is_word =
        c < 0x80 && std::any_of(kWord.begin(), kWord.end(),
                                [c](const CodeRange& r) { return r.first <= c && c <= r.last; });
    if (is_word) fail(Errc::unsupported, "has an escape that is not supported");
    return c;
  }

  char32_t hex_digit() {
    const char32_t c = take();
    if (c >= '0' && c <= '9') return c - '0';
    const char32_t lower = c | 0x20;
    if (lower >= 'a' && lower <= 'f') return lower - 'a' + 10;
    fail(Errc::invalid_argument, "has an escape without hexadecimal digits");
  }
  char32_t hexadecimal(int digits) {
    char32_t point = 0;
    for (int i = 0; i < digits; ++i) point = point * 16 + hex_digit();
    if (point >= 0xD800 && point <= 0xDFFF)
      fail(Errc::unsupported, "names a surrogate, which is not supported");
    return point;
  }
  char32_t braced_hexadecimal() {
    char32_t point = 0;
    while (!try_take('}')) {
      point = point * 16 + hex_digit();
      if (point > 0x10FFFF) fail(Errc::invalid_argument, "names a character above U+10FFFF");
    }
    return point;
  }

  Part set() {
    const bool negated = try_take('^');
    Ranges ranges;
    while (!try_take(']')) add_set_item(ranges, negated);
    return one(ranges, negated);
  }

  // What a negated set leaves out is \s and \W at their widest.
  void add_set_item(Ranges& ranges, bool negated) {
    char32_t first = take();
    if (first == '\\') {
      const char32_t name = take();
      if (name == 'b') {
        first = '\b';
      } else if (name == 'D' || name == 'S') {
        const Ranges others = complement(name == 'D' ? kDigits : kAllBlanks);
        ranges.insert(ranges.end(), others.begin(), others.end());
        return;
      } else {
        Ranges named = escaped_ranges(name);
        if (negated && name == 's') named = kAllBlanks;
        if (negated && name == 'W') named = complement(kWord);
        if (name == 'd' || name == 'w' || name == 'W' || name == 's') {
          ranges.insert(ranges.end(), named.begin(), named.end());
          return;
        }
        first = named[0].first;
      }
    }
    const bool is_range = is_at('-') && at_ + 1 < pattern_.size() && pattern_[at_ + 1] != ']';
    if (!is_range) return ranges.push_back({first, first});
    ++at_;
    char32_t last = take();
    if (last == '\\') last = escaped_point(take());
    if (last < first) fail(Errc::invalid_argument, "has a set with a reversed range");
    ranges.push_back({first, last});
  }

  GrammarBuilder& b_;
  JsonText& json_;
  std::string_view text_;
  std::u32string pattern_;
  Counts length_;
  std::string_view place_;
  size_t at_ = 0;
};

}  // namespace

Expr strings_of_pattern(GrammarBuilder& builder, JsonText& json, std::string_view pattern,
                        const Counts& length, std::string_view place) {
  return json.string(PatternReader(builder, json, pattern, length, place).read());
}

}  // namespace hearth::serve
