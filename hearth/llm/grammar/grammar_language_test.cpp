// Languages of random grammars, against a recogniser that tries everything.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/base/rng.h"
#include "hearth/llm/grammar/grammar_testing.h"

namespace hearth::llm {
namespace {

// A grammar as a tree, from which come its text in GBNF and the oracle's verdict.
struct Tree {
  enum Kind { literal, set, sequence, choice, repeat, rule } kind;
  std::string text = {};  // literal; set: its members, all ASCII
  int min = 0, max = 0;   // repeat; max -1: any number
  int rule_index = 0;
  std::vector<Tree> parts = {};
};

std::string gbnf_of(const Tree& t) {
  std::string out;
  switch (t.kind) {
    case Tree::literal:
      return "\"" + t.text + "\"";
    case Tree::set:
      return "[" + t.text + "]";
    case Tree::rule:
      return t.rule_index == 0 ? "root" : fmt::format("r{}", t.rule_index);
    case Tree::repeat:
      return fmt::format("({}){{{},{}}}", gbnf_of(t.parts[0]), t.min,
                         t.max < 0 ? "" : std::to_string(t.max));
    case Tree::sequence:
      for (const Tree& part : t.parts) out += gbnf_of(part) + " ";
      return "(" + out + ")";
    case Tree::choice:
      for (const Tree& part : t.parts) out += (out.empty() ? "" : " | ") + gbnf_of(part);
  }
  return "(" + out + ")";
}

// Follows every way through the rules, one after the other. Ends where the text could have been
// read up to; `hit_end` tells that more text could have been read, which makes any text viable
// whose rules can all end.
struct Oracle {
  const std::vector<Tree>& rules;
  std::string_view text;
  bool hit_end = false;

  using Ends = std::set<size_t>;

  Ends ends(const Tree& t, size_t begin) {
    switch (t.kind) {
      case Tree::literal:
        return literal_ends(t.text, begin);
      case Tree::set:
        if (begin == text.size()) hit_end = true;
        return begin < text.size() && t.text.find(text[begin]) != std::string::npos
                   ? Ends{begin + 1}
                   : Ends{};
      case Tree::rule:
        return ends(rules[t.rule_index], begin);
      case Tree::sequence: {
        Ends at = {begin};
        for (const Tree& part : t.parts) at = after_all(part, at);
        return at;
      }
      case Tree::choice: {
        Ends all;
        for (const Tree& part : t.parts) all.merge(ends(part, begin));
        return all;
      }
      case Tree::repeat:
        break;
    }
    return repeat_ends(t, begin);
  }

  Ends literal_ends(const std::string& literal, size_t begin) {
    for (size_t i = 0; i < literal.size(); ++i) {
      if (begin + i == text.size()) hit_end = true;
      if (begin + i >= text.size() || text[begin + i] != literal[i]) return {};
    }
    return {begin + literal.size()};
  }

  Ends after_all(const Tree& t, const Ends& begins) {
    Ends all;
    for (const size_t begin : begins) all.merge(ends(t, begin));
    return all;
  }

  // More copies than bytes are left, beyond the least number, add nothing new.
  Ends repeat_ends(const Tree& t, size_t begin) {
    Ends at = {begin}, all;
    const int most = t.max >= 0 ? t.max : t.min + static_cast<int>(text.size()) + 1;
    for (int count = 0; count <= most && !at.empty(); ++count) {
      if (count >= t.min) all.insert(at.begin(), at.end());
      if (count < most) at = after_all(t.parts[0], at);
    }
    return all;
  }
};

Reading oracle_reading(const std::vector<Tree>& rules, std::string_view text) {
  Oracle oracle{rules, text};
  const bool is_complete = oracle.ends(rules[0], 0).count(text.size()) > 0;
  return {is_complete || oracle.hit_end, is_complete};
}

constexpr int kRules = 3;

// Anything, often left-recursive or without end: such grammars must be refused.
Tree random_tree(Rng& rng, int depth) {
  constexpr const char* kLiterals[] = {"a", "b", "ab", "ba", "aab", ""};
  constexpr const char* kSets[] = {"ab", "a", "bc"};
  const auto parts = [&](int count) {
    std::vector<Tree> out;
    for (int i = 0; i < count; ++i) out.push_back(random_tree(rng, depth - 1));
    return out;
  };
  switch (rng.below(depth > 0 ? 8 : 4)) {
    case 0:
    case 1:
      return {.kind = Tree::literal, .text = kLiterals[rng.below(6)]};
    case 2:
      return {.kind = Tree::set, .text = kSets[rng.below(3)]};
    case 3:
      return {.kind = Tree::rule, .rule_index = static_cast<int>(rng.below(kRules))};
    case 4:
    case 5:
      return {.kind = Tree::sequence, .parts = parts(2 + rng.below(2))};
    case 6:
      return {.kind = Tree::choice, .parts = parts(2 + rng.below(2))};
    default: {
      const int min = static_cast<int>(rng.below(3));
      return {.kind = Tree::repeat,
              .min = min,
              .max = rng.below(2) ? -1 : min + static_cast<int>(rng.below(3)),
              .parts = parts(1)};
    }
  }
}

struct RandomGrammar {
  std::vector<Tree> rules;
  std::string gbnf;
};

RandomGrammar random_grammar(Rng& rng) {
  RandomGrammar grammar;
  for (int i = 0; i < kRules; ++i) {
    grammar.rules.push_back(random_tree(rng, 3));
    grammar.gbnf += gbnf_of({.kind = Tree::rule, .rule_index = i}) +
                    " ::= " + gbnf_of(grammar.rules.back()) + "\n";
  }
  return grammar;
}

// The texts of up to `length` bytes over a, b and c.
std::vector<std::string> all_texts(size_t length) {
  std::vector<std::string> texts = {""};
  for (size_t i = 0; i < texts.size(); ++i)
    if (texts[i].size() < length)
      for (const char c : {'a', 'b', 'c'}) texts.push_back(texts[i] + c);
  return texts;
}

std::optional<Automaton> try_automaton(const std::string& gbnf) {
  try {
    return automaton_of(gbnf);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Errc::invalid_argument) << gbnf << e.what();
    const std::string_view message = e.what();
    EXPECT_TRUE(message.find("left-recursive") != message.npos ||
                message.find("can never end") != message.npos)
        << message;
    return std::nullopt;
  }
}

TEST(GrammarLanguage, RandomGrammarsReadEveryShortTextAsAnExhaustiveSearchDoes) {
  const std::vector<std::string> texts = all_texts(6);
  Rng rng(1);
  int accepted = 0, complete = 0, viable_only = 0;
  for (int round = 0; round < 3000 && accepted < 400; ++round) {
    const RandomGrammar grammar = random_grammar(rng);
    std::optional<Automaton> automaton = try_automaton(grammar.gbnf);
    if (!automaton) continue;
    ++accepted;
    for (const std::string& text : texts) {
      const Reading expected = oracle_reading(grammar.rules, text);
      const Reading got = read(*automaton, text);
      ASSERT_EQ(got.is_viable, expected.is_viable) << grammar.gbnf << "text: " << text;
      ASSERT_EQ(got.is_complete, expected.is_complete) << grammar.gbnf << "text: " << text;
      complete += expected.is_complete;
      viable_only += expected.is_viable && !expected.is_complete;
    }
  }
  // The comparison means something only if all three verdicts were common.
  EXPECT_EQ(accepted, 400);
  EXPECT_GT(complete, 1000);
  EXPECT_GT(viable_only, 1000);
}

TEST(GrammarLanguage, NestingIsRemembered) {
  const char* brackets = R"gbnf(root ::= "(" root ")" root | "[" root "]" root | "")gbnf";
  EXPECT_TRUE(matches(brackets, "([()[]])()"));
  EXPECT_FALSE(matches(brackets, "([)]"));
  const std::string open(1000, '('), close(1000, ')');
  EXPECT_TRUE(matches(brackets, open + close));
  EXPECT_FALSE(matches(brackets, open + close + ")"));
}

TEST(GrammarLanguage, AmbiguityAddsUpInsteadOfMultiplying) {
  // 2^1000 ways to read a thousand a's if each were followed alone.
  Automaton automaton = automaton_of(R"(root ::= "a" root "b" | "a" root "c" | "")");
  const std::string text = std::string(1000, 'a') + std::string(500, 'b') + std::string(500, 'c');
  EXPECT_TRUE(read(automaton, text).is_complete);
  EXPECT_FALSE(read(automaton, text + "c").is_viable);
}

TEST(GrammarLanguage, LoopsWrittenAsRightRecursionNeedNoDepth) {
  const auto grammar = std::make_shared<Grammar>(parse_gbnf(R"(root ::= [a-z] root | "")"));
  Automaton automaton(grammar, {.depth_max = 2});
  EXPECT_TRUE(read(automaton, std::string(100'000, 'x')).is_complete);
  EXPECT_LT(automaton.state_count(), 10u);
}

TEST(GrammarLanguage, RulesOpenNoDeeperThanTheLimit) {
  const auto nested =
      std::make_shared<Grammar>(parse_gbnf(R"gbnf(root ::= "(" root ")" | "")gbnf"));
  Automaton automaton(nested, {.depth_max = 9});
  EXPECT_TRUE(read(automaton, std::string(10, '(') + std::string(10, ')')).is_complete);
  EXPECT_FALSE(read(automaton, std::string(11, '(')).is_viable);
}

TEST(GrammarLanguage, LimitsOfReadingAreNamed) {
  const auto message_of = [](const char* gbnf, AutomatonLimits limits, const std::string& text) {
    try {
      Automaton automaton(std::make_shared<Grammar>(parse_gbnf(gbnf)), limits);
      automaton.next(automaton.start(), text);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Errc::resource_exhausted);
      return std::string(e.what());
    }
    return std::string("no error");
  };
  const char* nested = R"gbnf(root ::= "(" root ")" | "")gbnf";
  EXPECT_EQ(message_of(nested, {.memory_bytes_max = 2000}, std::string(100, '(')),
            "grammar: its states need more than 2000 bytes");
  EXPECT_EQ(message_of(nested, {.work_max = 100}, std::string(100, '(')),
            "grammar: its states take more than 100 steps to find");
  EXPECT_EQ(message_of(R"(root ::= "a"{0,50}{0,50} "b")", {.ways_max = 100}, "aaa"),
            "grammar: the text can be read in too many ways at once, at most 100 are followed");
}

TEST(GrammarLanguage, AnAutomatonCanBeUsedOnAfterALimit) {
  Automaton automaton(std::make_shared<Grammar>(parse_gbnf(
                          R"gbnf(root ::= "(" root ")" | "x" | "y" ("a"{0,50}){0,50} "b")gbnf")),
                      {.ways_max = 100});
  EXPECT_THROW(read(automaton, "((yaaa"), Error);
  EXPECT_TRUE(read(automaton, "(((x)))").is_complete);
  EXPECT_THROW(read(automaton, "((yaaa"), Error);
  EXPECT_FALSE(read(automaton, "(((x))))").is_viable);
}

TEST(GrammarLanguage, RulesMadeByCodeReadLikeWrittenOnes) {
  GrammarBuilder builder;
  const auto root = builder.declare("root");
  const auto pair = builder.declare("pair");
  builder.define(root, builder.repeat(builder.use(pair), 1, GrammarBuilder::kUnbounded));
  builder.define(pair, builder.sequence({builder.byte_range(0x80, 0x8F),
                                         builder.choice({builder.text("\xFF"), builder.sequence({}),
                                                         builder.characters({{0xE4, 0xE4}})})}));
  Automaton automaton(std::make_shared<Grammar>(builder.build(root)));
  EXPECT_TRUE(read(automaton, "\x80\xFF\x8F\x81\xC3\xA4").is_complete);
  EXPECT_FALSE(read(automaton, "\x90").is_viable);
  EXPECT_FALSE(read(automaton, "").is_complete);
}

TEST(GrammarLanguage, WhatCodeGetsWrongIsAnError) {
  GrammarBuilder builder;
  const auto rule = builder.declare("r");
  EXPECT_THROW(builder.build(rule), Error);
  EXPECT_THROW(builder.choice({}), Error);
  EXPECT_THROW(builder.characters({}), Error);
  EXPECT_THROW(builder.characters({{'b', 'a'}}), Error);
  EXPECT_THROW(builder.characters({{0, 0x110000}}), Error);
  EXPECT_THROW(builder.byte_range(2, 1), Error);
  const auto text = builder.text("x");
  EXPECT_THROW(builder.repeat(text, -1, 2), Error);
  EXPECT_THROW(builder.repeat(text, 3, 2), Error);
  EXPECT_THROW(builder.repeat(text, 0, 10'001), Error);
  builder.define(rule, text);
  EXPECT_THROW(builder.define(rule, text), Error);
}

}  // namespace
}  // namespace hearth::llm
