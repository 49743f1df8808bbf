// Chat templates from anyone, with messages from anyone. Only hearth::Error may come out, within
// the limits.
//
// Input: the template's source; then, behind a byte 0xFF that no UTF-8 text contains, the texts of
// messages, each ended by 0xFF, the first byte choosing the role.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "hearth/base/error.h"
#include "hearth/llm/tokenizer/chat_template.h"

namespace {

using hearth::llm::TemplateValue;

constexpr hearth::llm::ChatTemplateLimits kLimits = {.source_bytes_max = 16 << 10,
                                                     .output_bytes_max = 64 << 10,
                                                     .steps_max = 20'000,
                                                     .nesting_max = 40,
                                                     .memory_bytes_max = 1 << 20};

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
    TemplateValue::Dict message = {{"role", kRoles[choice % 4]}, {"content", std::string(text)}};
    if (choice % 8 == 5) {
      const TemplateValue::Dict function = {{"name", std::string(text)},
                                            {"arguments", TemplateValue::Dict{{"x", 1.5}}}};
      message.push_back(
          {"tool_calls", TemplateValue::List{TemplateValue::Dict{{"function", function}}}});
    }
    messages.push_back(std::move(message));
  }
  return messages;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string_view source = next_part(rest);
  try {
    const hearth::llm::ChatTemplate chat(source, kLimits);
    const TemplateValue::List list = {1, 2.5, "x", TemplateValue(), true};
    const std::string text =
        chat.render({{"messages", messages_from(rest)},
                     {"tools", TemplateValue::List{TemplateValue::Dict{{"name", "t"}}}},
                     {"l", list},
                     {"d", TemplateValue::Dict{{"a", 1}, {"b", list}}},
                     {"s", "Grüße, hearth"},
                     {"n", TemplateValue()},
                     {"add_generation_prompt", true},
                     {"bos_token", "<s>"}},
                    1753963200);
    HEARTH_CHECK(text.size() <= kLimits.output_bytes_max);
  } catch (const hearth::Error&) {
    // Refusing a template is right; crashing on one is what this looks for.
  }
  return 0;
}
