// An engine in a process of its own: what it does wrong there, it does to nobody else.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/serve/engine/engine.h"
#include "hearth/serve/engine/engine_child.h"
#include "hearth/serve/engine/model_load.h"
#include "hearth/serve/engine/private_folder.h"
#include "hearth/serve/engine/wire.h"

namespace hearth::serve {

struct EngineProcessOptions {
  fs::path program;  // that calls run_engine_program(): `hearth`
  std::vector<std::string> arguments = {"engine"};
  std::string model;  // its name, for errors
  ModelLoad load;
  std::vector<fs::path> socket_folders;  // where the socket may lie; none fits: /tmp
  std::chrono::milliseconds load_time_max = std::chrono::minutes(10);
  std::chrono::milliseconds end_time_max = std::chrono::seconds(8);  // from asking to killing
  std::stop_token cancelled;                                         // gives up loading
  LoadProgress on_progress;  // on the thread that calls start(); may be empty
  /// A line of its standard error, without the end; on a thread of its own. May be empty.
  std::function<void(std::string_view)> on_line;
  /// The process has ended, asked or not; once, on a thread of its own, after start() has
  /// succeeded. Must not destroy the engine. May be empty.
  std::function<void(const EngineExit&)> on_exit;
};

/// Every call is a connection to the process. When the process dies, all calls under way and all
/// later ones throw unavailable, naming the model and how it died. Streams may outlive the engine;
/// they then end with that error.
class EngineProcess : public Engine {
 public:
  /// Starts the process and waits until its model is loaded. Errors: the loader's own, unavailable
  /// (it died, took longer than load_time_max, was given up), io_failure (it cannot be started).
  static std::unique_ptr<EngineProcess> start(EngineProcessOptions options);
  /// Asks the process to end, kills it when it does not within end_time_max, and waits for it.
  ~EngineProcess() override;

  bool is_alive() const override { return child_->is_alive(); }
  int process() const override { return child_->process_id(); }

  const EngineFacts& facts() const override { return facts_; }
  EngineStatus status() const override;
  std::unique_ptr<AnswerStream> answer(const AnswerRequest& request) override;
  Embeddings embed(const EmbedRequest& request, std::stop_token cancelled) override;
  Relevance rerank(const RerankRequest& request, std::stop_token cancelled) override;
  std::string render(const ChatPrompt& prompt) override;
  int count_tokens(const AnswerRequest& request) override;
  std::vector<int32_t> tokenize(const std::string& text, bool add_special,
                                bool parse_special) override;
  std::string detokenize(std::span<const int32_t> ids) override;

 private:
  EngineProcess(PrivateFolder folder, std::shared_ptr<EngineChild> child);
  void load(const EngineProcessOptions& options);
  FrameSocket begin(const Call& call) const;
  template <class Value>
  Value ask(const Call& call, std::stop_token cancelled = {},
            FrameSocket::Deadline deadline = {}) const;

  const PrivateFolder folder_;
  const fs::path socket_;
  const std::shared_ptr<EngineChild> child_;  // shared with the streams
  EngineFacts facts_;
};

}  // namespace hearth::serve
