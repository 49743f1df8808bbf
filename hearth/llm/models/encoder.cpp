#include "hearth/llm/models/encoder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "hearth/llm/kernels/elementwise.h"
#include "hearth/llm/kernels/layer_norm.h"

namespace hearth::llm {
namespace {

// The steps of a layer over one batch. x is the residual stream [tokens, dim]; every norm stands
// behind the addition of what a block computed (post-norm), unlike in decoders.
class EncoderPass {
 public:
  EncoderPass(const EncoderConfig& config, EncoderState& state, ThreadPool& pool)
      : config_(config), state_(state), pool_(pool) {}

  void place_texts(std::span<const EncoderText> texts);
  /// x = norm(word + position + kind of segment).
  void embed(const EncoderWeights& w);
  /// hidden = Wo attention(Wq x, Wk x, Wv x).
  void attend(const EncoderLayer& layer, const std::optional<RopeTable>& rope);
  /// hidden = Wdown (activation of Wup x).
  void feed_forward(const EncoderLayer& layer, bool has_gates);
  /// x = norm(x + hidden).
  void add_and_norm(const NormWeights& norm);
  int tokens() const { return tokens_; }

 private:
  /// outs = input W^T + bias, all in one parallel section.
  template <size_t N>
  void project(const std::array<std::pair<float*, const Linear*>, N>& outs, const float* input);
  void add_row(const WeightMatrix& table, const std::vector<int32_t>& rows);
  void norm(const NormWeights& norm);

  const EncoderConfig& config_;
  EncoderState& state_;
  ThreadPool& pool_;
  int tokens_ = 0;
};

void EncoderPass::place_texts(std::span<const EncoderText> texts) {
  HEARTH_CHECK(texts.size() <= size_t(state_.texts_max));
  const int page_tokens = state_.cache.shape().page_tokens;
  int page = 0;
  for (const EncoderText& text : texts) {
    const int count = static_cast<int>(text.ids.size());
    HEARTH_CHECK(count >= 1 && count <= config_.context_length);
    HEARTH_CHECK(tokens_ + count <= state_.tokens_max);
    const int32_t* pages = &state_.pages[page];
    for (int p = 0; p < count; ++p, ++tokens_) {
      HEARTH_CHECK(text.ids[p] >= 0 && text.ids[p] < config_.vocab_size);
      state_.ids[tokens_] = text.ids[p];
      state_.positions[tokens_] = p;
      const bool is_second = text.second_from > 0 && p >= text.second_from;
      state_.types[tokens_] = is_second && config_.token_types > 1;
      state_.own_places[tokens_] = {.position = p, .pages = pages};
      state_.end_places[tokens_] = {.position = count - 1, .pages = pages};
    }
    page += (count + page_tokens - 1) / page_tokens;
  }
}

void EncoderPass::add_row(const WeightMatrix& table, const std::vector<int32_t>& rows) {
  float* hidden = state_.hidden.data();
  llm::embed(hidden, table, {rows.data(), size_t(tokens_)}, pool_);
  add(state_.x.data(), hidden, size_t(tokens_) * config_.dim, pool_);
}

void EncoderPass::norm(const NormWeights& norm) {
  float* x = state_.x.data();
  layer_norm(x, x, norm.weight.data(), norm.bias.data(), tokens_, config_.dim, config_.norm_eps,
             pool_);
}

void EncoderPass::embed(const EncoderWeights& w) {
  llm::embed(state_.x.data(), w.embedding, {state_.ids.data(), size_t(tokens_)}, pool_);
  if (!w.rope) add_row(w.positions, state_.positions);
  if (config_.token_types > 0) add_row(w.token_types, state_.types);
  norm(w.embedding_norm);
}

template <size_t N>
void EncoderPass::project(const std::array<std::pair<float*, const Linear*>, N>& outs,
                          const float* input) {
  std::array<MatmulJob, N> jobs;
  for (size_t i = 0; i < N; ++i) {
    const WeightMatrix& weight = outs[i].second->weight;
    jobs[i] = {.out = outs[i].first, .out_stride = size_t(weight.rows), .weight = &weight};
  }
  matmul(jobs, input, tokens_, jobs[0].weight->cols, state_.matmul, pool_);
  for (const auto& [out, linear] : outs)
    if (!linear->bias.empty())
      add_bias(out, linear->bias.data(), tokens_, linear->weight.rows, pool_);
}

void EncoderPass::attend(const EncoderLayer& layer, const std::optional<RopeTable>& rope_table) {
  float *q = state_.q.data(), *k = state_.k.data(), *v = state_.v.data();
  project(std::array{std::pair{q, &layer.q}, std::pair{k, &layer.k}, std::pair{v, &layer.v}},
          state_.x.data());
  const int head_dim = config_.dim / config_.heads;
  const std::span<const int32_t> positions(state_.positions.data(), tokens_);
  if (rope_table) {
    rope(q, positions, config_.heads, head_dim, *rope_table, pool_);
    rope(k, positions, config_.heads, head_dim, *rope_table, pool_);
  }
  const KvLayer kv = state_.cache.layer(0);
  store_kv(kv, {state_.own_places.data(), size_t(tokens_)}, k, v, pool_);
  // Each token stands at the end of its text, as far as attention can tell: so it sees all of it.
  // k is stored, so that its buffer can take the result.
  const AttentionShape shape{.heads = config_.heads, .scale = 1 / std::sqrt(float(head_dim))};
  attention(k, q, kv, {state_.end_places.data(), size_t(tokens_)}, shape, state_.attention, pool_);
  project(std::array{std::pair{state_.hidden.data(), &layer.output}}, k);
}

void EncoderPass::feed_forward(const EncoderLayer& layer, bool has_gates) {
  float *gate = state_.gate.data(), *up = state_.up.data();
  const size_t count = size_t(tokens_) * config_.ffn_dim;
  if (has_gates) {
    project(std::array{std::pair{gate, &layer.gate}, std::pair{up, &layer.up}}, state_.x.data());
    silu_gate(up, gate, up, count, pool_);
  } else {
    project(std::array{std::pair{up, &layer.up}}, state_.x.data());
    gelu_erf(up, count, pool_);
  }
  project(std::array{std::pair{state_.hidden.data(), &layer.down}}, up);
}

void EncoderPass::add_and_norm(const NormWeights& weights) {
  add(state_.x.data(), state_.hidden.data(), size_t(tokens_) * config_.dim, pool_);
  norm(weights);
}

// Keys and values of one layer at a time.
KvShape cache_shape(const EncoderConfig& c) {
  return {.layers = 1,
          .kv_heads = c.heads,
          .head_dim_k = c.dim / c.heads,
          .head_dim_v = c.dim / c.heads};
}

// Every text begins a page, so each may leave the rest of its last one empty.
int cache_pages(const EncoderConfig& config, const EncoderRoom& room) {
  return room.tokens / cache_shape(config).page_tokens + room.texts;
}

// W x + b for one row.
std::vector<float> apply_once(const Linear& linear, std::span<const float> x,
                              MatmulScratch& scratch, ThreadPool& pool) {
  std::vector<float> out(linear.weight.rows);
  const MatmulJob job{.out = out.data(), .out_stride = out.size(), .weight = &linear.weight};
  matmul({&job, 1}, x.data(), 1, linear.weight.cols, scratch, pool);
  for (size_t i = 0; i < linear.bias.size(); ++i) out[i] += linear.bias[i];
  return out;
}

}  // namespace

EncoderState::EncoderState(const EncoderConfig& c, const EncoderRoom& room)
    : tokens_max(room.tokens),
      texts_max(room.texts),
      x(size_t(room.tokens) * c.dim),
      hidden(size_t(room.tokens) * c.dim),
      q(size_t(room.tokens) * c.dim),
      k(size_t(room.tokens) * c.dim),
      v(size_t(room.tokens) * c.dim),
      gate(size_t(room.tokens) * c.ffn_dim),
      up(size_t(room.tokens) * c.ffn_dim),
      ids(room.tokens),
      positions(room.tokens),
      types(room.tokens),
      own_places(room.tokens),
      end_places(room.tokens),
      cache(cache_shape(c), KvType::f32, cache_pages(c, room)),
      pages(cache.pages_total()),
      matmul(room.threads, room.tokens, std::max(c.dim, c.ffn_dim)),
      attention(room.threads, c.heads, c.dim / c.heads) {
  std::iota(pages.begin(), pages.end(), 0);
}

size_t EncoderState::bytes(const EncoderConfig& c, const EncoderRoom& room) {
  const size_t floats = size_t(room.tokens) * (5 * size_t(c.dim) + 2 * size_t(c.ffn_dim));
  const size_t cached = size_t(cache_pages(c, room)) * cache_shape(c).page_tokens * 2 * c.dim;
  // The inputs of products once more, rounded to what the weights are multiplied with.
  const size_t inputs = size_t(room.tokens) * std::max(c.dim, c.ffn_dim);
  return (floats + cached) * sizeof(float) + inputs * 2;
}

Encoder::Encoder(const formats::Gguf& file)
    : config_(read_encoder_config(ConfigReader(file))),
      weights_(read_encoder(ConfigReader(file), config_)) {}

std::span<const float> Encoder::forward(std::span<const EncoderText> texts, EncoderState& state,
                                        ThreadPool& pool) const {
  EncoderPass pass(config_, state, pool);
  pass.place_texts(texts);
  pass.embed(weights_);
  for (const EncoderLayer& layer : weights_.layers) {
    pass.attend(layer, weights_.rope);
    pass.add_and_norm(layer.attention_norm);
    pass.feed_forward(layer, weights_.has_gates);
    pass.add_and_norm(layer.output_norm);
  }
  return {state.x.data(), size_t(pass.tokens()) * config_.dim};
}

float Encoder::score(std::span<const float> first, EncoderState& state, ThreadPool& pool) const {
  HEARTH_CHECK(weights_.head && first.size() == size_t(config_.dim));
  const ScoringHead& head = *weights_.head;
  if (!head.dense) return apply_once(head.output, first, state.matmul, pool)[0];
  std::vector<float> row = apply_once(*head.dense, first, state.matmul, pool);
  for (float& value : row) value = std::tanh(value);
  return apply_once(head.output, row, state.matmul, pool)[0];
}

}  // namespace hearth::llm
