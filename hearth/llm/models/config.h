// A model's configuration, read from the metadata of its file with every number checked.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/formats/gguf.h"

namespace hearth::llm {

/// What the metadata says of a model; field names follow the GGUF keys ({a} = architecture).
struct ModelConfig {
  std::string architecture;
  std::string name;
  int vocab_size = 0;      // rows of the embedding matrix
  int context_length = 0;  // {a}.context_length: positions the model was trained for
  int layers = 0;          // {a}.block_count
  int dim = 0;             // {a}.embedding_length
  int ffn_dim = 0;         // {a}.feed_forward_length
  int heads = 0;           // {a}.attention.head_count
  int kv_heads = 0;        // {a}.attention.head_count_kv, or heads
  int head_dim_k = 0;      // {a}.attention.key_length, or dim / heads
  int head_dim_v = 0;      // {a}.attention.value_length, or dim / heads
  float rms_eps = 0;       // {a}.attention.layer_norm_rms_epsilon
  int sliding_window = 0;  // positions a local layer sees, itself included; 0: all layers see all
};

/// Reads the keys under `{a}.`. Absent optional keys give nothing.
/// Errors: corrupt_data (absent, another type, out of range), unsupported (layers that differ),
/// each naming the file, the key, the value and the limit.
class ConfigReader {
 public:
  struct IntRange {
    int64_t min, max;
  };

  explicit ConfigReader(const formats::Gguf& file);

  const formats::Gguf& file() const { return *file_; }
  const std::string& architecture() const { return architecture_; }
  /// "{a}.suffix".
  std::string key(std::string_view suffix) const {
    return architecture_ + "." + std::string(suffix);
  }

  std::optional<int> try_integer(std::string_view suffix, IntRange range) const;
  int integer(std::string_view suffix, IntRange range) const;
  /// As try_integer; the key may hold one number per layer, if all are equal.
  std::optional<int> try_integer_of_layers(std::string_view suffix, IntRange range) const;
  /// A finite number in [0, max].
  std::optional<float> try_real(std::string_view suffix, double max) const;
  /// A finite number in (0, max].
  std::optional<float> try_positive(std::string_view suffix, double max) const;
  std::optional<std::string> try_text(std::string_view suffix) const;
  /// True when the key holds an array.
  bool is_array(std::string_view suffix) const;

 private:
  const formats::Gguf* file_;
  std::string architecture_;
};

/// {a}.attention.sliding_window; nothing when absent.
std::optional<int> read_sliding_window(const ConfigReader& reader);
/// Which layers see the sliding window only: of each `period`, all but the last, unless
/// {a}.attention.sliding_window_pattern has another period or a list. All false without a window.
std::vector<bool> read_local_layers(const ConfigReader& reader, const ModelConfig& config,
                                    int period);

/// The keys that every family shares. `sliding_window` is left to the families that have one.
ModelConfig read_config(const ConfigReader& reader);

}  // namespace hearth::llm
