// The answer of /v1/chat/completions and /v1/completions: all choices of one request in one object
// or one stream, however many answers the engine gives for it.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "hearth/serve/api/answer_writer.h"
#include "hearth/serve/openai/choice.h"
#include "hearth/serve/openai/reply.h"

namespace hearth::serve::openai {

/// What every object of the answer says, and how it is sent.
struct AnswerForm {
  std::string id;
  int64_t created = 0;       // seconds since 1970
  std::string whole_object;  // "chat.completion"
  std::string chunk_object;
  bool is_streamed = false;
  bool includes_usage = false;
  int choices_per_prompt = 1;  // which share the tokens of their prompt
};

/// Choices of a stream come as they are made, in any order between them. The first error of any
/// choice ends the answer, and with it the other choices.
class ChoicesAnswer {
 public:
  /// Trips `closed`: the client is gone, and every choice is given up.
  ChoicesAnswer(AnswerForm form, std::vector<std::unique_ptr<Choice>> choices, Reply reply,
                std::stop_token closed);

  /// Submits one request for each choice and returns.
  static void submit(ModelService& models, const ModelCall& call,
                     std::vector<AnswerRequest> requests, std::shared_ptr<ChoicesAnswer> answer);

 private:
  class Writer;
  void begin(size_t index, const std::string& model);
  bool chunk(size_t index, const AnswerChunk& chunk);
  void end(size_t index, const AnswerEnd& end);
  void fail(const Error& error);

  Json object(const std::string& kind) const;
  bool send_choice(Json choice, const std::vector<std::string>& warnings = {});
  void send_whole();
  void send_end();
  void count(size_t index, const AnswerEnd& end);
  Json usage() const;
  std::optional<Json> timings() const;

  AnswerForm form_;
  std::vector<std::unique_ptr<Choice>> choices_;
  std::stop_source stop_;  // trips when the client leaves, and when one choice fails
  std::stop_callback<std::function<void()>> link_;

  std::mutex mutex_;  // of what follows
  Reply reply_;
  std::string model_;
  bool is_over_ = false;
  size_t ended_ = 0;
  int prompt_tokens_ = 0, cached_tokens_ = 0, generated_tokens_ = 0, thinking_tokens_ = 0;
  AnswerEnd last_end_;
};

}  // namespace hearth::serve::openai
