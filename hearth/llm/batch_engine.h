// Continuous batching: many generations share one model, one step at a time.
//
// One thread owns the model, the cache and every sequence. A step takes one token of each running sequence and a
// chunk of the prompts that wait (chunked prefill), so that a long prompt never stalls running answers for longer
// than one chunk. submit() may be called from any thread.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/llm/models/model.h"
#include "hearth/llm/sampler.h"
#include "hearth/llm/tokenizer/tokenizer.h"

namespace hearth::llm {

enum class ContextFull {
  stop,   // end with FinishReason::length, said in the result
  error,  // end with Errc::resource_exhausted
  shift,  // forget the older half (the first token kept) and go on; each shift is counted in the result
};

struct GenerateParams {
  std::vector<int32_t> prompt;          // at least one token
  SamplingParams sampling;
  int tokens_max = -1;                  // generated tokens; -1: until the model ends or the context is full
  std::vector<std::string> stop;        // text that ends the answer; not emitted, may span tokens
  ContextFull context_full = ContextFull::stop;
  bool ignore_end = false;              // go on past end-of-generation tokens (benchmarks)
};

enum class FinishReason { end, stop_string, length, context_full, cancelled };

struct GenerateResult {
  FinishReason reason = FinishReason::end;
  int prompt_tokens = 0;
  int prompt_tokens_cached = 0;         // of these, found in shared pages
  int generated_tokens = 0;
  int context_shifts = 0;
  std::chrono::nanoseconds queue_time{}, prompt_time{}, decode_time{};
};

struct Piece {
  std::string text;                     // complete UTF-8, may be empty
  Sample sample;
};

/// The answer of one submission, read by one thread.
class PieceStream {
 public:
  struct Shared;
  explicit PieceStream(std::shared_ptr<Shared> shared);
  PieceStream(PieceStream&&) noexcept;
  PieceStream& operator=(PieceStream&&) noexcept;
  /// Destroying an unfinished stream cancels it.
  ~PieceStream();

  /// Waits for the next piece; nothing at the end, after which result() is valid.
  /// Errors: what ended the generation (resource_exhausted for a full context, unavailable at shutdown, …).
  std::optional<Piece> next();
  /// Ends the generation within one step; next() gives nothing soon after.
  void cancel();
  const GenerateResult& result() const;

 private:
  std::shared_ptr<Shared> shared_;
};

struct EngineOptions {
  int threads = 0;                      // 0: one per usable core
  int context = 0;                      // positions per sequence; 0: the model's, at most 8192
  int sequences_max = 8;                // that run at once
  int queue_max = 64;                   // that wait; one more is Errc::unavailable
  int chunk_tokens = 512;               // tokens of one step at most
  KvType kv_type = KvType::f16;
  size_t kv_bytes_max = 0;              // 0: room for sequences_max full contexts, at most a quarter of the memory
  bool share_prefixes = true;
};

class BatchEngine {
 public:
  BatchEngine(const Model& model, const Tokenizer& tokenizer, const EngineOptions& options);
  ~BatchEngine();  // running generations end with Errc::unavailable

  /// Errors: invalid_argument (empty prompt, id out of range, parameter out of range), resource_exhausted (a prompt
  /// longer than the context with ContextFull::error or ::stop, naming both), unavailable (queue full).
  PieceStream submit(GenerateParams params, std::stop_token cancelled = {});

  struct Status { int running = 0, waiting = 0, pages_free = 0, pages_total = 0; uint64_t steps = 0; };
  Status status() const;
  int context() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hearth::llm
