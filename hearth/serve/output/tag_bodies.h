// Bodies of calls that are made of tags.
#pragma once
#include <optional>

#include "hearth/serve/output/body_parts.h"
#include "hearth/serve/output/call_body.h"

namespace hearth::serve {

/// The tags of a form that names each argument and writes its value as plain text.
struct KeyValueForm {
  std::string_view before_name;  // "" where the name follows the opener
  std::string_view name_end;
  std::string_view key_begin, key_end;
  std::string_view value_begin;  // "" where the value follows the key
  std::string_view value_end;
  std::string_view end;
  std::string_view after_end;  // closes what the opener opened; "" where nothing is open
  bool value_on_own_lines;     // the line feeds around a value are not part of it
};

class KeyValueBody : public CallBody {
 public:
  KeyValueBody(const CallContext& context, const KeyValueForm& form);
  Progress push(char byte) override;
  bool can_end() const override { return step_ == Step::after_end; }

 private:
  enum class Step { before_name, name, key_or_end, key, value_begin, value, after_end };
  /// What comes next; `fixed_` and `until_` are set for it.
  void enter(Step step);
  Progress push_name(char byte);
  Progress leave();
  Progress add_argument();

  const CallContext& context_;
  const KeyValueForm& form_;
  Step step_ = Step::before_name;
  FixedText fixed_{{}};
  TextUntil until_{""};
  std::string key_;
  ToolCall call_;
};

/// The tags of a form with a section of calls, each NAME, separator, JSON object.
struct SectionForm {
  std::string_view call_begin, separator, call_end, section_end;
};

/// DeepSeek's and Kimi's sections. Behind the separator DeepSeek R1 writes the name (the word
/// "function" stands before it) and the object in a fence; Kimi's name is functions.NAME:INDEX, and
/// is the call's id.
class SectionBody : public CallBody {
 public:
  SectionBody(const CallContext& context, const SectionForm& form);
  Progress push(char byte) override;
  bool can_end() const override { return !text_ && !calls_.empty(); }

 private:
  std::optional<ToolCall> read_call(std::string_view text) const;

  const CallContext& context_;
  const SectionForm& form_;
  FixedText fixed_;
  std::optional<TextUntil> text_;  // inside a call
};

}  // namespace hearth::serve
