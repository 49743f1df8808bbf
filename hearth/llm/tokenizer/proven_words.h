// Which tokens the merges build from their own text.
//
// Most words of a text are single tokens. Whether merging a token's text really ends in that token
// is found out when the token first turns up as a word, and from then on the word costs one lookup.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>

namespace hearth::llm {

/// One answer a token, filled in as texts come. Any thread may ask and answer; all find the same
/// answer.
class ProvenWords {
 public:
  enum class Answer : uint8_t { unknown, yes, no };

  explicit ProvenWords(size_t tokens) : answers_(std::make_unique<std::atomic<Answer>[]>(tokens)) {}

  Answer ask(int32_t id) const { return answers_[id].load(std::memory_order_relaxed); }
  void settle(int32_t id, bool is_built) const {
    answers_[id].store(is_built ? Answer::yes : Answer::no, std::memory_order_relaxed);
  }

 private:
  std::unique_ptr<std::atomic<Answer>[]> answers_;
};

}  // namespace hearth::llm
