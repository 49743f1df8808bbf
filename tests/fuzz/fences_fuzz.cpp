// Any texts in UTF-8 as the messages of a prompt: between the template's own, none of them becomes
// a control token, alone or together, and none is changed.
//
// Input: three texts, separated by bytes 0xFF.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/llm/tokenizer/small_vocabularies.h"
#include "hearth/serve/engine/control_fences.h"
#include "hearth/serve/engine/wire_fields.h"

namespace {

using namespace hearth;

const llm::Tokenizer& vocabulary() {
  static const auto tokenizer = [] {
    llm::OwnedSpec spec = llm::bpe_spec({"q q"});
    for (const char* control : {"<a>", "<ab>", "<<b", "[/I]", "</s>", "<｜x｜>", "aa"})
      spec.add(control, llm::TokenKind::control);
    spec.add("b>", llm::TokenKind::user_defined);
    spec.add("<|b>", llm::TokenKind::user_defined);  // as good as a control token
    return spec.make();
  }();
  return *tokenizer;
}

bool is_marked(std::string_view text) { return text.find("\xEF\xB7") != std::string_view::npos; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 4096) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  static const serve::ControlFences fences(vocabulary());
  std::string rendered = "</s>", plain = "</s>";
  for (int i = 0; i < 3; ++i) {
    const std::string_view message = rest.substr(0, rest.find('\xFF'));
    rest.remove_prefix(std::min(rest.size(), message.size() + 1));
    if (!serve::is_utf8(message)) return 0;  // JSON brings no other
    rendered += fences.mark(message);
    plain += message;
  }
  const serve::FencedText prompt = serve::take_marks(rendered + "</s>");
  HEARTH_CHECK(is_marked(plain) || prompt.text == plain + "</s>");
  const std::vector<int32_t> ids = vocabulary().encode(
      prompt.text, {.add_special = false, .parse_special = true, .fences = prompt.fences});
  const auto count = std::count_if(ids.begin(), ids.end(), [](int32_t id) {
    return vocabulary().kind(id) == llm::TokenKind::control;
  });
  HEARTH_CHECK(count == 2);
  return 0;
}
