// Writes an answer as a message of Anthropic's API, whole or as events.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "hearth/serve/api/answer_writer.h"
#include "hearth/serve/http/responder.h"

namespace hearth::serve::anthropic {

struct MessageOptions {
  std::string request_id;
  std::vector<std::string> stop_sequences;  // the request's, apart from the model's own
  bool is_streamed = false;
};

std::shared_ptr<AnswerWriter> make_message_writer(http::Responder responder,
                                                  MessageOptions options);

}  // namespace hearth::serve::anthropic
