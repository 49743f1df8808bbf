// Templates in Go's language, as the models of an Ollama store carry them: a conversation to the
// prompt text.
//
// The language is Go's text/template (https://pkg.go.dev/text/template) with the functions of
// Ollama; what the template is given, and how often it runs, is Ollama's too
// (https://github.com/ollama/ollama, template/template.go). Templates are hostile input, limited as
// those in Jinja are.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "hearth/llm/tokenizer/chat_template.h"

namespace hearth::llm {

/// True for a template in Go's language (`{{ .Prompt }}`) rather than in Jinja (`{{ prompt }}`,
/// `{% if x %}`): the first action that can be of one language only tells.
bool is_go_template(std::string_view source);

/// True for a template that writes nothing but the question, `{{ .Prompt }}`. Ollama puts it where
/// a model has none, or is rendered by code of Ollama's.
bool is_plain_go_template(std::string_view source);

/// A conversation as a template in Go's language sees it.
struct GoConversation {
  TemplateValue::List messages;   // objects: role, content, thinking, tool_calls, tool_name …
  TemplateValue::List tools;      // {"type": "function", "function": {…}}
  bool thinks = false;            // .Think
  bool is_think_set = false;      // .IsThinkSet: the client said whether to think
  std::string think_level;        // .ThinkLevel: "low", "medium", "high", or empty
  TemplateValue::Dict arguments;  // more fields, which win
};

class GoTemplate {
 public:
  /// Parses. Errors: corrupt_data with line and column; unsupported (html, js, urlquery, call,
  /// complex numbers); resource_exhausted past a limit.
  explicit GoTemplate(std::string_view source, const ChatTemplateLimits& limits = {});
  ~GoTemplate();
  GoTemplate(GoTemplate&&) noexcept;
  GoTemplate& operator=(GoTemplate&&) noexcept;

  /// Whether the template looks up a field of this name somewhere: "Tools", "Suffix", "Thinking".
  bool uses(std::string_view field) const;

  /// The prompt of a conversation, up to where the answer begins. Consecutive messages of one role
  /// (but tool) become one with an empty line between them. A template that uses .Messages runs
  /// once, with .System, .Messages, .Tools. Another runs once a turn with .System, .Prompt and
  /// .Response, and the last time only up to .Response, which is appended where the template has
  /// none. All see .Think, .IsThinkSet and .ThinkLevel. `now_unix_s` feeds currentDate and
  /// yesterday (UTC). Errors: invalid_argument (a type error, with its place); resource_exhausted
  /// past a limit, which all turns share. Const: may run from several threads at once.
  std::string render(const GoConversation& conversation, int64_t now_unix_s) const;
  /// The prompt for what stands between two texts, for a template that uses .Suffix. Errors: as
  /// render().
  std::string render_between(std::string_view before, std::string_view after,
                             int64_t now_unix_s) const;
  /// Runs once with the fields of `dot`. Errors: as render().
  std::string execute(const TemplateValue::Dict& dot, int64_t now_unix_s) const;

 private:
  struct Parsed;
  std::unique_ptr<const Parsed> parsed_;
};

}  // namespace hearth::llm
