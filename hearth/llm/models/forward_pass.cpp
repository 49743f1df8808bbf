#include "hearth/llm/models/forward_pass.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "hearth/llm/kernels/elementwise.h"

namespace hearth::llm {
namespace {

MatmulJob job(float* out, const WeightMatrix& weight) {
  return {.out = out, .out_stride = static_cast<size_t>(weight.rows), .weight = &weight};
}

// rows[i] = rows[kept[i]]; `kept` ascends, so no row is overwritten before it was read.
void gather_rows(float* rows, size_t dim, std::span<const int32_t> kept) {
  for (size_t i = 0; i < kept.size(); ++i)
    if (kept[i] != static_cast<int32_t>(i))
      std::memcpy(rows + i * dim, rows + kept[i] * dim, dim * sizeof(float));
}

}  // namespace

ForwardPass::ForwardPass(const ModelConfig& config, const Batch& batch, KvCache& cache,
                         ForwardState& state, ThreadPool& pool)
    : config_(config),
      cache_(cache),
      state_(state),
      pool_(pool),
      tokens_(static_cast<int>(batch.tokens.size())),
      wanted_(0),
      wants_vectors_(batch.wants_vectors),
      uses_adapters_(
          std::ranges::any_of(batch.adapters, [](const AdapterUse& use) { return use.adapter; })) {
  HEARTH_CHECK(tokens_ <= state.tokens_max);
  HEARTH_CHECK(cache.shape().layers == config.layers && cache.shape().kv_heads == config.kv_heads);
  HEARTH_CHECK(cache.shape().head_dim_k == config.head_dim_k &&
               cache.shape().head_dim_v == config.head_dim_v);
  place_tokens(batch, cache);
}

void ForwardPass::place_tokens(const Batch& batch, const KvCache& cache) {
  const size_t page_tokens = cache.shape().page_tokens;
  HEARTH_CHECK(!uses_adapters_ || batch.adapters.size() == batch.page_tables.size());
  for (int t = 0; t < tokens_; ++t) {
    const Batch::Token& token = batch.tokens[t];
    HEARTH_CHECK(token.sequence >= 0 &&
                 static_cast<size_t>(token.sequence) < batch.page_tables.size());
    const std::span<const int32_t> pages = batch.page_tables[token.sequence];
    HEARTH_CHECK(token.id >= 0 && token.id < config_.vocab_size);
    HEARTH_CHECK(token.position >= 0 && token.position / page_tokens < pages.size());
    state_.ids[t] = token.id;
    state_.positions[t] = token.position;
    state_.places[t] = {.position = token.position, .pages = pages.data()};
    if (uses_adapters_) state_.adapters[t] = batch.adapters[token.sequence];
    if (!token.wants_logits) continue;
    HEARTH_CHECK(wanted_ < state_.logits_max);
    state_.wanted[wanted_++] = t;
  }
}

void ForwardPass::embed(const WeightMatrix& table) {
  llm::embed(state_.residual.data(), table, {state_.ids.data(), size_t(tokens_)}, pool_);
  if (uses_adapters_) adapt_embedding();
}

void ForwardPass::scale_residual(float factor) {
  scale(state_.residual.data(), factor, size_t(tokens_) * config_.dim, pool_);
}

void ForwardPass::norm(const std::vector<float>& weight) {
  rms_norm(state_.hidden.data(), state_.residual.data(), weight.data(), tokens_, config_.dim,
           config_.rms_eps, pool_);
}

void ForwardPass::norm_block_output(const std::vector<float>& weight) {
  rms_norm(state_.hidden.data(), state_.hidden.data(), weight.data(), tokens_, config_.dim,
           config_.rms_eps, pool_);
}

void ForwardPass::add_to_residual() {
  add(state_.residual.data(), state_.hidden.data(), size_t(tokens_) * config_.dim, pool_);
}

void ForwardPass::project(std::span<const MatmulJob> jobs, const float* x, int cols) {
  if (tokens_ == 0) return;
  matmul(jobs, x, tokens_, cols, state_.matmul, pool_);
  if (!uses_adapters_) return;
  for (const MatmulJob& job : jobs) adapt(job, x);
}

void ForwardPass::project(float* out, const WeightMatrix& weight, const float* x) {
  const MatmulJob one = job(out, weight);
  project({&one, 1}, x, weight.cols);
}

int ForwardPass::end_of_adapter_run(int begin) const {
  int end = begin + 1;
  while (end < tokens_ && state_.adapters[end] == state_.adapters[begin]) ++end;
  return end;
}

void ForwardPass::adapt(const MatmulJob& job, const float* x) {
  float* const inner = state_.inner_of_adapters.data();
  for (int begin = 0, end; begin < tokens_; begin = end) {
    end = end_of_adapter_run(begin);
    const AdapterUse& use = state_.adapters[begin];
    if (!use.adapter) continue;
    const std::optional<LowRankUpdate> update = use.adapter->find(*job.weight);
    if (!update) continue;
    project_down(inner, *update, x + size_t(begin) * update->cols, end - begin, pool_);
    add_projected_up(job.out + begin * job.out_stride, job.out_stride, *update, inner, end - begin,
                     use.scale, pool_);
  }
}

// The inner values of an id are a row of A: nothing to multiply.
void ForwardPass::adapt_embedding() {
  float* const inner = state_.inner_of_adapters.data();
  for (int begin = 0, end; begin < tokens_; begin = end) {
    end = end_of_adapter_run(begin);
    const AdapterUse& use = state_.adapters[begin];
    if (!use.adapter) continue;
    const std::optional<LowRankUpdate> update = use.adapter->embedding();
    if (!update) continue;
    const size_t rank = update->rank;
    for (int t = begin; t < end; ++t)
      std::memcpy(inner + (t - begin) * rank, update->a + state_.ids[t] * rank,
                  rank * sizeof(float));
    add_projected_up(state_.residual.data() + size_t(begin) * config_.dim, config_.dim, *update,
                     inner, end - begin, use.scale, pool_);
  }
}

void ForwardPass::add_bias(float* x, const std::vector<float>& bias) {
  if (!bias.empty()) llm::add_bias(x, bias.data(), tokens_, static_cast<int>(bias.size()), pool_);
}

void ForwardPass::project_qkv(const AttentionWeights& w) {
  const std::array jobs = {job(state_.q, w.q), job(state_.k, w.k), job(state_.v, w.v)};
  project(jobs, state_.hidden.data(), config_.dim);
  add_bias(state_.q, w.q_bias);
  add_bias(state_.k, w.k_bias);
  add_bias(state_.v, w.v_bias);
}

void ForwardPass::norm_heads(const AttentionWeights& w) {
  rms_norm(state_.q, state_.q, w.q_norm.data(), tokens_ * config_.heads, config_.head_dim_k,
           config_.rms_eps, pool_);
  rms_norm(state_.k, state_.k, w.k_norm.data(), tokens_ * config_.kv_heads, config_.head_dim_k,
           config_.rms_eps, pool_);
}

void ForwardPass::rotate(const RopeTable& table) {
  const std::span<const int32_t> positions(state_.positions.data(), tokens_);
  rope(state_.q, positions, config_.heads, config_.head_dim_k, table, pool_);
  rope(state_.k, positions, config_.kv_heads, config_.head_dim_k, table, pool_);
}

void ForwardPass::sharpen_distant_queries(float strength, int period) {
  const size_t row = size_t(config_.heads) * config_.head_dim_k;
  for (int t = 0; t < tokens_; ++t) {
    const int periods = state_.positions[t] / period;
    if (periods == 0) continue;
    scale(state_.q + t * row, 1 + strength * std::log(periods + 1.0f), row, pool_);
  }
}

void ForwardPass::attend(int layer, const AttentionShape& shape) {
  const KvLayer kv = cache_.layer(layer);
  store_kv(kv, {state_.places.data(), size_t(tokens_)}, state_.k, state_.v, pool_);
  if (layer == config_.layers - 1) keep_wanted_tokens();
  attention(state_.attended, state_.q, kv, {state_.places.data(), size_t(tokens_)}, shape,
            state_.attention, pool_);
}

// The last layer's keys and values are stored; from here on, only the rows of x and q whose logits
// were asked for matter. A chunk of a long prompt that asks for none ends here.
void ForwardPass::keep_wanted_tokens() {
  const std::span<const int32_t> kept(state_.wanted.data(), wanted_);
  gather_rows(state_.residual.data(), config_.dim, kept);
  gather_rows(state_.q, size_t(config_.heads) * config_.head_dim_k, kept);
  for (int i = 0; i < wanted_; ++i) state_.places[i] = state_.places[kept[i]];
  if (uses_adapters_)
    for (int i = 0; i < wanted_; ++i) state_.adapters[i] = state_.adapters[kept[i]];
  tokens_ = wanted_;
}

void ForwardPass::project_attended(const AttentionWeights& w) {
  project(state_.hidden.data(), w.output, state_.attended);
  add_bias(state_.hidden.data(), w.output_bias);
}

void ForwardPass::feed_forward(const FeedForwardWeights& w, GateKernel* gate) {
  const std::array jobs = {job(state_.gate, w.gate), job(state_.up, w.up)};
  project(jobs, state_.hidden.data(), config_.dim);
  add_bias(state_.gate, w.gate_bias);
  add_bias(state_.up, w.up_bias);
  gate(state_.gate, state_.gate, state_.up, size_t(tokens_) * config_.ffn_dim, pool_);
  project(state_.hidden.data(), w.down, state_.gate);
  add_bias(state_.hidden.data(), w.down_bias);
}

std::span<const float> ForwardPass::logits(const OutputWeights& w, float cap) {
  norm(w.norm);
  if (wants_vectors_) return {state_.hidden.data(), size_t(tokens_) * config_.dim};
  float* out = state_.logits.data();
  project(out, w.matrix, state_.hidden.data());
  add_bias(out, w.bias);
  const size_t count = size_t(tokens_) * config_.vocab_size;
  if (cap > 0) softcap(out, cap, count, pool_);
  return {out, count};
}

}  // namespace hearth::llm
