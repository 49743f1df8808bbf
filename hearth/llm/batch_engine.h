// Continuous batching: many generations share one model, one step at a time.
//
// One thread owns the model, the cache and every sequence. A step takes one token of each running
// sequence and a chunk of the prompts (chunked prefill), so that a long prompt never stalls running
// answers for longer than one chunk. When the cache is full, the youngest sequence gives its pages
// back and is computed again later; its text does not change.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/llm/answer_form.h"
#include "hearth/llm/models/model.h"
#include "hearth/llm/sampler.h"
#include "hearth/llm/tokenizer/tokenizer.h"

namespace hearth::llm {

enum class ContextFull {
  stop,   // end with FinishReason::context_full, said in the result
  error,  // end with Errc::resource_exhausted
  shift,  // forget the older half (the first token kept) and go on; each shift is counted in the
          // result
};

struct GenerateParams {
  std::vector<int32_t> prompt;  // at least one token
  SamplingParams sampling;
  // Generated tokens, the end token included; -1: until the model ends or the context is full; 0:
  // only computes the prompt, for the cache.
  int tokens_max = -1;
  std::vector<std::string> stop;  // text that ends the answer; not emitted, may span tokens
  ContextFull context_full = ContextFull::stop;
  bool ignore_end = false;     // go on past end-of-generation tokens (benchmarks)
  bool shows_control = false;  // control tokens stand in the text by their names, but for the end's
  std::shared_ptr<const LoraAdapter> adapter;  // of the engine's model; none: the model as it is
  float adapter_scale = 1;                     // finite; times the adapter's own alpha / rank
  AnswerForm form;  // what the answer must look like; tokens_max and stop still end it early
};

enum class FinishReason { end, stop_string, length, context_full, cancelled };

struct GenerateResult {
  FinishReason reason = FinishReason::end;
  int prompt_tokens = 0;
  int prompt_tokens_cached = 0;  // of these, found in shared pages
  int generated_tokens = 0;
  int context_shifts = 0;
  std::string stop_string;  // the one that was met
  std::chrono::nanoseconds queue_time{}, prompt_time{}, decode_time{};
};

/// One generated token: there is a piece for each, also for the end token.
struct Piece {
  std::string
      text;  // complete UTF-8; empty while characters or a possible stop string are incomplete
  Sample sample;
};

/// The answer of one submission, read by one thread: a bounded queue. When it is full, this answer
/// pauses until half of it has been read; others do not notice, and may take its place and pages
/// meanwhile.
class PieceStream {
 public:
  struct Shared;
  explicit PieceStream(std::shared_ptr<Shared> shared);
  PieceStream(PieceStream&&) noexcept;
  PieceStream& operator=(PieceStream&&) noexcept;
  /// Destroying an unfinished stream cancels it.
  ~PieceStream();

  /// Waits for the next piece; nothing at the end, after which result() is valid.
  /// Errors: what ended the generation (resource_exhausted for a full context or a form that costs
  /// too much, unsupported for a form that the vocabulary cannot spell, unavailable at shutdown,
  /// …).
  std::optional<Piece> next();
  /// Ends the generation within one step; next() gives nothing soon after. From any thread.
  void cancel();
  /// Valid once next() has given nothing or thrown; when it has thrown, `reason` means nothing.
  const GenerateResult& result() const;

 private:
  std::shared_ptr<Shared> shared_;
};

struct EngineOptions {
  int threads = 0;         // 0: one per usable core
  int context = 0;         // positions per sequence; 0: the model's, at most 8192
  int sequences_max = 8;   // that run at once
  int queue_max = 64;      // that wait; one more is Errc::unavailable
  int chunk_tokens = 512;  // of one step at most; at least sequences_max and a page of 32
  KvType kv_type = KvType::f16;
  size_t kv_bytes_max =
      0;  // 0: room for sequences_max full contexts, at most a quarter of the memory
  bool share_prefixes = true;
};

class BatchEngine {
 public:
  /// `model` and `tokenizer` must outlive the engine; every thread may use them meanwhile.
  /// Allocates everything that steps need. Errors: invalid_argument (an option, naming its range),
  /// resource_exhausted (memory for one context).
  BatchEngine(const Model& model, const Tokenizer& tokenizer, const EngineOptions& options);
  /// Generations that run or wait end with Errc::unavailable. Streams may outlive the engine.
  ~BatchEngine();

  /// From any thread. Errors: invalid_argument (empty prompt, id out of range, parameter out of
  /// range, a form of another vocabulary or together with ignore_end, an adapter of another model),
  /// too_long (a prompt longer than the context, naming both; with ContextFull::shift its
  /// older part is forgotten instead, which the result counts), unavailable (sequences_max +
  /// queue_max generations run or wait; the engine has failed, with the cause).
  PieceStream submit(GenerateParams params, std::stop_token cancelled = {});

  /// As of the end of the last step, and the submissions since.
  struct Status {
    int running = 0, waiting = 0, pages_free = 0, pages_total = 0;
    uint64_t steps = 0;
  };
  Status status() const;
  /// Whether a step has failed, as for want of memory: then nothing is taken any more.
  bool has_failed() const;
  /// Positions per sequence.
  int context() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hearth::llm
