// What one rendering owns and may spend: memory for values, steps, nesting, and the position that
// errors name.
#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/llm/tokenizer/chat_template.h"
#include "hearth/llm/tokenizer/jinja/position.h"
#include "hearth/llm/tokenizer/jinja/value.h"

namespace hearth::llm::jinja {

class Runtime {
 public:
  Runtime(const ChatTemplateLimits& limits, int64_t now_unix_s);
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  const ChatTemplateLimits& limits() const { return limits_; }
  int64_t now_unix_s() const { return now_unix_s_; }

  /// Allows the work of `count` messages on top of what is allowed already, of kMessagesPaid at
  /// most: callers may let a client write the list.
  void allow_messages(size_t count) {
    limits_.steps_max += std::min(count, kMessagesPaid) * limits_.steps_per_message;
  }

  /// Where the interpreter is; every error names it.
  Position at;

  /// Pays for `count` units of work of about 100 ns. Errors: resource_exhausted past steps_max.
  void step(uint64_t count = 1) {
    steps_ += count;
    if (steps_ > limits_.steps_max) exhausted("steps", limits_.steps_max, "steps_max");
  }
  /// Pays for reading `bytes` of text.
  void scan(size_t bytes) { step(1 + bytes / 64); }
  /// Pays for looking up the category of every character in `bytes` of text.
  void classify(size_t bytes) { step(1 + bytes / 4); }
  /// Pays for searching a text for another; the worst case of a plain search is the product of
  /// their lengths.
  void search(size_t text_bytes, size_t part_bytes) {
    step((1 + text_bytes / 64) * (1 + part_bytes / 64));
  }
  /// Pays for `bytes` of values, kept until the rendering ends. Errors: resource_exhausted past
  /// memory_bytes_max.
  void charge(size_t bytes) {
    memory_bytes_ += bytes;
    if (bytes > limits_.memory_bytes_max || memory_bytes_ > limits_.memory_bytes_max)
      exhausted("bytes of values", limits_.memory_bytes_max, "memory_bytes_max");
  }
  /// `out` grows by `piece`; checked against the memory that is left, paid for when the text is
  /// stored.
  void append(std::string& out, std::string_view piece) {
    scan(piece.size());
    if (piece.size() > limits_.memory_bytes_max - memory_bytes_ ||
        out.size() > limits_.memory_bytes_max - memory_bytes_ - piece.size())
      exhausted("bytes of values", limits_.memory_bytes_max, "memory_bytes_max");
    out.append(piece);
  }
  void push(std::vector<Value>& items, const Value& value) {
    step();
    charge(2 * sizeof(Value));  // vectors double
    items.push_back(value);
  }

  /// A copy of `s` that lives as long as the rendering.
  Value text(std::string_view s, bool safe = false) { return Value::text(store(s), safe); }
  std::string_view store(std::string_view s);
  /// a + b. Extends `a` in place when it is the text stored last, so that building a text piece by
  /// piece is linear.
  std::string_view concatenate(std::string_view a, std::string_view b);

  Value sequence(SequenceKind kind, std::vector<Value> items = {});
  Value list(std::vector<Value> items = {}) {
    return sequence(SequenceKind::list, std::move(items));
  }
  Value tuple(std::vector<Value> items) { return sequence(SequenceKind::tuple, std::move(items)); }
  Value generator(std::vector<Value> items) {
    return sequence(SequenceKind::generator, std::move(items));
  }
  Mapping* mapping();
  LoopState* loop(std::vector<Value> items);
  Value method(const Builtin* builtin, const Value& self);
  Value macro(const Macro& macro);

  /// The template or its input is wrong: invalid_argument with the position. A message of more
  /// than 4 KiB is cut.
  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> message, Args&&... args) const {
    fail_with(Errc::invalid_argument, fmt::format(message, std::forward<Args>(args)...));
  }
  [[noreturn]] void fail_with(Errc code, std::string_view message) const;

  /// Counts one level of recursion for its scope. Errors: resource_exhausted.
  class Depth {
   public:
    explicit Depth(Runtime& runtime) : runtime_(runtime) {
      if (++runtime_.depth_ > kDepthPerNesting * runtime_.limits_.nesting_max) runtime_.too_deep();
    }
    ~Depth() { --runtime_.depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;

   private:
    Runtime& runtime_;
  };

 private:
  static constexpr size_t kMessagesPaid = 10'000;  // seconds, at worst

  // One macro call passes through several expressions and statements (if, for, call …).
  static constexpr int kDepthPerNesting = 4;

  [[noreturn]] void exhausted(std::string_view what, uint64_t limit,
                              std::string_view limit_name) const;
  [[noreturn]] void too_deep();
  char* allocate(size_t bytes);

  ChatTemplateLimits limits_;
  int64_t now_unix_s_;
  uint64_t steps_ = 0;
  uint64_t memory_bytes_ = 0;
  int depth_ = 0;

  std::vector<std::unique_ptr<char[]>> blocks_;
  char* free_begin_ = nullptr;
  char* free_end_ = nullptr;
  // Deques: addresses stay, and destruction does not recurse through nested values.
  std::deque<Sequence> sequences_;
  std::deque<Mapping> mappings_;
  std::deque<LoopState> loops_;
  std::deque<BoundMethod> methods_;
  std::deque<Macro> macros_;
};

}  // namespace hearth::llm::jinja
