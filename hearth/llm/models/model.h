// A language model ready to run: its configuration, its weights (views into the file), and the
// forward pass.
//
// One file a family under this folder; each defines how a layer is put together and reads like the
// paper's figure.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hearth/compute/thread_pool.h"
#include "hearth/formats/gguf.h"
#include "hearth/llm/kv_cache.h"
#include "hearth/llm/models/config.h"
#include "hearth/llm/models/forward_state.h"
#include "hearth/llm/models/lora.h"
#include "hearth/llm/models/weights.h"

namespace hearth::llm {

/// One forward pass: tokens of one or several sequences. Tokens of a sequence stand together,
/// positions ascending.
struct Batch {
  struct Token {
    int32_t id;
    int32_t position;
    int32_t sequence;  // index into page_tables
    bool wants_logits;
  };
  std::span<const Token> tokens;
  /// Per sequence: pages that cover its positions 0..last, cache pages in order.
  std::span<const std::span<const int32_t>> page_tables;
  /// Per sequence, all of adapters of this model; empty: no sequence uses one.
  std::span<const AdapterUse> adapters = {};
  /// Tokens that want logits get the vector that the output matrix would see instead: what
  /// embeddings are made of.
  bool wants_vectors = false;
};

/// Where the products set no limit, batches of answers that decode together stop at this size: far
/// beyond it, reading the weights is no longer what a batch waits for.
inline constexpr int kExactBatchTokensMax = 16;

struct LoadOptions {
  /// Positions that sequences may grow to. Models with two sets of rotary factors (phi3's longrope)
  /// take the long set when this is beyond their original context. 0: not beyond it.
  int context = 0;
};

class Model {
 public:
  /// Reads configuration and weights; the weights keep pointing into `file`, which must outlive the
  /// model. Errors: unsupported (architecture, tensor type), corrupt_data (a missing key or tensor,
  /// a shape that does not fit the configuration), naming file and thing.
  static std::unique_ptr<Model> load(const formats::Gguf& file, const LoadOptions& options = {});
  virtual ~Model() = default;

  const ModelConfig& config() const { return config_; }
  KvShape kv_shape() const;
  /// Bytes of weights read for one decoded token (each matrix once; one embedding row).
  size_t bytes_per_token() const { return bytes_per_token_; }
  /// Between 1 and kExactBatchTokensMax: a token of a sequence gives the same bits in every batch
  /// of at most so many tokens, each of another sequence. What matmul() says of the weights' types.
  int exact_batch_tokens() const { return exact_batch_tokens_; }
  /// Weights of the model, tied ones once.
  uint64_t parameters() const { return parameters_; }
  /// The matrices by the names that they have in files: what adapters may change.
  const std::vector<NamedMatrix>& matrices() const { return matrices_; }

  /// Buffers for batches of at most `tokens_max` tokens of which at most `logits_max` want logits.
  std::unique_ptr<ForwardState> make_state(int threads, int tokens_max, int logits_max) const;
  /// Runs the batch, writing its keys and values into the cache. Returns logits [tokens that want
  /// them, vocab_size] f32 in batch order ([.., dim] for Batch::wants_vectors), valid until the
  /// next call with `state`. Allocates nothing. `cache` has kv_shape(); ids are below vocab_size;
  /// `pool` has at most the threads that `state` was made for.
  virtual std::span<const float> forward(const Batch& batch, KvCache& cache, ForwardState& state,
                                         ThreadPool& pool) const = 0;

 protected:
  explicit Model(ModelConfig config, int exact_batch_tokens = 1)
      : config_(std::move(config)), exact_batch_tokens_(exact_batch_tokens) {}

  ModelConfig config_;

 private:
  size_t bytes_per_token_ = 0;
  uint64_t parameters_ = 0;
  std::vector<NamedMatrix> matrices_;
  int exact_batch_tokens_;
};

/// Architectures that load() knows, e.g. for error messages and `hearth show`.
std::span<const std::string_view> known_architectures();

}  // namespace hearth::llm
