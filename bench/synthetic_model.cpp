// hearth-synthetic-model OUT.gguf TYPE [layers=16] [dim=2048] [ffn=8192] [heads=32] [kv=8]
// [vocab=32000] [ctx=8192]
//
// Writes a llama-architecture model with random weights for speed measurements: the bytes are
// right, the text is noise. Every matrix is in TYPE, so the bytes read per token are exact. The
// defaults are 1.1 B parameters.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "hearth/base/rng.h"
#include "hearth/formats/gguf.h"
#include "hearth/formats/quantize.h"

namespace hearth {
namespace {

using formats::TensorType;

struct Sizes {
  uint64_t layers = 16, dim = 2048, ffn = 8192, heads = 32, kv = 8, vocab = 32000, ctx = 8192;

  uint64_t& at(const std::string& name) {
    const std::map<std::string, uint64_t*> all = {
        {"layers", &layers}, {"dim", &dim},     {"ffn", &ffn}, {"heads", &heads},
        {"kv", &kv},         {"vocab", &vocab}, {"ctx", &ctx}};
    const auto found = all.find(name);
    if (found == all.end()) throw Error(Errc::invalid_argument, "unknown size '{}'", name);
    return *found->second;
  }
};

// The number in "layers=16". Far below 2^32, so that products of sizes fit.
uint64_t positive(std::string_view word, std::string_view digits) {
  constexpr uint64_t kMax = 1 << 24;
  uint64_t value = 0;
  const auto [end, problem] = std::from_chars(digits.begin(), digits.end(), value);
  if (problem != std::errc() || end != digits.end() || value < 1 || value > kMax)
    throw Error(Errc::invalid_argument, "'{}': the size must be 1 to {}", word, kMax);
  return value;
}

void set_metadata(formats::GgufWriter& out, const Sizes& sizes, TensorType type) {
  const auto u32 = [&](const char* key, uint64_t value) { out.set(key, uint32_t(value)); };
  out.set("general.architecture", std::string("llama"));
  out.set("general.name", "synthetic " + std::string(info(type).name));
  u32("llama.block_count", sizes.layers);
  u32("llama.context_length", sizes.ctx);
  u32("llama.embedding_length", sizes.dim);
  u32("llama.feed_forward_length", sizes.ffn);
  u32("llama.attention.head_count", sizes.heads);
  u32("llama.attention.head_count_kv", sizes.kv);
  u32("llama.rope.dimension_count", sizes.dim / sizes.heads);
  u32("llama.vocab_size", sizes.vocab);
  out.set("llama.rope.freq_base", 500000.0f);
  out.set("llama.attention.layer_norm_rms_epsilon", 1e-5f);
}

// An SPM vocabulary that any engine loads: specials, the 256 bytes, then distinct made-up words.
void set_vocabulary(formats::GgufWriter& out, const Sizes& sizes) {
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  std::vector<float> scores(3, 0.0f);
  std::vector<int32_t> types = {2, 3, 3};
  for (int byte = 0; byte < 256; ++byte) {
    tokens.push_back(fmt::format("<0x{:02X}>", byte));
    scores.push_back(0);
    types.push_back(6);
  }
  for (int i = 0; tokens.size() < sizes.vocab; ++i) {
    std::string word = i % 2 ? "\xE2\x96\x81" : "";
    for (int rest = i; rest >= 0; rest = rest / 26 - 1) word += char('a' + rest % 26);
    tokens.push_back(word);
    scores.push_back(-float(i));
    types.push_back(1);
  }
  out.set("tokenizer.ggml.model", std::string("llama"));
  out.set("tokenizer.ggml.pre", std::string("default"));
  out.set("tokenizer.ggml.tokens", formats::GgufArray{tokens});
  out.set("tokenizer.ggml.scores", formats::GgufArray{scores});
  out.set("tokenizer.ggml.token_type", formats::GgufArray{types});
  out.set("tokenizer.ggml.bos_token_id", uint32_t{1});
  out.set("tokenizer.ggml.eos_token_id", uint32_t{2});
  out.set("tokenizer.ggml.unknown_token_id", uint32_t{0});
}

// Quantising a billion numbers takes minutes, so rows are drawn from a pool of quantised blocks.
class RandomBlocks {
 public:
  RandomBlocks(TensorType type, Rng& rng) : info_(formats::info(type)), rng_(rng) {
    std::vector<float> values(info_.block_elems);
    pool_.resize(kBlocks * info_.block_bytes);
    for (size_t i = 0; i < kBlocks; ++i) {
      for (float& value : values) value = 0.02f * rng.normal();
      formats::quantize_row(type, values, pool_.data() + i * info_.block_bytes);
    }
  }

  void fill(std::vector<std::byte>& row) {
    for (size_t at = 0; at < row.size(); at += info_.block_bytes)
      std::copy_n(pool_.data() + rng_.below(kBlocks) * info_.block_bytes, info_.block_bytes,
                  row.data() + at);
  }

 private:
  static constexpr size_t kBlocks = 4096;
  const formats::TensorTypeInfo& info_;
  Rng& rng_;
  std::vector<std::byte> pool_;
};

struct Tensor {
  std::string name;
  uint64_t cols, rows;  // rows 0: a norm
};

std::vector<Tensor> tensors_of(const Sizes& s) {
  const uint64_t kv_dim = s.dim / s.heads * s.kv;
  std::vector<Tensor> all = {
      {"token_embd", s.dim, s.vocab}, {"output_norm", s.dim, 0}, {"output", s.dim, s.vocab}};
  for (uint64_t layer = 0; layer < s.layers; ++layer) {
    const auto add = [&](const char* name, uint64_t cols, uint64_t rows) {
      all.push_back({fmt::format("blk.{}.{}", layer, name), cols, rows});
    };
    add("attn_norm", s.dim, 0);
    add("attn_q", s.dim, s.dim);
    add("attn_k", s.dim, kv_dim);
    add("attn_v", s.dim, kv_dim);
    add("attn_output", s.dim, s.dim);
    add("ffn_norm", s.dim, 0);
    add("ffn_gate", s.dim, s.ffn);
    add("ffn_up", s.dim, s.ffn);
    add("ffn_down", s.ffn, s.dim);
  }
  return all;
}

void write_model(const std::string& path, TensorType type, const Sizes& sizes) {
  formats::GgufWriter out(path);
  set_metadata(out, sizes, type);
  set_vocabulary(out, sizes);
  const std::vector<Tensor> tensors = tensors_of(sizes);
  for (const Tensor& t : tensors) {
    if (t.rows == 0)
      out.declare(t.name + ".weight", TensorType::f32, {t.cols});
    else
      out.declare(t.name + ".weight", type, {t.cols, t.rows});
  }
  Rng rng(1);
  RandomBlocks blocks(type, rng);
  for (const Tensor& t : tensors) {
    if (t.rows == 0) {
      const std::vector<float> ones(t.cols, 1.0f);
      out.write(std::as_bytes(std::span(ones)));
      continue;
    }
    std::vector<std::byte> row(formats::row_bytes(type, t.cols));
    for (uint64_t r = 0; r < t.rows; ++r) {
      blocks.fill(row);
      out.write(row);
    }
  }
  out.finish();
}

}  // namespace
}  // namespace hearth

int main(int argc, char** argv) {
  try {
    if (argc < 3)
      throw hearth::Error(hearth::Errc::invalid_argument,
                          "usage: hearth-synthetic-model OUT.gguf TYPE [SIZE=N]...");
    hearth::Sizes sizes;
    for (int i = 3; i < argc; ++i) {
      const std::string word = argv[i];
      const size_t equals = word.find('=');
      if (equals == std::string::npos)
        throw hearth::Error(hearth::Errc::invalid_argument, "'{}' is not SIZE=N", word);
      sizes.at(word.substr(0, equals)) =
          hearth::positive(word, std::string_view(word).substr(equals + 1));
    }
    const auto type = hearth::formats::try_tensor_type(std::string_view(argv[2]));
    if (!type)
      throw hearth::Error(hearth::Errc::invalid_argument, "unknown tensor type '{}'", argv[2]);
    hearth::write_model(argv[1], *type, sizes);
  } catch (const hearth::Error& e) {
    std::fprintf(stderr, "hearth-synthetic-model: %s\n", e.what());
    return hearth::exit_status(e.code());
  }
  return 0;
}
