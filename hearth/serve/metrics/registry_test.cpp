#include "hearth/serve/metrics/registry.h"

#include <gtest/gtest.h>

#include <limits>
#include <thread>

#include "hearth/serve/metrics/promtool_for_test.h"

namespace hearth::serve {
namespace {

// Every kind, with what must be escaped.
void fill(Registry& registry) {
  registry.gauges({"test_fill_ratio", "A \"ratio\" of a\\b\nin two lines"}).with({}).set(0.25);
  auto& requests = registry.counters({"test_requests_total", "Requests", {"path", "status"}});
  requests.with({"/b", "200"}).add();
  requests.with({"/a", "500"}).add(2);
  requests.with({"/a", "200"}).add(3);
  requests.with({"/b", "200"}).add();
  requests.with({"say \"hi\"\\\n", "200"}).add();
  const double bounds[] = {0.1, 1, 10};
  Histogram& seconds =
      registry.histograms({"test_seconds", "Time", {"model"}}, bounds).with({"tales"});
  for (const double value : {0.05, 0.1, 0.5, 20.0}) seconds.observe(value);
  registry.sampled({"test_age_seconds", "Read when asked for", {"what"}}, SampleType::gauge, [] {
    return std::vector<Sample>{{{"b"}, 1e20}, {{"a"}, -2.5}, {{"a"}, 1}};  // "a" twice: a sum
  });
}

// By the format's description: families and series in order, cumulative buckets.
constexpr std::string_view kText = R"(# HELP test_age_seconds Read when asked for
# TYPE test_age_seconds gauge
test_age_seconds{what="a"} -1.5
test_age_seconds{what="b"} 1e+20
# HELP test_fill_ratio A "ratio" of a\\b\nin two lines
# TYPE test_fill_ratio gauge
test_fill_ratio 0.25
# HELP test_requests_total Requests
# TYPE test_requests_total counter
test_requests_total{path="/a",status="200"} 3
test_requests_total{path="/a",status="500"} 2
test_requests_total{path="/b",status="200"} 2
test_requests_total{path="say \"hi\"\\\n",status="200"} 1
# HELP test_seconds Time
# TYPE test_seconds histogram
test_seconds_bucket{model="tales",le="0.1"} 2
test_seconds_bucket{model="tales",le="1"} 3
test_seconds_bucket{model="tales",le="10"} 3
test_seconds_bucket{model="tales",le="+Inf"} 4
test_seconds_sum{model="tales"} 20.65
test_seconds_count{model="tales"} 4
)";

TEST(Metrics, TheTextIsWhatPrometheusReads) {
  Registry registry;
  fill(registry);
  EXPECT_EQ(registry.text(), kText);
}

TEST(Metrics, PrometheusReadsTheText) {
  if (!has_promtool()) GTEST_SKIP() << kNoPromtool;
  Registry registry;
  fill(registry);
  const PromtoolAnswer answer = check_with_promtool(registry.text());
  EXPECT_EQ(answer.status, 0) << answer.report;
  EXPECT_NE(check_with_promtool("test_total{ 1\n").status, 0);  // it does look
}

TEST(Metrics, AnEmptyRegistryHasNoText) { EXPECT_EQ(Registry().text(), ""); }

TEST(Metrics, NumbersThatAreNoneHaveNames) {
  Registry registry;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  auto& gauges = registry.gauges({"g", "G", {"n"}});
  gauges.with({"1"}).set(kInfinity);
  gauges.with({"2"}).set(-kInfinity);
  gauges.with({"3"}).set(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(registry.text(),
            "# HELP g G\n# TYPE g gauge\ng{n=\"1\"} +Inf\ng{n=\"2\"} -Inf\ng{n=\"3\"} NaN\n");
}

TEST(Metrics, OneSeriesTooManyIsCountedWithTheOthers) {
  Registry registry;
  auto& family =
      registry.counters({.name = "c_total", .help = "C", .labels = {"a", "b"}, .series_max = 2});
  for (const char* label : {"1", "2", "3", "4", "1"}) family.with({label, "x"}).add();
  EXPECT_EQ(registry.text(),
            "# HELP c_total C\n# TYPE c_total counter\nc_total{a=\"1\",b=\"x\"} 2\n"
            "c_total{a=\"2\",b=\"x\"} 1\nc_total{a=\"other\",b=\"other\"} 2\n");
}

TEST(Metrics, CountsFromManyThreads) {
  Registry registry;
  auto& family = registry.counters({"c_total", "C", {"n"}});
  const double bounds[] = {1};
  Histogram& histogram = registry.histograms({"h", "H"}, bounds).with({});
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 1000; ++i) {
        family.with({std::to_string(i % 3)}).add();
        histogram.observe(t % 2 == 0 ? 0.5 : 1.5);
        if (i % 100 == 0) registry.text();
      }
    });
  threads.clear();
  EXPECT_EQ(family.with({"0"}).value() + family.with({"1"}).value() + family.with({"2"}).value(),
            4000);
  EXPECT_EQ(histogram.cumulative(), (std::vector<uint64_t>{2000, 4000}));
  EXPECT_EQ(histogram.sum(), 4000);
}

}  // namespace
}  // namespace hearth::serve
