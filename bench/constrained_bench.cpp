// hearth-bench-constrained MODEL VOCABULARY.tiktoken [--tokens N] [--rounds N]: decode time of
// answers that a JSON Schema holds, against free ones of the same model, as JSON lines.
//
// Each round is a free answer, the first answer of a new schema, and a second one that finds its
// masks ready: turns in one process, so that all three see the same machine. The vocabulary is cut
// to the model's size, which hearth-synthetic-model can make 128000. With random weights the text
// is noise, which is the dear case: strings are entered and left at will.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/base/files.h"
#include "hearth/llm/batch_engine.h"
#include "hearth/llm/tokenizer/small_vocabularies.h"
#include "hearth/serve/schema/json_schema.h"

namespace {

using namespace hearth;

struct Plan {
  const char* model = nullptr;
  const char* vocabulary = nullptr;
  int tokens = 64;  // of each answer
  int rounds = 3;
};

Plan read_plan(int argc, char** argv) {
  Plan plan;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if ((word == "--tokens" || word == "--rounds") && i + 1 < argc)
      (word == "--tokens" ? plan.tokens : plan.rounds) = std::atoi(argv[++i]);
    else if (!plan.model)
      plan.model = argv[i];
    else if (!plan.vocabulary)
      plan.vocabulary = argv[i];
    else
      throw Error(Errc::invalid_argument, "'{}' is not understood", word);
  }
  if (!plan.vocabulary || plan.tokens < 2 || plan.rounds < 1)
    throw Error(Errc::invalid_argument,
                "usage: MODEL VOCABULARY.tiktoken [--tokens N >= 2] [--rounds N >= 1]");
  return plan;
}

// A list that cannot end before an answer does, of what clients ask for most: short and long
// bounded strings, numbers, a choice. `round` makes it a schema that was never seen.
std::string schema_of(int round) {
  return fmt::format(
      R"({{"type": "array", "minItems": 200, "items": {{"type": "object", "properties": {{
             "title{}": {{"type": "string", "maxLength": 40}},
             "text": {{"type": "string", "maxLength": 400}},
             "score": {{"type": "number", "minimum": 0, "maximum": 1}},
             "kind": {{"enum": ["person", "place", "thing"]}},
             "tags": {{"type": "array", "items": {{"type": "string", "maxLength": 20}}}}}},
           "required": ["title{}", "text", "score", "kind", "tags"]}}}})",
      round, round);
}

class Turns {
 public:
  Turns(const llm::Model& model, const llm::Tokenizer& tokenizer, int tokens)
      : tokens_(tokens),
        engine_(model, tokenizer, {.context = tokens + 8, .sequences_max = 1}),
        trie_(std::make_shared<llm::TokenTrie>(tokenizer)) {}

  std::shared_ptr<llm::Constraint> constraint(const std::string& schema) const {
    return std::make_shared<llm::Constraint>(
        std::make_shared<llm::Grammar>(serve::grammar_of_schema(schema)), trie_);
  }

  /// Milliseconds a token, from the first one on.
  double answer(std::shared_ptr<llm::Constraint> constraint, int seed) {
    llm::GenerateParams params{.prompt = {100, 101, 102},
                               .sampling = {.temperature = 1, .seed = static_cast<uint64_t>(seed)},
                               .tokens_max = tokens_,
                               .ignore_end = !constraint};
    params.form.constraint = std::move(constraint);
    llm::PieceStream stream = engine_.submit(std::move(params));
    using Clock = std::chrono::steady_clock;
    stream.next();
    const auto start = Clock::now();
    int read = 1;
    while (read < tokens_ && stream.next()) ++read;
    const double ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    if (read < tokens_) throw Error(Errc::unsupported, "the answer ended after {} tokens", read);
    return ms / (tokens_ - 1);
  }

 private:
  int tokens_;
  llm::BatchEngine engine_;
  std::shared_ptr<const llm::TokenTrie> trie_;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void run(const Plan& plan) {
  const formats::Gguf file = formats::Gguf::open(plan.model);
  const auto model = llm::Model::load(file);
  const auto tokenizer = llm::tiktoken_spec(read_file(plan.vocabulary), "llama-bpe",
                                            static_cast<size_t>(model->config().vocab_size) - 1)
                             .make();
  Turns turns(*model, *tokenizer, plan.tokens);
  turns.answer(nullptr, 0);  // pages in the weights
  std::vector<double> free, first, second;
  for (int round = 0; round < plan.rounds; ++round) {
    const auto constraint = turns.constraint(schema_of(round));
    free.push_back(turns.answer(nullptr, round));
    first.push_back(turns.answer(constraint, round));
    second.push_back(turns.answer(constraint, round));
    fmt::print(R"({{"bench":"constrained","round":{},"vocabulary":{},"tokens":{},)"
               R"("free_ms":{:.3f},"first_ms":{:.3f},"second_ms":{:.3f}}})"
               "\n",
               round, tokenizer->vocab_size(), plan.tokens, free.back(), first.back(),
               second.back());
    std::fflush(stdout);
  }
  fmt::print(R"({{"bench":"constrained","medians":true,"free_ms":{:.3f},"first_ms":{:.3f},)"
             R"("second_ms":{:.3f},"first_percent":{:.1f},"second_percent":{:.1f}}})"
             "\n",
             median(free), median(first), median(second), 100 * (median(first) / median(free) - 1),
             100 * (median(second) / median(free) - 1));
}

}  // namespace

int main(int argc, char** argv) try {
  run(read_plan(argc, argv));
} catch (const std::exception& error) {
  std::fprintf(stderr, "hearth-bench-constrained: %s\n", error.what());
  return 1;
}
