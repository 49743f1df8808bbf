#include "hearth/serve/metrics/serve_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "hearth/serve/metrics/promtool_for_test.h"
#include "hearth/serve/metrics/route_label.h"

namespace hearth::serve {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

struct Fixture {
  Registry registry;
  std::vector<LoadMeasure> loads;
  int reads = 0;
  ServeMetrics metrics{registry, "1.2.3", [this] {
                         ++reads;
                         return loads;
                       }};
};

void fill(Fixture& f) {
  f.metrics.count_request("/api/chat", 200, milliseconds(30));
  f.metrics.count_request("/api/blobs/sha256:00", 404, milliseconds(1));
  f.metrics.count_answer({.model = "tales",
                          .end = "stop",
                          .prompt_tokens = 100,
                          .cached_tokens = 60,
                          .generated_tokens = 20,
                          .queue_time = milliseconds(7),
                          .prompt_time = milliseconds(500),
                          .decode_time = milliseconds(4000),
                          .time_to_first_token = milliseconds(520)});
  f.loads = {{"tales", 2, 1, 1000, 10, 5, 8}, {"other", 3, 4, 2000, 0, 1, 2}};
}

TEST(ServeMetrics, CountsRequestsByRoute) {
  Fixture f;
  fill(f);
  for (const char* path : {"/x", "/../etc", "/api/unknown/1", "/api/unknown/2"})
    f.metrics.count_request(path, 404, milliseconds(1));
  const std::string text = f.registry.text();
  for (const char* line : {
           R"(hearth_requests_total{api="ollama",path="/api/chat",status="200"} 1)",
           R"(hearth_requests_total{api="ollama",path="/api/blobs/{digest}",status="404"} 1)",
           R"(hearth_requests_total{api="other",path="other",status="404"} 4)",
           R"(hearth_request_seconds_bucket{api="ollama",le="0.025"} 1)",
           R"(hearth_request_seconds_bucket{api="ollama",le="0.05"} 2)",
       })
    EXPECT_THAT(text, HasSubstr(std::string(line) + "\n"));
}

TEST(ServeMetrics, AsksLoadedModelsOnceForEachText) {
  Fixture f;
  fill(f);
  EXPECT_THAT(f.registry.text(), HasSubstr("hearth_answers_running{model=\"tales\"} 2\n"));
  f.loads[0].running = 7;
  EXPECT_THAT(f.registry.text(), HasSubstr("hearth_answers_running{model=\"tales\"} 7\n"));
  EXPECT_EQ(f.reads, 2);
}

TEST(ServeMetrics, CountsAnswersTheirTokensAndTimes) {
  Fixture f;
  fill(f);
  const std::string text = f.registry.text();
  for (const char* line : {
           R"(hearth_answers_total{model="tales",end="stop"} 1)",
           R"(hearth_tokens_total{model="tales",kind="prompt"} 40)",
           R"(hearth_tokens_total{model="tales",kind="cached"} 60)",
           R"(hearth_tokens_total{model="tales",kind="generated"} 20)",
           R"(hearth_time_to_first_token_seconds_bucket{model="tales",le="0.5"} 0)",
           R"(hearth_time_to_first_token_seconds_bucket{model="tales",le="1"} 1)",
           R"(hearth_decode_seconds_sum{model="tales"} 4)",
           R"(hearth_prompt_seconds_sum{model="tales"} 0.5)",
           R"(hearth_queue_seconds_count{model="tales"} 1)",
           R"(hearth_build_info{version="1.2.3"} 1)",
       })
    EXPECT_THAT(text, HasSubstr(std::string(line) + "\n"));
  // An answer that never came to its first piece says nothing of when that was.
  f.metrics.count_answer({.model = "tales", .end = "cancelled"});
  EXPECT_THAT(f.registry.text(),
              HasSubstr("hearth_time_to_first_token_seconds_count{model=\"tales\"} 1\n"));
}

TEST(ServeMetrics, SpeaksLlamaServersNames) {
  Fixture f;
  EXPECT_THAT(f.registry.text(), HasSubstr("llamacpp:predicted_tokens_seconds 0\n"));
  fill(f);
  const std::string text = f.registry.text();
  for (const char* line :
       {"llamacpp:prompt_tokens_total 40", "llamacpp:prompt_seconds_total 0.5",
        "llamacpp:tokens_predicted_total 20", "llamacpp:tokens_predicted_seconds_total 4",
        "llamacpp:prompt_tokens_seconds 80", "llamacpp:predicted_tokens_seconds 5",
        "llamacpp:requests_processing 5", "llamacpp:requests_deferred 5"})
    EXPECT_THAT(text, HasSubstr(std::string("\n") + line + "\n"));
}

TEST(ServeMetrics, ReadsTheLoadedModelsWhenAsked) {
  Fixture f;
  EXPECT_THAT(f.registry.text(), testing::Not(HasSubstr("hearth_answers_running{")));
  fill(f);
  const std::string text = f.registry.text();
  for (const char* line :
       {R"(hearth_answers_running{model="tales"} 2)", R"(hearth_answers_waiting{model="other"} 4)",
        R"(hearth_model_memory_bytes{model="tales"} 1000)",
        R"(hearth_model_device_bytes{model="tales"} 10)", R"(hearth_cache_pages{model="tales"} 8)",
        R"(hearth_cache_pages_free{model="tales"} 5)"})
    EXPECT_THAT(text, HasSubstr(std::string(line) + "\n"));
}

TEST(ServeMetrics, PrometheusReadsThemAll) {
  if (!has_promtool()) GTEST_SKIP() << kNoPromtool;
  Fixture f;
  fill(f);
  const PromtoolAnswer answer = check_with_promtool(f.registry.text());
  // The one thing that it says of names is that llama-server's have a colon, or an unusual unit.
  EXPECT_TRUE(answer.status == 0 || answer.status == 3) << answer.report;
  std::istringstream lines(answer.report);
  for (std::string line; std::getline(lines, line);)
    EXPECT_THAT(line, testing::StartsWith("llamacpp:"));
}

TEST(RouteLabel, KnowsEveryApiAndNothingElse) {
  const auto label = [](std::string_view path) {
    const RouteLabel found = route_label(path);
    return fmt::format("{} {}", found.api, found.path);
  };
  EXPECT_EQ(label("/"), "ollama /");
  EXPECT_EQ(label("/api/blobs/sha256:aa"), "ollama /api/blobs/{digest}");
  EXPECT_EQ(label("/api/blobs/"), "other other");
  EXPECT_EQ(label("/v1/models"), "openai /v1/models");
  EXPECT_EQ(label("/v1/models/hf.co/a/b:c"), "openai /v1/models/{model}");
  EXPECT_EQ(label("/v1/messages"), "anthropic /v1/messages");
  EXPECT_EQ(label("/v1/messages/count_tokens"), "anthropic /v1/messages/count_tokens");
  EXPECT_EQ(label("/v1/responses/input_tokens"), "openai /v1/responses/input_tokens");
  EXPECT_EQ(label("/v1/responses/resp_1"), "openai /v1/responses/{id}");
  EXPECT_EQ(label("/chat/completions"), "openai /chat/completions");
  EXPECT_EQ(label("/metrics"), "hearth /metrics");
  EXPECT_EQ(label("/api/chat/"), "other other");
  EXPECT_EQ(label(""), "other other");
}

}  // namespace
}  // namespace hearth::serve
