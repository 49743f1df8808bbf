#include "hearth/serve/output/answer_parser.h"

#include <utility>

#include "hearth/llm/tokenizer/unicode.h"
#include "hearth/serve/output/harmony_reader.h"

namespace hearth::serve {
namespace {

// Bytes at the end of `text` that begin a UTF-8 character and do not complete it.
size_t unfinished_bytes(std::string_view text) {
  for (size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const char byte = text[text.size() - back];
    const bool is_continuation = (byte & 0xC0) == 0x80;
    if (!is_continuation) return llm::claimed_bytes(byte) > back ? back : 0;
  }
  return 0;
}

// Mistral's templates accept ids of nine letters and digits only; other ids look like Ollama's.
CallCounter make_counter(const AnswerOptions& options) {
  const bool is_mistral = options.style.calls == CallStyle::mistral;
  return {options.limits.calls_max, options.id_seed, is_mistral ? "" : "call_", is_mistral ? 9 : 8};
}

}  // namespace

struct AnswerParser::State {
  explicit State(AnswerOptions o)
      : options(std::move(o)),
        context{.tools = options.tools, .json_limits = options.limits.json},
        counter(make_counter(options)),
        reader(make_reader()) {}

  std::unique_ptr<AnswerReader> make_reader() {
    const bool reads_calls = !options.tools.empty();
    if (options.style.thinking == ThinkingStyle::harmony)
      return std::make_unique<HarmonyReader>(reads_calls, options.limits, counter);
    auto calls = std::make_unique<CallReader>(reads_calls ? options.style.calls : CallStyle::none,
                                              context, options.limits, counter);
    if (options.style.thinking == ThinkingStyle::none) return calls;
    return std::make_unique<ThinkReader>(options.thinking_is_open, std::move(calls));
  }

  AnswerOptions options;
  CallContext context;
  CallCounter counter;
  std::string carry;  // of a character cut in two
  DeltaList deltas;
  std::unique_ptr<AnswerReader> reader;
};

AnswerParser::AnswerParser(AnswerOptions options)
    : state_(std::make_unique<State>(std::move(options))) {}
AnswerParser::~AnswerParser() = default;
AnswerParser::AnswerParser(AnswerParser&&) noexcept = default;
AnswerParser& AnswerParser::operator=(AnswerParser&&) noexcept = default;

std::vector<AnswerDelta> AnswerParser::feed(std::string_view text) {
  std::string whole = std::exchange(state_->carry, {});
  whole += text;
  const size_t certain = whole.size() - unfinished_bytes(whole);
  state_->carry = whole.substr(certain);
  whole.resize(certain);
  for (const char byte : whole) state_->reader->push(byte, state_->deltas);
  return state_->deltas.take();
}

std::vector<AnswerDelta> AnswerParser::finish() {
  for (const char byte : std::exchange(state_->carry, {}))
    state_->reader->push(byte, state_->deltas);
  state_->reader->finish(state_->deltas);
  return state_->deltas.take();
}

}  // namespace hearth::serve
