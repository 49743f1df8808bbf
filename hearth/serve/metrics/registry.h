// All metrics of a server, and the text that Prometheus reads from GET /metrics.
//
//   Registry registry;
//   auto& requests = registry.counters({"hearth_requests_total", "Requests answered", {"status"}});
//   requests.with({"200"}).add();
//   registry.text();
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hearth/serve/metrics/metric.h"

namespace hearth::serve {

/// Of the answer to GET /metrics.
inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";
/// In place of every label of a series that would be one too many.
inline constexpr std::string_view kOtherLabel = "other";

struct MetricInfo {
  std::string name;  // letters, digits, '_' and ':'
  std::string help;  // one sentence without a period
  std::vector<std::string> labels = {};
  size_t series_max = 500;  // what else comes is counted together, under kOtherLabel
};

using LabelValues = std::vector<std::string>;  // in the order of MetricInfo::labels, UTF-8

/// One metric with all its series. Thread-safe.
class MetricFamily {
 public:
  explicit MetricFamily(MetricInfo info) : info_(std::move(info)) {}
  virtual ~MetricFamily() = default;

  const MetricInfo& info() const { return info_; }
  /// Appends HELP, TYPE and the series, sorted by their labels.
  virtual void append_text(std::string& text) const = 0;

 protected:
  void append_head(std::string& text, std::string_view type) const;

 private:
  const MetricInfo info_;
};

/// Metric: Counter, Gauge or Histogram.
template <class Metric>
class Family : public MetricFamily {
 public:
  using Make = std::function<std::unique_ptr<Metric>()>;

  Family(MetricInfo info, Make make) : MetricFamily(std::move(info)), make_(std::move(make)) {}

  /// The series with these labels, made where it is new; valid as long as the registry. Keep the
  /// reference where it is used often: finding it takes a lock.
  Metric& with(const LabelValues& labels);
  void append_text(std::string& text) const override;

 private:
  const Make make_;
  mutable std::shared_mutex mutex_;
  std::map<LabelValues, std::unique_ptr<Metric>> series_;
};

/// What a function tells at the moment of reading.
struct Sample {
  LabelValues labels;
  double value = 0;
};
enum class SampleType { counter, gauge };

/// Thread-safe. A name that is registered twice is a bug.
class Registry {
 public:
  Family<Counter>& counters(MetricInfo info);
  Family<Gauge>& gauges(MetricInfo info);
  Family<Histogram>& histograms(MetricInfo info, std::span<const double> bounds);
  /// `read` is called for each text(), from its thread. Samples with equal labels are added up:
  /// two series of one name would make the whole text unreadable.
  void sampled(MetricInfo info, SampleType type, std::function<std::vector<Sample>()> read);

  /// `refresh` is called at the beginning of each text(), from its thread, before any `read`: for
  /// what several metrics are read from.
  void before_text(std::function<void()> refresh);

  /// The text exposition format, version 0.0.4
  /// (https://prometheus.io/docs/instrumenting/exposition_formats), sorted by name.
  std::string text() const;

 private:
  template <class F>
  F& put(std::unique_ptr<F> family);

  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<MetricFamily>> families_;
  std::vector<std::function<void()>> refreshes_;
};

}  // namespace hearth::serve
