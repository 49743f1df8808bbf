#include "hearth/llm/models/float64_encoder.h"

#include <cmath>

#include "hearth/llm/models/float64_math.h"

namespace hearth::llm::float64 {
namespace {

class Encoder {
 public:
  explicit Encoder(const formats::Gguf& file)
      : file_(file),
        architecture_(file.string("general.architecture")),
        heads_(file.u64(architecture_ + ".attention.head_count")),
        eps_(file.f64(architecture_ + ".attention.layer_norm_epsilon")) {}

  // Devlin et al. 2018, figure 2: a token is the sum of its word, its position and its segment.
  Rows embed(std::span<const int32_t> ids, size_t second_from) const {
    const Rows words = matrix(file_, "token_embd.weight");
    Rows x;
    for (size_t p = 0; p < ids.size(); ++p) {
      Vector sum = words.at(ids[p]);
      if (architecture_ == "bert") sum = add(sum, matrix(file_, "position_embd.weight").at(p));
      if (file_.find_tensor("token_types.weight")) {
        const Rows types = matrix(file_, "token_types.weight");
        sum = add(sum, types.at(second_from > 0 && p >= second_from && types.size() > 1 ? 1 : 0));
      }
      x.push_back(norm("token_embd_norm", sum));
    }
    return x;
  }

  // Vaswani et al. 2017 (arXiv:1706.03762), section 3.1: norm(x + block(x)) after each block.
  Rows layer(const Rows& x, const std::string& block) const {
    const Rows attended = attention(x, block);
    Rows out;
    for (size_t t = 0; t < x.size(); ++t) {
      const Vector a =
          norm(block + "attn_output_norm", add(x[t], linear(block + "attn_output", attended[t])));
      out.push_back(norm(block + "layer_output_norm", add(a, feed_forward(a, block))));
    }
    return out;
  }

  Vector linear(const std::string& name, const Vector& x) const {
    const Rows weight = matrix(file_, name + ".weight");
    return add(product(weight, x), vector_or_zeros(file_, name + ".bias", weight.size()));
  }

  size_t layers() const { return file_.u64(architecture_ + ".block_count"); }

 private:
  Vector norm(const std::string& name, const Vector& x) const {
    return layer_norm(x, vector(file_, name + ".weight"), vector(file_, name + ".bias"), eps_);
  }

  // Queries (0), keys (1) or values (2) of one token.
  Vector projected(const std::string& block, size_t part, const Vector& x) const {
    if (file_.find_tensor(block + "attn_qkv.weight"))
      return slice(linear(block + "attn_qkv", x), part, x.size());
    constexpr const char* kNames[] = {"attn_q", "attn_k", "attn_v"};
    return linear(block + kNames[part], x);
  }

  Rows attention(const Rows& x, const std::string& block) const {
    Rows q, k, v;
    for (size_t t = 0; t < x.size(); ++t) {
      q.push_back(turned(projected(block, 0, x[t]), t));
      k.push_back(turned(projected(block, 1, x[t]), t));
      v.push_back(projected(block, 2, x[t]));
    }
    const double scale = 1 / std::sqrt(static_cast<double>(x[0].size() / heads_));
    return attend(q, k, v,
                  {.heads = heads_, .kv_heads = heads_, .scale = scale, .is_causal = false});
  }

  // Su et al. 2021 (arXiv:2104.09864), for nomic-bert.
  Vector turned(const Vector& x, size_t position) const {
    if (architecture_ == "bert") return x;
    const size_t head_dim = x.size() / heads_;
    const double base = file_.f64("nomic-bert.rope.freq_base");
    Vector angles, out;
    for (size_t i = 0; i < head_dim / 2; ++i)
      angles.push_back(static_cast<double>(position) *
                       std::pow(base, -2.0 * static_cast<double>(i) / double(head_dim)));
    for (size_t h = 0; h < heads_; ++h) {
      const Vector head = turn_halves(slice(x, h, head_dim), angles, 1);
      out.insert(out.end(), head.begin(), head.end());
    }
    return out;
  }

  // GELU for bert; SwiGLU (Shazeer 2020, arXiv:2002.05202) for nomic-bert.
  Vector feed_forward(const Vector& x, const std::string& block) const {
    Vector up = linear(block + "ffn_up", x);
    if (architecture_ == "bert") {
      for (double& value : up) value = gelu(value);
    } else {
      const Vector gate = linear(block + "ffn_gate", x);
      for (size_t i = 0; i < up.size(); ++i) up[i] *= silu(gate[i]);
    }
    return linear(block + "ffn_down", up);
  }

  const formats::Gguf& file_;
  std::string architecture_;
  size_t heads_;
  double eps_;
};

}  // namespace

std::vector<std::vector<double>> encode(const formats::Gguf& file, std::span<const int32_t> ids,
                                        size_t second_from) {
  const Encoder encoder(file);
  Rows x = encoder.embed(ids, second_from);
  for (size_t l = 0; l < encoder.layers(); ++l) x = encoder.layer(x, fmt::format("blk.{}.", l));
  return x;
}

double score(const formats::Gguf& file, const std::vector<double>& first) {
  const Encoder encoder(file);
  if (!file.find_tensor("cls.output.weight")) return encoder.linear("cls", first)[0];
  Vector row = encoder.linear("cls", first);
  for (double& value : row) value = std::tanh(value);
  return encoder.linear("cls.output", row)[0];
}

}  // namespace hearth::llm::float64
