#include "hearth/llm/models/random_model.h"

#include <stdlib.h>

#include <algorithm>
#include <cmath>

#include "hearth/base/rng.h"
#include "hearth/formats/quantize.h"
#include "hearth/llm/models/random_vocabulary.h"

namespace hearth::llm {
namespace {

using formats::GgufValue;
using formats::GgufWriter;
using formats::TensorType;

struct Tensor {
  std::string name;
  TensorType type;
  int rows, cols;
  bool is_vector;
  float mean, deviation;
};

bool is_left_out(const RandomModelOptions& options, std::string_view name) {
  return std::find(options.without.begin(), options.without.end(), name) != options.without.end();
}

// Collects the tensors of one model in the order in which they are written.
class TensorList {
 public:
  explicit TensorList(const RandomModelOptions& options) : options_(options) {}

  // A product with a unit-size input has elements of size `gain`.
  void matrix(std::string name, int rows, int cols, float gain = 1) {
    add({std::move(name), options_.type, rows, cols, false, 0,
         gain / std::sqrt(static_cast<float>(cols))});
  }
  void vector(std::string name, int size, float mean, float deviation) {
    add({std::move(name), TensorType::f32, 1, size, true, mean, deviation});
  }
  void norm(std::string name, int size) { vector(std::move(name), size, 1.0f, 0.2f); }
  void bias(std::string name, int size) {
    if (options_.biases) vector(std::move(name), size, 0.0f, 0.3f);
  }
  const std::vector<Tensor>& tensors() const { return tensors_; }

 private:
  void add(Tensor tensor) {
    if (!is_left_out(options_, tensor.name)) tensors_.push_back(std::move(tensor));
  }

  const RandomModelOptions& options_;
  std::vector<Tensor> tensors_;
};

// What distinguishes the files of the families.
struct FamilyTensors {
  std::string_view architecture;
  bool head_norms, post_norms, fused, qkv_biases, other_biases;
};

constexpr FamilyTensors kFamilies[] = {
    {"llama", false, false, false, true, true},   {"mistral3", false, false, false, true, true},
    {"qwen2", false, false, false, true, false},  {"qwen3", true, false, false, false, false},
    {"gemma2", false, true, false, false, false}, {"gemma3", true, true, false, false, false},
    {"phi3", false, false, true, false, false},
};

const FamilyTensors& family_of(const RandomModelOptions& options) {
  for (const FamilyTensors& family : kFamilies)
    if (family.architecture == options.architecture) return family;
  throw Error(Errc::invalid_argument, "no random model of architecture '{}'", options.architecture);
}

// Queries and keys twice the unit size: scores of a few units, as in trained models.
constexpr float kScoreGain = 2;

void list_attention(TensorList& list, const RandomModelOptions& o, const FamilyTensors& family,
                    const std::string& block) {
  const int q_rows = o.heads * o.head_dim, kv_rows = o.kv_heads * o.head_dim;
  if (family.fused) {
    list.matrix(block + "attn_qkv.weight", q_rows + 2 * kv_rows, o.dim, kScoreGain);
  } else {
    list.matrix(block + "attn_q.weight", q_rows, o.dim, kScoreGain);
    list.matrix(block + "attn_k.weight", kv_rows, o.dim, kScoreGain);
    list.matrix(block + "attn_v.weight", kv_rows, o.dim);
  }
  if (family.qkv_biases) {
    list.bias(block + "attn_q.bias", q_rows);
    list.bias(block + "attn_k.bias", kv_rows);
    list.bias(block + "attn_v.bias", kv_rows);
  }
  if (family.head_norms) {
    list.norm(block + "attn_q_norm.weight", o.head_dim);
    list.norm(block + "attn_k_norm.weight", o.head_dim);
  }
  list.matrix(block + "attn_output.weight", o.dim, q_rows);
  if (family.other_biases) list.bias(block + "attn_output.bias", o.dim);
}

void list_feed_forward(TensorList& list, const RandomModelOptions& o, const FamilyTensors& family,
                       const std::string& block) {
  if (family.fused) {
    list.matrix(block + "ffn_up.weight", 2 * o.ffn_dim, o.dim);
  } else {
    list.matrix(block + "ffn_gate.weight", o.ffn_dim, o.dim);
    list.matrix(block + "ffn_up.weight", o.ffn_dim, o.dim);
  }
  list.matrix(block + "ffn_down.weight", o.dim, o.ffn_dim, 2);
  if (!family.other_biases) return;
  list.bias(block + "ffn_gate.bias", o.ffn_dim);
  list.bias(block + "ffn_up.bias", o.ffn_dim);
  list.bias(block + "ffn_down.bias", o.dim);
}

void list_rope_factors(TensorList& list, const RandomModelOptions& o, const FamilyTensors& family) {
  if (!o.rope_factors) return;
  if (family.fused) {
    list.vector("rope_factors_long.weight", o.head_dim / 2, 4.0f, 0.5f);
    list.vector("rope_factors_short.weight", o.head_dim / 2, 1.3f, 0.05f);
  } else {
    list.vector("rope_freqs.weight", o.head_dim / 2, 3.0f, 0.3f);
  }
}

std::vector<Tensor> list_tensors(const RandomModelOptions& o) {
  const FamilyTensors& family = family_of(o);
  TensorList list(o);
  const int vocab = o.vocab_size > 0 ? o.vocab_size : random_model_vocab_size();
  list.matrix("token_embd.weight", vocab, o.dim, std::sqrt(static_cast<float>(o.dim)));
  list_rope_factors(list, o, family);
  for (int l = 0; l < o.layers; ++l) {
    const std::string block = fmt::format("blk.{}.", l);
    list.norm(block + "attn_norm.weight", o.dim);
    list_attention(list, o, family, block);
    list.norm(block + "ffn_norm.weight", o.dim);
    list_feed_forward(list, o, family, block);
    if (!family.post_norms) continue;
    list.norm(block + "post_attention_norm.weight", o.dim);
    list.norm(block + "post_ffw_norm.weight", o.dim);
  }
  list.norm("output_norm.weight", o.dim);
  if (!o.tied_output) list.matrix("output.weight", vocab, o.dim);
  return list.tensors();
}

std::string with_architecture(std::string key, const std::string& architecture) {
  if (key.starts_with("{a}")) key.replace(0, 3, architecture);
  return key;
}

void write_keys(GgufWriter& writer, const RandomModelOptions& o) {
  const auto set = [&](const std::string& key, GgufValue value) {
    if (!is_left_out(o, key)) writer.set(with_architecture(key, o.architecture), std::move(value));
  };
  const auto set_int = [&](const std::string& key, int value) {
    set(key, static_cast<uint32_t>(value));
  };
  set("general.architecture", o.architecture);
  set("general.name", fmt::format("random {}", formats::info(o.type).name));
  set_int("{a}.context_length", o.context_length);
  set_int("{a}.embedding_length", o.dim);
  set_int("{a}.block_count", o.layers);
  set_int("{a}.feed_forward_length", o.ffn_dim);
  set_int("{a}.attention.head_count", o.heads);
  set_int("{a}.attention.head_count_kv", o.kv_heads);
  set_int("{a}.attention.key_length", o.head_dim);
  set_int("{a}.attention.value_length", o.head_dim);
  set("{a}.attention.layer_norm_rms_epsilon", 1e-5f);
  set_int("{a}.rope.dimension_count", o.head_dim);
  if (o.vocab_size == 0) write_random_vocabulary(writer);
  for (const auto& [key, value] : o.keys) set(key, value);
}

void write_tensor(GgufWriter& writer, const Tensor& tensor, Rng& rng) {
  std::vector<float> values(tensor.cols);
  std::vector<std::byte> row(formats::row_bytes(tensor.type, tensor.cols));
  for (int r = 0; r < tensor.rows; ++r) {
    for (float& value : values) value = tensor.mean + tensor.deviation * rng.normal();
    formats::quantize_row(tensor.type, values, row.data());
    writer.write(row);
  }
}

}  // namespace

void write_random_model(const fs::path& path, const RandomModelOptions& options) {
  GgufWriter writer(path);
  write_keys(writer, options);
  const std::vector<Tensor> tensors = list_tensors(options);
  for (const Tensor& tensor : tensors) {
    std::vector<uint64_t> shape = {static_cast<uint64_t>(tensor.cols)};
    if (!tensor.is_vector) shape.push_back(static_cast<uint64_t>(tensor.rows));
    writer.declare(tensor.name, tensor.type, std::move(shape));
  }
  for (const ExtraVector& extra : options.extra)
    writer.declare(extra.name, extra.type, {extra.values.size()});
  Rng rng(options.seed);
  for (const Tensor& tensor : tensors) write_tensor(writer, tensor, rng);
  for (const ExtraVector& extra : options.extra)
    writer.write(std::as_bytes(std::span(extra.values)));
  writer.finish();
}

RandomFile::RandomFile(const std::function<void(const fs::path&)>& write) {
  std::string name = (fs::temp_directory_path() / "hearth_random_model_XXXXXX").string();
  if (!mkdtemp(name.data()))
    throw Error(Errc::io_failure, "no temporary folder can be made at '{}'", name);
  folder_ = name;
  path_ = folder_ / "model.gguf";
  write(path_);
  file_ = formats::Gguf::open(path_);
}

RandomFile::~RandomFile() {
  std::error_code ignored;  // a folder left behind in /tmp is no reason to end a test
  fs::remove_all(folder_, ignored);
}

RandomModel::RandomModel(const RandomModelOptions& options)
    : RandomFile([&](const fs::path& path) { write_random_model(path, options); }) {}

}  // namespace hearth::llm
