// What a model can do, told before it is loaded: as its engine will say it.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "hearth/formats/gguf.h"
#include "hearth/serve/engine/engine.h"
#include "hearth/serve/output/answer_style.h"

namespace hearth::serve {

/// The template that a model is prompted with: what was published with it (`stored`), as with
/// Ollama, and otherwise its file's own; that also where Ollama stored nothing but the question,
/// which it does for models that its own code renders. Empty: none.
std::string chosen_template(std::string_view stored, std::string_view own);

/// Of a decoder. `style` is that of its template, if it has one; `pools` says that its file tells
/// how to make vectors, which it then was trained for instead of answers.
Capabilities decoder_capabilities(std::optional<AnswerStyle> style, bool fills_in, bool pools);

/// From the file's header and the chosen template. A template that cannot be read counts as none:
/// loading will say why.
Capabilities capabilities_of(const formats::Gguf& file, std::string_view template_text);

}  // namespace hearth::serve
