#include "hearth/cli/answer_text.h"

#include <fmt/format.h>

#include "hearth/base/units.h"
#include "hearth/cli/terminal.h"

namespace hearth::cli {
namespace {

using llm::FinishReason;

struct ReasonRow {
  FinishReason reason;
  std::string_view done_reason;  // Ollama's word
  std::string_view end_reason;   // ours, which tells the cases apart
};
constexpr ReasonRow kReasons[] = {
    {FinishReason::end, "stop", "end_of_text"},
    {FinishReason::stop_string, "stop", "stop_string"},
    {FinishReason::length, "length", "token_limit"},
    {FinishReason::context_full, "length", "context_full"},
    {FinishReason::cancelled, "cancelled", "cancelled"},
};

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

std::string rate(int tokens, std::chrono::nanoseconds time) {
  if (time.count() <= 0) return "-";
  return fmt::format("{:.2f} tokens/s", tokens / seconds(time));
}

}  // namespace

std::string timings_text(const Answer& answer) {
  const llm::GenerateResult& result = answer.result;
  const int evaluated = result.prompt_tokens - result.prompt_tokens_cached;
  Table table({{""}, {""}});
  table.row({"total duration:", format_seconds(seconds(answer.load_time + answer.total_time))});
  if (answer.load_time.count() > 0)
    table.row({"load duration:", format_seconds(seconds(answer.load_time))});
  table.row({"prompt eval count:", fmt::format("{} token(s)", result.prompt_tokens)});
  if (result.prompt_tokens_cached > 0)
    table.row({"prompt cached:", fmt::format("{} token(s)", result.prompt_tokens_cached)});
  table.row({"prompt eval duration:", format_seconds(seconds(result.prompt_time))});
  table.row({"prompt eval rate:", rate(evaluated, result.prompt_time)});
  table.row({"eval count:", fmt::format("{} token(s)", result.generated_tokens)});
  table.row({"eval duration:", format_seconds(seconds(result.decode_time))});
  table.row({"eval rate:", rate(result.generated_tokens, result.decode_time)});
  table.row({"seed:", fmt::format("{}", answer.seed)});
  return table.text();
}

std::vector<std::string> answer_notes(const Answer& answer, int context) {
  std::vector<std::string> notes;
  const llm::GenerateResult& result = answer.result;
  if (answer.messages_forgotten > 0)
    notes.push_back(fmt::format(
        "the conversation outgrew the context of {} positions: its oldest {} messages are "
        "forgotten",
        context, answer.messages_forgotten));
  if (result.context_shifts > 0)
    notes.push_back(
        fmt::format("the context of {} positions was full: its older half was forgotten ({}×)",
                    context, result.context_shifts));
  if (result.reason == FinishReason::context_full)
    notes.push_back(fmt::format(
        "the answer ends here, because the context of {} positions is full (context-full shift "
        "would forget the oldest and go on)",
        context));
  if (result.reason == FinishReason::end && answer.text.empty())
    notes.push_back("the model ended its answer at once, without text");
  return notes;
}

GenerateChunk final_chunk(const std::string& model, const Answer& answer) {
  const llm::GenerateResult& result = answer.result;
  GenerateChunk::Final final{
      .context_shifts = result.context_shifts,
      .seed = answer.seed,
      .total_duration_ns = (answer.load_time + answer.total_time).count(),
      .load_duration_ns = answer.load_time.count(),
      .prompt_eval_count = result.prompt_tokens,
      .prompt_eval_cached = result.prompt_tokens_cached,
      .prompt_eval_duration_ns = result.prompt_time.count(),
      .eval_count = result.generated_tokens,
      .eval_duration_ns = result.decode_time.count(),
  };
  for (const ReasonRow& row : kReasons)
    if (row.reason == result.reason) {
      final.done_reason = row.done_reason;
      final.end_reason = row.end_reason;
    }
  return {.model = model, .response = "", .done = final};
}

}  // namespace hearth::cli
