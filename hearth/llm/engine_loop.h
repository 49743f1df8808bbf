// The engine without its thread: sequences, cache and buffers, advanced one step at a time.
//
// A step computes the next id of every running answer, delivers their tokens, and then a chunk of
// the prompts. So a long prompt delays running answers by one chunk at most; the price is that the
// weights are read again for it.
//
// Same seed, same text, whatever runs beside: a text must not hang on the shape of the batches that
// computed it. The sums of a matrix product have one order for a single token and another for many
// (matmul.h), and attention looks at tiles of a prompt's tokens; so each id is always computed in
// the same way. The ids of a prompt but its last: in batches of at least kPrefillRowsMin rows, cut
// at whole pages. All others: one a sequence, in batches of at most Model::exact_batch_tokens(),
// whose bits are those of one token alone. That holds for what is computed again after preemption
// too.
// Only pages of prompts are shared: those of answers hold other bits than a prompt of the same ids,
// and those of another adapter other values.
#pragma once
#include <memory>
#include <vector>

#include "hearth/compute/thread_pool.h"
#include "hearth/llm/engine_limits.h"
#include "hearth/llm/kv_cache.h"
#include "hearth/llm/models/model.h"
#include "hearth/llm/schedule.h"
#include "hearth/llm/sequence.h"

namespace hearth::llm {

/// Smaller batches of prompts are padded to this many rows: enough for every implementation's
/// many-token path.
inline constexpr int kPrefillRowsMin = 16;

/// Used by one thread, but for make_room(). What decoding needs is allocated here and there.
class EngineLoop {
 public:
  /// Errors: invalid_argument, resource_exhausted (cache and buffers).
  EngineLoop(const Model& model, int vocab_size, const EngineLimits& limits);
  ~EngineLoop();

  /// Takes the memory that a sequence will need in here, so that running out of it ends one
  /// submission and not the engine. From any thread.
  void make_room(Sequence& sequence) const;
  /// Takes a new sequence in, younger than all others, after make_room(). Allocates nothing while
  /// at most sequences_max + queue_max have not ended.
  void add(std::unique_ptr<Sequence> sequence);
  /// Ends what was cancelled, then admits, preempts and computes. False when nothing could run: it
  /// will stay so until a reader, a submission or a cancellation changes something.
  bool step();
  /// Ends every sequence with `error`.
  void end_all(const Error& error);

  /// Pages free, running and waiting as of now.
  BatchEngine::Status status() const;

 private:
  void end_cancelled();
  void settle();
  void find_shared_pages();
  void look();
  void drop_shared_pages();
  void admit(Sequence& sequence);
  void preempt(Sequence& sequence);
  void release_pages(Sequence& sequence);
  void take_pages(Sequence& sequence, int tokens);
  void prefill(std::span<const Chunk> chunks);
  void decode(std::span<const Chunk> chunks);
  void add_to_batch(const Sequence& sequence, int tokens);
  void pad_batch();
  std::span<const float> run_batch();
  void publish_full_pages(Sequence& sequence);
  void begin_answer(Sequence& sequence);
  void advance(Sequence& sequence, std::span<const float> logits);
  void end(Sequence& sequence);

  const Model* model_;
  int vocab_size_;
  EngineLimits limits_;
  int decode_rows_max_;  // answers whose next tokens are computed in one batch
  ThreadPool pool_;
  KvCache cache_;
  std::unique_ptr<ForwardState> state_;
  int32_t padding_page_;  // rows that only fill a batch are written here
  std::vector<std::unique_ptr<Sequence>> sequences_;  // in order of arrival, the oldest first
  uint64_t steps_ = 0;

  // Reused by each step.
  std::vector<SequenceView> views_;
  Decision decision_;
  std::vector<Batch::Token> tokens_;
  std::vector<std::span<const int32_t>> page_tables_;
  std::vector<AdapterUse> adapters_;  // beside page_tables_

  Sequence* candidate_ = nullptr;  // waits, and holds the shared pages found for it while we decide
  int candidate_revived_ = 0;      // of these, pages that were free: nobody else holds them
  bool room_changed_ = true;       // since a candidate was last refused
};

}  // namespace hearth::llm
