// config.json of a Hugging Face model folder, typed, with the defaults of each family filled in.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/base/files.h"

namespace hearth::store {

/// What sets a family apart where its config.json is silent (the defaults of its configuration
/// class in huggingface/transformers) and in how its weights are stored.
struct HuggingFaceFamily {
  std::string_view model_type;    // of config.json
  std::string_view architecture;  // general.architecture
  std::string_view activation;    // the only one that the family's engine computes
  bool permutes_qk = false;       // GGUF rotates adjacent pairs, Hugging Face halves
  bool norms_plus_one = false;    // the file holds weight - 1
  bool sandwich_norms = false;    // norms before and after each block
  bool head_norms = false;        // of q and k
  bool qkv_bias = false;          // always there
  bool fused = false;             // q, k, v in one matrix, gate and up in another
  bool tied = false;              // default of tie_word_embeddings
  bool is_encoder = false;        // BERT: every token sees the whole text
  bool is_rotary = false;         // encoders: positions turn, feed-forward has gates, no biases
  uint64_t heads = 0, kv_heads = 0, head_dim = 0, context = 0;  // defaults; 0: none
  double rope_theta = 10000;
  uint64_t local_period =
      0;  // every local_period-th layer sees everything, the others a window; 0: all do
};

struct RopeScaling {
  enum class Kind { none, linear, yarn, llama3, longrope };
  Kind kind = Kind::none;
  double factor = 1;
  double low_freq_factor = 1, high_freq_factor = 4;  // llama3
  std::optional<uint64_t> original_context;          // yarn, llama3, longrope
  std::optional<double> attention_factor;            // yarn, longrope
  std::optional<double> beta_fast, beta_slow;        // yarn
  std::vector<float> short_factors, long_factors;    // longrope, [rope_dim / 2] each
};

struct HuggingFaceConfig {
  const HuggingFaceFamily* family = nullptr;
  uint64_t layers = 0, dim = 0, ffn_dim = 0, heads = 0, kv_heads = 0, head_dim = 0;
  uint64_t rope_dim = 0;  // elements of a head that rotate
  uint64_t context = 0;
  double rms_eps = 0;  // of encoders: of their layer norms
  double rope_theta = 0;
  std::optional<double> rope_theta_local;  // gemma3: of the layers with a window
  RopeScaling rope_scaling;
  std::optional<uint64_t> sliding_window;
  std::vector<bool> local_layers;  // [layers]; empty: the family's period
  std::optional<double> attention_softcap, final_softcap;
  bool tied = false;
  std::optional<uint64_t> bos, pad;
  std::vector<uint64_t> eos;
  uint64_t token_types = 0;         // encoders: kinds of segments
  bool scores_pairs = false;        // encoders: with a head for it
  std::optional<uint64_t> pooling;  // encoders: as {a}.pooling_type numbers it
  std::vector<std::string> notes;   // what was left out, for the user
};

/// Reads FOLDER/config.json, and for encoders how sentence-transformers is told to pool
/// (modules.json and the folder that it names). Errors: not_found, corrupt_data, unsupported,
/// naming file and field.
HuggingFaceConfig read_hugging_face_config(const fs::path& folder);

}  // namespace hearth::store
