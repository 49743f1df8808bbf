// The configuration and the weights of an encoder, and how they are named in a file.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "hearth/llm/kernels/rope.h"
#include "hearth/llm/models/config.h"
#include "hearth/llm/models/weights.h"

namespace hearth::llm {

/// How the vectors of a text's tokens become one ({a}.pooling_type).
enum class Pooling {
  mean = 1,   // of all tokens
  first = 2,  // of the first token, [CLS]
  last = 3,   // of the last token
  rank = 4,   // of the first token, through the head that scores
};

/// Nothing where the file does not say. Errors: corrupt_data, unsupported (a number of no pooling).
std::optional<Pooling> read_pooling(const formats::Gguf& file);

struct EncoderConfig {
  int vocab_size = 0;
  int context_length = 0;  // {a}.context_length: positions of a text
  int layers = 0;          // {a}.block_count
  int dim = 0;             // {a}.embedding_length
  int ffn_dim = 0;         // {a}.feed_forward_length
  int heads = 0;           // {a}.attention.head_count
  float norm_eps = 0;      // {a}.attention.layer_norm_epsilon
  int token_types = 0;     // kinds of segments it knows: rows of token_types.weight; 0: none
  Pooling pooling = Pooling::mean;
  bool has_head = false;  // scores a pair of texts
};

struct NormWeights {
  std::vector<float> weight, bias;  // [dim]
};

// A matrix with its bias, which is empty where the model has none.
struct Linear {
  WeightMatrix weight;
  std::vector<float> bias;
};

struct EncoderLayer {
  Linear q, k, v, output;      // [dim, dim]
  NormWeights attention_norm;  // of x + attention
  Linear gate, up, down;       // [ffn_dim, dim], [dim, ffn_dim]; bert has no gate
  NormWeights output_norm;     // of x + feed-forward
};

struct ScoringHead {
  std::optional<Linear> dense;  // [dim, dim], then tanh
  Linear output;                // [1, dim]
};

struct EncoderWeights {
  WeightMatrix embedding;         // [vocab_size, dim]
  WeightMatrix positions;         // [context_length, dim]; bert
  std::optional<RopeTable> rope;  // nomic-bert
  WeightMatrix token_types;       // [token_types, dim]
  NormWeights embedding_norm;
  std::vector<EncoderLayer> layers;
  std::optional<ScoringHead> head;
  bool has_gates = false;  // silu(gate) * up; else GELU
};

/// True for the architectures that read_encoder() knows.
bool is_encoder(std::string_view architecture);
/// Errors: corrupt_data, naming file, key, value and limit.
EncoderConfig read_encoder_config(const ConfigReader& keys);
/// Errors: unsupported (another architecture), and those of WeightReader.
EncoderWeights read_encoder(const ConfigReader& keys, const EncoderConfig& config);

}  // namespace hearth::llm
