// hearth-bench-tokenizer VOCABULARY TEXT...: encoding speed on one core, as JSON lines.
//
// VOCABULARY is a GGUF file, or a .tiktoken file, which is cut to 128 000 tokens and read with
// llama-bpe's pre-tokeniser.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/base/files.h"
#include "hearth/formats/gguf.h"
#include "hearth/llm/tokenizer/small_vocabularies.h"
#include "hearth/llm/tokenizer/tokenizer.h"

namespace {

using namespace hearth;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Loaded {
  std::unique_ptr<llm::Tokenizer> tokenizer;
  double seconds;  // from parsed metadata to a tokenizer
};

Loaded load(const fs::path& path) {
  if (path.extension() == ".tiktoken") {
    llm::OwnedSpec spec = llm::tiktoken_spec(read_file(path), "llama-bpe", 128'000);
    const auto start = Clock::now();
    auto tokenizer = spec.make();
    return {std::move(tokenizer), seconds_since(start)};
  }
  const formats::Gguf file = formats::Gguf::open(path);
  const auto start = Clock::now();
  auto tokenizer = llm::Tokenizer::load(file);
  return {std::move(tokenizer), seconds_since(start)};
}

// The first call, with no word known yet, then the best and the median of a second's calls.
void run_text(const llm::Tokenizer& tokenizer, const fs::path& path) {
  const std::string text = read_file(path);
  size_t ids = 0;
  std::vector<double> times;
  const auto start = Clock::now();
  do {
    const auto before = Clock::now();
    ids = tokenizer.encode(text, {}).size();
    times.push_back(seconds_since(before));
  } while (seconds_since(start) < 1.0 || times.size() < 3);
  const double first = times.front();
  std::sort(times.begin(), times.end());
  const auto mb_s = [&](double seconds) {
    return static_cast<double>(text.size()) / seconds / 1e6;
  };
  fmt::print(R"({{"text":"{}","bytes":{},"ids":{},)"
             R"("first_mb_s":{:.1f},"median_mb_s":{:.1f},"best_mb_s":{:.1f}}})"
             "\n",
             path.filename().string(), text.size(), ids, mb_s(first), mb_s(times[times.size() / 2]),
             mb_s(times.front()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: hearth-bench-tokenizer VOCABULARY TEXT...\n");
    return 2;
  }
  try {
    const Loaded loaded = load(argv[1]);
    fmt::print(R"({{"vocabulary":"{}","tokens":{},"load_ms":{:.1f}}})"
               "\n",
               fs::path(argv[1]).filename().string(), loaded.tokenizer->vocab_size(),
               loaded.seconds * 1e3);
    for (int i = 2; i < argc; ++i) run_text(*loaded.tokenizer, argv[i]);
  } catch (const Error& e) {
    fmt::print(stderr, "hearth-bench-tokenizer: {}\n", e.what());
    return exit_status(e.code());
  }
}
