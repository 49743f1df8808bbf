// Bodies of calls that are JSON.
#pragma once
#include "hearth/serve/output/body_parts.h"
#include "hearth/serve/output/call_body.h"

namespace hearth::serve {

/// {"name": …, "arguments": …} or a list of such, then `close` if there is one.
class JsonBody : public CallBody {
 public:
  enum class Names { any, declared };

  /// `declared`: whatever is no call of a declared tool fails, most of it at its first key.
  JsonBody(const CallContext& context, std::string_view close, Names names);
  Progress push(char byte) override;
  bool can_end() const override { return !calls_.empty(); }

 private:
  Progress push_json(char byte);
  bool goes_on(char byte);

  const CallContext& context_;
  JsonText json_;
  int quotes_ = 0;  // of the first key
  FixedText close_;
  bool has_close_;
  Names names_;
};

/// A fenced block behind its ``` that holds a call of a declared tool: an info string of a few
/// words, the JSON, ```.
class FencedBody : public JsonBody {
 public:
  explicit FencedBody(const CallContext& context) : JsonBody(context, "```", Names::declared) {}
  Progress push(char byte) override;

 private:
  std::string info_;
  bool is_open_ = false;  // the line of the fence has ended
};

/// Mistral's [TOOL_CALLS]: a list of calls (Mistral 7B v0.3, Nemo), or NAME[ARGS]{…}, or
/// NAME[CALL_ID]ID[ARGS]{…} (Small 3.2; the tag is repeated for each call).
class MistralBody : public CallBody {
 public:
  explicit MistralBody(const CallContext& context)
      : context_(context), json_(context.json_limits) {}
  Progress push(char byte) override;
  bool can_end() const override { return false; }

 private:
  enum class Form { unknown, list, head, arguments };
  Progress push_head(char byte);
  Progress push_json(char byte);

  const CallContext& context_;
  Form form_ = Form::unknown;
  TextUntil head_{"[ARGS]"};
  JsonText json_;
  ToolCall call_;
};

}  // namespace hearth::serve
