#include "hearth/llm/models/random_encoder.h"

#include <algorithm>
#include <cmath>

#include "hearth/base/rng.h"
#include "hearth/formats/quantize.h"

namespace hearth::llm {
namespace {

using formats::GgufArray;
using formats::GgufValue;
using formats::GgufWriter;
using formats::TensorType;
using Head = RandomEncoderOptions::Head;

struct Tensor {
  std::string name;
  TensorType type;
  int rows, cols;  // rows 0: a vector
  float mean, deviation;
};

bool is_left_out(const RandomEncoderOptions& options, std::string_view name) {
  return std::find(options.without.begin(), options.without.end(), name) != options.without.end();
}

// Collects the tensors of one encoder in the order in which they are written.
class TensorList {
 public:
  explicit TensorList(const RandomEncoderOptions& options) : options_(options) {}

  void table(std::string name, int rows) {
    add({std::move(name) + ".weight", options_.type, rows, options_.dim, 0, 1});
  }
  void linear(const std::string& name, int rows, int cols, float gain = 1) {
    const float deviation = gain / std::sqrt(static_cast<float>(cols));
    add({name + ".weight", options_.type, rows, cols, 0, deviation});
    if (options_.biases) add({name + ".bias", TensorType::f32, 0, rows, 0, 0.3f});
  }
  void norm(const std::string& name) {
    add({name + ".weight", TensorType::f32, 0, options_.dim, 1, 0.2f});
    add({name + ".bias", TensorType::f32, 0, options_.dim, 0, 0.2f});
  }
  const std::vector<Tensor>& tensors() const { return tensors_; }

 private:
  void add(Tensor tensor) {
    if (!is_left_out(options_, tensor.name)) tensors_.push_back(std::move(tensor));
  }

  const RandomEncoderOptions& options_;
  std::vector<Tensor> tensors_;
};

// Queries and keys twice the unit size: scores of a few units, as in trained models.
constexpr float kScoreGain = 2;

void list_layer(TensorList& list, const RandomEncoderOptions& o, const std::string& block) {
  if (o.fused) {
    list.linear(block + "attn_qkv", 3 * o.dim, o.dim, kScoreGain);
  } else {
    list.linear(block + "attn_q", o.dim, o.dim, kScoreGain);
    list.linear(block + "attn_k", o.dim, o.dim, kScoreGain);
    list.linear(block + "attn_v", o.dim, o.dim);
  }
  list.linear(block + "attn_output", o.dim, o.dim);
  list.norm(block + "attn_output_norm");
  if (o.architecture == "nomic-bert") list.linear(block + "ffn_gate", o.ffn_dim, o.dim);
  list.linear(block + "ffn_up", o.ffn_dim, o.dim);
  list.linear(block + "ffn_down", o.dim, o.ffn_dim, 2);
  list.norm(block + "layer_output_norm");
}

std::vector<Tensor> list_tensors(const RandomEncoderOptions& o) {
  TensorList list(o);
  list.table("token_embd", random_encoder_vocab_size());
  if (o.architecture == "bert") list.table("position_embd", o.context_length);
  if (o.token_types > 0) list.table("token_types", o.token_types);
  list.norm("token_embd_norm");
  for (int l = 0; l < o.layers; ++l) list_layer(list, o, fmt::format("blk.{}.", l));
  if (o.head == Head::output) list.linear("cls", 1, o.dim);
  if (o.head == Head::dense_and_output) {
    list.linear("cls", o.dim, o.dim);
    list.linear("cls.output", 1, o.dim);
  }
  return list.tensors();
}

constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kWords[] = {"the", "a1", "cat", "dog", "sat", "ran", ",", "."};
constexpr int kSpecials = 5;

void write_vocabulary(GgufWriter& writer) {
  std::vector<std::string> tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (char letter : kLetters) tokens.push_back(std::string("\u2581") + letter);
  for (char letter : kLetters) tokens.emplace_back(1, letter);
  for (std::string_view word : kWords) tokens.push_back("\u2581" + std::string(word));
  std::vector<int32_t> kinds(tokens.size(), 1);
  std::fill_n(kinds.begin(), kSpecials, 3);
  writer.set("tokenizer.ggml.model", std::string("bert"));
  writer.set("tokenizer.ggml.tokens", GgufArray{std::move(tokens)});
  writer.set("tokenizer.ggml.token_type", GgufArray{std::move(kinds)});
  writer.set("tokenizer.ggml.unknown_token_id", uint32_t{1});
  writer.set("tokenizer.ggml.bos_token_id", uint32_t{2});
  writer.set("tokenizer.ggml.seperator_token_id", uint32_t{3});
}

void write_keys(GgufWriter& writer, const RandomEncoderOptions& o) {
  const auto set = [&](std::string key, GgufValue value) {
    if (is_left_out(o, key)) return;
    if (key.starts_with("{a}")) key.replace(0, 3, o.architecture);
    writer.set(std::move(key), std::move(value));
  };
  const auto set_int = [&](const char* key, int value) { set(key, static_cast<uint32_t>(value)); };
  set("general.architecture", o.architecture);
  set_int("{a}.context_length", o.context_length);
  set_int("{a}.embedding_length", o.dim);
  set_int("{a}.block_count", o.layers);
  set_int("{a}.feed_forward_length", o.ffn_dim);
  set_int("{a}.attention.head_count", o.heads);
  set("{a}.attention.layer_norm_epsilon", 1e-5f);
  set("{a}.attention.causal", false);
  set_int("{a}.pooling_type", 1);
  if (o.architecture == "nomic-bert") set("{a}.rope.freq_base", 1000.0f);
  write_vocabulary(writer);
  for (const auto& [key, value] : o.keys) set(key, value);
}

void write_tensor(GgufWriter& writer, const Tensor& tensor, Rng& rng) {
  std::vector<float> values(tensor.cols);
  std::vector<std::byte> row(formats::row_bytes(tensor.type, tensor.cols));
  for (int r = 0; r < std::max(1, tensor.rows); ++r) {
    for (float& value : values) value = tensor.mean + tensor.deviation * rng.normal();
    formats::quantize_row(tensor.type, values, row.data());
    writer.write(row);
  }
}

}  // namespace

int random_encoder_vocab_size() {
  return static_cast<int>(kSpecials + 2 * kLetters.size() + std::size(kWords));
}

void write_random_encoder(const fs::path& path, const RandomEncoderOptions& options) {
  GgufWriter writer(path);
  write_keys(writer, options);
  const std::vector<Tensor> tensors = list_tensors(options);
  for (const Tensor& tensor : tensors) {
    std::vector<uint64_t> shape = {static_cast<uint64_t>(tensor.cols)};
    if (tensor.rows > 0) shape.push_back(static_cast<uint64_t>(tensor.rows));
    writer.declare(tensor.name, tensor.type, std::move(shape));
  }
  Rng rng(options.seed);
  for (const Tensor& tensor : tensors) write_tensor(writer, tensor, rng);
  writer.finish();
}

RandomEncoder::RandomEncoder(const RandomEncoderOptions& options)
    : RandomFile([&](const fs::path& path) { write_random_encoder(path, options); }) {}

std::vector<int32_t> random_encoder_ids(int count, uint64_t seed) {
  Rng rng(seed);
  std::vector<int32_t> ids;
  for (int i = 0; i < count; ++i)
    ids.push_back(static_cast<int32_t>(rng.below(random_encoder_vocab_size())));
  return ids;
}

}  // namespace hearth::llm
