// An engine without a model: what it does, the request says. Tests use it in their own process and,
// through the program fake_engine, in another.
#pragma once
#include <atomic>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "hearth/serve/engine/engine.h"
#include "hearth/serve/engine/model_load.h"

namespace hearth::serve {

/// answer() understands texts:
///   "count N US"   N chunks "0 ", "1 ", …, each after US microseconds
///   "flood"        chunks of kFloodBytes without end, as fast as they are taken
///   "wait"         nothing until it is cancelled, like a prompt that waits in a queue
///   "refuse"       answer() throws invalid_argument
///   "break"        a chunk, then next() throws resource_exhausted
///   "die"          a chunk, then next() throws unavailable, and the engine is no longer alive
///   "exit N"       the process ends with status N after it has written a line to standard error
class FakeEngine : public Engine {
 public:
  static constexpr size_t kFloodBytes = 4096;

  FakeEngine();
  const EngineFacts& facts() const override { return facts_; }
  bool is_alive() const override { return *is_alive_; }
  /// running: streams that live; pages_total: chunks made so far.
  EngineStatus status() const override;
  std::unique_ptr<AnswerStream> answer(const AnswerRequest& request) override;
  /// A vector per input: {its bytes, dimensions}. An input "wait" waits until it is cancelled.
  Embeddings embed(const EmbedRequest& request, std::stop_token cancelled) override;
  /// The bytes of each document.
  Relevance rerank(const RerankRequest& request, std::stop_token cancelled) override;
  /// The contents of the messages.
  std::string render(const ChatPrompt& prompt) override;
  /// The bytes of the prompt.
  int count_tokens(const AnswerRequest& request) override;
  /// The bytes; add_special puts 1 in front, parse_special 2 at the end.
  std::vector<int32_t> tokenize(const std::string& text, bool add_special,
                                bool parse_special) override;
  std::string detokenize(std::span<const int32_t> ids) override;

 private:
  EngineFacts facts_;
  std::shared_ptr<std::atomic<int>> running_ = std::make_shared<std::atomic<int>>(0);
  std::shared_ptr<std::atomic<int>> made_ = std::make_shared<std::atomic<int>>(0);
  std::shared_ptr<std::atomic<bool>> is_alive_ = std::make_shared<std::atomic<bool>>(true);
};

/// Loads by `load.path`: "fake" at once, "steps" in four parts, "slow MS", "hang" for ever,
/// "missing" (not_found), "exit" (the process ends with status 7).
std::unique_ptr<Engine> open_fake_engine(const ModelLoad& load, const LoadProgress& progress);

}  // namespace hearth::serve
