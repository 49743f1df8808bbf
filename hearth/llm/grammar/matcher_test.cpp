#include "hearth/llm/grammar/matcher.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/base/rng.h"
#include "hearth/llm/grammar/gbnf.h"
#include "hearth/llm/grammar/json_gbnf.h"
#include "hearth/llm/tokenizer/small_vocabularies.h"

namespace hearth::llm {
namespace {

using Pieces = std::vector<std::string>;

std::shared_ptr<Constraint> constraint_of(std::string_view gbnf, const Pieces& pieces,
                                          std::vector<int32_t> end_ids = {},
                                          ConstraintLimits limits = {}) {
  return std::make_shared<Constraint>(std::make_shared<Grammar>(parse_gbnf(gbnf)),
                                      std::make_shared<TokenTrie>(pieces, end_ids), limits);
}

std::vector<int32_t> ids_of(TokenMask mask, size_t vocab_size) {
  std::vector<int32_t> ids;
  for (size_t id = 0; id < mask.size() * 64; ++id)
    if (is_allowed(mask, static_cast<int32_t>(id))) ids.push_back(static_cast<int32_t>(id));
  EXPECT_TRUE(ids.empty() || ids.back() < static_cast<int32_t>(vocab_size));
  return ids;
}

using Ids = std::vector<int32_t>;

TEST(TokenTrie, PiecesThatShareBytesShareBranches) {
  const Pieces pieces = {"ab", "", "a", "abc", "b", "ab", "\xFF"};
  const TokenTrie trie(pieces, Ids{});
  ASSERT_EQ(trie.branches().size(), 5u);  // a, ab, abc, b, FF
  EXPECT_EQ(Ids(trie.ids().begin(), trie.ids().end()), (Ids{2, 0, 5, 3, 4, 6}));
  EXPECT_EQ(trie.branches()[0].past, 3u);
  EXPECT_EQ(trie.branches()[1].past, 3u);
  EXPECT_EQ(trie.branches()[1].ids_past, 3u);
  EXPECT_EQ(trie.branches()[2].depth, 3);
  EXPECT_EQ(trie.depth_max(), 3u);
  EXPECT_EQ(trie.piece(3), "abc");
}

TEST(TokenTrie, WhatContinuesABranchIsTold) {
  // Branches: 0 a, 1 ab, 2 ab7, 3 abC3, 4 abC3A9, 5 C3.
  const Pieces pieces = {"ab7", "ab\xC3\xA9", "a", "\xC3"};
  const TokenTrie trie(pieces, Ids{});
  ASSERT_EQ(trie.below().size(), 6u);
  EXPECT_EQ(trie.below()[0].kinds, kAsciiKinds['c'] | kAsciiKinds['9'] | kWideKind);
  EXPECT_EQ(trie.below()[0].bytes_max, 3);
  EXPECT_EQ(trie.below()[1].kinds, kAsciiKinds['9'] | kWideKind);
  EXPECT_EQ(trie.below()[2].kinds, 0u);
  EXPECT_EQ(trie.below()[2].bytes_max, 0);
  EXPECT_EQ(trie.below()[3].kinds, kBrokenKind);
  EXPECT_EQ(trie.below()[5].bytes_max, 0);
}

TEST(TokenTrie, ControlTokensAreInNoGrammarAndEndTokensKeptApart) {
  OwnedSpec spec = spm_spec({{"\u2581a", -1.f}});
  const int32_t user = spec.add("<tool>", TokenKind::user_defined);
  const int32_t control = spec.add("<ctl>", TokenKind::control);
  const int32_t unused = spec.add("<unused>", TokenKind::unused);
  const auto tokenizer = spec.make();
  const TokenTrie trie(*tokenizer);
  // <unk> <s> </s>, the bytes from id 3 on, "▁a", and the three.
  EXPECT_EQ(trie.ids().size(), 256u + 1 + 1);
  EXPECT_EQ(trie.piece(user), "<tool>");
  EXPECT_EQ(trie.piece(user - 1), " a");
  EXPECT_EQ(trie.piece(3 + 'x'), "x");
  for (const int32_t id : {0, 1, 2, control, unused}) EXPECT_EQ(trie.piece(id), "") << id;
  EXPECT_EQ(Ids(trie.end_ids().begin(), trie.end_ids().end()), (Ids{2}));
}

TEST(Matcher, AllowsTheTokensThatFitWholeAndTheEndWhereTheTextIsComplete) {
  //                     0    1     2     3      4     5     6        7
  const Pieces pieces = {"a", "ab", "b", "abb", "bc", "", "</s>", "aab"};
  Matcher matcher(constraint_of(R"(root ::= "a" "b"{1,2})", pieces, {6}));
  const auto allowed = [&] { return ids_of(matcher.allowed(), pieces.size()); };
  EXPECT_EQ(allowed(), (Ids{0, 1, 3}));
  EXPECT_FALSE(matcher.accept_token(2));
  EXPECT_FALSE(matcher.accept_token(5));
  EXPECT_FALSE(matcher.accept_token(6));
  EXPECT_FALSE(matcher.is_complete());
  ASSERT_TRUE(matcher.accept_token(1));
  EXPECT_TRUE(matcher.is_complete());
  EXPECT_EQ(allowed(), (Ids{2, 6}));
  EXPECT_TRUE(matcher.accept_token(6));
  ASSERT_TRUE(matcher.accept_token(2));
  EXPECT_EQ(allowed(), (Ids{6}));
}

TEST(Matcher, CopiesGoTheirOwnWays) {
  Matcher one(constraint_of(R"(root ::= "a" ("x" | "y"))", {"a", "x", "y"}, {}));
  ASSERT_TRUE(one.accept("a"));
  Matcher other = one;
  EXPECT_TRUE(other.accept("y"));
  EXPECT_TRUE(other.is_complete());
  EXPECT_FALSE(one.is_complete());
  EXPECT_TRUE(one.accept("x"));
}

TEST(Matcher, CharactersMaySpanTokens) {
  const Pieces pieces = {"\"", "\xF0\x9F", "\x98", "\x80\"", "\x80", "\xC3"};
  Matcher matcher(constraint_of(kJsonGbnf, pieces));
  for (const int32_t id : {0, 1, 2}) ASSERT_TRUE(matcher.accept_token(id)) << id;
  EXPECT_EQ(ids_of(matcher.allowed(), pieces.size()), (Ids{2, 3, 4}));
  ASSERT_TRUE(matcher.accept_token(3));
  EXPECT_TRUE(matcher.is_complete());
}

TEST(Matcher, AVocabularyWithoutTheBytesThatMustFollowIsAnError) {
  Matcher matcher(constraint_of(R"(root ::= "x")", {"a", "b"}));
  try {
    matcher.allowed();
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Errc::unsupported);
    EXPECT_STREQ(e.what(),
                 "grammar: the vocabulary has no token for the bytes that must come next");
  }
}

// All bytes and random strings of the letters of JSON, some of them cut characters.
Pieces json_pieces(Rng& rng) {
  constexpr std::string_view kAlphabet = "{}[]\",:\\ue0129.-tr nl\n\xC3\xA9\xF0\x9F\x98\x80";
  Pieces pieces;
  for (int b = 0; b < 256; ++b) pieces.emplace_back(1, static_cast<char>(b));
  for (int i = 0; i < 1500; ++i) {
    std::string piece;
    for (uint64_t n = 1 + rng.below(5); n > 0; --n) piece += kAlphabet[rng.below(kAlphabet.size())];
    pieces.push_back(piece);
  }
  pieces.emplace_back("</s>");
  return pieces;
}

// Walks at random through masks; each must hold exactly the tokens that a copy accepts.
void expect_masks_are_exact(Matcher matcher, const Pieces& pieces, int steps, Rng& rng) {
  const auto end_id = static_cast<int32_t>(pieces.size() - 1);
  for (int step = 0; step < steps; ++step) {
    const TokenMask mask = matcher.allowed();
    const Ids ids = ids_of(mask, pieces.size());
    Ids expected;
    for (int32_t id = 0; id < static_cast<int32_t>(pieces.size()); ++id) {
      Matcher probe = matcher;
      if (id == end_id ? matcher.is_complete() : probe.accept(pieces[id])) expected.push_back(id);
    }
    ASSERT_EQ(ids, expected) << "step " << step;
    const int32_t id = ids[rng.below(ids.size())];
    ASSERT_TRUE(matcher.accept_token(id));
    if (id == end_id) return;
  }
}

TEST(Matcher, MasksHoldExactlyTheTokensThatAreAccepted) {
  Rng rng(7);
  const Pieces pieces = json_pieces(rng);
  const auto constraint =
      constraint_of(kJsonGbnf, pieces, {static_cast<int32_t>(pieces.size() - 1)});
  for (int answer = 0; answer < 20; ++answer)
    expect_masks_are_exact(Matcher(constraint), pieces, 40, rng);
}

// All bytes and a thousand words of few characters, so that most words begin others.
Pieces wordy_pieces(Rng& rng) {
  constexpr const char* kCharacters[] = {"a",   "g", "7", " ", "\"", "\xC3\xA9", "\xF0\x9F\x98\x80",
                                         "\xC3"};
  Pieces pieces;
  for (int b = 0; b < 256; ++b) pieces.emplace_back(1, static_cast<char>(b));
  for (int i = 0; i < 1000; ++i) {
    const uint64_t common = 2 + rng.below(7);  // of the first ones
    std::string piece;
    for (uint64_t n = 1 + rng.below(9); n > 0; --n) piece += kCharacters[rng.below(common)];
    pieces.push_back(piece);
  }
  pieces.emplace_back("</s>");
  return pieces;
}

TEST(Matcher, MasksAreExactWherePiecesAreTakenWhole) {
  Rng rng(10);
  const Pieces pieces = wordy_pieces(rng);
  for (const char* gbnf : {
           R"gbnf(root ::= "\"" [^"\\]{0,12} "\"")gbnf",         // runs that come to their end
           R"gbnf(root ::= [ag] [^"]* "\"" [a-z0-9]{3,9})gbnf",  // endless, and of some kinds
           R"gbnf(root ::= ([a-z] [ 0-9])* [\u00E0-\u00FF]{2,})gbnf",
           R"gbnf(root ::= ([a-f0-9] | "g" [^\u00E9a]){1,40})gbnf",
           R"gbnf(root ::= item ("," item){0,3}
item ::= "\"" (. . )* "\"" | [a-z]{1,5})gbnf",
       }) {
    SCOPED_TRACE(gbnf);
    const auto constraint = constraint_of(gbnf, pieces, {static_cast<int32_t>(pieces.size() - 1)});
    for (int answer = 0; answer < 5; ++answer)
      expect_masks_are_exact(Matcher(constraint), pieces, 12, rng);
  }
}

TEST(FreeRuns, EndWhereTheCountOrTheKindsEnd) {
  Automaton automaton(std::make_shared<Grammar>(
      parse_gbnf(R"gbnf(root ::= "x" [a-z]{5} [a-fA-F]{4} ("0" | .)*)gbnf")));
  FreeRuns runs;
  constexpr TextKinds kHex = kAsciiKinds['a'], kSmall = kHex | kAsciiKinds['z'];
  const auto allows = [&](const char* text, TextKinds kinds, size_t bytes) {
    return runs.allows(automaton, automaton.next(automaton.start(), text), kinds, bytes);
  };
  EXPECT_FALSE(allows("", kSmall, 1));
  EXPECT_TRUE(allows("x", kSmall, 5));
  EXPECT_FALSE(allows("x", kSmall, 6));
  EXPECT_TRUE(allows("xy", kHex, 4));
  EXPECT_TRUE(allows("xyyyyy", kHex | kAsciiKinds['A'], 4));
  EXPECT_FALSE(allows("xyyyyy", kSmall, 1));
  EXPECT_TRUE(allows("xyyyyyaaaa", kSmall | kWideKind | kAsciiKinds['\n'], 60'000));
  EXPECT_FALSE(allows("xyyyyyaaaa", kBrokenKind, 1));
}

TEST(Matcher, ForgettingChangesNothingForAnswersUnderWay) {
  Rng rng(8);
  const Pieces pieces = json_pieces(rng);
  const Ids end_ids = {static_cast<int32_t>(pieces.size() - 1)};
  const auto forgetful = constraint_of(kJsonGbnf, pieces, end_ids, {.memory_bytes = 20'000});
  const auto other = constraint_of(kJsonGbnf, pieces, end_ids);
  std::vector<Matcher> tested(4, Matcher(forgetful)), reference(4, Matcher(other));
  for (int step = 0; step < 400; ++step) {
    const size_t i = rng.below(tested.size());
    const Ids ids = ids_of(tested[i].allowed(), pieces.size());
    ASSERT_EQ(ids, ids_of(reference[i].allowed(), pieces.size()));
    const int32_t id = ids[rng.below(ids.size())];
    if (id == end_ids[0]) {
      tested[i] = Matcher(forgetful);
      reference[i] = Matcher(other);
      continue;
    }
    ASSERT_TRUE(tested[i].accept_token(id));
    ASSERT_TRUE(reference[i].accept_token(id));
  }
  EXPECT_GT(forgetful->renewals(), 3u);
  EXPECT_EQ(other->renewals(), 0u);
  EXPECT_LT(forgetful->memory_bytes(), 1'000'000u);
}

TEST(ApplyMask, WhatIsNotAllowedBecomesImpossible) {
  constexpr size_t kVocab = 300;  // not a multiple of a word's bits
  Rng rng(9);
  for (const uint64_t share : {0, 1, 30, 50, 70, 99, 100}) {  // percent that are allowed
    std::vector<uint64_t> mask((kVocab + 63) / 64);
    std::vector<float> logits(kVocab), expected(kVocab);
    for (size_t id = 0; id < kVocab; ++id) {
      const bool allowed = rng.below(100) < share;
      mask[id / 64] |= uint64_t{allowed} << (id % 64);
      logits[id] = static_cast<float>(id);
      expected[id] = allowed ? logits[id] : -std::numeric_limits<float>::infinity();
    }
    apply_mask(logits, mask);
    EXPECT_EQ(logits, expected) << share << " %";
  }
}

}  // namespace
}  // namespace hearth::llm
