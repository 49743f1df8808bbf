#include "hearth/llm/grammar/grammar.h"

#include <algorithm>
#include <utility>

#include "hearth/base/error.h"
#include "hearth/llm/grammar/grammar_compiler.h"
#include "hearth/llm/grammar/utf8_ranges.h"

namespace hearth::llm {

GrammarBuilder::GrammarBuilder(GrammarLimits limits) : limits_(limits) {}

GrammarBuilder::Expr GrammarBuilder::add(Expression expression) {
  for (const Expr part : expression.parts)
    expression.depth = std::max(expression.depth, expressions_.at(part).depth + 1);
  if (expression.depth > limits_.nesting_max)
    throw Error(Errc::resource_exhausted, "grammar: expressions nest deeper than {} levels",
                limits_.nesting_max);
  if (expressions_.size() >= limits_.expressions_max)
    throw Error(Errc::resource_exhausted, "grammar: more than {} expressions",
                limits_.expressions_max);
  expressions_.push_back(std::move(expression));
  return static_cast<Expr>(expressions_.size() - 1);
}

GrammarBuilder::Expr GrammarBuilder::text(std::string_view bytes) {
  return add({.kind = Kind::text, .text = std::string(bytes)});
}

GrammarBuilder::Expr GrammarBuilder::byte_range(uint8_t first, uint8_t last) {
  Expression expression{.kind = Kind::bytes};
  for (int b = first; b <= last; ++b) expression.bytes.set(b);
  if (expression.bytes.none())
    throw Error(Errc::invalid_argument, "grammar: the bytes {} to {} are reversed", first, last);
  return add(std::move(expression));
}

GrammarBuilder::Expr GrammarBuilder::characters(std::vector<CodeRange> ranges, bool negated) {
  for (const CodeRange& r : ranges)
    if (r.first > r.last || r.last > 0x10FFFF)
      throw Error(Errc::invalid_argument, "grammar: U+{:04X} to U+{:04X} is no range of characters",
                  static_cast<uint32_t>(r.first), static_cast<uint32_t>(r.last));
  Expression expression{.kind = Kind::characters, .ranges = normalised(std::move(ranges), negated)};
  if (expression.ranges.empty())
    throw Error(Errc::invalid_argument, "grammar: a set of characters matches nothing");
  return add(std::move(expression));
}

GrammarBuilder::Expr GrammarBuilder::any_character() { return characters({}, true); }

GrammarBuilder::Expr GrammarBuilder::sequence(std::vector<Expr> parts) {
  return add({.kind = Kind::sequence, .parts = std::move(parts)});
}

GrammarBuilder::Expr GrammarBuilder::choice(std::vector<Expr> alternatives) {
  if (alternatives.empty())
    throw Error(Errc::invalid_argument, "grammar: a choice without alternatives");
  return add({.kind = Kind::choice, .parts = std::move(alternatives)});
}

GrammarBuilder::Expr GrammarBuilder::repeat(Expr part, int min, int max) {
  if (min < 0 || (max != kUnbounded && max < min))
    throw Error(Errc::invalid_argument, "grammar: {} to {} is no number of repetitions", min, max);
  if (std::max(min, max) > limits_.repetitions_max)
    throw Error(Errc::resource_exhausted, "grammar: {} repetitions, at most {} are allowed",
                std::max(min, max), limits_.repetitions_max);
  return add({.kind = Kind::repeat, .min = min, .max = max, .parts = {part}});
}

GrammarBuilder::Expr GrammarBuilder::use(Rule rule) {
  HEARTH_CHECK(rule < rules_.size());
  return add({.kind = Kind::use, .rule = rule});
}

GrammarBuilder::Rule GrammarBuilder::declare(std::string name) {
  if (rules_.size() >= static_cast<size_t>(limits_.rules_max))
    throw Error(Errc::resource_exhausted, "grammar: more than {} rules", limits_.rules_max);
  rules_.push_back({.name = std::move(name), .body = 0});
  return static_cast<Rule>(rules_.size() - 1);
}

void GrammarBuilder::define(Rule rule, Expr body) {
  NamedRule& named = rules_.at(rule);
  if (named.is_defined)
    throw Error(Errc::invalid_argument, "grammar: rule '{}' is defined twice", named.name);
  HEARTH_CHECK(body < expressions_.size());
  named.body = body;
  named.is_defined = true;
}

Grammar GrammarBuilder::build(Rule root) const { return GrammarCompiler(*this).compile(root); }

}  // namespace hearth::llm
