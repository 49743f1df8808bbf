// Chat templates: a conversation to the prompt text a model was trained on, by the Jinja template
// in its file.
//
// The subset of Jinja2 that published templates use
// (https://jinja.palletsprojects.com/en/3.1.x/templates/), with trim_blocks and lstrip_blocks on,
// as Hugging Face's transformers renders them. Templates are hostile input: time, output and
// nesting are limited.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace hearth::llm {

/// A value of the template language. Dictionaries keep the order of insertion.
struct TemplateValue {
  using List = std::vector<TemplateValue>;
  using Dict = std::vector<std::pair<std::string, TemplateValue>>;
  std::variant<std::monostate, bool, int64_t, double, std::string, List, Dict>
      data;  // monostate: None

  TemplateValue() = default;
  TemplateValue(bool b) : data(b) {}
  TemplateValue(int i) : data(int64_t{i}) {}
  TemplateValue(int64_t i) : data(i) {}
  TemplateValue(double d) : data(d) {}
  TemplateValue(const char* s) : data(std::string(s)) {}
  TemplateValue(std::string s) : data(std::move(s)) {}
  TemplateValue(List l) : data(std::move(l)) {}
  TemplateValue(Dict d) : data(std::move(d)) {}
};

struct ChatTemplateLimits {
  size_t source_bytes_max = 256 << 10;
  size_t output_bytes_max = 16 << 20;
  /// Evaluated expressions and statements, and reading of text: about a second.
  uint64_t steps_max = 10'000'000;
  /// As many more for each message of the conversation: templates that look back from every message
  /// (Gemma 4's) take some four for the square of their number. Up to 10,000 messages count.
  uint64_t steps_per_message = 20'000;
  /// Of tags and brackets in the source. Calls and values may nest four times as deep, which takes
  /// about 4 KiB of stack for each of these levels.
  int nesting_max = 200;
  /// Of all values that one rendering makes; it holds at most about twice that.
  size_t memory_bytes_max = 256 << 20;
};

class ChatTemplate {
 public:
  /// Parses. Errors: corrupt_data with line and column; unsupported for Jinja outside the subset;
  /// resource_exhausted past a limit.
  explicit ChatTemplate(std::string_view source, const ChatTemplateLimits& limits = {});
  ~ChatTemplate();
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;

  /// Whether the template looks up a variable of this name somewhere: "tools". Texts, fields and
  /// keys of that name do not count.
  bool uses(std::string_view variable) const;

  /// Renders with these globals, typically messages, tools, add_generation_prompt, bos_token,
  /// eos_token. Adds raise_exception, strftime_now, range, namespace and the rest of the subset's
  /// functions itself; `now_unix_s` feeds strftime_now (UTC). Errors: invalid_argument carrying a
  /// raise_exception message or a type error with its line; resource_exhausted past a limit. Const:
  /// may run from several threads at once.
  std::string render(const TemplateValue::Dict& globals, int64_t now_unix_s) const;

 private:
  struct Parsed;
  std::unique_ptr<const Parsed> parsed_;
};

struct ChatMessage {
  std::string role;  // system, user, assistant, tool
  std::string content;
};

/// The prompt for a conversation: messages in order, then the opening of the assistant's turn.
std::string render_chat(const ChatTemplate& chat_template, const std::vector<ChatMessage>& messages,
                        std::string_view bos_token, std::string_view eos_token, int64_t now_unix_s);

}  // namespace hearth::llm
