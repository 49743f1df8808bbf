#include "hearth/serve/api/fake_models_for_test.h"

#include <algorithm>
#include <utility>

namespace hearth::serve {
namespace {

constexpr std::chrono::seconds kPatience{30};

class FakeStream : public AnswerStream {
 public:
  FakeStream(FakeAnswer answer, std::function<void()> on_cancel)
      : answer_(std::move(answer)), on_cancel_(std::move(on_cancel)) {}
  ~FakeStream() override {
    if (!is_over_) cancel();
  }

  std::optional<AnswerChunk> next() override {
    if (!is_cancelled() && sent_ < answer_.chunks.size()) return answer_.chunks[sent_++];
    if (answer_.waits) wait_for_cancel();
    is_over_ = true;
    if (is_cancelled()) answer_.end.reason = AnswerReason::cancelled;
    if (!is_cancelled() && answer_.failure) throw Error(*answer_.failure);
    return std::nullopt;
  }
  const AnswerEnd& end() const override { return answer_.end; }
  void cancel() override {
    {
      std::lock_guard lock(mutex_);
      if (std::exchange(cancelled_, true)) return;
    }
    changed_.notify_all();
    on_cancel_();
  }

 private:
  bool is_cancelled() {
    std::lock_guard lock(mutex_);
    return cancelled_;
  }
  void wait_for_cancel() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kPatience, [&] { return cancelled_; });
  }

  FakeAnswer answer_;
  std::function<void()> on_cancel_;
  size_t sent_ = 0;
  bool is_over_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool cancelled_ = false;
};

}  // namespace

std::vector<AnswerChunk> content_chunks(const std::vector<std::string>& texts) {
  std::vector<AnswerChunk> chunks;
  for (const std::string& text : texts)
    chunks.push_back({.delta = {.content = text, .thinking = {}, .tool_calls = {}}});
  return chunks;
}

FakeAnswer hello_answer() {
  return {.chunks = content_chunks({"Hel", "lo"}),
          .end = {.prompt_tokens = 5, .generated_tokens = 2}};
}

FakeEngine::FakeEngine() {
  on_answer = [](const AnswerRequest&) { return hello_answer(); };
  on_embed = [](const EmbedRequest& request) {
    std::vector<float> vector{1, 2, 3};
    if (request.dimensions > 0 && request.dimensions < 3) vector.resize(request.dimensions);
    return Embeddings{.vectors = {request.inputs.size(), vector},
                      .prompt_tokens = static_cast<int>(request.inputs.size())};
  };
  on_rerank = [](const RerankRequest& request) {
    Relevance relevance;
    for (size_t i = 0; i < request.documents.size(); ++i)
      relevance.scores.push_back(static_cast<float>(i));
    relevance.prompt_tokens = static_cast<int>(request.documents.size());
    return relevance;
  };
}

void FakeEngine::note(const std::function<void()>& change) const {
  std::lock_guard lock(mutex_);
  change();
  changed_.notify_all();
}

std::unique_ptr<AnswerStream> FakeEngine::answer(const AnswerRequest& request) {
  note([&] { answers_.push_back(request); });
  FakeAnswer answer = on_answer(request);
  if (answer.refusal) throw Error(*answer.refusal);
  return std::make_unique<FakeStream>(std::move(answer), [this] { note([&] { ++cancelled_; }); });
}

Embeddings FakeEngine::embed(const EmbedRequest& request, std::stop_token) {
  note([&] { embeds_.push_back(request); });
  return on_embed(request);
}

Relevance FakeEngine::rerank(const RerankRequest& request, std::stop_token) {
  note([&] { reranks_.push_back(request); });
  return on_rerank(request);
}

std::string FakeEngine::render(const ChatPrompt& prompt) {
  std::string text;
  for (const Message& message : prompt.messages)
    text += fmt::format("{}: {}\n", name(message.role), message.content);
  return text;
}

int FakeEngine::count_tokens(const AnswerRequest& request) {
  if (const auto* chat = std::get_if<ChatPrompt>(&request.prompt))
    return static_cast<int>(render(*chat).size());
  const auto count = [](const auto& text) { return static_cast<int>(text.size()); };
  return std::visit(count, std::get<TextPrompt>(request.prompt).text);
}

std::vector<int32_t> FakeEngine::tokenize(const std::string& text, bool add_special, bool) {
  std::vector<int32_t> ids;
  if (add_special) ids.push_back(1);
  for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
  return ids;
}

std::string FakeEngine::detokenize(std::span<const int32_t> ids) {
  std::string text;
  for (const int32_t id : ids) text += static_cast<char>(id);
  return text;
}

FakeModels::~FakeModels() {
  for (std::thread& turn : turns_) turn.join();
}

void FakeModels::submit(ModelCall call, OnTurn on_turn, OnError on_error) {
  std::lock_guard lock(mutex_);
  calls_.push_back(call);
  turns_.emplace_back([this, call = std::move(call), on_turn = std::move(on_turn),
                       on_error = std::move(on_error)]() mutable {
    try {
      if (on_submit) on_submit(call);
      Turn turn{.engine = engine, .model = model, .load_time = load_time};
      on_turn(turn);
    } catch (const Error& error) {
      on_error(error);
    }
    // As the interface says: both go when the turn is over, not when the thread is joined.
    on_turn = nullptr;
    on_error = nullptr;
  });
}

bool FakeModels::unload(const std::string& name) {
  std::lock_guard lock(mutex_);
  unloads_.push_back(name);
  return std::erase_if(loaded_models,
                       [&](const LoadedModel& loaded) { return loaded.name == name; }) > 0;
}

std::vector<ModelCall> FakeModels::calls() const {
  std::lock_guard lock(mutex_);
  return calls_;
}

std::vector<std::string> FakeModels::unloads() const {
  std::lock_guard lock(mutex_);
  return unloads_;
}

std::vector<AnswerRequest> FakeModels::answers() const {
  std::lock_guard lock(engine.mutex_);
  return engine.answers_;
}

std::vector<EmbedRequest> FakeModels::embeds() const {
  std::lock_guard lock(engine.mutex_);
  return engine.embeds_;
}

std::vector<RerankRequest> FakeModels::reranks() const {
  std::lock_guard lock(engine.mutex_);
  return engine.reranks_;
}

bool FakeModels::wait_for_cancelled(int count) const {
  std::unique_lock lock(engine.mutex_);
  return engine.changed_.wait_for(lock, kPatience, [&] { return engine.cancelled_ >= count; });
}

}  // namespace hearth::serve
