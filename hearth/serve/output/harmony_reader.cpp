#include "hearth/serve/output/harmony_reader.h"

#include <algorithm>

#include "hearth/base/error.h"
#include "hearth/serve/output/call_json.h"

namespace hearth::serve {
namespace {

constexpr std::string_view kMessage = "<|message|>";
constexpr std::string_view kChannel = "<|channel|>";
constexpr std::string_view kRecipient = "to=functions.";
// An end without a message before it may stand here too.
constexpr std::string_view kHeaderBeginnings[] = {
    kChannel, "<|start|>", kMessage, "to=", "<|end|>", "<|return|>", "<|call|>"};
constexpr size_t kHeaderBytesMax = 2 * kNameBytesMax;
// <|start|> and <|channel|> end a message whose end the model forgot.
constexpr size_t kFirstForgotten = 3;
const std::vector<Tag> kEnds = {{.text = "<|end|>"},
                                {.text = "<|return|>"},
                                {.text = "<|call|>"},
                                {.text = "<|start|>"},
                                {.text = kChannel}};

bool may_be_header(std::string_view text) {
  return std::any_of(
      std::begin(kHeaderBeginnings), std::end(kHeaderBeginnings),
      [&](std::string_view begin) { return begin.starts_with(text.substr(0, begin.size())); });
}

// The word behind `mark`; empty without one.
std::string_view word_behind(std::string_view header, std::string_view mark) {
  const size_t begin = header.find(mark);
  if (begin == std::string_view::npos) return {};
  const std::string_view rest = header.substr(begin + mark.size());
  return rest.substr(0, rest.find_first_of(" \n\t\r<"));
}

}  // namespace

HarmonyReader::HarmonyReader(bool reads_calls, const AnswerLimits& limits, CallCounter& counter)
    : reads_calls_(reads_calls), limits_(limits), counter_(counter), ends_(kEnds) {}

void HarmonyReader::push(char byte, DeltaList& out) {
  state_ == State::header ? push_header(byte, out) : push_body(byte, out);
}

void HarmonyReader::push_header(char byte, DeltaList& out) {
  header_ += byte;
  if (header_.ends_with(kMessage)) return leave_header();
  const std::string_view text = trim_space_left(header_);
  for (size_t i = 0; i < kFirstForgotten; ++i)
    if (text == kEnds[i].text) return header_.clear();
  if (may_be_header(text) && header_.size() <= kHeaderBytesMax) return;
  state_ = State::content;
  out.add_content(std::exchange(header_, {}));
}

void HarmonyReader::leave_header() {
  const std::string_view name = word_behind(header_, kRecipient);
  if (reads_calls_ && !name.empty()) {
    state_ = State::call;
    name_ = name;
    return;  // the header stays, should the call be broken
  }
  state_ = word_behind(header_, kChannel) == "analysis" ? State::thinking : State::content;
  header_.clear();
}

void HarmonyReader::push_body(char byte, DeltaList& out) {
  std::string released;
  const std::optional<size_t> end = ends_.push(byte, released);
  add(released, out);
  if (!end) return;
  const std::string held = ends_.held();
  ends_.clear();
  const std::string_view tag = kEnds[*end].text;
  const std::string_view space = std::string_view(held).substr(0, held.size() - tag.size());
  add(space, out);
  const bool is_forgotten = *end >= kFirstForgotten;
  if (state_ == State::call) end_call(is_forgotten ? "" : tag, out);
  state_ = State::header;
  header_ = is_forgotten ? tag : "";
}

void HarmonyReader::add(std::string_view text, DeltaList& out) {
  if (state_ == State::thinking) return out.add_thinking(text);
  if (state_ == State::content) return out.add_content(text);
  json_ += text;
  if (json_.size() > limits_.call_bytes_max)
    throw Error(Errc::resource_exhausted, "tool call: longer than {} bytes",
                limits_.call_bytes_max);
}

void HarmonyReader::end_call(std::string_view end, DeltaList& out) {
  const std::string header = std::exchange(header_, {});
  const std::string text = std::exchange(json_, {});
  std::optional<Json> arguments = parse_promised_object(text, limits_.json);
  if (!arguments) return out.add_content(header + text + std::string(end));
  ToolCall call = {.name = name_, .arguments = std::move(*arguments)};
  counter_.add({std::move(call)}, out);
}

void HarmonyReader::finish(DeltaList& out) {
  if (state_ == State::header) {
    // A header without its message says nothing, and no client wants to see it.
    const std::string header = std::exchange(header_, {});
    const std::string_view text = trim_space(header);
    if (!text.empty() && !text.starts_with("<|")) out.add_content(header);
    return;
  }
  add(ends_.held(), out);
  ends_.clear();
  if (state_ == State::call) end_call("", out);
}

}  // namespace hearth::serve
