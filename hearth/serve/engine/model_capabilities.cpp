#include "hearth/serve/engine/model_capabilities.h"

#include "hearth/base/error.h"
#include "hearth/llm/models/encoder_weights.h"
#include "hearth/llm/tokenizer/go_template.h"
#include "hearth/serve/engine/chat_renderer.h"
#include "hearth/serve/engine/fill_in_middle.h"

namespace hearth::serve {
namespace {

std::optional<TemplateTraits> try_traits(std::string_view template_text) {
  if (template_text.empty()) return std::nullopt;
  try {
    return template_traits(template_text);
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool can_rerank(const formats::Gguf& file) {
  const bool has_head = file.find_tensor("cls.weight") || file.find_tensor("cls.output.weight");
  return has_head && file.try_string("tokenizer.ggml.model") == "bert";
}

// As llm::read_pooling(), but what it refuses is for loading to say.
bool pools(const formats::Gguf& file) {
  const std::string family = file.try_string("general.architecture").value_or("");
  return file.try_u64(family + ".pooling_type").value_or(0) > 0;
}

}  // namespace

std::string chosen_template(std::string_view stored, std::string_view own) {
  const bool is_own = stored.empty() || (llm::is_plain_go_template(stored) && !own.empty());
  return std::string(is_own ? own : stored);
}

Capabilities decoder_capabilities(std::optional<AnswerStyle> style, bool fills_in, bool pools) {
  if (pools) return {.embedding = true};
  const AnswerStyle known = style.value_or(AnswerStyle{CallStyle::none, ThinkingStyle::none});
  return {.completion = true,
          .tools = known.calls != CallStyle::none && known.calls != CallStyle::generic,
          .thinking = known.thinking != ThinkingStyle::none,
          .insert = fills_in,
          .embedding = true};
}

Capabilities capabilities_of(const formats::Gguf& file, std::string_view template_text) {
  if (llm::is_encoder(file.try_string("general.architecture").value_or("")))
    return {.embedding = true, .rerank = can_rerank(file)};
  const std::optional<TemplateTraits> traits = try_traits(template_text);
  const bool fills_in = find_fill_in_middle(file).has_value() || (traits && traits->can_fill_in);
  return decoder_capabilities(traits ? std::optional(traits->style) : std::nullopt, fills_in,
                              pools(file));
}

}  // namespace hearth::serve
