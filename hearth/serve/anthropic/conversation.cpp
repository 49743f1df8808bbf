#include "hearth/serve/anthropic/conversation.h"

#include <utility>

#include "hearth/serve/anthropic/limits.h"

namespace hearth::serve::anthropic {
namespace {

// Paragraphs, so that a reminder behind a question does not run into it.
constexpr std::string_view kBetweenTexts = "\n\n";

void join_text(std::string& text, std::string_view more) {
  if (!text.empty() && !more.empty()) text += kBetweenTexts;
  text += more;
}

[[noreturn]] void refuse_block(const Fields& block, const std::string& type) {
  if (type == "image")
    block.wrong("type", "is 'image', and no model of this server can look at pictures");
  if (type == "document")
    block.wrong("type", "is 'document', and this server reads plain text only");
  block.wrong("type", fmt::format("'{}' is not a block that may stand here", type));
}

/// Calls `read` for each block of a list.
template <class Read>
void for_each_block(const Fields& outer, std::string_view key, Read read) {
  const auto blocks = *outer.try_list(key, kBlocksMax);
  for (size_t i = 0; i < blocks.size(); ++i)
    read(Fields(*blocks[i], fmt::format("{}[{}]", outer.path(key), i)));
}

std::string required_text(const Fields& block, std::string_view key) {
  std::optional<std::string> text = block.try_string(key);
  if (!text) block.wrong(key, "is required");
  return *std::move(text);
}

/// A string, or blocks of text alone; empty when it is absent.
std::string read_texts(const Fields& outer, std::string_view key) {
  const Json* content = outer.find(key);
  if (!content) return "";
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array()) outer.wrong(key, "must be a string or a list of blocks");
  std::string text;
  for_each_block(outer, key, [&](const Fields& block) {
    const std::string type = block.string("type");
    if (type != "text") refuse_block(block, type);
    join_text(text, required_text(block, "text"));
  });
  return text;
}

class Conversation {
 public:
  void add_system(const Fields& body) {
    std::string text = read_texts(body, "system");
    if (!text.empty()) put({.role = Role::system, .content = std::move(text)});
  }
  void add_turn(const Fields& turn);
  std::vector<Message> take(const Fields& body);

 private:
  using ReadBlock = void (Conversation::*)(const Fields&);
  struct BlockRow {
    std::string_view type;
    Role role;  // whose turn it may stand in
    ReadBlock read;
  };
  static const BlockRow kBlocks[];

  void read_block(const Fields& block);
  void read_user_text(const Fields& block) {
    join_text(turn_.content, required_text(block, "text"));
  }
  // What the model wrote is given back as it was, so that its cache is found again.
  void read_assistant_text(const Fields& block) { turn_.content += required_text(block, "text"); }
  void read_thinking(const Fields& block) { turn_.thinking += required_text(block, "thinking"); }
  void pass_over(const Fields&) {}
  void read_call(const Fields& block);
  void read_result(const Fields& block);
  void read_search_result(const Fields& block);
  void put_result(const Fields& block, std::string content);
  void flush_turn();
  void put(Message message);
  const std::string* name_of_call(std::string_view id) const;

  std::vector<Message> messages_;
  Message turn_;              // of the turn that is read, what has not been put
  bool has_flushed_ = false;  // something of it has been put
  std::vector<std::pair<std::string, std::string>> calls_;  // id and name
};

constexpr Role kUser = Role::user, kAssistant = Role::assistant;

const Conversation::BlockRow Conversation::kBlocks[] = {
    {"text", kUser, &Conversation::read_user_text},
    {"text", kAssistant, &Conversation::read_assistant_text},
    {"thinking", kAssistant, &Conversation::read_thinking},
    {"redacted_thinking", kAssistant, &Conversation::pass_over},
    {"tool_use", kAssistant, &Conversation::read_call},
    {"server_tool_use", kAssistant, &Conversation::read_call},
    {"tool_result", kUser, &Conversation::read_result},
    {"web_search_tool_result", kAssistant, &Conversation::read_search_result},
};

void Conversation::add_turn(const Fields& turn) {
  const std::string role = turn.string("role");
  if (role != "user" && role != "assistant") turn.wrong("role", "must be user or assistant");
  turn_ = {.role = role == "user" ? kUser : kAssistant};
  has_flushed_ = false;
  const Json* content = turn.find("content");
  if (!content) turn.wrong("content", "is required");
  if (content->is_string())
    turn_.content = content->get<std::string>();
  else if (content->is_array())
    for_each_block(turn, "content", [&](const Fields& block) { read_block(block); });
  else
    turn.wrong("content", "must be a string or a list of blocks");
  flush_turn();
  if (!has_flushed_) put(std::move(turn_));  // one that holds nothing is a turn still
}

void Conversation::read_block(const Fields& block) {
  const std::string type = block.string("type");
  for (const BlockRow& row : kBlocks)
    if (row.type == type && row.role == turn_.role) return (this->*row.read)(block);
  refuse_block(block, type);
}

void Conversation::read_call(const Fields& block) {
  ToolCall call = {.id = block.string("id"), .name = block.string("name")};
  if (const Json* input = block.find("input")) {
    if (!input->is_object()) block.wrong("input", "must be an object");
    call.arguments = *input;
  }
  calls_.emplace_back(call.id, call.name);
  turn_.tool_calls.push_back(std::move(call));
}

void Conversation::read_result(const Fields& block) {
  std::string content = read_texts(block, "content");
  // Templates have no place for the flag; in words every model understands it.
  if (block.try_bool("is_error").value_or(false)) content = "Error: " + content;
  put_result(block, std::move(content));
}

void Conversation::read_search_result(const Fields& block) {
  const Json* content = block.find("content");
  put_result(block, content ? content->dump(-1, ' ', false, Json::error_handler_t::replace) : "");
}

void Conversation::put_result(const Fields& block, std::string content) {
  const std::string id = block.string("tool_use_id");
  const std::string* name = name_of_call(id);
  if (!name) block.wrong("tool_use_id", fmt::format("'{}' answers no call before it", id));
  flush_turn();
  has_flushed_ = true;
  put({.role = Role::tool, .content = std::move(content), .tool_call_id = id, .tool_name = *name});
}

void Conversation::flush_turn() {
  const Role role = turn_.role;
  if (turn_.content.empty() && turn_.thinking.empty() && turn_.tool_calls.empty()) return;
  put(std::exchange(turn_, {}));
  turn_.role = role;
  has_flushed_ = true;
}

void Conversation::put(Message message) {
  Message* last = messages_.empty() ? nullptr : &messages_.back();
  const bool goes_on = last && last->role == message.role && last->tool_calls.empty() &&
                       message.thinking.empty() && message.role != Role::tool;
  if (!goes_on) return messages_.push_back(std::move(message));
  if (message.role == kAssistant)
    last->content += message.content;
  else
    join_text(last->content, message.content);
  last->tool_calls = std::move(message.tool_calls);
}

const std::string* Conversation::name_of_call(std::string_view id) const {
  // The latest: clients number the calls of each turn anew.
  for (auto call = calls_.rbegin(); call != calls_.rend(); ++call)
    if (call->first == id) return &call->second;
  return nullptr;
}

std::vector<Message> Conversation::take(const Fields& body) {
  if (!messages_.empty() && !messages_.back().tool_calls.empty())
    body.wrong("messages", "end with calls, whose tool_result blocks must follow");
  return std::move(messages_);
}

}  // namespace

std::vector<Message> read_conversation(const Fields& body) {
  const auto turns = body.try_list("messages", kMessagesMax);
  if (!turns) body.wrong("messages", "is required");
  if (turns->empty()) body.wrong("messages", "must hold at least one message");
  Conversation conversation;
  conversation.add_system(body);
  for (size_t i = 0; i < turns->size(); ++i)
    conversation.add_turn(Fields(*(*turns)[i], fmt::format("messages[{}]", i)));
  return conversation.take(body);
}

}  // namespace hearth::serve::anthropic
