// An engine that does what a test tells it, and the factory that makes such engines.
#pragma once
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "hearth/serve/pool/engine_spec.h"

namespace hearth::serve {

inline constexpr std::chrono::seconds kPatience{30};  // for what must happen soon

/// What FakeEngines do, set and seen by a test.
class FakeWorld {
 public:
  /// Called by each load with the spec, before the engine is made: may wait or throw.
  std::function<void(const EngineSpec&)> on_load = [](const EngineSpec&) {};
  int answers_max = 2;
  uint64_t memory_bytes = 0;  // in the facts; 0: not said

  std::atomic<int> loads{0};        // begun
  std::atomic<int> living{0};       // engines now
  std::atomic<int> most_living{0};  // at once, ever

  EngineFactory factory();
  /// All engines there are die.
  void kill_all() {
    std::lock_guard lock(mutex_);
    for (const auto& death : deaths_) *death = true;
  }

 private:
  friend class FakeEngine;
  std::mutex mutex_;
  std::vector<std::shared_ptr<std::atomic<bool>>> deaths_;
};

/// Three chunks "x", unless its engine dies before.
class FakeStream : public AnswerStream {
 public:
  explicit FakeStream(std::shared_ptr<std::atomic<bool>> is_dead) : is_dead_(std::move(is_dead)) {}

  std::optional<AnswerChunk> next() override {
    if (*is_dead_) throw Error(Errc::unavailable, "the engine has gone");
    if (is_cancelled_ || left_ == 0) return std::nullopt;
    --left_;
    return AnswerChunk{.delta = {.content = "x"}, .logprobs = {}};
  }
  const AnswerEnd& end() const override { return end_; }
  void cancel() override { is_cancelled_ = true; }

 private:
  int left_ = 3;
  std::shared_ptr<std::atomic<bool>> is_dead_;
  std::atomic<bool> is_cancelled_{false};
  AnswerEnd end_;
};

class FakeEngine : public Engine {
 public:
  explicit FakeEngine(FakeWorld* world = nullptr) : world_(world) {
    if (!world_) return;
    facts_.answers_max = world_->answers_max;
    facts_.memory_bytes = world_->memory_bytes;
    std::lock_guard lock(world_->mutex_);
    world_->deaths_.push_back(is_dead_);
    world_->most_living = std::max<int>(world_->most_living, ++world_->living);
  }
  ~FakeEngine() override {
    if (world_) --world_->living;
  }

  const EngineFacts& facts() const override { return facts_; }
  EngineStatus status() const override {
    if (*is_dead_) throw Error(Errc::unavailable, "it has gone");
    return {.running = 1};
  }
  bool is_alive() const override { return !*is_dead_; }
  int process() const override { return 4711; }

  std::unique_ptr<AnswerStream> answer(const AnswerRequest&) override {
    return std::make_unique<FakeStream>(is_dead_);
  }
  Embeddings embed(const EmbedRequest&, std::stop_token) override { return {}; }
  Relevance rerank(const RerankRequest&, std::stop_token) override { return {}; }
  std::string render(const ChatPrompt&) override { return {}; }
  int count_tokens(const AnswerRequest&) override { return 0; }
  std::vector<int32_t> tokenize(const std::string&, bool, bool) override { return {}; }
  std::string detokenize(std::span<const int32_t>) override { return {}; }

  void die() { *is_dead_ = true; }
  EngineFacts& facts_to_set() { return facts_; }

 private:
  FakeWorld* world_;
  EngineFacts facts_;
  std::shared_ptr<std::atomic<bool>> is_dead_ = std::make_shared<std::atomic<bool>>(false);
};

inline EngineFactory FakeWorld::factory() {
  return [this](const EngineSpec& spec) {
    ++loads;
    on_load(spec);
    return std::make_unique<FakeEngine>(this);
  };
}

/// Opens once; waits for it are bounded.
class Gate {
 public:
  void open() {
    {
      std::lock_guard lock(mutex_);
      is_open_ = true;
    }
    changed_.notify_all();
  }
  /// False when it did not open in time.
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return is_open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_open_ = false;
};

}  // namespace hearth::serve
