// A language model ready to run: its configuration, its weights (views into the file), and the forward pass.
//
// One file a family under this folder; each defines how a layer is put together and reads like the paper's figure.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hearth/compute/thread_pool.h"
#include "hearth/formats/gguf.h"
#include "hearth/llm/kernels/elementwise.h"
#include "hearth/llm/kernels/matmul.h"
#include "hearth/llm/kv_cache.h"

namespace hearth::llm {

/// What the metadata says of a model; field names follow the GGUF keys ({a} = architecture).
struct ModelConfig {
  std::string architecture;
  std::string name;
  int vocab_size = 0;
  int context_length = 0;      // {a}.context_length: positions the model was trained for
  int layers = 0;              // {a}.block_count
  int dim = 0;                 // {a}.embedding_length
  int ffn_dim = 0;             // {a}.feed_forward_length
  int heads = 0;               // {a}.attention.head_count
  int kv_heads = 0;            // {a}.attention.head_count_kv
  int head_dim_k = 0;          // {a}.attention.key_length
  int head_dim_v = 0;          // {a}.attention.value_length
  float rms_eps = 0;
  int sliding_window = 0;      // 0: none
};

/// One forward pass: tokens of one or several sequences. Tokens of a sequence stand together, positions ascending.
struct Batch {
  struct Token {
    int32_t id;
    int32_t position;
    int32_t sequence;      // index into page_tables
    bool wants_logits;
  };
  std::span<const Token> tokens;
  /// Per sequence: pages that cover its positions 0..last, cache pages in order.
  std::span<const std::span<const int32_t>> page_tables;
};

/// The buffers of a forward pass, allocated once: one per thread that runs a model.
class ForwardState;

class Model {
 public:
  /// Reads configuration and weights; the weights keep pointing into `file`, which must outlive the model.
  /// Errors: unsupported (architecture, tensor type), corrupt_data (a missing key or tensor, a shape that does not
  /// fit the configuration), naming file and thing.
  static std::unique_ptr<Model> load(const formats::Gguf& file);
  virtual ~Model() = default;

  const ModelConfig& config() const { return config_; }
  KvShape kv_shape() const;
  /// Bytes of weights read for one decoded token (each matrix once; one embedding row).
  size_t bytes_per_token() const;
  uint64_t parameters() const;

  /// Buffers for batches of at most `tokens_max` tokens of which at most `logits_max` want logits.
  std::unique_ptr<ForwardState> make_state(int threads, int tokens_max, int logits_max) const;
  /// Runs the batch, writing its keys and values into the cache. Returns logits [tokens that want them, vocab_size]
  /// f32 in batch order, valid until the next call with `state`. Allocates nothing.
  virtual std::span<const float> forward(const Batch& batch, KvCache& cache, ForwardState& state,
                                         ThreadPool& pool) const = 0;

 protected:
  ModelConfig config_;
};

/// Architectures that load() knows, e.g. for error messages and `hearth show`.
std::span<const std::string_view> known_architectures();

}  // namespace hearth::llm
