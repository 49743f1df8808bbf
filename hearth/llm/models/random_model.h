// Small models with random weights, written as GGUF files: what tests run.
//
// Test-only code. Values have the size that training gives them, so that activations neither vanish
// nor explode, attention is neither flat nor one-hot, and a mistake in any tensor shows.
#pragma once
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "hearth/base/files.h"
#include "hearth/formats/gguf.h"

namespace hearth::llm {

/// A vector written as it stands here; its type must have four bytes an element.
struct ExtraVector {
  std::string name;
  std::vector<float> values;
  formats::TensorType type = formats::TensorType::f32;
};

struct RandomModelOptions {
  std::string architecture = "llama";
  formats::TensorType type = formats::TensorType::f32;  // of all matrices; norms and biases are f32
  uint64_t seed = 1;
  // K-quants need columns in multiples of 256: dim, heads * head_dim and ffn_dim.
  int layers = 3;
  int dim = 64;
  int heads = 4;
  int kv_heads = 2;
  int head_dim = 16;
  int ffn_dim = 96;
  int context_length = 512;
  int vocab_size = 0;  // 0: the vocabulary of all random models; else no tokenizer is written
  bool tied_output = false;
  bool biases = false;        // on every projection for which the family has one
  bool rope_factors = false;  // rope_freqs, or phi3's long and short sets
  /// Written after the usual keys, replacing them; "{a}" in a name is the architecture.
  std::vector<std::pair<std::string, formats::GgufValue>> keys = {};
  /// Keys (spelled as in `keys`) and tensors that are not written.
  std::vector<std::string> without = {};
  /// Written after the other tensors, which they leave as they are.
  std::vector<ExtraVector> extra = {};
};

/// Vocabulary of every random model: SPM with <unk> <s> </s>, 256 byte tokens, and pieces for a bit
/// of English.
int random_model_vocab_size();

/// Writes a model; equal options give equal bytes.
void write_random_model(const fs::path& path, const RandomModelOptions& options);

/// A model file in a temporary folder, which goes with it.
class RandomFile {
 public:
  ~RandomFile();
  RandomFile(const RandomFile&) = delete;
  RandomFile& operator=(const RandomFile&) = delete;

  const fs::path& path() const { return path_; }
  const formats::Gguf& file() const { return file_; }

 protected:
  explicit RandomFile(const std::function<void(const fs::path&)>& write);

 private:
  fs::path folder_, path_;
  formats::Gguf file_;
};

class RandomModel : public RandomFile {
 public:
  explicit RandomModel(const RandomModelOptions& options);
};

}  // namespace hearth::llm
