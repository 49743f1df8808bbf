// What the fuzzers of both template languages read their input as, and the limits they set.
//
// Input: the template's source; then, behind a byte 0xFF that no UTF-8 text contains, the texts of
// messages, each ended by 0xFF, the first byte choosing the role and whether it calls a tool.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "hearth/llm/tokenizer/chat_template.h"

namespace hearth::fuzz {

using llm::TemplateValue;

inline constexpr llm::ChatTemplateLimits kLimits = {.source_bytes_max = 16 << 10,
                                                    .output_bytes_max = 64 << 10,
                                                    .steps_max = 20'000,
                                                    .steps_per_message = 10,
                                                    .nesting_max = 40,
                                                    .memory_bytes_max = 1 << 20};
inline constexpr int64_t kNow = 1753963200;

struct TemplateInput {
  std::string_view source;
  TemplateValue::List messages;
};

inline std::string_view next_part(std::string_view& rest) {
  const size_t end = std::min(rest.find('\xFF'), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

inline TemplateValue message_from(std::string_view text) {
  constexpr const char* kRoles[] = {"user", "assistant", "system", "tool"};
  const auto choice = text.empty() ? 0u : static_cast<unsigned char>(text[0]);
  TemplateValue::Dict message = {{"role", kRoles[choice % 4]}, {"content", std::string(text)}};
  if (choice / 4 % 2 == 0) return message;
  const TemplateValue::Dict function = {{"name", std::string(text)},
                                        {"arguments", TemplateValue::Dict{{"x", 1.5}}}};
  message.emplace_back("tool_calls",
                       TemplateValue::List{TemplateValue::Dict{{"function", function}}});
  return message;
}

inline TemplateInput template_input(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  TemplateInput input{.source = next_part(rest), .messages = {}};
  while (!rest.empty()) input.messages.push_back(message_from(next_part(rest)));
  return input;
}

}  // namespace hearth::fuzz
