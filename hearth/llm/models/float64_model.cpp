#include "hearth/llm/models/float64_model.h"

#include <cmath>
#include <functional>
#include <map>
#include <numbers>

#include "hearth/llm/models/float64_math.h"

namespace hearth::llm::float64 {
namespace {

// A file with its keys at hand.
struct File {
  const formats::Gguf& gguf;
  int context;
  std::string arch = gguf.string("general.architecture");

  std::string key(const std::string& suffix) const { return arch + "." + suffix; }
  size_t count(const std::string& suffix) const { return gguf.u64(key(suffix)); }
  double real(const std::string& suffix, double otherwise) const {
    return gguf.try_f64(key(suffix)).value_or(otherwise);
  }
  bool has(const std::string& tensor) const { return gguf.find_tensor(tensor) != nullptr; }

  size_t layers = count("block_count");
  size_t dim = count("embedding_length");
  size_t heads = count("attention.head_count");
  size_t kv_heads = count("attention.head_count_kv");
  size_t head_dim = count("attention.key_length");
  size_t ffn_dim = count("feed_forward_length");
  double eps = real("attention.layer_norm_rms_epsilon", NAN);
};

std::string block(size_t layer, const std::string& suffix) {
  return "blk." + std::to_string(layer) + "." + suffix;
}

// Rotary angles at a position and the stretch of the turned vectors.
struct Turns {
  Vector per_position;
  double magnitude = 1;
  Vector at(size_t position) const { return times(static_cast<double>(position), per_position); }
};

Turns plain_turns(const File& f, double base) {
  const size_t dim = f.count("rope.dimension_count");
  Turns turns;
  for (size_t i = 0; i < dim / 2; ++i)
    turns.per_position.push_back(
        std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(dim)));
  return turns;
}

void divide(Turns& turns, const Vector& divisors) {
  for (size_t i = 0; i < divisors.size(); ++i) turns.per_position.at(i) /= divisors[i];
}

// YaRN, section 3.2: the share of a pair's angle that stays falls from 1 to 0 between the pairs
// that make beta_fast and beta_slow turns over the original context; section 3.4: the stretch.
void stretch_by_yarn(const File& f, Turns& turns, double base) {
  const double factor = f.real("rope.scaling.factor", 1);
  const double original = f.real("rope.scaling.original_context_length", NAN);
  const double dim = 2.0 * static_cast<double>(turns.per_position.size());
  const auto pair_with = [&](double number_of_turns) {
    return dim / 2 * std::log(original / (2 * std::numbers::pi * number_of_turns)) / std::log(base);
  };
  const double low =
      std::max(std::floor(pair_with(f.real("rope.scaling.yarn_beta_fast", 32))), 0.0);
  const double high =
      std::min(std::ceil(pair_with(f.real("rope.scaling.yarn_beta_slow", 1))), dim - 1);
  for (size_t i = 0; i < turns.per_position.size(); ++i) {
    const double x = static_cast<double>(i);
    const double interpolated = x <= low ? 0 : x >= high ? 1 : (x - low) / (high - low);
    turns.per_position[i] *= (1 - interpolated) + interpolated / factor;
  }
  turns.magnitude = 1 + 0.1 * std::log(factor);
  if (const double all = f.real("rope.scaling.yarn_log_multiplier", 0); all != 0)
    turns.magnitude /= 1 + 0.1 * all * std::log(factor);
}

Turns turns_of(const File& f) {
  const double base = f.real("rope.freq_base", 10000);
  Turns turns = plain_turns(f, base);
  if (f.has("rope_freqs.weight")) divide(turns, vector(f.gguf, "rope_freqs.weight"));
  if (f.has("rope_factors_long.weight")) {
    const bool is_long = f.context > f.real("rope.scaling.original_context_length", 1e9);
    divide(turns,
           vector(f.gguf, is_long ? "rope_factors_long.weight" : "rope_factors_short.weight"));
  }
  turns.magnitude = f.real("rope.scaling.attn_factor", 1);
  const std::string scaling = f.gguf.try_string(f.key("rope.scaling.type")).value_or("none");
  if (scaling == "linear")
    turns.per_position = times(1 / f.real("rope.scaling.factor", 1), turns.per_position);
  if (scaling == "yarn") stretch_by_yarn(f, turns, base);
  return turns;
}

Rows embedding_of(const File& f, std::span<const int32_t> ids) {
  const Rows table = matrix(f.gguf, "token_embd.weight");
  Rows x;
  for (int32_t id : ids) x.push_back(table.at(static_cast<size_t>(id)));
  return x;
}

Rows map_rows(const Rows& x, const std::function<Vector(const Vector&)>& apply) {
  Rows out;
  for (const Vector& row : x) out.push_back(apply(row));
  return out;
}

Rows norm_of(const File& f, const Rows& x, const std::string& name) {
  const Vector weight = vector(f.gguf, name);
  return map_rows(x, [&](const Vector& row) { return rms_norm(row, weight, f.eps); });
}

// W x + b, the bias being what the file has under the same name.
Rows linear(const File& f, const Rows& x, const std::string& name) {
  const Rows weight = matrix(f.gguf, name + ".weight");
  const Vector bias = vector_or_zeros(f.gguf, name + ".bias", weight.size());
  return map_rows(x, [&](const Vector& row) { return add(product(weight, row), bias); });
}

Rows each_head(const Rows& x, size_t head_dim,
               const std::function<Vector(const Vector&, size_t token)>& apply) {
  Rows out(x.size());
  for (size_t t = 0; t < x.size(); ++t)
    for (size_t h = 0; h < x[t].size() / head_dim; ++h) {
      const Vector head = apply(slice(x[t], h, head_dim), t);
      out[t].insert(out[t].end(), head.begin(), head.end());
    }
  return out;
}

Rows head_norm_of(const File& f, const Rows& x, const std::string& name) {
  const Vector weight = vector(f.gguf, name);
  return each_head(x, f.head_dim,
                   [&](const Vector& head, size_t) { return rms_norm(head, weight, f.eps); });
}

Rows turned_as_neighbours(const File& f, const Rows& x, const Turns& turns) {
  return each_head(x, f.head_dim, [&](const Vector& head, size_t t) {
    return turn_neighbours(head, turns.at(t), turns.magnitude);
  });
}

Rows turned_as_halves(const File& f, const Rows& x, const Turns& turns) {
  return each_head(x, f.head_dim, [&](const Vector& head, size_t t) {
    return turn_halves(head, turns.at(t), turns.magnitude);
  });
}

Rows sum(const Rows& a, const Rows& b) {
  Rows out;
  for (size_t t = 0; t < a.size(); ++t) out.push_back(add(a[t], b[t]));
  return out;
}

Rows gated(const Rows& gate, const Rows& up, double (*activation)(double)) {
  Rows out = up;
  for (size_t t = 0; t < up.size(); ++t)
    for (size_t i = 0; i < up[t].size(); ++i) out[t][i] *= activation(gate[t][i]);
  return out;
}

Rows output_of(const File& f, const Rows& x) {
  const bool is_tied = !f.has("output.weight");
  return linear(f, norm_of(f, x, "output_norm.weight"), is_tied ? "token_embd" : "output");
}

Rows capped(Rows x, double cap) {
  for (Vector& row : x)
    for (double& value : row) value = soft_cap(value, cap);
  return x;
}

double share_of_embedding(const File& f) {
  return static_cast<double>(f.dim) / static_cast<double>(f.heads);
}

Rows gated_silu_block(const File& f, const Rows& x, size_t l) {
  const Rows m = norm_of(f, x, block(l, "ffn_norm.weight"));
  return linear(f,
                gated(linear(f, m, block(l, "ffn_gate")), linear(f, m, block(l, "ffn_up")), silu),
                block(l, "ffn_down"));
}

Rows llama(const File& f, Rows x) {
  const Turns turns = turns_of(f);
  const size_t window = static_cast<size_t>(f.real("attention.sliding_window", 0));
  for (size_t l = 0; l < f.layers; ++l) {
    const Rows n = norm_of(f, x, block(l, "attn_norm.weight"));
    const Rows q = turned_as_neighbours(f, linear(f, n, block(l, "attn_q")), turns);
    const Rows k = turned_as_neighbours(f, linear(f, n, block(l, "attn_k")), turns);
    const Rows v = linear(f, n, block(l, "attn_v"));
    const Rows a = attend(q, k, v,
                          {.heads = f.heads,
                           .kv_heads = f.kv_heads,
                           .scale = f.real("attention.scale", 1 / std::sqrt(double(f.head_dim))),
                           .window = window});
    x = sum(x, linear(f, a, block(l, "attn_output")));
    x = sum(x, gated_silu_block(f, x, l));
  }
  return output_of(f, x);
}

Rows mistral3(const File& f, Rows x) {
  const Turns turns = turns_of(f);
  const double original = f.real("rope.scaling.original_context_length", 1e9);
  const double temperature = f.real("attention.temperature_scale", 0);
  for (size_t l = 0; l < f.layers; ++l) {
    const Rows n = norm_of(f, x, block(l, "attn_norm.weight"));
    Rows q = turned_as_neighbours(f, linear(f, n, block(l, "attn_q")), turns);
    for (size_t t = 0; t < q.size(); ++t)
      q[t] = times(1 + temperature * std::log(std::floor(double(t) / original) + 1), q[t]);
    const Rows k = turned_as_neighbours(f, linear(f, n, block(l, "attn_k")), turns);
    const Rows v = linear(f, n, block(l, "attn_v"));
    const Rows a = attend(
        q, k, v,
        {.heads = f.heads, .kv_heads = f.kv_heads, .scale = 1 / std::sqrt(double(f.head_dim))});
    x = sum(x, linear(f, a, block(l, "attn_output")));
    x = sum(x, gated_silu_block(f, x, l));
  }
  return output_of(f, x);
}

Rows qwen2(const File& f, Rows x) {
  const Turns turns = turns_of(f);
  for (size_t l = 0; l < f.layers; ++l) {
    const Rows n = norm_of(f, x, block(l, "attn_norm.weight"));
    const Rows q = turned_as_halves(f, linear(f, n, block(l, "attn_q")), turns);
    const Rows k = turned_as_halves(f, linear(f, n, block(l, "attn_k")), turns);
    const Rows v = linear(f, n, block(l, "attn_v"));
    const Rows a = attend(
        q, k, v,
        {.heads = f.heads, .kv_heads = f.kv_heads, .scale = 1 / std::sqrt(double(f.head_dim))});
    x = sum(x, linear(f, a, block(l, "attn_output")));
    x = sum(x, gated_silu_block(f, x, l));
  }
  return output_of(f, x);
}

Rows qwen3(const File& f, Rows x) {
  const Turns turns = turns_of(f);
  for (size_t l = 0; l < f.layers; ++l) {
    const Rows n = norm_of(f, x, block(l, "attn_norm.weight"));
    const Rows q =
        head_norm_of(f, linear(f, n, block(l, "attn_q")), block(l, "attn_q_norm.weight"));
    const Rows k =
        head_norm_of(f, linear(f, n, block(l, "attn_k")), block(l, "attn_k_norm.weight"));
    const Rows v = linear(f, n, block(l, "attn_v"));
    const Rows a = attend(
        turned_as_halves(f, q, turns), turned_as_halves(f, k, turns), v,
        {.heads = f.heads, .kv_heads = f.kv_heads, .scale = 1 / std::sqrt(double(f.head_dim))});
    x = sum(x, linear(f, a, block(l, "attn_output")));
    x = sum(x, gated_silu_block(f, x, l));
  }
  return output_of(f, x);
}

Rows phi3(const File& f, Rows x) {
  const Turns turns = turns_of(f);
  const size_t q_size = f.heads * f.head_dim, kv_size = f.kv_heads * f.head_dim;
  for (size_t l = 0; l < f.layers; ++l) {
    const Rows qkv = linear(f, norm_of(f, x, block(l, "attn_norm.weight")), block(l, "attn_qkv"));
    Rows q, k, v, gate, up;
    for (const Vector& row : qkv) {
      const Vector kv(row.begin() + ptrdiff_t(q_size), row.end());
      q.push_back(slice(row, 0, q_size));
      k.push_back(slice(kv, 0, kv_size));
      v.push_back(slice(kv, 1, kv_size));
    }
    const Rows a = attend(
        turned_as_halves(f, q, turns), turned_as_halves(f, k, turns), v,
        {.heads = f.heads, .kv_heads = f.kv_heads, .scale = 1 / std::sqrt(double(f.head_dim))});
    x = sum(x, linear(f, a, block(l, "attn_output")));
    const Rows gate_up = linear(f, norm_of(f, x, block(l, "ffn_norm.weight")), block(l, "ffn_up"));
    for (const Vector& row : gate_up) {
      gate.push_back(slice(row, 0, f.ffn_dim));
      up.push_back(slice(row, 1, f.ffn_dim));
    }
    x = sum(x, linear(f, gated(gate, up, silu), block(l, "ffn_down")));
  }
  return output_of(f, x);
}

Rows gated_gelu_block(const File& f, const Rows& x, size_t l) {
  const Rows m = norm_of(f, x, block(l, "ffn_norm.weight"));
  const Rows inner =
      gated(linear(f, m, block(l, "ffn_gate")), linear(f, m, block(l, "ffn_up")), gelu_tanh);
  return norm_of(f, linear(f, inner, block(l, "ffn_down")), block(l, "post_ffw_norm.weight"));
}

Rows gemma2(const File& f, Rows x) {
  const Turns turns = turns_of(f);
  const double width = f.layers == 46 ? share_of_embedding(f) : double(f.head_dim);
  const auto window = static_cast<size_t>(f.real("attention.sliding_window", 4096));
  x = map_rows(x, [&](const Vector& row) { return times(std::sqrt(double(f.dim)), row); });
  for (size_t l = 0; l < f.layers; ++l) {
    const Rows n = norm_of(f, x, block(l, "attn_norm.weight"));
    const Rows q = turned_as_halves(f, linear(f, n, block(l, "attn_q")), turns);
    const Rows k = turned_as_halves(f, linear(f, n, block(l, "attn_k")), turns);
    const Rows v = linear(f, n, block(l, "attn_v"));
    const Rows a = attend(q, k, v,
                          {.heads = f.heads,
                           .kv_heads = f.kv_heads,
                           .scale = 1 / std::sqrt(width),
                           .cap = f.real("attn_logit_softcapping", 50),
                           .window = l % 2 == 0 ? window : 0});
    x = sum(x, norm_of(f, linear(f, a, block(l, "attn_output")),
                       block(l, "post_attention_norm.weight")));
    x = sum(x, gated_gelu_block(f, x, l));
  }
  return capped(output_of(f, x), f.real("final_logit_softcapping", 30));
}

Rows gemma3(const File& f, Rows x) {
  const Turns global = turns_of(f);
  const Turns local = plain_turns(f, f.real("rope.freq_base_swa", 10000));
  const double width = f.layers == 62 ? share_of_embedding(f) : double(f.head_dim);
  const auto window = static_cast<size_t>(f.real("attention.sliding_window", 0));
  const auto period = static_cast<size_t>(f.real("attention.sliding_window_pattern", 6));
  x = map_rows(x, [&](const Vector& row) { return times(std::sqrt(double(f.dim)), row); });
  for (size_t l = 0; l < f.layers; ++l) {
    const bool is_local = window != 0 && (l + 1) % period != 0;
    const Turns& turns = is_local ? local : global;
    const Rows n = norm_of(f, x, block(l, "attn_norm.weight"));
    const Rows q =
        head_norm_of(f, linear(f, n, block(l, "attn_q")), block(l, "attn_q_norm.weight"));
    const Rows k =
        head_norm_of(f, linear(f, n, block(l, "attn_k")), block(l, "attn_k_norm.weight"));
    const Rows v = linear(f, n, block(l, "attn_v"));
    const Rows a = attend(turned_as_halves(f, q, turns), turned_as_halves(f, k, turns), v,
                          {.heads = f.heads,
                           .kv_heads = f.kv_heads,
                           .scale = 1 / std::sqrt(width),
                           .window = is_local ? window : 0});
    x = sum(x, norm_of(f, linear(f, a, block(l, "attn_output")),
                       block(l, "post_attention_norm.weight")));
    x = sum(x, gated_gelu_block(f, x, l));
  }
  const double cap = f.real("final_logit_softcapping", 0);
  return cap ? capped(output_of(f, x), cap) : output_of(f, x);
}

}  // namespace

std::vector<std::vector<double>> logits(const formats::Gguf& gguf, std::span<const int32_t> ids,
                                        int context) {
  const std::map<std::string, Rows (*)(const File&, Rows)> families = {
      {"llama", llama},   {"mistral3", mistral3}, {"qwen2", qwen2}, {"qwen3", qwen3},
      {"gemma2", gemma2}, {"gemma3", gemma3},     {"phi3", phi3}};
  const File file{.gguf = gguf, .context = context};
  return families.at(file.arch)(file, embedding_of(file, ids));
}

}  // namespace hearth::llm::float64
