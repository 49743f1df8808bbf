#include "hearth/llm/tokenizer/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <limits>

#include "hearth/base/error.h"
#include "hearth/base/rng.h"
#include "hearth/llm/tokenizer/small_vocabularies.h"

namespace hearth::llm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr EncodeOptions kPlain = {.add_special = false, .parse_special = false};
constexpr EncodeOptions kParse = {.add_special = false, .parse_special = true};

std::string error_of(OwnedSpec spec) {
  try {
    spec.make();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

// Ids: <unk> 0, <s> 1, </s> 2, byte b = 3 + b, and from 259 on what is listed.
OwnedSpec small_spm() {
  return spm_spec({{"▁", -1},
                   {"a", -2},
                   {"b", -3},
                   {"c", -4},
                   {"ab", -5},
                   {"bc", -4.5f},
                   {"▁a", -6},
                   {"▁ab", -7}});
}
constexpr int32_t kSpace = 259, kA = 260, kC = 262, kBc = 264, kSpaceA = 265, kSpaceAb = 266;

TEST(Spm, MergesTheBestScoreFirst) {
  const auto tokenizer = small_spm().make();
  // ▁abc: bc (-4.5) beats ab (-5), then ▁a (-6) is all that is left.
  EXPECT_THAT(tokenizer->encode("abc", kPlain), ElementsAre(kSpaceA, kBc));
  EXPECT_THAT(tokenizer->encode("ab", kPlain), ElementsAre(kSpaceAb));
  EXPECT_THAT(tokenizer->encode("ab", kPlain), ElementsAre(kSpaceAb));  // now a known word
  EXPECT_THAT(tokenizer->encode("c", kPlain), ElementsAre(kSpace, kC));
}

TEST(Spm, TakesTheLeftOfEqualPairs) {
  const auto tokenizer = spm_spec({{"a", -1}, {"aa", -2}}).make();
  auto ids = tokenizer->encode("aaa", kPlain);
  ids.erase(ids.begin(), ids.begin() + 3);  // the space mark's three bytes
  EXPECT_THAT(ids, ElementsAre(260, 259));
}

TEST(Spm, ShortAndLongWordsMergeAlike) {
  const auto tokenizer = small_spm().make();
  // Separated by a character that no token contains, the same letters fall into the same tokens in
  // a word of 4 symbols and in one of 4000.
  const std::vector<int32_t> ids = tokenizer->encode("!abc", kPlain);
  const std::vector<int32_t> unit(ids.begin() + 1, ids.end());
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "!abc";
  std::vector<int32_t> expected = {kSpace};
  for (int i = 0; i < 1000; ++i) expected.insert(expected.end(), unit.begin(), unit.end());
  EXPECT_EQ(tokenizer->encode(text, kPlain), expected);
}

TEST(Spm, FallsBackToBytes) {
  const auto tokenizer = small_spm().make();
  EXPECT_THAT(tokenizer->encode("é", kPlain), ElementsAre(kSpace, 3 + 0xc3, 3 + 0xa9));
  EXPECT_THAT(tokenizer->encode("\xff", kPlain), ElementsAre(kSpace, 3 + 0xff));
}

TEST(Spm, UsesTheUnknownTokenWithoutBytes) {
  OwnedSpec spec;
  spec.spec.model = "llama";
  spec.add("<unk>", TokenKind::unknown);
  spec.add("<s>", TokenKind::control);
  spec.add("▁");
  EXPECT_THAT(spec.make()->encode("é", kPlain), ElementsAre(2, 0));
}

TEST(Spm, AddsASpaceAtTheStartAndAfterSpecialTokens) {
  const auto tokenizer = small_spm().make();
  EXPECT_THAT(tokenizer->encode("a</s>a", kParse), ElementsAre(kSpaceA, 2, kSpaceA));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("a</s>a", kParse), true), "a</s>a");
  OwnedSpec without = small_spm();
  without.spec.add_space_prefix = false;
  EXPECT_THAT(without.make()->encode("a a", kPlain), ElementsAre(kA, kSpaceA));
}

TEST(Spm, TextNeverSpellsAControlToken) {
  OwnedSpec spec = spm_spec({{"<", -1}, {"s", -1}, {">", -1}, {"<s", -1}, {"▁", -1}});
  const std::vector<int32_t> ids = spec.make()->encode("<s>", kPlain);
  EXPECT_THAT(ids, testing::Not(testing::Contains(1)));
  EXPECT_THAT(ids, ElementsAre(263, 262, 261));
}

TEST(Spm, AddsBosByDefault) {
  const auto tokenizer = small_spm().make();
  EXPECT_THAT(tokenizer->encode("a", {}), ElementsAre(1, kSpaceA));
  EXPECT_THAT(tokenizer->encode("", {}), ElementsAre(1));
  EXPECT_THAT(tokenizer->encode("", kPlain), ElementsAre());
  OwnedSpec both = small_spm();
  both.spec.add_bos = false;
  both.spec.add_eos = true;
  EXPECT_THAT(both.make()->encode("a", {}), ElementsAre(kSpaceA, 2));
}

TEST(Spm, TokensThatSpanWordsAreFound) {
  OwnedSpec spec = spm_spec({{"▁", -1}, {"a", -1}, {"b", -1}, {"▁b", -2}, {"a▁b", -3}});
  EXPECT_THAT(spec.make()->encode("a b", kPlain), ElementsAre(259, 263));
}

TEST(Spm, UserDefinedTokensAreCutOutFirst) {
  OwnedSpec spec = small_spm();
  const int32_t id = spec.add("bc!", TokenKind::user_defined);
  EXPECT_THAT(spec.make()->encode("abc!", kPlain), ElementsAre(kSpaceA, id));
}

TEST(Bpe, MergesTheLowestRankFirst) {
  // Ids: byte b = b, then ab 256, bc 257, abc 258.
  const auto tokenizer = bpe_spec({"b c", "a b", "a bc"}).make();
  EXPECT_THAT(tokenizer->encode("abc", kPlain), ElementsAre(258));
  EXPECT_THAT(tokenizer->encode("ab", kPlain), ElementsAre(257));
  EXPECT_THAT(tokenizer->encode("abcab", kPlain), ElementsAre(258, 257));
}

TEST(Bpe, ShortAndLongWordsMergeAlike) {
  const auto tokenizer = bpe_spec({"b c", "a b", "a bc", "abc abc"}).make();
  const std::vector<int32_t> pair = tokenizer->encode("abcabc", kPlain);
  ASSERT_THAT(pair, ElementsAre(259));
  std::string text;
  for (int i = 0; i < 500; ++i) text += "abcabc";
  EXPECT_EQ(tokenizer->encode(text, kPlain), std::vector<int32_t>(500, 259));
}

TEST(Bpe, MergesStayInsideWords) {
  const auto tokenizer = bpe_spec({"a Ġ", "Ġ b"}).make();
  EXPECT_THAT(tokenizer->encode("a b", kPlain), ElementsAre('a', 257));
}

TEST(Bpe, AWordThatIsATokenIsTakenWholeOnlyWhereMergesAreIgnored) {
  OwnedSpec spec = bpe_spec({"a b"});
  const int32_t whole = spec.add("abc");
  EXPECT_THAT(spec.make()->encode("abc", kPlain), ElementsAre(256, 'c'));
  for (const char* pre : {"llama-bpe", "tekken", "glm4"}) {
    spec.spec.pre = pre;
    EXPECT_THAT(spec.make()->encode("abc", kPlain), ElementsAre(whole)) << pre;
  }
}

TEST(Bpe, ASymbolWithoutATokenFallsApart) {
  OwnedSpec spec = bpe_spec({});
  spec.merges = {"a b"};  // "ab" is no token
  EXPECT_THAT(spec.make()->encode("abc", kPlain), ElementsAre('a', 'b', 'c'));
}

TEST(Bpe, TheDefaultsFollowThePreTokenizer) {
  EXPECT_THAT(bpe_spec({"a b"}, "gpt-2").make()->encode("c", {}), ElementsAre('c'));
  EXPECT_THAT(bpe_spec({"a b"}, "llama-bpe").make()->encode("c", {}), ElementsAre(257, 'c'));
}

TEST(Bpe, EveryByteStringComesBack) {
  const auto tokenizer = bpe_spec({"a b", "Ġ a", "Ã ©", "Ġ Ġ"}).make();
  Rng rng(3);
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (uint64_t k = rng.below(50); k > 0; --k)
      text.push_back(rng.below(2) ? " ab\xc3\xa9"[rng.below(5)]
                                  : static_cast<char>(rng.below(256)));
    ASSERT_EQ(tokenizer->decode(tokenizer->encode(text, kPlain)), text);
  }
}

TEST(RawBpe, MergesCharactersOverSpaces) {
  OwnedSpec spec;
  spec.spec.model = "gemma4";
  spec.spec.bos = 0;
  spec.add("<bos>", TokenKind::control);
  for (const char* token : {"a", "b", "▁", "\n", "\n\n"}) spec.add(token);  // 1 to 5
  spec.merge("a", "▁");                                                     // 6
  spec.merge("a▁", "b");                                                    // 7
  spec.add("<0xC3>", TokenKind::byte);                                      // 8
  spec.add("<0xA9>", TokenKind::byte);                                      // 9
  const auto tokenizer = spec.make();
  EXPECT_THAT(tokenizer->encode("a b\n\né", {}), ElementsAre(0, 7, 5, 8, 9));
  EXPECT_EQ(tokenizer->decode(std::vector<int32_t>{7, 5, 8, 9}), "a b\n\né");
}

// Ids: [PAD] 0, [UNK] 1, [CLS] 2, [SEP] 3, [MASK] 4, then what is listed.
OwnedSpec small_wpm() {
  return wpm_spec({"▁un", "aff", "able", "▁cafe", "▁,", "▁中", "▁文", "▁!"});
}

TEST(Wpm, TakesTheLongestTokensFromTheLeft) {
  const auto tokenizer = small_wpm().make();
  EXPECT_THAT(tokenizer->encode("unaffable", kPlain), ElementsAre(5, 6, 7));
  EXPECT_THAT(tokenizer->encode("unaffordable", kPlain), ElementsAre(1));
}

TEST(Wpm, LowersAndStripsAccents) {
  EXPECT_THAT(small_wpm().make()->encode("CAF\u00c9", kPlain), ElementsAre(8));
  EXPECT_THAT(small_wpm().make()->encode("cafe\u0301", kPlain), ElementsAre(8));
  OwnedSpec cased = small_wpm();
  cased.spec.lowercase = false;
  EXPECT_THAT(cased.make()->encode("Cafe cafe caf\u00e9", kPlain), ElementsAre(1, 8, 1));
}

TEST(Wpm, IsolatesPunctuationAndIdeographs) {
  EXPECT_THAT(small_wpm().make()->encode("un,中文!\x01\x0b", kPlain),
              ElementsAre(5, 9, 10, 11, 12));
}

TEST(Wpm, FramesTheText) {
  EXPECT_THAT(small_wpm().make()->encode("un", {}), ElementsAre(2, 5, 3));
}

TEST(Wpm, AVeryLongWordIsUnknown) {
  OwnedSpec spec = wpm_spec({"▁a", "a"});
  EXPECT_EQ(spec.make()->encode(std::string(100, 'a'), kPlain).size(), 100u);
  EXPECT_THAT(spec.make()->encode(std::string(101, 'a'), kPlain), ElementsAre(1));
}

TEST(SpecialTokens, ControlTokensAreTextUnlessParsed) {
  const auto tokenizer = bpe_spec({"a b"}).make();
  const int32_t end = *tokenizer->find("<|end|>");
  EXPECT_THAT(tokenizer->encode("a<|end|>b", kParse), ElementsAre('a', end, 'b'));
  EXPECT_THAT(tokenizer->encode("a<|end|>b", kPlain), testing::Not(testing::Contains(end)));
}

TEST(SpecialTokens, TagsAreControlTokensEvenWhereTheFileCallsThemUserDefined) {
  OwnedSpec spec = bpe_spec({"a b"});
  const int32_t user = spec.add("<｜User｜>", TokenKind::user_defined);
  const int32_t tag = spec.add("<|user|>", TokenKind::user_defined);
  const int32_t word = spec.add("<user>", TokenKind::user_defined);
  const auto tokenizer = spec.make();
  EXPECT_THAT(tokenizer->encode("<｜User｜><|user|><user>", kParse), ElementsAre(user, tag, word));
  EXPECT_THAT(tokenizer->encode("<|user|><user>", kPlain),
              ElementsAre('<', '|', 'u', 's', 'e', 'r', '|', '>', word));
}

TEST(SpecialTokens, NoControlTokenCoversTheByteBeforeAFence) {
  OwnedSpec spec = bpe_spec({"a b"});
  const int32_t tag = spec.add("nd|", TokenKind::user_defined);
  const auto tokenizer = spec.make();
  const int32_t end = *tokenizer->find("<|end|>");
  const std::string text = "a<|end|>b<|end|>";
  const auto encode = [&](std::vector<size_t> fences) {
    return tokenizer->encode(
        text, {.add_special = false, .parse_special = true, .fences = std::span(fences)});
  };
  EXPECT_THAT(encode({1, 9}), ElementsAre('a', end, 'b', end));
  // User-defined tokens are text to the model, and are found there all the same.
  EXPECT_THAT(encode({2}), ElementsAre('a', '<', '|', 'e', tag, '>', 'b', end));
  EXPECT_THAT(encode({8}), ElementsAre('a', '<', '|', 'e', tag, '>', 'b', end));
  EXPECT_THAT(encode({1, 9, 16}), ElementsAre('a', end, 'b', '<', '|', 'e', tag, '>'));
}

TEST(SpecialTokens, TheLongerGoesFirstWhereverItStands) {
  OwnedSpec spec = bpe_spec({"a b"});
  const int32_t shorter = spec.add("xy", TokenKind::user_defined);
  const int32_t longer = spec.add("yzw", TokenKind::user_defined);
  EXPECT_THAT(spec.make()->encode("xyzw", kPlain), ElementsAre('x', longer));
  EXPECT_THAT(spec.make()->encode("xyz", kPlain), ElementsAre(shorter, 'z'));
}

TEST(SpecialTokens, Phi3EatsWhiteSpaceAfterThem) {
  OwnedSpec spec = small_spm();
  const int32_t user = spec.add("<|user|>", TokenKind::control);
  spec.spec.model_name = "Phi-3 mini";
  EXPECT_THAT(spec.make()->encode("<|user|> \n a", kParse), ElementsAre(user, kSpaceA));
  EXPECT_THAT(spec.make()->encode("<s> a", kParse), ElementsAre(1, kSpace, kSpaceA));
}

TEST(SpecialTokens, JinaEatsWhiteSpaceBeforeTheMask) {
  OwnedSpec spec = bpe_spec({"a b"}, "jina-v2-code");
  const int32_t mask = spec.add("<mask>", TokenKind::control);
  EXPECT_THAT(spec.make()->encode("a  <mask>b", kParse), ElementsAre('a', mask, 'b'));
}

TEST(SpecialTokens, LongRunsOfThemTakeLinearTime) {
  OwnedSpec spec = small_spm();
  int32_t longest = 0;
  for (int size = 2; size <= 31; ++size)
    longest = spec.add(std::string(size, ' '), TokenKind::user_defined);
  const auto tokenizer = spec.make();
  const std::vector<int32_t> ids = tokenizer->encode(std::string(31 * 30000, ' '), kPlain);
  EXPECT_EQ(ids, std::vector<int32_t>(30000, longest));
}

TEST(SpecialTokens, OnesTooLongToSearchForAreRefused) {
  OwnedSpec spec = bpe_spec({"a b"});
  spec.add(std::string(512, 'a'), TokenKind::user_defined);
  spec.add(std::string(513, 'b'));  // a word, not searched for
  spec.make();
  spec.add(std::string(513, 'c'), TokenKind::user_defined);
  EXPECT_THAT(error_of(spec), HasSubstr("a special token of 513 bytes exceeds the limit of 512"));
}

TEST(EndOfGeneration, KnowsIdsAndNames) {
  OwnedSpec spec = bpe_spec({"a b"});  // eos: <|end|>
  const int32_t im_end = spec.add("<|im_end|>");
  const int32_t eot = spec.add("turn over", TokenKind::control);
  const int32_t other = spec.add("<|im_start|>", TokenKind::control);
  spec.spec.eot = static_cast<uint64_t>(eot);
  const auto tokenizer = spec.make();
  EXPECT_TRUE(tokenizer->is_end_of_generation(*tokenizer->eos()));
  EXPECT_TRUE(tokenizer->is_end_of_generation(im_end));
  EXPECT_TRUE(tokenizer->is_end_of_generation(eot));
  EXPECT_FALSE(tokenizer->is_end_of_generation(other));
  EXPECT_FALSE(tokenizer->is_end_of_generation(-1));
  EXPECT_EQ(tokenizer->kind(im_end), TokenKind::control);  // the file forgot to say so
}

TEST(EndOfGeneration, AHarmonyMessageEndIsNoEnd) {
  OwnedSpec spec = bpe_spec({"a b"});
  const int32_t start = spec.add("<|start|>", TokenKind::control);
  spec.spec.eos = static_cast<uint64_t>(spec.add("<|return|>", TokenKind::control));
  spec.add("<|call|>", TokenKind::control);
  const auto tokenizer = spec.make();
  EXPECT_FALSE(tokenizer->is_end_of_generation(*tokenizer->find("<|end|>")));
  EXPECT_TRUE(tokenizer->is_end_of_generation(*tokenizer->find("<|call|>")));
  // Whoever may not write control tokens must not open or close a message either.
  EXPECT_EQ(tokenizer->kind(*tokenizer->find("<|end|>")), TokenKind::control);
  const EncodeOptions as_text = {.add_special = false};
  EXPECT_THAT(tokenizer->encode("<|end|><|start|>", as_text),
              testing::Not(testing::Contains(start)));
}

TEST(Pieces, AreTheBytesOfText) {
  const auto spm = small_spm().make();
  EXPECT_EQ(spm->piece(kSpaceAb), " ab");
  EXPECT_EQ(spm->piece(3 + 0x0a), "\n");
  EXPECT_EQ(spm->piece(1), "");
  EXPECT_EQ(spm->piece(1, true), "<s>");
  EXPECT_EQ(spm->spelling(kSpaceAb), "▁ab");
  const auto bpe = bpe_spec({"Ġ Ã"}).make();
  EXPECT_EQ(bpe->piece(256), " \xc3");
  EXPECT_EQ(bpe->piece(257), "");
}

TEST(Pieces, DecodingDropsTheSpaceThatWasAdded) {
  const auto tokenizer = small_spm().make();
  EXPECT_EQ(tokenizer->decode(tokenizer->encode(" a b", {})), " a b");
  EXPECT_EQ(tokenizer->decode(std::vector<int32_t>{1, kSpaceA}), "a");
}

TEST(Tokenizer, RefusesWhatItDoesNotKnow) {
  OwnedSpec spec = bpe_spec({"a b"});
  spec.spec.pre = "secret";
  EXPECT_THAT(error_of(spec), HasSubstr("tokenizer.ggml.pre 'secret'"));
  for (const char* model : {"t5", "rwkv", "plamo2", "no_vocab"}) {
    spec.spec.model = model;
    EXPECT_THAT(error_of(spec), HasSubstr(std::string("tokenizer.ggml.model '") + model + "'"));
  }
}

TEST(Tokenizer, ErrorsNameTheFile) {
  const fs::path path = fs::temp_directory_path() / fmt::format("hearth-t5-{}.gguf", ::getpid());
  formats::GgufWriter writer(path);
  writer.set("tokenizer.ggml.model", std::string("t5"));
  writer.finish();
  try {
    Tokenizer::load(formats::Gguf::open(path));
    ADD_FAILURE() << "loaded";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::unsupported);
    EXPECT_THAT(error.what(), StartsWith(path.string() + ": tokenizer.ggml.model 't5'"));
  }
  fs::remove(path);
}

TEST(Tokenizer, RefusesBrokenVocabularies) {
  OwnedSpec no_merges = bpe_spec({});
  EXPECT_THAT(error_of(no_merges), HasSubstr("tokenizer.ggml.merges is missing"));
  OwnedSpec bad_merge = bpe_spec({"a b"});
  bad_merge.merges.push_back("nospace");
  EXPECT_THAT(error_of(bad_merge), HasSubstr("merges[1] 'nospace' has no space"));
  OwnedSpec short_kinds = small_spm();
  short_kinds.spec.kinds.resize(5);
  EXPECT_THAT(error_of(short_kinds), HasSubstr("token_type has 5 entries for 267 tokens"));
  OwnedSpec short_scores = small_spm();
  short_scores.spec.scores.resize(5);
  EXPECT_THAT(error_of(short_scores), HasSubstr("scores has 5 entries for 267 tokens"));
  OwnedSpec nan_score = small_spm();
  nan_score.spec.scores[7] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(error_of(nan_score), HasSubstr("scores[7] is not a number"));
  OwnedSpec empty;
  empty.spec.model = "llama";
  EXPECT_THAT(error_of(empty), HasSubstr("tokens is empty"));
  OwnedSpec no_bos = bpe_spec({"a b"}, "glm4");
  no_bos.spec.bos.reset();
  no_bos.spec.add_bos = true;
  EXPECT_THAT(error_of(no_bos), HasSubstr("bos_token_id names none"));
  OwnedSpec no_eos = small_spm();
  no_eos.tokens.resize(2);
  no_eos.spec.add_eos = true;
  EXPECT_THAT(error_of(no_eos), HasSubstr("eos_token_id names none"));
  OwnedSpec no_cls = wpm_spec({});
  no_cls.spec.sep.reset();
  EXPECT_THAT(error_of(no_cls), HasSubstr("no [CLS], [SEP] or [UNK]"));
}

TEST(Tokenizer, DefinesWhatOddVocabulariesMean) {
  OwnedSpec spec = small_spm();
  spec.spec.bos = 1'000'000;  // outside: as if absent, so the default stays
  const int32_t twin = spec.add("a");
  const int32_t empty = spec.add("");
  spec.spec.kinds.back() = 77;  // no such kind: normal
  const auto tokenizer = spec.make();
  EXPECT_EQ(tokenizer->bos(), 1);
  EXPECT_EQ(tokenizer->find("a"), kA);  // the lowest of several
  EXPECT_EQ(tokenizer->piece(twin), "a");
  EXPECT_EQ(tokenizer->find(""), std::nullopt);
  EXPECT_EQ(tokenizer->piece(empty), "");
  EXPECT_EQ(tokenizer->kind(empty), TokenKind::normal);
}

// Quadratic time would need hours here, and the test's time limit is minutes.
TEST(Tokenizer, LongRunsTakeSubquadraticTime) {
  OwnedSpec bpe = bpe_spec({"a a", "aa aa", "aaaa aaaa", "Ġ Ġ", "ĠĠ ĠĠ"}, "superbpe");
  OwnedSpec spm =
      spm_spec({{"▁", -1}, {"▁▁", -2}, {"▁▁▁▁", -3}, {"a", -4}, {"aa", -5}, {"aaaa", -6}});
  const auto byte_level = bpe.make(), scored = spm.make();
  const std::string a(1 << 20, 'a'), spaces(1 << 20, ' ');
  EXPECT_EQ(byte_level->encode(a, kPlain).size(), a.size() / 8);
  EXPECT_EQ(byte_level->encode(spaces, kPlain).size(), spaces.size() / 4);
  EXPECT_EQ(scored->encode(a, kPlain).size(), a.size() / 4 + 1);
  EXPECT_EQ(scored->encode(spaces, kPlain).size(), spaces.size() / 4 + 1);
}

}  // namespace
}  // namespace hearth::llm
