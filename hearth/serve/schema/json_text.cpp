#include "hearth/serve/schema/json_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "hearth/base/error.h"
#include "hearth/serve/schema/code_points.h"

namespace hearth::serve {
namespace {

using llm::CodeRange;
using llm::GrammarBuilder;

constexpr int kUnbounded = GrammarBuilder::kUnbounded;
constexpr char32_t kSpace = 0x20;
// Repetitions are copies of their part; long ones are made of blocks.
constexpr int64_t kBlock = 100;
constexpr int64_t kRepetitionsMax = 10'000 * kBlock;
// One rule in another for each character.
constexpr size_t kNameCharactersMax = 1'000;

std::string escape_of(char32_t c) {
  constexpr std::string_view kShort = "\"\\\b\f\n\r\t", kLetters = "\"\\bfnrt";
  const size_t at = c < 0x80 ? kShort.find(static_cast<char>(c)) : std::string_view::npos;
  if (at != std::string_view::npos) return {'\\', kLetters[at]};
  return fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
}

bool contains(const std::vector<CodeRange>& ranges, char32_t c) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [c](const CodeRange& r) { return r.first <= c && c <= r.last; });
}

// The parts of `ranges` that a string may hold as they are: no controls, quotes and backslashes.
std::vector<CodeRange> unescaped(const std::vector<CodeRange>& ranges) {
  constexpr CodeRange kPlain[] = {{0x20, 0x21}, {0x23, 0x5B}, {0x5D, 0x10FFFF}};
  std::vector<CodeRange> out;
  for (const CodeRange& r : ranges)
    for (const CodeRange& plain : kPlain) {
      const CodeRange both = {std::max(r.first, plain.first), std::min(r.last, plain.last)};
      if (both.first <= both.last) out.push_back(both);
    }
  return out;
}

bool holds_only_surrogates(const std::vector<CodeRange>& ranges) {
  return std::all_of(ranges.begin(), ranges.end(),
                     [](const CodeRange& r) { return r.first >= 0xD800 && r.last <= 0xDFFF; });
}

}  // namespace

Expr JsonText::rule(const std::string& name, Expr body) {
  const Rule rule = builder_.declare(name);
  builder_.define(rule, body);
  return builder_.use(rule);
}

template <class Make>
Expr JsonText::once(const std::string& name, Make make) {
  if (const auto at = made_.find(name); at != made_.end()) return at->second;
  const Expr expr = rule(name, make());
  made_.emplace(name, expr);
  return expr;
}

Expr JsonText::space() {
  return once("space", [&] {
    const Expr indent = builder_.repeat(builder_.characters({{' ', ' '}, {'\t', '\t'}}), 0, 32);
    const Expr lines = builder_.repeat(builder_.text("\n"), 1, 2);
    return builder_.repeat(
        builder_.choice({builder_.text(" "), builder_.sequence({lines, indent})}), 0, 1);
  });
}

// \u escapes of surrogates come in pairs: alone they are no character, and parsers refuse them.
Expr JsonText::character() {
  return once("character", [&] {
    const auto hex = [&](std::vector<CodeRange> digits) { return builder_.characters(digits); };
    const Expr any = hex({{'0', '9'}, {'a', 'f'}, {'A', 'F'}});
    const Expr d = hex({{'d', 'd'}, {'D', 'D'}});
    const Expr other = builder_.sequence(
        {hex({{'0', '9'}, {'a', 'c'}, {'A', 'C'}, {'e', 'f'}, {'E', 'F'}}), any, any, any});
    const Expr below = builder_.sequence({d, hex({{'0', '7'}}), any, any});
    const Expr pair =
        builder_.sequence({d, hex({{'8', '9'}, {'a', 'b'}, {'A', 'B'}}), any, any,
                           builder_.text("\\u"), d, hex({{'c', 'f'}, {'C', 'F'}}), any, any});
    const Expr code =
        builder_.sequence({builder_.text("u"), builder_.choice({other, below, pair})});
    const Expr letter = builder_.characters({{'"', '"'},
                                             {'\\', '\\'},
                                             {'/', '/'},
                                             {'b', 'b'},
                                             {'f', 'f'},
                                             {'n', 'n'},
                                             {'r', 'r'},
                                             {'t', 't'}});
    return builder_.choice(
        {builder_.characters(unescaped({{0, 0x10FFFF}})),
         builder_.sequence({builder_.text("\\"), builder_.choice({letter, code})})});
  });
}

std::optional<Expr> JsonText::character_in(std::vector<CodeRange> ranges, bool negated) {
  std::string name = negated ? "not in" : "in";
  for (const CodeRange& r : ranges)
    name += fmt::format(" {:x}-{:x}", uint32_t{r.first}, uint32_t{r.last});
  if (const auto at = made_.find(name); at != made_.end()) return at->second;
  if (negated) ranges = complement(std::move(ranges));
  std::vector<Expr> choices;
  const std::vector<CodeRange> plain = unescaped(ranges);
  if (!holds_only_surrogates(plain)) choices.push_back(builder_.characters(plain));
  for (char32_t c = 0; c < 0x80; ++c) {
    const bool is_common = c == '"' || c == '\\' || (c >= '\b' && c <= '\r' && c != '\v');
    const bool is_escaped = is_common || (c < kSpace && !negated);
    if (is_escaped && contains(ranges, c)) choices.push_back(builder_.text(escape_of(c)));
  }
  if (choices.empty()) return std::nullopt;
  return once(name, [&] { return builder_.choice(std::move(choices)); });
}

Expr JsonText::string(Expr content) {
  return builder_.sequence({builder_.text("\""), content, builder_.text("\"")});
}

Expr JsonText::string(const Counts& length) { return string(repeat(character(), length)); }

Expr JsonText::plain_characters(int64_t min) {
  return builder_.repeat(*character_in({{0x20, 0x21}, {0x23, 0x5B}, {0x5D, 0x10FFFF}}, false),
                         static_cast<int>(min), kUnbounded);
}

Expr JsonText::name_but(const std::vector<std::string>& names) {
  std::vector<std::u32string> points;
  for (const std::string& name : names) {
    points.push_back(code_points(name));
    if (points.back().size() > kNameCharactersMax)
      throw Error(Errc::resource_exhausted,
                  "schema: property '{}' has {} characters, at most {} beside other properties",
                  shortened(name), points.back().size(), kNameCharactersMax);
  }
  std::sort(points.begin(), points.end());
  points.erase(std::unique(points.begin(), points.end()), points.end());
  return string(rest_of_name_but(points, 0));
}

// The rests of names that agree with all of `names`, which are sorted and differ, before `at`.
Expr JsonText::rest_of_name_but(std::span<const std::u32string> names, size_t at) {
  std::vector<Expr> choices;
  std::vector<CodeRange> taken = {{0, 0x1F}, {'"', '"'}, {'\\', '\\'}};
  const bool ends_here = !names.empty() && names.front().size() == at;
  if (!ends_here) choices.push_back(builder_.text(""));
  for (size_t i = ends_here ? 1 : 0; i < names.size();) {
    const char32_t c = names[i][at];
    const size_t first = i;
    while (i < names.size() && names[i][at] == c) ++i;
    taken.push_back({c, c});
    const bool is_plain = c >= kSpace && c != '"' && c != '\\';
    if (!is_plain) continue;
    const Expr rest = rule("other name", rest_of_name_but(names.subspan(first, i - first), at + 1));
    choices.push_back(builder_.sequence({builder_.characters({{c, c}}), rest}));
  }
  choices.push_back(builder_.sequence({builder_.characters(taken, true), plain_characters(0)}));
  return builder_.choice(std::move(choices));
}

Expr JsonText::repeat(Expr part, const Counts& counts) {
  if (counts.min > kRepetitionsMax)
    throw Error(Errc::resource_exhausted, "schema: at least {} repetitions, at most {} are counted",
                counts.min, kRepetitionsMax);
  const int64_t min = counts.min;
  if (min <= kBlock * 10 && (!counts.max || *counts.max <= kBlock * 10))
    return builder_.repeat(part, static_cast<int>(min),
                           counts.max ? static_cast<int>(*counts.max) : kUnbounded);
  const Expr block = rule("block", builder_.repeat(part, kBlock, kBlock));
  const auto times = [&](Expr e, int64_t low, int64_t high) {
    return builder_.repeat(e, static_cast<int>(low), static_cast<int>(high));
  };
  std::vector<Expr> parts = {times(block, min / kBlock, min / kBlock),
                             times(part, min % kBlock, min % kBlock)};
  if (!counts.max) {
    parts.push_back(builder_.repeat(part, 0, kUnbounded));
    return builder_.sequence(std::move(parts));
  }
  const int64_t more = std::min(*counts.max, kRepetitionsMax) - min;
  if (more >= kBlock) parts.push_back(times(block, 0, more / kBlock - 1));
  // Together 0 to `more`: what the blocks leave is up to one block and the odd rest.
  parts.push_back(times(part, 0, more >= kBlock ? kBlock + more % kBlock : more));
  return builder_.sequence(std::move(parts));
}

Expr JsonText::list(std::string_view open, Expr item, const Counts& counts,
                    std::string_view close) {
  const Expr opening = builder_.sequence({builder_.text(open), space()});
  const Expr empty = builder_.sequence({opening, builder_.text(close)});
  if (counts.max && *counts.max == 0) return empty;
  const Expr next = builder_.sequence({builder_.text(","), space(), item});
  Counts more{.min = std::max<int64_t>(counts.min - 1, 0)};
  if (counts.max) more.max = *counts.max - 1;
  const Expr full =
      builder_.sequence({opening, item, repeat(next, more), space(), builder_.text(close)});
  return counts.min > 0 ? full : builder_.choice({empty, full});
}

Expr JsonText::member(Expr name, Expr value) {
  return builder_.sequence({name, builder_.text(":"), space(), value});
}

Expr JsonText::any_value(int depth) {
  return once(fmt::format("value {}", depth), [&] {
    std::vector<Expr> choices = {string(Counts{}), any_number(), builder_.text("true"),
                                 builder_.text("false"), builder_.text("null")};
    if (depth > 0) choices.insert(choices.end(), {any_array(depth), any_object(depth)});
    return builder_.choice(std::move(choices));
  });
}

Expr JsonText::any_array(int depth) {
  return once(fmt::format("array {}", depth),
              [&] { return list("[", any_value(depth - 1), {}, "]"); });
}

Expr JsonText::any_object(int depth) {
  return once(fmt::format("object {}", depth),
              [&] { return list("{", member(string(Counts{}), any_value(depth - 1)), {}, "}"); });
}

Expr JsonText::digit() { return builder_.byte_range('0', '9'); }

Expr JsonText::any_integer() {
  return once("integer", [&] {
    const Expr digits =
        builder_.sequence({builder_.byte_range('1', '9'), builder_.repeat(digit(), 0, 15)});
    return builder_.choice(
        {builder_.text("0"), digits, builder_.sequence({builder_.text("-"), digits})});
  });
}

Expr JsonText::any_number() {
  return once("number", [&] {
    const Expr fraction = builder_.sequence({builder_.text("."), builder_.repeat(digit(), 1, 16)});
    const Expr sign = builder_.repeat(builder_.characters({{'+', '+'}, {'-', '-'}}), 0, 1);
    const Expr exponent = builder_.sequence(
        {builder_.characters({{'e', 'e'}, {'E', 'E'}}), sign, builder_.repeat(digit(), 1, 2)});
    const Expr whole = builder_.choice(
        {builder_.text("0"),
         builder_.sequence({builder_.byte_range('1', '9'), builder_.repeat(digit(), 0, 15)})});
    return builder_.sequence({builder_.repeat(builder_.text("-"), 0, 1), whole,
                              builder_.repeat(fraction, 0, 1), builder_.repeat(exponent, 0, 1)});
  });
}

}  // namespace hearth::serve
