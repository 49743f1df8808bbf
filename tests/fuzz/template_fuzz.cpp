// Chat templates from anyone, with messages from anyone. Only hearth::Error may come out, within
// the limits. Input: template_input.h.
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "hearth/base/error.h"
#include "hearth/llm/tokenizer/chat_template.h"
#include "tests/fuzz/template_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using hearth::fuzz::TemplateValue;
  hearth::fuzz::TemplateInput input = hearth::fuzz::template_input(data, size);
  try {
    const hearth::llm::ChatTemplate chat(input.source, hearth::fuzz::kLimits);
    const TemplateValue::List list = {1, 2.5, "x", TemplateValue(), true};
    const std::string text =
        chat.render({{"messages", std::move(input.messages)},
                     {"tools", TemplateValue::List{TemplateValue::Dict{{"name", "t"}}}},
                     {"l", list},
                     {"d", TemplateValue::Dict{{"a", 1}, {"b", list}}},
                     {"s", "Grüße, hearth"},
                     {"n", TemplateValue()},
                     {"add_generation_prompt", true},
                     {"bos_token", "<s>"}},
                    hearth::fuzz::kNow);
    HEARTH_CHECK(text.size() <= hearth::fuzz::kLimits.output_bytes_max);
  } catch (const hearth::Error&) {
    // Refusing a template is right; crashing on one is what this looks for.
  }
  return 0;
}
