// Any text as a model's answer, in every style. Only hearth::Error may come out; where the text is
// cut changes nothing, and without tools and thoughts all of it is content.
//
// Input: a byte for the style, one for the cuts, then the answer.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hearth/base/error.h"
#include "hearth/base/rng.h"
#include "hearth/serve/output/answer_parser.h"
#include "hearth/serve/output/tool_choice.h"

namespace {

using namespace hearth::serve;

constexpr auto kStyles = static_cast<unsigned>(CallStyle::generic) + 1;

AnswerOptions options_for(uint8_t choice) {
  const auto style = static_cast<CallStyle>(choice % kStyles);
  const bool thinks = choice / kStyles % 2 == 1;
  AnswerOptions options;
  options.style.calls = style;
  if (style == CallStyle::harmony)
    options.style.thinking = ThinkingStyle::harmony;
  else if (thinks)
    options.style.thinking = ThinkingStyle::think_tags;
  options.thinking_is_open = thinks && choice / kStyles % 4 >= 2;
  options.limits = {
      .call_bytes_max = 1 << 10, .calls_max = 8, .json = {.nesting_max = 8, .values_max = 50}};
  options.tools = {
      {.name = "f", .parameters = Json::parse(R"({"properties": {"a": {"type": "integer"}}})")},
      {.name = "g"}};
  return options;
}

// The whole answer; nothing when a limit was passed. One byte in `stride` or so begins a piece.
std::optional<AnswerDelta> parse(AnswerOptions options, std::string_view text, unsigned stride) {
  hearth::Rng rng(stride);
  AnswerParser parser(std::move(options));
  std::vector<AnswerDelta> deltas;
  const auto keep = [&](std::vector<AnswerDelta> more) {
    for (AnswerDelta& delta : more) {
      HEARTH_CHECK(!(delta == AnswerDelta()));
      deltas.push_back(std::move(delta));
    }
  };
  try {
    while (!text.empty()) {
      const size_t size = stride == 0 ? text.size() : 1 + rng.below(stride);
      keep(parser.feed(text.substr(0, size)));
      text.remove_prefix(std::min(size, text.size()));
    }
    keep(parser.finish());
  } catch (const hearth::Error& error) {
    HEARTH_CHECK(error.code() == hearth::Errc::resource_exhausted);
    return std::nullopt;
  }
  return join(deltas);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const AnswerOptions options = options_for(data[0]);
  const std::optional<AnswerDelta> whole = parse(options, text, 0);
  const std::optional<AnswerDelta> cut = parse(options, text, 1u + data[1] % 16);
  HEARTH_CHECK(whole == cut);
  if (whole)
    for (const ToolCall& call : whole->tool_calls)
      HEARTH_CHECK(!call.name.empty() && !call.id.empty() && call.arguments.is_object());
  if (whole) violations(*whole, options.tools, {.kind = ToolChoice::Kind::required});
  detect_style(text);

  AnswerOptions plain = options;
  plain.tools.clear();
  plain.style.thinking = ThinkingStyle::none;
  HEARTH_CHECK(parse(plain, text, 1u + data[1] % 16)->content == text);
  return 0;
}
