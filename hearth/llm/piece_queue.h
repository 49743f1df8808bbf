// What the engine thread and the reader of one answer share: pieces on their way, and how it ended.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <vector>

#include "hearth/llm/batch_engine.h"

namespace hearth::llm {

/// What readers and submitters tell the engine thread. Outlives the engine while a stream is held.
class EngineDoor {
 public:
  /// Something changed that the engine thread may be asleep for. From any thread, also from a stop
  /// callback.
  void ring() {
    rings_.fetch_add(1, std::memory_order_release);
    rings_.notify_one();
  }
  uint32_t rings() const { return rings_.load(std::memory_order_acquire); }
  /// Sleeps until ring() was called after `rings()` gave `seen`: look first, then sleep, and no
  /// ring is lost.
  void wait(uint32_t seen) const { rings_.wait(seen, std::memory_order_acquire); }

  /// Takes one of `places`; false when all are taken.
  bool try_enter(int places);
  void leave() { inside_.fetch_sub(1, std::memory_order_acq_rel); }
  int inside() const { return inside_.load(std::memory_order_acquire); }

 private:
  std::atomic<uint32_t> rings_{0};
  std::atomic<int> inside_{0};
};

/// Bounded: the engine pauses a sequence whose queue is full until its reader has taken half of it.
struct PieceStream::Shared {
 public:
  static constexpr int kPiecesMax = 256;

  Shared(std::shared_ptr<EngineDoor> door, std::stop_token cancelled);
  ~Shared();
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  /// Takes one of `places` in the door until the answer ends; false when all are taken.
  bool try_enter(int places) { return entered_ = door_->try_enter(places); }

  // The engine's side.
  bool is_cancelled() const { return cancelled_.load(std::memory_order_acquire); }
  bool is_stalled() const { return stalled_.load(std::memory_order_acquire); }
  /// There must be room: not stalled.
  void push(Piece piece);
  /// Called once: the answer ended, well or with `error`.
  void finish(const GenerateResult& result, std::optional<Error> error);

  // The reader's side; cancel() may be called from any thread.
  std::optional<Piece> next();
  void cancel();
  /// Pieces that next() gives without waiting.
  int unread() const;
  /// True once the answer has ended; pieces may still be unread.
  bool is_done() const;
  const GenerateResult& result() const;

 private:
  struct CancelNow {
    Shared* shared;
    void operator()() const { shared->cancel(); }
  };

  std::shared_ptr<EngineDoor> door_;
  bool entered_ = false;
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> stalled_{false};
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<Piece> ring_;  // [kPiecesMax]
  int first_ = 0, count_ = 0;
  bool done_ = false;
  GenerateResult result_;
  std::optional<Error> error_;
  // Last: it may fire while the rest is being made or unmade.
  std::stop_callback<CancelNow> on_stop_;
};

}  // namespace hearth::llm
