// Templates in Go's language from anyone, with messages from anyone. Only hearth::Error may come
// out, within the limits.
//
// Input: the template's source; then, behind a byte 0xFF that no UTF-8 text contains, the texts of
// messages, each ended by 0xFF, the first byte choosing the role.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "hearth/base/error.h"
#include "hearth/llm/tokenizer/go_template.h"

namespace {

using hearth::llm::TemplateValue;

constexpr hearth::llm::ChatTemplateLimits kLimits = {.source_bytes_max = 16 << 10,
                                                     .output_bytes_max = 64 << 10,
                                                     .steps_max = 20'000,
                                                     .nesting_max = 40,
                                                     .memory_bytes_max = 1 << 20};
constexpr int64_t kNow = 1753963200;

std::string_view next_part(std::string_view& rest) {
  const size_t end = std::min(rest.find('\xFF'), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

TemplateValue::List messages_from(std::string_view rest) {
  constexpr const char* kRoles[] = {"user", "assistant", "system", "tool"};
  TemplateValue::List messages;
  while (!rest.empty()) {
    const std::string_view text = next_part(rest);
    const auto choice = text.empty() ? 0u : static_cast<unsigned char>(text[0]);
    const TemplateValue::Dict function = {{"name", std::string(text)},
                                          {"arguments", TemplateValue::Dict{{"x", 1.5}}}};
    messages.push_back(TemplateValue::Dict{
        {"role", kRoles[choice % 4]},
        {"content", std::string(text)},
        {"tool_calls", TemplateValue::List{TemplateValue::Dict{{"function", function}}}}});
  }
  return messages;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string_view source = next_part(rest);
  (void)hearth::llm::is_go_template(source);
  try {
    const hearth::llm::GoTemplate parsed(source, kLimits);
    hearth::llm::GoConversation conversation;
    conversation.messages = messages_from(rest);
    conversation.tools = {
        TemplateValue::Dict{{"function", TemplateValue::Dict{{"name", "t"}, {"n", 1}}}}};
    HEARTH_CHECK(parsed.render(conversation, kNow).size() <= kLimits.output_bytes_max);
    HEARTH_CHECK(parsed.render_between("a", "b", kNow).size() <= kLimits.output_bytes_max);
  } catch (const hearth::Error&) {
    // Refusing a template is right; crashing on one is what this looks for.
  }
  return 0;
}
