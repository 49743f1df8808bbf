// hearth-bench-grammar VOCABULARY [GRAMMAR.gbnf TEXT]: what constrained decoding costs, as JSON
// lines.
//
// VOCABULARY is a GGUF file, or a .tiktoken file, which is cut to 128 000 tokens. Without a grammar
// it is JSON, with a text of its own. The text is cut into the tokens of the vocabulary; each step
// asks for the mask, applies it to logits and accepts the next token.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/base/files.h"
#include "hearth/formats/gguf.h"
#include "hearth/llm/grammar/gbnf.h"
#include "hearth/llm/grammar/json_gbnf.h"
#include "hearth/llm/grammar/matcher.h"
#include "hearth/llm/tokenizer/small_vocabularies.h"
#include "hearth/llm/tokenizer/tokenizer.h"

namespace {

using namespace hearth;
using Clock = std::chrono::steady_clock;

double us_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

std::unique_ptr<llm::Tokenizer> load(const fs::path& path) {
  if (path.extension() != ".tiktoken") return llm::Tokenizer::load(formats::Gguf::open(path));
  return llm::tiktoken_spec(read_file(path), "llama-bpe", 128'000).make();
}

// Records as a model writes them: indented, nested five deep, with strings, numbers and escapes.
std::string json_text() {
  std::string text = "[\n";
  for (int i = 0; i < 40; ++i) {
    text +=
        fmt::format(R"(  {{"id": {}, "name": "Visitor number {} of the Größe museum",)", i, i * 17);
    text += R"( "tags": ["a\n", "quiet"],)";
    text += fmt::format("\n   \"place\": {{\"lat\": {}.25, \"lon\": -1.5e-{},", i, i);
    text += R"( "notes": [{"by": "A. Nonymous", "ok": true}, null]}})";
    text += i == 39 ? "\n" : ",\n";
  }
  return text + "]";
}

struct StepTimes {
  std::vector<double> mask, apply, accept;  // us
};

StepTimes run_answer(llm::Matcher matcher, const std::vector<int32_t>& ids, size_t vocab_size) {
  StepTimes times;
  std::vector<float> logits(vocab_size);
  for (const int32_t id : ids) {
    std::fill(logits.begin(), logits.end(), 0.5f);
    auto start = Clock::now();
    const llm::TokenMask mask = matcher.allowed();
    times.mask.push_back(us_since(start));
    if (!llm::is_allowed(mask, id))
      throw Error(Errc::invalid_argument, "the grammar does not allow token {} of the text", id);
    start = Clock::now();
    llm::apply_mask(logits, mask);
    times.apply.push_back(us_since(start));
    start = Clock::now();
    matcher.accept_token(id);
    times.accept.push_back(us_since(start));
  }
  return times;
}

void print_line(const char* what, std::vector<double> us) {
  std::sort(us.begin(), us.end());
  double sum = 0;
  for (const double t : us) sum += t;
  fmt::print(R"({{"what":"{}","steps":{},"mean_us":{:.2f},"median_us":{:.2f},"p99_us":{:.2f},)"
             R"("max_us":{:.1f}}})"
             "\n",
             what, us.size(), sum / static_cast<double>(us.size()), us[us.size() / 2],
             us[us.size() * 99 / 100], us.back());
}

void run(const fs::path& vocabulary, const std::string& gbnf, const std::string& text) {
  const auto tokenizer = load(vocabulary);
  auto start = Clock::now();
  const auto trie = std::make_shared<llm::TokenTrie>(*tokenizer);
  const double trie_us = us_since(start);
  start = Clock::now();
  const auto grammar = std::make_shared<llm::Grammar>(llm::parse_gbnf(gbnf));
  fmt::print(R"({{"tokens":{},"branches":{},"trie_ms":{:.1f},"grammar_us":{:.0f}}})"
             "\n",
             trie->vocab_size(), trie->branches().size(), trie_us / 1e3, us_since(start));
  const auto constraint = std::make_shared<llm::Constraint>(grammar, trie);
  const std::vector<int32_t> ids = tokenizer->encode(text, {.add_special = false});
  for (const char* pass : {"first", "warm"}) {
    const StepTimes times = run_answer(llm::Matcher(constraint), ids, trie->vocab_size());
    print_line(fmt::format("{} mask", pass).c_str(), times.mask);
    print_line(fmt::format("{} apply", pass).c_str(), times.apply);
    print_line(fmt::format("{} accept", pass).c_str(), times.accept);
  }
  fmt::print(R"({{"memory_mib":{:.1f}}})"
             "\n",
             static_cast<double>(constraint->memory_bytes()) / (1 << 20));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 4) {
    fmt::print(stderr, "usage: hearth-bench-grammar VOCABULARY [GRAMMAR.gbnf TEXT]\n");
    return 2;
  }
  try {
    const bool is_json = argc == 2;
    run(argv[1], is_json ? std::string(llm::kJsonGbnf) : read_file(argv[2]),
        is_json ? json_text() : read_file(argv[3]));
  } catch (const Error& e) {
    fmt::print(stderr, "hearth-bench-grammar: {}\n", e.what());
    return exit_status(e.code());
  }
}
