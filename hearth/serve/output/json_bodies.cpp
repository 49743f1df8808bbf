#include "hearth/serve/output/json_bodies.h"

#include <algorithm>

#include "hearth/serve/output/call_json.h"

namespace hearth::serve {

JsonBody::JsonBody(const CallContext& context, std::string_view close, Names names)
    : context_(context),
      json_(context.json_limits),
      close_({close}),
      has_close_(!close.empty()),
      names_(names) {}

Progress JsonBody::push(char byte) { return calls_.empty() ? push_json(byte) : close_.push(byte); }

Progress JsonBody::push_json(char byte) {
  const Progress progress = json_.push(byte);
  if (progress == Progress::more) return goes_on(byte) ? Progress::more : Progress::failed;
  if (progress != Progress::done) return progress;
  const std::optional<Json> json = parse_json(json_.text(), context_.json_limits);
  if (json) calls_ = read_calls(*json, context_.json_limits);
  if (names_ == Names::declared &&
      !std::all_of(calls_.begin(), calls_.end(),
                   [&](const ToolCall& call) { return find_tool(context_.tools, call.name); }))
    calls_.clear();
  if (calls_.empty()) return Progress::failed;
  return has_close_ ? Progress::more : Progress::done;
}

// Looks only until the first key is known, and not at white space: so a long run of it costs
// nothing.
bool JsonBody::goes_on(char byte) {
  if (names_ == Names::any || quotes_ == 2 || is_json_space(byte)) return true;
  quotes_ += byte == '"';
  return may_be_call(json_.text());
}

Progress FencedBody::push(char byte) {
  if (is_open_) return JsonBody::push(byte);
  if (byte != '\n') {
    info_ += byte;
    return info_.size() > 16 ? Progress::failed : Progress::more;
  }
  is_open_ = true;
  const std::string_view info = trim_space(info_);
  return info.empty() || info == "json" || info == "tool_call" || info == "tool_code"
             ? Progress::more
             : Progress::failed;
}

Progress MistralBody::push(char byte) {
  if (form_ == Form::unknown) {
    if (is_json_space(byte)) return Progress::more;
    form_ = byte == '[' || byte == '{' ? Form::list : Form::head;
  }
  return form_ == Form::head ? push_head(byte) : push_json(byte);
}

Progress MistralBody::push_head(char byte) {
  constexpr std::string_view kCallId = "[CALL_ID]";
  if (is_json_space(byte) || head_.size_bytes() > 2 * kNameBytesMax) return Progress::failed;
  if (head_.push(byte) == Progress::more) return Progress::more;
  call_.name = head_.take();
  const size_t id = call_.name.find(kCallId);
  if (id != std::string::npos) {
    call_.id = call_.name.substr(id + kCallId.size());
    call_.name.resize(id);
  }
  form_ = Form::arguments;
  return call_.name.empty() ? Progress::failed : Progress::more;
}

Progress MistralBody::push_json(char byte) {
  const Progress progress = json_.push(byte);
  if (progress != Progress::done) return progress;
  std::optional<Json> json = parse_json(json_.text(), context_.json_limits);
  if (!json) return Progress::failed;
  if (form_ == Form::list) {
    calls_ = read_calls(*json, context_.json_limits);
  } else if (json->is_object()) {
    call_.arguments = std::move(*json);
    calls_ = {std::move(call_)};
  }
  return calls_.empty() ? Progress::failed : Progress::done;
}

}  // namespace hearth::serve
