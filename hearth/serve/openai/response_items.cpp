#include "hearth/serve/openai/response_items.h"

#include <utility>

#include "hearth/serve/openai/limits.h"
#include "hearth/serve/openai/messages.h"

namespace hearth::serve::openai {
namespace {

class InputReader {
 public:
  void add(const Json& json, const std::string& where);
  std::vector<Message> take() { return std::move(messages_); }

 private:
  void add_message(const Fields& item);
  void add_call(const Fields& item);
  void add_result(const Fields& item);
  void add_reasoning(const Fields& item);
  void begin_assistant();

  std::vector<Message> messages_;
  std::string thinking_;  // of the assistant's next words
};

void InputReader::add(const Json& json, const std::string& where) {
  struct Row {
    std::string_view type;
    void (InputReader::*add)(const Fields&);
  };
  static constexpr Row kItems[] = {
      {"message", &InputReader::add_message},
      {"function_call", &InputReader::add_call},
      {"function_call_output", &InputReader::add_result},
      {"reasoning", &InputReader::add_reasoning},
  };
  const Fields item(json, where);
  const std::string type = item.try_string("type").value_or("message");
  for (const Row& row : kItems)
    if (row.type == type) return (this->*row.add)(item);
  if (type == "item_reference")
    item.wrong("type", "'item_reference' needs kept responses, but none are kept: send the item");
  item.wrong("type", fmt::format("'{}' is not supported", type));
}

void InputReader::begin_assistant() {
  messages_.emplace_back();
  messages_.back().role = Role::assistant;
}

void InputReader::add_message(const Fields& item) {
  const auto role = find_role(item.string("role"));
  if (!role || role == Role::tool)
    item.wrong("role", "must be system, developer, user or assistant");
  messages_.emplace_back();
  Message& message = messages_.back();
  message.role = *role;
  message.content = read_content(item, "content");
  if (role == Role::assistant) message.thinking = std::exchange(thinking_, {});
}

void InputReader::add_call(const Fields& item) {
  if (messages_.empty() || messages_.back().role != Role::assistant) begin_assistant();
  Message& message = messages_.back();
  message.thinking += std::exchange(thinking_, {});
  if (message.tool_calls.size() == kCallsMax)
    item.wrong("type", fmt::format("is call {} of its turn, at most {} are taken", kCallsMax + 1,
                                   kCallsMax));
  message.tool_calls.push_back({.id = item.string("call_id"),
                                .name = item.string("name"),
                                .arguments = read_arguments(item, "arguments")});
}

void InputReader::add_result(const Fields& item) {
  Message message;
  message.role = Role::tool;
  message.tool_call_id = item.string("call_id");
  message.content = read_content(item, "output");
  messages_.push_back(std::move(message));
}

// `content` holds the thoughts themselves, `summary` what we showed of them: all. What another
// server has encrypted cannot be read.
void InputReader::add_reasoning(const Fields& item) {
  std::string text = read_content(item, "content");
  if (text.empty()) text = read_content(item, "summary");
  thinking_ += text;
}

}  // namespace

std::vector<Message> read_input(const Fields& body) {
  const Json* input = body.find("input");
  if (!input) body.wrong("input", "is required");
  if (input->is_string()) {
    Message message;
    message.content = input->get<std::string>();
    return {std::move(message)};
  }
  if (!input->is_array()) body.wrong("input", "must be a text or a list of items");
  if (input->empty()) body.wrong("input", "must not be empty");
  InputReader reader;
  const auto items = body.try_list("input", kMessagesMax);
  for (size_t i = 0; i < items->size(); ++i) reader.add(*(*items)[i], fmt::format("input[{}]", i));
  return reader.take();
}

}  // namespace hearth::serve::openai
