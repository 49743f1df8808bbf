// A conversation with a model of the store, behind the API: of a daemon, or in this process.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "hearth/cli/conversation.h"
#include "hearth/serve/client/models.h"
#include "hearth/serve/output/message.h"

namespace hearth::cli {

struct ApiSessionOptions {
  std::string model;
  std::string think;            // "", "true", "false", "low", …: as the API takes it
  std::string format;           // "json", or a JSON Schema
  std::string keep_alive;       // "5m", or seconds; empty: the daemon's
  bool hides_thinking = false;  // thoughts are thought but not shown
  bool raw = false;             // no template: the prompt is continued as it is
  int context = 0;              // positions; 0: the model's
};

/// Thoughts stand in the text between <think> and </think>, as most models write them themselves.
class ApiSession final : public Conversation {
 public:
  /// Errors: those of asking the API about the model: not_found above all; invalid_argument (a
  /// format that is none).
  ApiSession(std::unique_ptr<serve::Api> api, ApiSessionOptions options);

  bool is_chat() const override { return !options_.raw && !shown_.template_text.empty(); }
  Answer answer(const std::string& prompt, const GenerateSettings& settings,
                std::stop_token cancelled, FunctionRef<void(std::string_view)> on_text) override;
  void clear() override { turns_.clear(); }
  void set_system(std::string text) override { system_ = std::move(text); }
  const std::string& system() const override { return system_.empty() ? shown_.system : system_; }
  void set_context(int positions) override { options_.context = positions; }
  int context() const override { return options_.context; }

  std::string summary() const override;
  std::string description() const override { return ""; }
  std::string info_text() const override;
  const std::string& template_source() const override { return shown_.template_text; }
  std::string licence() const override { return shown_.license; }

 private:
  serve::Json request(const std::string& prompt, const GenerateSettings& settings,
                      uint64_t seed) const;

  std::unique_ptr<serve::Api> api_;
  ApiSessionOptions options_;
  serve::Json format_;  // null: free
  serve::ShownModel shown_;
  std::string system_;  // empty: the model's own
  std::vector<serve::Message> turns_;
};

}  // namespace hearth::cli
