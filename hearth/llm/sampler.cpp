#include "hearth/llm/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "hearth/base/error.h"

namespace hearth::llm {
namespace {

using Candidate = Sampler::Candidate;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int kLogprobsMax = 100;

struct ParameterRange {
  const char* name;
  double value;
  double low;
  double high;
};

void validate(const SamplingParams& p, int vocab_size) {
  constexpr double kIntMax = std::numeric_limits<int>::max();
  const ParameterRange ranges[] = {
      {"vocab_size", double(vocab_size), 1, kIntMax},
      {"temperature", p.temperature, 0, 100},
      {"top_k", double(p.top_k), 0, kIntMax},
      {"top_p", p.top_p, 0, 1},
      {"min_p", p.min_p, 0, 1},
      {"typical_p", p.typical_p, 0, 1},
      {"repeat_penalty", p.repeat_penalty, 0.01, 100},
      {"presence_penalty", p.presence_penalty, -100, 100},
      {"frequency_penalty", p.frequency_penalty, -100, 100},
      {"repeat_last_n", double(p.repeat_last_n), -1, kIntMax},
      {"logprobs", double(p.logprobs), -1, kLogprobsMax},
  };
  for (const ParameterRange& r : ranges)
    if (!(r.value >= r.low && r.value <= r.high))  // not-a-number fails too
      throw Error(Errc::invalid_argument, "{}: {} is not between {} and {}", r.name, float(r.value),
                  r.low, r.high);
  for (const auto& [token, bias] : p.logit_bias) {
    if (token < 0 || token >= vocab_size)
      throw Error(Errc::invalid_argument, "logit_bias: token {} is not between 0 and {}", token,
                  vocab_size - 1);
    if (!(bias < kInfinity))
      throw Error(Errc::invalid_argument,
                  "logit_bias: {} for token {} must be a number below infinity", bias, token);
  }
}

// Arithmetic on what comes out never makes a not-a-number: infinity - infinity cannot happen.
float sanitised(float logit) {
  const float number = logit > -kInfinity ? logit : -kInfinity;
  return number < std::numeric_limits<float>::max() ? number : std::numeric_limits<float>::max();
}

// The one order of tokens: likelier first, equals by id.
bool likelier(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

float max_of(std::span<const float> x) {
  constexpr size_t kLanes = 16;  // independent maxima, which compilers turn into vectors
  float lanes[kLanes];
  std::fill_n(lanes, kLanes, -kInfinity);
  size_t i = 0;
  for (; i + kLanes <= x.size(); i += kLanes)
    for (size_t j = 0; j < kLanes; ++j) lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
  for (; i < x.size(); ++i) lanes[0] = std::max(lanes[0], x[i]);
  return *std::max_element(lanes, lanes + kLanes);
}

// The k largest into `best`, likelier first. One pass: nearly every block of logits lies below the
// worst of the best found so far and is passed over without a branch per logit.
void select_top(std::span<const float> logits, size_t k, std::vector<Candidate>& best) {
  constexpr size_t kBlock = 64;
  best.clear();
  if (k == 0) return;
  const auto offer = [&](size_t i) {
    if (best.size() == k) {
      if (logits[i] <= best.front().logit) return;  // equals lose: their id is higher
      std::pop_heap(best.begin(), best.end(), likelier);
      best.pop_back();
    }
    best.push_back({static_cast<int32_t>(i), logits[i], 0});
    std::push_heap(best.begin(), best.end(), likelier);
  };
  for (size_t i = 0; i < logits.size(); i += kBlock) {
    const size_t end = std::min(i + kBlock, logits.size());
    if (best.size() == k) {
      int larger = 0;
      const float worst = best.front().logit;
      for (size_t j = i; j < end; ++j) larger |= logits[j] > worst;
      if (!larger) continue;
    }
    for (size_t j = i; j < end; ++j) offer(j);
  }
  std::sort_heap(best.begin(), best.end(), likelier);
}

float largest_logit(const std::vector<Candidate>& candidates) {
  float max = -kInfinity;
  for (const Candidate& c : candidates) max = std::max(max, c.logit);
  return max;
}

// Sets the probabilities of the candidates to softmax(logits / temperature).
void normalise(std::vector<Candidate>& candidates, float temperature) {
  const float max = largest_logit(candidates);
  double sum = 0;
  for (Candidate& c : candidates) sum += c.probability = std::exp((c.logit - max) / temperature);
  const auto factor = static_cast<float>(1 / sum);
  for (Candidate& c : candidates) c.probability *= factor;
}

// Histogram over the keys of candidates, for finding where a running sum of weights passes a mark.
struct KeyBins {
  static constexpr int kCount = 512;
  double weight[kCount] = {};
  float low[kCount];  // smallest and largest key in each bin
  float high[kCount];

  KeyBins() {
    std::fill_n(low, kCount, kInfinity);
    std::fill_n(high, kCount, -kInfinity);
  }
};

// Keeps the shortest prefix, in ascending order of key(c), whose weight(c) sum to `amount`; equal
// keys go by their place. Nothing is sorted: each pass over the candidates narrows the key at
// which the sum is reached to one bin of the range before, until a single key is left. Two or
// three passes do, whereas sorting a hundred thousand candidates takes ten times as long.
template <class Key, class Weight>
void keep_prefix(std::vector<Candidate>& candidates, double amount, Key key, Weight weight) {
  float low = kInfinity, high = -kInfinity;
  for (const Candidate& c : candidates) {
    const float k = key(c);
    low = std::min(low, k);
    if (k < kInfinity) high = std::max(high, k);  // impossible tokens lie at infinity
  }
  amount = std::max(amount, std::numeric_limits<double>::min());  // one is always kept
  double before = 0;                                              // weight of the keys below `low`
  while (low < high) {
    KeyBins bins;
    const double scale = KeyBins::kCount / (double(high) - low);
    for (const Candidate& c : candidates) {
      const float k = key(c);
      if (!(k >= low && k <= high)) continue;
      const int bin = std::min(KeyBins::kCount - 1, static_cast<int>((k - low) * scale));
      bins.weight[bin] += weight(c);
      bins.low[bin] = std::min(bins.low[bin], k);
      bins.high[bin] = std::max(bins.high[bin], k);
    }
    int bin = 0;
    while (bin < KeyBins::kCount && before + bins.weight[bin] < amount)
      before += bins.weight[bin++];
    if (bin == KeyBins::kCount) return;  // not reached, by rounding: all are kept
    low = bins.low[bin], high = bins.high[bin];
  }
  std::erase_if(candidates, [&](const Candidate& c) {
    const float k = key(c);
    if (k != low) return k > low;
    if (before >= amount) return true;
    before += weight(c);
    return false;
  });
}

float probability_of(const Candidate& c) { return c.probability; }

void keep_top_p(std::vector<Candidate>& candidates, float mass) {
  normalise(candidates, 1);
  const float max = largest_logit(candidates);
  keep_prefix(
      candidates, mass, [max](const Candidate& c) { return max - c.logit; }, probability_of);
}

// Locally typical sampling: candidates whose information -ln p is nearest to its mean go first.
void keep_typical(std::vector<Candidate>& candidates, float mass) {
  normalise(candidates, 1);
  const float max = largest_logit(candidates);
  // -ln p is max - logit plus the same constant for all, which the distance to the mean cancels.
  double mean = 0;
  for (const Candidate& c : candidates)
    if (c.probability > 0) mean += double(c.probability) * (max - c.logit);
  const auto distance = [max, mean = static_cast<float>(mean)](const Candidate& c) {
    return std::fabs(max - c.logit - mean);
  };
  keep_prefix(candidates, mass, distance, probability_of);
}

void keep_min_p(std::vector<Candidate>& candidates, float min_p) {
  const float max = largest_logit(candidates);
  std::erase_if(candidates, [&](const Candidate& c) { return std::exp(c.logit - max) < min_p; });
}

}  // namespace

Sampler::Sampler(SamplingParams params, int vocab_size)
    : params_(std::move(params)), rng_(params_.seed) {
  validate(params_, vocab_size);
  adjusted_.resize(vocab_size);
  occurrences_.resize(vocab_size);
  candidates_.reserve(vocab_size);
}

void Sampler::apply_bias(std::span<const float> logits) {
  std::transform(logits.begin(), logits.end(), adjusted_.begin(), sanitised);
  for (const auto& [token, bias] : params_.logit_bias)
    adjusted_[token] = sanitised(adjusted_[token] + bias);
}

void Sampler::apply_penalties(std::span<const int32_t> history) {
  const SamplingParams& p = params_;
  if (p.repeat_penalty == 1 && p.presence_penalty == 0 && p.frequency_penalty == 0) return;
  if (p.repeat_last_n >= 0)
    history = history.last(std::min(history.size(), static_cast<size_t>(p.repeat_last_n)));
  for (const int32_t token : history) ++occurrences_[token];
  for (const int32_t token : history) {
    const int count = std::exchange(occurrences_[token], 0);
    if (count == 0) continue;  // done at an earlier occurrence
    float& logit = adjusted_[token];
    logit = logit > 0 ? logit / p.repeat_penalty : logit * p.repeat_penalty;
    logit = sanitised(logit - p.presence_penalty - static_cast<float>(count) * p.frequency_penalty);
  }
}

void Sampler::fill_candidates() {
  // Above this many a heap of the best costs more than narrowing down the last of them.
  constexpr size_t kHeapMax = 1024;
  const size_t vocab = adjusted_.size();
  const size_t k = params_.top_k == 0 ? vocab : std::min<size_t>(params_.top_k, vocab);
  if (k < vocab && k <= kHeapMax) return select_top(adjusted_, k, candidates_);
  candidates_.resize(vocab);
  for (size_t i = 0; i < vocab; ++i) candidates_[i] = {static_cast<int32_t>(i), adjusted_[i], 0};
  if (k == vocab) return;
  const float max = largest_logit(candidates_);
  keep_prefix(
      candidates_, static_cast<double>(k), [max](const Candidate& c) { return max - c.logit; },
      [](const Candidate&) { return 1; });
}

void Sampler::truncate() {
  if (params_.typical_p < 1) keep_typical(candidates_, params_.typical_p);
  if (params_.top_p < 1) keep_top_p(candidates_, params_.top_p);
  if (params_.min_p > 0) keep_min_p(candidates_, params_.min_p);
}

int32_t Sampler::draw() {
  normalise(candidates_, params_.temperature);
  double left = rng_.uniform();
  const Candidate* last = nullptr;  // rounding may leave a remainder after the last possible one
  for (const Candidate& c : candidates_) {
    if (!(c.probability > 0)) continue;
    last = &c;
    left -= c.probability;
    if (left < 0) break;
  }
  return last ? last->token : 0;
}

// The natural log of the sum of exponentials of the biased logits.
float Sampler::log_sum() const {
  const float max = max_of(adjusted_);
  if (max == -kInfinity) return 0;
  double sum = 0;
  for (const float logit : adjusted_) sum += std::exp(logit - max);
  return static_cast<float>(max + std::log(sum));
}

float Sampler::biased(std::span<const float> logits, int32_t token) const {
  float logit = sanitised(logits[token]);
  for (const auto& [biased_token, bias] : params_.logit_bias)
    if (biased_token == token) logit = sanitised(logit + bias);
  return logit;
}

Sample Sampler::sample(std::span<const float> logits, std::span<const int32_t> history,
                       TokenMask allowed) {
  HEARTH_CHECK(logits.size() == adjusted_.size());
  HEARTH_CHECK(allowed.empty() || allowed.size() * 64 >= adjusted_.size());
  Sample sample{.token = 0, .chosen = {0, std::numeric_limits<float>::quiet_NaN()}, .top = {}};
  const bool wants_logprobs = params_.logprobs >= 0;
  apply_bias(logits);
  if (!allowed.empty()) apply_mask(adjusted_, allowed);
  float log_sum_of_biased = 0;
  if (wants_logprobs) {
    log_sum_of_biased = log_sum();
    select_top(adjusted_, std::min<size_t>(params_.logprobs, adjusted_.size()), candidates_);
    for (const Candidate& c : candidates_)
      if (allowed.empty() || is_allowed(allowed, c.token))
        sample.top.push_back({c.token, c.logit - log_sum_of_biased});
  }
  apply_penalties(history);
  sample.token = choose();
  sample.chosen.token = sample.token;
  if (wants_logprobs) sample.chosen.logprob = biased(logits, sample.token) - log_sum_of_biased;
  return sample;
}

int32_t Sampler::choose() {
  const float max = max_of(adjusted_);
  if (params_.temperature == 0 || max == -kInfinity)
    return static_cast<int32_t>(std::find(adjusted_.begin(), adjusted_.end(), max) -
                                adjusted_.begin());
  fill_candidates();
  truncate();
  return draw();
}

}  // namespace hearth::llm
