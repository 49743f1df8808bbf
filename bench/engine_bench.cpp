// hearth-bench-engine MODEL [--answers N]... [--tokens N]: decode speed of N answers at once
// through the engine, as JSON lines.
//
// Answers that decode together share the reading of the weights as far as the model keeps their
// bits (Model::exact_batch_tokens), so the total should grow with N until arithmetic is the limit.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "hearth/base/rng.h"
#include "hearth/llm/batch_engine.h"

namespace {

using namespace hearth;

constexpr int kPromptTokens = 16;

struct Plan {
  const char* model = nullptr;
  std::vector<int> answers;  // of each measurement
  int tokens = 64;           // of each answer
};

int positive(std::string_view option, const char* text) {
  const int value = std::atoi(text);
  if (value < 1)
    throw Error(Errc::invalid_argument, "{}: '{}' is not a positive number", option, text);
  return value;
}

Plan read_plan(int argc, char** argv) {
  Plan plan;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--answers" && i + 1 < argc)
      plan.answers.push_back(positive(word, argv[++i]));
    else if (word == "--tokens" && i + 1 < argc)
      plan.tokens = positive(word, argv[++i]);
    else if (!plan.model && !word.starts_with("-"))
      plan.model = argv[i];
    else
      throw Error(Errc::invalid_argument, "'{}' is not understood", word);
  }
  if (plan.tokens < 2) throw Error(Errc::invalid_argument, "--tokens: 1, at least 2 are needed");
  if (!plan.model)
    throw Error(Errc::invalid_argument, "usage: MODEL [--answers N]... [--tokens N]");
  if (plan.answers.empty()) plan.answers = {1, 4, 8};
  return plan;
}

llm::GenerateParams random_request(uint64_t seed, int vocab_size, int tokens) {
  Rng rng(seed);
  llm::GenerateParams params{
      .sampling = {.temperature = 0}, .tokens_max = tokens, .ignore_end = true};
  for (int i = 0; i < kPromptTokens; ++i)
    params.prompt.push_back(static_cast<int32_t>(rng.below(vocab_size)));
  return params;
}

// Reads all answers in turns, so that none fills its queue. Decoding counts from the moment when
// each of them has given its first token.
double decode_seconds(std::vector<llm::PieceStream>& streams, int tokens) {
  using Clock = std::chrono::steady_clock;
  for (llm::PieceStream& stream : streams) stream.next();
  const auto start = Clock::now();
  for (int i = 1; i < tokens; ++i)
    for (llm::PieceStream& stream : streams) stream.next();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void measure(const llm::Model& model, const llm::Tokenizer& tokenizer, int answers, int tokens) {
  llm::BatchEngine engine(model, tokenizer,
                          {.context = kPromptTokens + tokens, .sequences_max = answers});
  std::vector<llm::PieceStream> streams;
  for (int i = 0; i < answers; ++i)
    streams.push_back(engine.submit(random_request(i, tokenizer.vocab_size(), tokens)));
  const double seconds = decode_seconds(streams, tokens);
  const double total = static_cast<double>(answers) * (tokens - 1);
  fmt::print(R"({{"bench":"engine","answers":{},"tokens":{},"exact_batch_tokens":{},)"
             R"("seconds":{:.3f},"tokens_per_s":{:.2f},"tokens_per_s_each":{:.2f}}})"
             "\n",
             answers, tokens, model.exact_batch_tokens(), seconds, total / seconds,
             total / seconds / answers);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) try {
  const Plan plan = read_plan(argc, argv);
  const formats::Gguf file = formats::Gguf::open(plan.model);
  const auto model = llm::Model::load(file);
  const auto tokenizer = llm::Tokenizer::load(file);
  for (const int answers : plan.answers) measure(*model, *tokenizer, answers, plan.tokens);
} catch (const std::exception& error) {
  std::fprintf(stderr, "hearth-bench-engine: %s\n", error.what());
  return 1;
}
