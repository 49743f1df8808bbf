#include "hearth/llm/tokenizer/pre_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "hearth/base/rng.h"

namespace hearth::llm {
namespace {

using testing::ElementsAre;

std::vector<std::string> words(std::string_view pre, std::string_view text) {
  const PreTokenizer* row = find_pre_tokenizer(pre);
  EXPECT_NE(row, nullptr) << pre;
  std::vector<std::string> out;
  if (row) for_each_word(row->stages, text, [&](std::string_view word) { out.emplace_back(word); });
  return out;
}

// Expected splits are derived by hand from the expressions; those of cl100k, o200k and gpt-2 were
// also checked with tiktoken, those of rare characters with the tokenizers library (0.23).

TEST(PreTokenizer, KnowsEveryName) {
  std::istringstream names(
      "default llama3 llama-v3 llama-bpe falcon falcon3 falcon-h1 pixtral deepseek-llm "
      "deepseek-coder deepseek-v3 deepseek-r1-qwen mpt starcoder gpt-2 phi-2 jina-es "
      "jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code roberta-bpe refact command-r qwen2 "
      "qwen35 stablelm2 olmo dbrx smaug-bpe poro-chat glm4 glm5 chatglm-bpe viking jais "
      "jais-2 tekken smollm codeshell bloom gpt3-finnish exaone exaone4 exaone-moe "
      "chameleon minerva-7b megrez gpt-4o llama4 kanana2 superbpe trillion granite-docling "
      "bailingmoe bailingmoe2 llada-moe seed-coder hunyuan hunyuan-dense kimi-k2 grok-2 "
      "afmoe minimax-m2 solar-open lfm2 midm-2.0 gigachat a.x-4.0 mellum mellum2 "
      "modern-bert gemma4");
  for (std::string name; names >> name;) EXPECT_NE(find_pre_tokenizer(name), nullptr) << name;
  EXPECT_EQ(find_pre_tokenizer("")->name, "default");
  EXPECT_EQ(find_pre_tokenizer("no-such"), nullptr);
}

TEST(PreTokenizer, HasEachNameOnce) {
  std::set<std::string_view> names;
  for (const PreTokenizer& row : pre_tokenizers())
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
}

TEST(PreTokenizer, Gpt2) {
  EXPECT_THAT(words("gpt-2", "I'll say  'Hi'\n\n 42x!"),
              ElementsAre("I", "'ll", " say", " ", " '", "Hi", "'", "\n\n", " 42", "x", "!"));
  EXPECT_THAT(words("gpt-2", "I'LL"), ElementsAre("I", "'", "LL"));
  EXPECT_THAT(words("gpt-2", "end  "), ElementsAre("end", "  "));
}

TEST(PreTokenizer, ContractionsInAnyCaseKnowTheLongS) {
  EXPECT_THAT(words("llama-bpe", "x'\u017fcape"), ElementsAre("x", "'\u017f", "cape"));
  EXPECT_THAT(words("gpt-4o", "x'\u017fcape"), ElementsAre("x'\u017f", "cape"));
  EXPECT_THAT(words("gpt-2", "x'\u017fcape"), ElementsAre("x", "'", "\u017fcape"));
}

TEST(PreTokenizer, Llama3) {
  EXPECT_THAT(words("llama-bpe", "I'LL pay $12345.67\r\n\n  ok"),
              ElementsAre("I", "'LL", " pay", " $", "123", "45", ".", "67", "\r\n\n", " ", " ok"));
  EXPECT_THAT(words("llama-bpe", "a \n b"), ElementsAre("a", " \n", " b"));
  EXPECT_THAT(words("llama-bpe", "!\n\nx"), ElementsAre("!\n\n", "x"));
  EXPECT_THAT(words("llama-bpe", "\tx"), ElementsAre("\tx"));
}

TEST(PreTokenizer, Qwen2TakesDigitsOneByOne) {
  EXPECT_THAT(words("qwen2", "x 123"), ElementsAre("x", " ", "1", "2", "3"));
}

TEST(PreTokenizer, Qwen35KeepsMarksInWords) {
  // e + combining acute
  EXPECT_THAT(words("qwen35", "e\u0301a"), ElementsAre("e\u0301a"));
  EXPECT_THAT(words("qwen2", "e\u0301a"), ElementsAre("e", "\u0301a"));
}

TEST(PreTokenizer, Gpt4oCutsBeforeCapitals) {
  EXPECT_THAT(words("gpt-4o", "camelCase HTTPServer's ÉTÉ"),
              ElementsAre("camel", "Case", " HTTPServer's", " ÉTÉ"));
  EXPECT_THAT(words("gpt-4o", "été\u00c9t\u00e9"), ElementsAre("été", "Été"));
  EXPECT_THAT(words("gpt-4o", "a//\n/b"), ElementsAre("a", "//\n/", "b"));
  EXPECT_THAT(words("gpt-4o", "हिन्दी"), ElementsAre("हिन्दी"));          // vowel signs are marks
  EXPECT_THAT(words("gpt-4o", "\u00aaA"), ElementsAre("\u00aa", "A"));  // U* gives ª back to L+
}

TEST(PreTokenizer, TekkenHasNoContractions) {
  EXPECT_THAT(words("tekken", "It's 12"), ElementsAre("It", "'s", " ", "1", "2"));
}

TEST(PreTokenizer, KimiK2KeepsHanApart) {
  EXPECT_THAT(words("kimi-k2", "abc中文def's"), ElementsAre("abc", "中文", "def's"));
  EXPECT_THAT(words("kimi-k2", "人々〇x"), ElementsAre("人々〇", "x"));
}

TEST(PreTokenizer, DeepseekLlm) {
  EXPECT_THAT(words("deepseek-llm", "Hi 123\n 中文,x  "),
              ElementsAre("Hi", " ", "1", "2", "3", "\n", " ", "中文", ",", "x", "  "));
}

TEST(PreTokenizer, DeepseekV3) {
  EXPECT_THAT(words("deepseek-v3", ".foo 1234中!\n"),
              ElementsAre(".foo", " ", "123", "4", "中", "!\n"));
}

TEST(PreTokenizer, FalconTakesThreeDigits) {
  EXPECT_THAT(words("falcon", "in 12345?"), ElementsAre("in", " ", "123", "45", "?"));
}

TEST(PreTokenizer, StarcoderTakesDigitsOneByOne) {
  EXPECT_THAT(words("starcoder", "x 12"), ElementsAre("x", " ", "1", "2"));
}

TEST(PreTokenizer, BloomSplitsAtItsStops) {
  EXPECT_THAT(words("bloom", "Hello (you), 12x"), ElementsAre("Hello", " (", "you", "),", " 12x"));
}

TEST(PreTokenizer, SuperbpeKeepsSpacesInside) {
  EXPECT_THAT(words("superbpe", "to be 1234567"), ElementsAre("to be ", "1", "234", "567"));
  EXPECT_THAT(words("superbpe", "١٢٣٤٥ \u00b212345"),
              ElementsAre("١٢", "٣٤٥", " ", "\u00b212", "345"));
}

TEST(PreTokenizer, TinyAyaCountsDigitsFromTheEndOfWords) {
  EXPECT_THAT(words("tiny_aya", "1234567 x"), ElementsAre("1", "234", "567", " x"));
  EXPECT_THAT(words("tiny_aya", "١٢٣٤٥"), ElementsAre("١٢", "٣٤٥"));
  // Where digits go on as a word they are counted from the front: by ² and by Ⓐ, not by ⁴.
  EXPECT_THAT(words("tiny_aya", "1234\u00b2"), ElementsAre("123", "4\u00b2"));
  EXPECT_THAT(words("tiny_aya", "1234\u24b6"), ElementsAre("123", "4", "\u24b6"));
  EXPECT_THAT(words("tiny_aya", "1234\u2074"), ElementsAre("1", "234", "\u2074"));
  EXPECT_THAT(words("tiny_aya", "1234567x"), ElementsAre("123", "456", "7", "x"));
}

TEST(PreTokenizer, Jais2CutsSpacesIntoBlocks) {
  EXPECT_THAT(words("jais-2", std::string(8, ' ') + "x"),
              ElementsAre(std::string(4, ' '), std::string(2, ' '), " ", " x"));
  EXPECT_THAT(words("jais-2", "   \nx"), ElementsAre("   \n", "x"));
}

TEST(PreTokenizer, ExaoneMoeJoinsWordsBySingleSpaces) {
  EXPECT_THAT(words("exaone-moe", "two words  here"), ElementsAre("two words", " ", " here"));
}

TEST(PreTokenizer, LagunaCutsBeforeNewlines) {
  EXPECT_THAT(words("laguna", "a!\r\n\r\n  b\rc \n"),
              ElementsAre("a", "!", "\r\n\r\n", " ", " b", "\r", "c", " ", "\n"));
}

TEST(PreTokenizer, Chameleon) {
  // Later stages cut what earlier ones isolated: the sentinel's digits and punctuation.
  EXPECT_THAT(
      words("chameleon", "<sentinel:12>IMGIMGABZ    a\t.."),
      ElementsAre("<", "sentinel", ":", "1", "2", ">", "IMGIMGABZ", "    ", "a", "\t", ".", "."));
  EXPECT_THAT(words("chameleon", "aIMGIMGABZIMGIMGZ"), ElementsAre("a", "IMGIMGABZ", "IMGIMGZ"));
}

TEST(PreTokenizer, WordsConcatenateToAnyText) {
  Rng rng(1);
  for (int i = 0; i < 200; ++i) {
    std::string text;
    const uint64_t size = 1 + rng.below(60);
    // Half ASCII, half any byte, so that characters, broken characters and runs all occur.
    for (uint64_t k = 0; k < size; ++k)
      text.push_back(rng.below(2) ? " \n'as1.,A"[rng.below(9)] : static_cast<char>(rng.below(256)));
    for (const PreTokenizer& row : pre_tokenizers()) {
      std::string joined;
      for_each_word(row.stages, text, [&](std::string_view word) {
        ASSERT_FALSE(word.empty());
        joined += word;
      });
      ASSERT_EQ(joined, text) << row.name;
    }
  }
}

// Quadratic time would need hours here, and the test's time limit is minutes.
TEST(PreTokenizer, LongRunsTakeLinearTime) {
  for (const char* unit :
       {" ", "a", "A", "7", ".", "\n", "\xff", "'", "中", "\u0301", " \n", "IMGIMG", "\u00aaA"}) {
    std::string text;
    while (text.size() < (1 << 16)) text += unit;
    for (const PreTokenizer& row : pre_tokenizers()) {
      size_t total = 0;
      for_each_word(row.stages, text, [&](std::string_view word) { total += word.size(); });
      EXPECT_EQ(total, text.size()) << row.name;
      total = 0;
      for_each_word(row.stages, text + "x", [&](std::string_view word) { total += word.size(); });
      EXPECT_EQ(total, text.size() + 1) << row.name;
    }
  }
}

}  // namespace
}  // namespace hearth::llm
