#include "hearth/serve/api/keep_alive.h"

#include <gtest/gtest.h>

namespace hearth::serve {
namespace {

using namespace std::chrono_literals;

// By Go's time.ParseDuration.
TEST(KeepAlive, ReadsDurationsAsGoWritesThem) {
  EXPECT_EQ(parse_duration("5m"), 5min);
  EXPECT_EQ(parse_duration("1h30m"), 90min);
  EXPECT_EQ(parse_duration("-1m"), -1min);
  EXPECT_EQ(parse_duration("+1.5s"), 1500ms);
  EXPECT_EQ(parse_duration("3ms4us5ns"), 3'004'005ns);
  EXPECT_EQ(parse_duration("2\u00B5s"), 2us);
  EXPECT_EQ(parse_duration(".5h"), 30min);
  EXPECT_EQ(parse_duration("0"), 0ns);
  EXPECT_GT(parse_duration("9999999999h"), 24h * 365 * 290);
  for (const char* wrong : {"", "-", "5", "m", "5x", "5m ", "1e3s", "..s", "--1s", "nans"})
    EXPECT_FALSE(parse_duration(wrong)) << wrong;
}

std::optional<KeepAlive> read(const char* body) {
  const Json json = Json::parse(body);
  return read_keep_alive(Fields(json));
}

TEST(KeepAlive, IsSecondsOrADuration) {
  EXPECT_EQ(read("{}"), std::nullopt);
  EXPECT_EQ(read(R"({"keep_alive": null})"), std::nullopt);
  EXPECT_EQ(read(R"({"keep_alive": 0})"), 0ns);
  EXPECT_EQ(read(R"({"keep_alive": 2.5})"), 2500ms);
  EXPECT_EQ(read(R"({"keep_alive": -1})"), -1s);
  EXPECT_EQ(read(R"({"keep_alive": "10s"})"), 10s);
  EXPECT_THROW(read(R"({"keep_alive": "soon"})"), FieldError);
  EXPECT_THROW(read(R"({"keep_alive": true})"), FieldError);
}

}  // namespace
}  // namespace hearth::serve
