// Templates in Go's language from anyone, with messages from anyone. Only hearth::Error may come
// out, within the limits. Input: template_input.h.
#include <cstddef>
#include <cstdint>
#include <utility>

#include "hearth/base/error.h"
#include "hearth/llm/tokenizer/go_template.h"
#include "tests/fuzz/template_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using hearth::fuzz::kLimits;
  using hearth::fuzz::kNow;
  using hearth::fuzz::TemplateValue;
  hearth::fuzz::TemplateInput input = hearth::fuzz::template_input(data, size);
  (void)hearth::llm::is_go_template(input.source);
  try {
    const hearth::llm::GoTemplate parsed(input.source, kLimits);
    hearth::llm::GoConversation conversation;
    conversation.messages = std::move(input.messages);
    conversation.tools = {
        TemplateValue::Dict{{"function", TemplateValue::Dict{{"name", "t"}, {"n", 1}}}}};
    HEARTH_CHECK(parsed.render(conversation, kNow).size() <= kLimits.output_bytes_max);
    HEARTH_CHECK(parsed.render_between("a", "b", kNow).size() <= kLimits.output_bytes_max);
  } catch (const hearth::Error&) {
    // Refusing a template is right; crashing on one is what this looks for.
  }
  return 0;
}
