#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "hearth/cli/bench_runner.h"
#include "hearth/cli/reports.h"
#include "hearth/cli/show_report.h"

namespace hearth::cli {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

TEST(Json, LogitsKeepEveryBitAndWriteNoNumberAsNull) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const LogitsReport report = {
      .logits = {{0, {1.0f, -0.1f, 16777217.0f}},
                 {2, {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity}}}};
  // -0.1f is -0.100000001490…; 16777217 rounds to 2^24.
  EXPECT_EQ(to_json(report), R"({"logits":{"0":[1,-0.100000001,16777216],"2":[null,null,null]}})");
}

TEST(Json, HalfACharacterBecomesAReplacement) {
  EXPECT_EQ(to_json(TokenizeReport{.tokens = {{7, "\xC3"}, {8, "\""}}}),
            "{\"ids\":[7,8],\"pieces\":[\"\xEF\xBF\xBD\",\"\\\"\"]}");
}

TEST(Json, AGenerateChunkHasOllamasShape) {
  EXPECT_THAT(
      to_json(GenerateChunk{.model = "m", .response = "hi"}),
      MatchesRegex(R"(\{"model":"m","created_at":"[^"]+Z","response":"hi","done":false\})"));
  const GenerateChunk last = {.model = "m", .done = GenerateChunk::Final{.done_reason = "stop"}};
  EXPECT_THAT(to_json(last), HasSubstr(R"("response":"","done":true,"done_reason":"stop")"));
}

TEST(Json, TheTimestampIsRfc3339WithNanoseconds) {
  EXPECT_THAT(timestamp_now(),
              MatchesRegex("20[0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]"
                           "\\.[0-9]{9}Z"));
}

TEST(Show, NamesTheGroupOfATensor) {
  EXPECT_EQ(tensor_group("token_embd.weight"), "embedding");
  EXPECT_EQ(tensor_group("blk.3.attn_q.weight"), "attention");
  EXPECT_EQ(tensor_group("blk.3.attn_output.weight"), "attention");
  EXPECT_EQ(tensor_group("blk.3.attn_q_norm.weight"), "norms");
  EXPECT_EQ(tensor_group("blk.3.ffn_down_exps.weight"), "ffn");
  EXPECT_EQ(tensor_group("output.weight"), "output");
  EXPECT_EQ(tensor_group("output_norm.weight"), "norms");
  EXPECT_EQ(tensor_group("rope_freqs.weight"), "other");
}

TEST(Bench, SpreadIsMedianAndEnds) {
  const Spread odd = spread_of({3, 1, 2});
  EXPECT_EQ(odd.median, 2);
  EXPECT_EQ(odd.low, 1);
  EXPECT_EQ(odd.high, 3);
  EXPECT_EQ(spread_of({1, 4, 2, 3}).median, 2.5);
  EXPECT_EQ(spread_of({5}).median, 5);
}

}  // namespace
}  // namespace hearth::cli
