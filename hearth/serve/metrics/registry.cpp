#include "hearth/serve/metrics/registry.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "hearth/base/error.h"

namespace hearth::serve {
namespace {

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

// A help text knows two escapes, a label's value one more.
std::string escaped(std::string_view text, bool is_label) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || (is_label && c == '"')) out += '\\';
    out += c;
  }
  return out;
}

// name{a="x",b="y"} value; `bound` is a histogram's label "le", empty for none.
void append_series(std::string& text, const MetricInfo& info, std::string_view suffix,
                   const LabelValues& labels, std::string_view bound, double value) {
  std::string pairs;
  const auto add = [&](std::string_view name, std::string_view label) {
    pairs += fmt::format("{}{}=\"{}\"", pairs.empty() ? "" : ",", name, escaped(label, true));
  };
  for (size_t i = 0; i < labels.size(); ++i) add(info.labels[i], labels[i]);
  if (!bound.empty()) add("le", bound);
  text += info.name;
  text += suffix;
  if (!pairs.empty()) text += "{" + pairs + "}";
  text += " " + number(value) + "\n";
}

void append_metric(std::string& text, const MetricInfo& info, const LabelValues& labels,
                   const Counter& counter) {
  append_series(text, info, "", labels, "", counter.value());
}

void append_metric(std::string& text, const MetricInfo& info, const LabelValues& labels,
                   const Gauge& gauge) {
  append_series(text, info, "", labels, "", gauge.value());
}

void append_metric(std::string& text, const MetricInfo& info, const LabelValues& labels,
                   const Histogram& histogram) {
  const std::vector<uint64_t> counts = histogram.cumulative();
  for (size_t i = 0; i < counts.size(); ++i) {
    const std::string bound =
        i < histogram.bounds().size() ? number(histogram.bounds()[i]) : "+Inf";
    append_series(text, info, "_bucket", labels, bound, static_cast<double>(counts[i]));
  }
  append_series(text, info, "_sum", labels, "", histogram.sum());
  append_series(text, info, "_count", labels, "", static_cast<double>(counts.back()));
}

constexpr std::string_view type_of(const Counter*) { return "counter"; }
constexpr std::string_view type_of(const Gauge*) { return "gauge"; }
constexpr std::string_view type_of(const Histogram*) { return "histogram"; }

// Of sorted ones, those with equal labels.
void add_up(std::vector<Sample>& samples) {
  std::vector<Sample> sums;
  for (Sample& sample : samples) {
    if (!sums.empty() && sums.back().labels == sample.labels)
      sums.back().value += sample.value;
    else
      sums.push_back(std::move(sample));
  }
  samples = std::move(sums);
}

// Reads its values when it is asked for them.
class SampledFamily : public MetricFamily {
 public:
  SampledFamily(MetricInfo info, SampleType type, std::function<std::vector<Sample>()> read)
      : MetricFamily(std::move(info)), type_(type), read_(std::move(read)) {}

  void append_text(std::string& text) const override {
    std::vector<Sample> samples = read_();
    std::sort(samples.begin(), samples.end(),
              [](const Sample& a, const Sample& b) { return a.labels < b.labels; });
    add_up(samples);
    samples.resize(std::min(samples.size(), info().series_max));
    append_head(text, type_ == SampleType::counter ? "counter" : "gauge");
    for (const Sample& sample : samples) {
      HEARTH_CHECK(sample.labels.size() == info().labels.size());
      append_series(text, info(), "", sample.labels, "", sample.value);
    }
  }

 private:
  const SampleType type_;
  const std::function<std::vector<Sample>()> read_;
};

bool is_metric_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == ':';
  };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
         std::all_of(name.begin(), name.end(), fits);
}

}  // namespace

void MetricFamily::append_head(std::string& text, std::string_view type) const {
  text += fmt::format("# HELP {} {}\n# TYPE {} {}\n", info_.name, escaped(info_.help, false),
                      info_.name, type);
}

template <class Metric>
Metric& Family<Metric>::with(const LabelValues& labels) {
  HEARTH_CHECK(labels.size() == info().labels.size());
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = series_.find(labels); found != series_.end()) return *found->second;
  }
  const std::unique_lock lock(mutex_);
  const bool is_full = series_.size() >= info().series_max;
  const LabelValues other(labels.size(), std::string(kOtherLabel));
  std::unique_ptr<Metric>& series = series_[is_full && !series_.count(labels) ? other : labels];
  if (!series) series = make_();
  return *series;
}

template <class Metric>
void Family<Metric>::append_text(std::string& text) const {
  append_head(text, type_of(static_cast<Metric*>(nullptr)));
  const std::shared_lock lock(mutex_);
  for (const auto& [labels, metric] : series_) append_metric(text, info(), labels, *metric);
}

template class Family<Counter>;
template class Family<Gauge>;
template class Family<Histogram>;

template <class F>
F& Registry::put(std::unique_ptr<F> family) {
  const std::lock_guard lock(mutex_);
  F& kept = *family;
  HEARTH_CHECK(is_metric_name(kept.info().name));
  HEARTH_CHECK(families_.try_emplace(kept.info().name, std::move(family)).second);
  return kept;
}

Family<Counter>& Registry::counters(MetricInfo info) {
  return put(std::make_unique<Family<Counter>>(std::move(info),
                                               [] { return std::make_unique<Counter>(); }));
}

Family<Gauge>& Registry::gauges(MetricInfo info) {
  return put(
      std::make_unique<Family<Gauge>>(std::move(info), [] { return std::make_unique<Gauge>(); }));
}

Family<Histogram>& Registry::histograms(MetricInfo info, std::span<const double> bounds) {
  const std::vector<double> kept(bounds.begin(), bounds.end());
  return put(std::make_unique<Family<Histogram>>(
      std::move(info), [kept] { return std::make_unique<Histogram>(kept); }));
}

void Registry::sampled(MetricInfo info, SampleType type,
                       std::function<std::vector<Sample>()> read) {
  put(std::make_unique<SampledFamily>(std::move(info), type, std::move(read)));
}

void Registry::before_text(std::function<void()> refresh) {
  const std::lock_guard lock(mutex_);
  refreshes_.push_back(std::move(refresh));
}

std::string Registry::text() const {
  const std::lock_guard lock(mutex_);
  for (const auto& refresh : refreshes_) refresh();
  std::string text;
  for (const auto& [name, family] : families_) family->append_text(text);
  return text;
}

}  // namespace hearth::serve
