#include "hearth/serve/output/tag_bodies.h"

#include "hearth/serve/output/call_json.h"

namespace hearth::serve {

KeyValueBody::KeyValueBody(const CallContext& context, const KeyValueForm& form)
    : context_(context), form_(form) {
  enter(form.before_name.empty() ? Step::name : Step::before_name);
}

void KeyValueBody::enter(Step step) {
  step_ = step;
  switch (step) {
    case Step::before_name:
      fixed_ = FixedText({form_.before_name});
      break;
    case Step::name:
      until_ = TextUntil(form_.name_end);
      break;
    case Step::key_or_end:
      fixed_ = FixedText({form_.key_begin, form_.end});
      break;
    case Step::key:
      until_ = TextUntil(form_.key_end);
      break;
    case Step::value_begin:
      fixed_ = FixedText({form_.value_begin});
      break;
    case Step::value:
      until_ = TextUntil(form_.value_end);
      break;
    case Step::after_end:
      fixed_ = FixedText({form_.after_end});
      break;
  }
}

Progress KeyValueBody::push(char byte) {
  Progress progress = Progress::failed;
  if (step_ == Step::name) {
    progress = push_name(byte);
  } else if (step_ == Step::key) {
    progress = until_.size_bytes() > kNameBytesMax ? Progress::failed : until_.push(byte);
  } else if (step_ == Step::value) {
    progress = until_.push(byte);
  } else {
    progress = fixed_.push(byte);
  }
  return progress == Progress::done ? leave() : progress;
}

Progress KeyValueBody::push_name(char byte) {
  const bool is_end = form_.name_end[0] == byte;
  if (!is_end && (is_json_space(byte) || byte == '<')) return Progress::failed;
  if (until_.size_bytes() > kNameBytesMax) return Progress::failed;
  return until_.push(byte);
}

// The part of this step is whole: keeps it and goes to the next one.
Progress KeyValueBody::leave() {
  switch (step_) {
    case Step::before_name:
      enter(Step::name);
      return Progress::more;
    case Step::name:
      call_.name = until_.take();
      enter(Step::key_or_end);
      return call_.name.empty() ? Progress::failed : Progress::more;
    case Step::key_or_end:
      if (fixed_.which() == 0) {
        enter(Step::key);
        return Progress::more;
      }
      calls_.push_back(std::move(call_));
      if (form_.after_end.empty()) return Progress::done;
      enter(Step::after_end);
      return Progress::more;
    case Step::key:
      key_ = until_.take();
      enter(form_.value_begin.empty() ? Step::value : Step::value_begin);
      return key_.empty() ? Progress::failed : Progress::more;
    case Step::value_begin:
      enter(Step::value);
      return Progress::more;
    case Step::value:
      return add_argument();
    case Step::after_end:
      break;
  }
  return Progress::done;
}

Progress KeyValueBody::add_argument() {
  if (call_.arguments.size() >= static_cast<size_t>(context_.json_limits.values_max))
    return Progress::too_many_values;
  const std::string value = until_.take();
  std::string_view text = value;
  if (form_.value_on_own_lines) {
    if (text.starts_with('\n')) text.remove_prefix(1);
    if (text.ends_with('\n')) text.remove_suffix(1);
  }
  call_.arguments[key_] =
      read_bare_value(find_tool(context_.tools, call_.name), key_, text, context_.json_limits);
  enter(Step::key_or_end);
  return Progress::more;
}

SectionBody::SectionBody(const CallContext& context, const SectionForm& form)
    : context_(context), form_(form), fixed_({form.call_begin, form.section_end}) {}

Progress SectionBody::push(char byte) {
  if (text_) {
    if (text_->push(byte) == Progress::more) return Progress::more;
    std::optional<ToolCall> call = read_call(text_->take());
    if (!call) return Progress::failed;
    calls_.push_back(std::move(*call));
    text_.reset();
    return Progress::more;
  }
  const Progress progress = fixed_.push(byte);
  if (progress != Progress::done) return progress;
  if (fixed_.which() == 1) return calls_.empty() ? Progress::failed : Progress::done;
  text_.emplace(form_.call_end);
  fixed_ = FixedText({form_.call_begin, form_.section_end});
  return Progress::more;
}

std::optional<ToolCall> SectionBody::read_call(std::string_view text) const {
  const size_t separator = text.find(form_.separator);
  if (separator == std::string_view::npos) return std::nullopt;
  ToolCall call = {.name = std::string(trim_space(text.substr(0, separator)))};
  std::string_view json = trim_space(text.substr(separator + form_.separator.size()));
  if (const size_t fence = json.find("```json\n");
      call.name == "function" && fence < json.find('{')) {
    call.name = trim_space(json.substr(0, fence));
    json.remove_prefix(fence + std::string_view("```json\n").size());
    if (json.ends_with("```")) json.remove_suffix(3);
  }
  constexpr std::string_view kNamespace = "functions.";
  const size_t index = call.name.rfind(':');
  if (call.name.starts_with(kNamespace) && index != std::string::npos) {
    call.id = call.name;
    call.name = call.name.substr(kNamespace.size(), index - kNamespace.size());
  }
  std::optional<Json> arguments = parse_promised_object(json, context_.json_limits);
  if (!arguments) return std::nullopt;
  if (call.name.empty() || call.name.size() > kNameBytesMax) return std::nullopt;
  call.arguments = std::move(*arguments);
  return call;
}

}  // namespace hearth::serve
