// Small encoders with random weights, written as GGUF files. Test-only code.
#pragma once
#include "hearth/llm/models/random_model.h"

namespace hearth::llm {

struct RandomEncoderOptions {
  std::string architecture = "bert";                    // or "nomic-bert"
  formats::TensorType type = formats::TensorType::f32;  // of all matrices; norms, biases are f32
  uint64_t seed = 1;
  int layers = 2;
  int dim = 64;
  int heads = 4;
  int ffn_dim = 96;
  int context_length = 96;
  int token_types = 2;
  bool fused = false;  // attn_qkv instead of attn_q, attn_k, attn_v
  bool biases = true;  // on every projection
  enum class Head { none, output, dense_and_output } head = Head::none;
  /// Written after the usual keys, replacing them; "{a}" in a name is the architecture.
  std::vector<std::pair<std::string, formats::GgufValue>> keys = {};
  /// Keys (spelled as in `keys`) and tensors that are not written.
  std::vector<std::string> without = {};
};

/// Vocabulary of every random encoder: WordPiece with [PAD] [UNK] [CLS] [SEP] [MASK], the small
/// letters as words and as endings, and a few words.
int random_encoder_vocab_size();

/// Writes an encoder; equal options give equal bytes.
void write_random_encoder(const fs::path& path, const RandomEncoderOptions& options);

class RandomEncoder : public RandomFile {
 public:
  explicit RandomEncoder(const RandomEncoderOptions& options);
};

/// `count` ids below random_encoder_vocab_size(); equal seeds give equal ids.
std::vector<int32_t> random_encoder_ids(int count, uint64_t seed);

}  // namespace hearth::llm
