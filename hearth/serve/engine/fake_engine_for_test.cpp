#include "hearth/serve/engine/fake_engine_for_test.h"

#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <sstream>
#include <thread>

#include "hearth/base/error.h"

namespace hearth::serve {
namespace {

using std::chrono::microseconds;

struct Script {
  std::string verb;
  int number = 0;
  microseconds pause{};
};

Script script_of(const AnswerRequest& request) {
  Script script;
  const auto* prompt = std::get_if<TextPrompt>(&request.prompt);
  if (!prompt) return {.verb = "count", .number = 3};
  std::istringstream words(std::get<std::string>(prompt->text));
  int pause_us = 0;
  words >> script.verb >> script.number >> pause_us;
  script.pause = microseconds(pause_us);
  return script;
}

[[noreturn]] void leave(int status) {
  const std::string_view line = "the fake engine was told to\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  std::_Exit(status);
}

class FakeStream : public AnswerStream {
 public:
  FakeStream(Script script, std::shared_ptr<std::atomic<int>> running,
             std::shared_ptr<std::atomic<int>> made, std::shared_ptr<std::atomic<bool>> is_alive)
      : script_(std::move(script)),
        running_(std::move(running)),
        made_(std::move(made)),
        is_alive_(std::move(is_alive)) {
    ++*running_;
  }
  ~FakeStream() override { --*running_; }

  std::optional<AnswerChunk> next() override {
    if (script_.verb == "exit") leave(script_.number);
    if (!pause()) {
      end_.reason = AnswerReason::cancelled;
      return std::nullopt;
    }
    if (script_.verb == "break" && end_.generated_tokens == 1)
      throw Error(Errc::resource_exhausted, "the context of 1 token is full");
    if (script_.verb == "die" && end_.generated_tokens == 1) {
      *is_alive_ = false;
      throw Error(Errc::unavailable, "engine: a step has failed");
    }
    if (script_.verb == "count" && end_.generated_tokens == script_.number) return std::nullopt;
    ++*made_;
    const std::string text = script_.verb == "flood" ? std::string(FakeEngine::kFloodBytes, 'x')
                                                     : fmt::format("{} ", end_.generated_tokens);
    ++end_.generated_tokens;
    return AnswerChunk{.delta = {.content = text}};
  }
  const AnswerEnd& end() const override { return end_; }
  void cancel() override {
    const std::lock_guard lock(mutex_);
    is_cancelled_ = true;
    changed_.notify_all();
  }

 private:
  // False when cancelled.
  bool pause() {
    std::unique_lock lock(mutex_);
    const auto cancelled = [&] { return is_cancelled_; };
    if (script_.verb == "wait") changed_.wait(lock, cancelled);
    return !changed_.wait_for(lock, script_.pause, cancelled);
  }

  const Script script_;
  const std::shared_ptr<std::atomic<int>> running_, made_;
  const std::shared_ptr<std::atomic<bool>> is_alive_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_cancelled_ = false;
  AnswerEnd end_;
};

size_t bytes_of(const std::variant<std::string, std::vector<int32_t>>& input) {
  return std::visit([](const auto& held) { return held.size(); }, input);
}

}  // namespace

FakeEngine::FakeEngine() {
  facts_.capabilities.completion = true;
  facts_.capabilities.rerank = true;
  facts_.architecture = "fake";
  facts_.context = 77;
  facts_.memory_bytes = uint64_t{1} << 40;
}

EngineStatus FakeEngine::status() const {
  return {.running = running_->load(), .waiting = 0, .pages_free = 1, .pages_total = made_->load()};
}

std::unique_ptr<AnswerStream> FakeEngine::answer(const AnswerRequest& request) {
  Script script = script_of(request);
  if (script.verb == "refuse") throw Error(Errc::invalid_argument, "the template refused");
  return std::make_unique<FakeStream>(std::move(script), running_, made_, is_alive_);
}

Embeddings FakeEngine::embed(const EmbedRequest& request, std::stop_token cancelled) {
  Embeddings embeddings;
  for (const auto& input : request.inputs) {
    const auto* text = std::get_if<std::string>(&input);
    if (text && *text == "wait") {
      while (!cancelled.stop_requested()) std::this_thread::sleep_for(microseconds(200));
      throw Error(Errc::unavailable, "cancelled");
    }
    embeddings.vectors.push_back(
        {static_cast<float>(bytes_of(input)), static_cast<float>(request.dimensions)});
  }
  return embeddings;
}

Relevance FakeEngine::rerank(const RerankRequest& request, std::stop_token) {
  Relevance relevance{.prompt_tokens = static_cast<int>(request.query.size())};
  for (const std::string& document : request.documents)
    relevance.scores.push_back(static_cast<float>(document.size()));
  return relevance;
}

std::string FakeEngine::render(const ChatPrompt& prompt) {
  std::string text;
  for (const Message& message : prompt.messages) text += message.content;
  return text;
}

int FakeEngine::count_tokens(const AnswerRequest& request) {
  return static_cast<int>(bytes_of(std::get<TextPrompt>(request.prompt).text));
}

std::vector<int32_t> FakeEngine::tokenize(const std::string& text, bool add_special,
                                          bool parse_special) {
  std::vector<int32_t> ids;
  if (add_special) ids.push_back(1);
  for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
  if (parse_special) ids.push_back(2);
  return ids;
}

std::string FakeEngine::detokenize(std::span<const int32_t> ids) {
  std::string text;
  for (const int32_t id : ids) text += static_cast<char>(id);
  return text;
}

std::unique_ptr<Engine> open_fake_engine(const ModelLoad& load, const LoadProgress& progress) {
  std::istringstream words(load.path.native());
  std::string verb;
  int time_ms = 0;
  words >> verb >> time_ms;
  if (verb == "missing") throw Error(Errc::not_found, "{}: no such file", load.path.native());
  if (verb == "exit") leave(7);
  if (verb == "hang") {
    progress(0);
    while (true) ::pause();
  }
  for (int part = 1; verb == "steps" && part <= 4; ++part) progress(part / 4.0);
  std::this_thread::sleep_for(std::chrono::milliseconds(time_ms));
  return std::make_unique<FakeEngine>();
}

}  // namespace hearth::serve
