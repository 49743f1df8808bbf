#include "hearth/serve/output/call_body.h"

#include "hearth/serve/output/json_bodies.h"
#include "hearth/serve/output/tag_bodies.h"

namespace hearth::serve {
namespace {

using Place = Tag::Place;

constexpr KeyValueForm kQwenCoder = {.before_name = "<function=",
                                     .name_end = ">",
                                     .key_begin = "<parameter=",
                                     .key_end = ">",
                                     .value_begin = "",
                                     .value_end = "</parameter>",
                                     .end = "</function>",
                                     .after_end = "</tool_call>",
                                     .value_on_own_lines = true};
// The models forget <tool_call> now and then.
constexpr KeyValueForm kQwenCoderAlone = {.before_name = "",
                                          .name_end = ">",
                                          .key_begin = "<parameter=",
                                          .key_end = ">",
                                          .value_begin = "",
                                          .value_end = "</parameter>",
                                          .end = "</function>",
                                          .after_end = "",
                                          .value_on_own_lines = true};
constexpr KeyValueForm kGlm = {.before_name = "",
                               .name_end = "\n",
                               .key_begin = "<arg_key>",
                               .key_end = "</arg_key>",
                               .value_begin = "<arg_value>",
                               .value_end = "</arg_value>",
                               .end = "</tool_call>",
                               .after_end = "",
                               .value_on_own_lines = false};
constexpr SectionForm kDeepSeek = {.call_begin = "<｜tool▁call▁begin｜>",
                                   .separator = "<｜tool▁sep｜>",
                                   .call_end = "<｜tool▁call▁end｜>",
                                   .section_end = "<｜tool▁calls▁end｜>"};
constexpr SectionForm kKimi = {.call_begin = "<|tool_call_begin|>",
                               .separator = "<|tool_call_argument_begin|>",
                               .call_end = "<|tool_call_end|>",
                               .section_end = "<|tool_calls_section_end|>"};

template <const KeyValueForm& form>
std::unique_ptr<CallBody> key_value(const CallContext& context) {
  return std::make_unique<KeyValueBody>(context, form);
}

template <const SectionForm& form>
std::unique_ptr<CallBody> section(const CallContext& context) {
  return std::make_unique<SectionBody>(context, form);
}

template <class Body>
std::unique_ptr<CallBody> make(const CallContext& context) {
  return std::make_unique<Body>(context);
}

std::unique_ptr<CallBody> hermes(const CallContext& context) {
  return std::make_unique<JsonBody>(context, "</tool_call>", JsonBody::Names::any);
}

std::unique_ptr<CallBody> promised_json(const CallContext& context) {
  return std::make_unique<JsonBody>(context, "", JsonBody::Names::any);
}

std::unique_ptr<CallBody> bare_json(const CallContext& context) {
  return std::make_unique<JsonBody>(context, "", JsonBody::Names::declared);
}

Opener promise(std::string_view tag, std::unique_ptr<CallBody> (*make_body)(const CallContext&)) {
  return {.tag = {tag}, .is_promise = true, .is_part_of_body = false, .make_body = make_body};
}

Opener guess(Tag tag, bool is_part_of_body,
             std::unique_ptr<CallBody> (*make_body)(const CallContext&)) {
  return {
      .tag = tag, .is_promise = false, .is_part_of_body = is_part_of_body, .make_body = make_body};
}

std::vector<Opener> make_openers(CallStyle style) {
  switch (style) {
    case CallStyle::none:
    case CallStyle::harmony:
      return {};
    case CallStyle::hermes:
      return {promise("<tool_call>", hermes)};
    case CallStyle::qwen_coder:
      return {promise("<tool_call>", key_value<kQwenCoder>),
              promise("<function=", key_value<kQwenCoderAlone>)};
    case CallStyle::glm:
      return {promise("<tool_call>", key_value<kGlm>)};
    case CallStyle::llama:  // ";" parts calls that Llama makes in parallel
      return {promise("<|python_tag|>", promised_json), guess({"{", Place::start}, true, bare_json),
              guess({";", Place::after_call}, false, bare_json)};
    case CallStyle::mistral:
      return {promise("[TOOL_CALLS]", make<MistralBody>)};
    case CallStyle::granite:
      return {promise("<|tool_call|>", promised_json)};
    case CallStyle::deepseek:
      return {promise("<｜tool▁calls▁begin｜>", section<kDeepSeek>)};
    case CallStyle::kimi:
      return {promise("<|tool_calls_section_begin|>", section<kKimi>)};
    case CallStyle::generic:
      return {
          promise("<tool_call>", hermes), guess({"```", Place::anywhere}, false, make<FencedBody>),
          guess({"{", Place::start}, true, bare_json), guess({"[", Place::start}, true, bare_json)};
  }
  return {};
}

}  // namespace

const std::vector<Opener>& openers_of(CallStyle style) {
  constexpr auto kLast = static_cast<size_t>(CallStyle::generic);
  static const std::vector<std::vector<Opener>> all = [] {
    std::vector<std::vector<Opener>> openers;
    for (size_t i = 0; i <= kLast; ++i) openers.push_back(make_openers(static_cast<CallStyle>(i)));
    return openers;
  }();
  return all[static_cast<size_t>(style)];
}

}  // namespace hearth::serve
