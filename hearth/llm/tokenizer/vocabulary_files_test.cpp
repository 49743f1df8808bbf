// Real vocabularies, where the shared test data lies beside the checkout.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "hearth/base/files.h"
#include "hearth/formats/gguf.h"
#include "hearth/llm/tokenizer/small_vocabularies.h"
#include "hearth/llm/tokenizer/tokenizer.h"

namespace hearth::llm {
namespace {

constexpr EncodeOptions kPlain = {.add_special = false, .parse_special = false};

fs::path data_path(std::string_view name) {
  return fs::path(HEARTH_SOURCE_DIR "/../shared/data/tokenizers") / name;
}

std::vector<std::string> split(const std::string& text, std::string_view separator) {
  std::vector<std::string> parts;
  size_t at = 0;
  for (size_t found; (found = text.find(separator, at)) != std::string::npos;
       at = found + separator.size())
    parts.push_back(text.substr(at, found - at));
  parts.push_back(text.substr(at));
  return parts;
}

std::vector<int32_t> read_ids(const std::string& line) {
  std::istringstream in(line);
  std::vector<int32_t> ids;
  for (int32_t id; in >> id;) ids.push_back(id);
  return ids;
}

// llama.cpp's vocabularies with texts and the ids that the models' own tokenizers give, special
// tokens not added.
class GgmlVocab : public testing::TestWithParam<const char*> {
 protected:
  fs::path path() const {
    return data_path(std::string("ggml-vocab/ggml-vocab-") + GetParam() + ".gguf");
  }
};

TEST_P(GgmlVocab, EveryVectorIsExact) {
  if (!fs::exists(path())) GTEST_SKIP() << path() << " is missing";
  const auto tokenizer = Tokenizer::load(formats::Gguf::open(path()));
  const auto texts = split(read_file(path().string() + ".inp"), "\n__ggml_vocab_test__\n");
  const auto lines = split(read_file(path().string() + ".out"), "\n");
  ASSERT_GE(lines.size(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i)
    EXPECT_EQ(tokenizer->encode(texts[i], kPlain), read_ids(lines[i]))
        << "text " << i << ": " << texts[i];
}

TEST_P(GgmlVocab, TextsComeBack) {
  if (!fs::exists(path())) GTEST_SKIP() << path() << " is missing";
  if (std::string_view(GetParam()) == "bert-bge") return;  // lowers and drops accents
  const auto tokenizer = Tokenizer::load(formats::Gguf::open(path()));
  for (const char* name :
       {"texts/opening-multilang.txt", "texts/pg41845_telugu.txt", "texts/pg2000_spanish.txt",
        "sentencepiece/ids_norm.tsv", "sentencepiece/ids_denorm.tsv"}) {
    const std::string text = read_file(data_path(name)).substr(0, 100'000);
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(text, {})), text) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Files, GgmlVocab,
                         testing::Values("llama-spm", "gpt-2", "bert-bge", "deepseek-llm"));

struct TiktokenCase {
  const char* file;
  const char* pre;
  std::vector<std::vector<int32_t>> ids;  // from tiktoken 0.14 with the encoding's own expression
};

class Tiktoken : public testing::TestWithParam<TiktokenCase> {};

TEST_P(Tiktoken, GivesTiktokensIds) {
  const fs::path path = data_path(std::string("tiktoken/") + GetParam().file);
  if (!fs::exists(path)) GTEST_SKIP() << path << " is missing";
  const std::vector<std::string> texts = {
      "The quick brown fox's HTTPServer said: I'LL pay $1234567.89!\n\n  Done.",
      "Größe ÉCOLE дом 中文字 한국어 ひらがな हिन्दी తెలుగు עברית ไทย 😀👨\u200d👩\u200d👧",
      "\tif (x >= 10) {\r\n\t\treturn y[i]; // ok\n\t}\n   \n"};
  const auto tokenizer = tiktoken_spec(read_file(path), GetParam().pre).make();
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(tokenizer->encode(texts[i], kPlain), GetParam().ids[i]);
    EXPECT_EQ(tokenizer->encode(texts[i], kPlain), GetParam().ids[i]);  // words known by now
    EXPECT_EQ(tokenizer->decode(GetParam().ids[i]), texts[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Files, Tiktoken,
    testing::Values(
        TiktokenCase{"cl100k_base.tiktoken",
                     "llama-bpe",
                     {{791,  4062, 14198, 39935, 596, 10339, 5592, 1071, 25,  358,   6, 4178,
                       2343, 400,  4513,  10961, 22,  13,    4578, 2268, 220, 28457, 13},
                      {6600,  80040, 29124, 8445,  877,   7952,  12507, 73958, 88435, 62398, 89059,
                       255,   32179, 220,   2243,  110,   33503, 29295, 26854, 85410, 43411, 101,
                       31584, 99,    44747, 94355, 97,    53898, 228,   32405, 110,   53898, 223,
                       32405, 245,   53898, 223,   17732, 95,    76625, 51326, 43336, 103,   220,
                       50856, 36984, 35609, 91416, 9468,  239,   101,   378,   235,   9468,  239,
                       102,   378,   235,   9468,  239,   100},
                      {748, 320, 87, 2669, 220, 605, 8, 987, 197, 862, 379, 1004, 5378, 443, 5509,
                       198, 197, 534, 5996}}},
        TiktokenCase{"o200k_base.tiktoken",
                     "gpt-4o",
                     {{976,  4853, 19705, 68347, 885, 21929, 6444, 2059, 25,  3413,  7454,
                       2777, 548,  7633,  19354, 22,  13,    7479, 1703, 220, 46776, 13},
                      {3193,  52715, 10055, 8310, 1400,  15756,  83711,  8134,   52971, 5959,
                       220,   60922, 8870,  6632, 5784,  191681, 106045, 128301, 6277,  62720,
                       88038, 28823, 101,   2524, 28823, 102,    2524,   28823,  100},
                      {1224, 350, 87, 5064, 220, 702, 8, 1518, 197, 1393, 342, 1768, 11464, 602,
                       4763, 198, 197, 739, 10190}}}));

}  // namespace
}  // namespace hearth::llm
