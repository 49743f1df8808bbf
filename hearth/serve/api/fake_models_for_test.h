// Models that say what a test has written down, and remember what they were asked.
#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "hearth/serve/pool/model_service.h"

namespace hearth::serve {

/// One answer from beginning to end.
struct FakeAnswer {
  std::vector<AnswerChunk> chunks;
  AnswerEnd end;
  std::optional<Error> refusal = {};  // thrown by Engine::answer()
  std::optional<Error> failure = {};  // thrown by next() behind the chunks
  bool waits = false;                 // behind the chunks, until it is cancelled
};

/// The chunks "Hel" and "lo"; 5 tokens of prompt and 2 of answer.
FakeAnswer hello_answer();
/// Chunks of content, one each.
std::vector<AnswerChunk> content_chunks(const std::vector<std::string>& texts);

/// Fields are set before the first request; what was asked is read through FakeModels.
class FakeEngine : public Engine {
 public:
  EngineFacts engine_facts = {.capabilities = {.completion = true, .tools = true},
                              .architecture = "qwen3",
                              .context = 4096,
                              .answers_max = 4};
  /// What answers a request; hello_answer() at first.
  std::function<FakeAnswer(const AnswerRequest&)> on_answer;
  /// At first: one vector {1, 2, 3} an input, without its tail beyond `dimensions`; one token each.
  std::function<Embeddings(const EmbedRequest&)> on_embed;
  /// At first: document i has the score i; one token each.
  std::function<Relevance(const RerankRequest&)> on_rerank;

  FakeEngine();
  const EngineFacts& facts() const override { return engine_facts; }
  EngineStatus status() const override { return {}; }
  std::unique_ptr<AnswerStream> answer(const AnswerRequest& request) override;
  Embeddings embed(const EmbedRequest& request, std::stop_token cancelled) override;
  Relevance rerank(const RerankRequest& request, std::stop_token cancelled) override;
  /// A line "ROLE: CONTENT" for each message.
  std::string render(const ChatPrompt& prompt) override;
  /// Bytes of render(), or of the text, or the number of ids.
  int count_tokens(const AnswerRequest& request) override;
  /// A token for each byte, with its value; 1 in front with `add_special`.
  std::vector<int32_t> tokenize(const std::string& text, bool add_special,
                                bool parse_special) override;
  std::string detokenize(std::span<const int32_t> ids) override;

 private:
  friend class FakeModels;
  void note(const std::function<void()>& change) const;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<AnswerRequest> answers_;
  std::vector<EmbedRequest> embeds_;
  std::vector<RerankRequest> reranks_;
  int cancelled_ = 0;
};

/// Every call gets a thread and its turn at once, whatever model it names.
class FakeModels : public ModelService {
 public:
  FakeEngine engine;
  std::string model = "tiny:latest";        // the name a turn has
  std::chrono::nanoseconds load_time{250};  // that a turn tells
  std::vector<LoadedModel> loaded_models;
  /// Called instead of giving a turn, when it is set and throws: what submit() refuses.
  std::function<void(const ModelCall&)> on_submit;

  /// Waits for the turns; those that wait for a cancel must have got it.
  ~FakeModels() override;
  void submit(ModelCall call, OnTurn on_turn, OnError on_error) override;
  std::vector<LoadedModel> loaded() const override { return loaded_models; }
  /// True for a model of loaded_models, which it takes away.
  bool unload(const std::string& model) override;

  // What was asked, in order.
  std::vector<ModelCall> calls() const;
  std::vector<AnswerRequest> answers() const;
  std::vector<EmbedRequest> embeds() const;
  std::vector<RerankRequest> reranks() const;
  std::vector<std::string> unloads() const;
  /// Waits until `count` answers were cancelled, by cancel() or by destroying their unfinished
  /// streams; false after 30 s.
  bool wait_for_cancelled(int count) const;

 private:
  mutable std::mutex mutex_;
  std::vector<ModelCall> calls_;
  std::vector<std::string> unloads_;
  std::vector<std::thread> turns_;
};

}  // namespace hearth::serve
