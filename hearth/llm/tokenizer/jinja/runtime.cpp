#include "hearth/llm/tokenizer/jinja/runtime.h"

#include <algorithm>
#include <cstring>

namespace hearth::llm::jinja {
namespace {

constexpr size_t kBlockBytes = 32 << 10;
constexpr size_t kMessageBytesMax = 4 << 10;  // a template may raise texts of any length

}  // namespace

Runtime::Runtime(const ChatTemplateLimits& limits, int64_t now_unix_s)
    : limits_(limits), now_unix_s_(now_unix_s) {
  // A Value counts a text's bytes in 32 bits.
  limits_.memory_bytes_max = std::min<size_t>(limits_.memory_bytes_max, UINT32_MAX);
}

char* Runtime::allocate(size_t bytes) {
  charge(bytes);
  if (bytes > static_cast<size_t>(free_end_ - free_begin_)) {
    // Twice the size: a long text is likely to be appended to again.
    const size_t size = std::max(2 * bytes, kBlockBytes);
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
    free_begin_ = blocks_.back().get();
    free_end_ = free_begin_ + size;
  }
  char* begin = free_begin_;
  free_begin_ += bytes;
  return begin;
}

std::string_view Runtime::store(std::string_view s) {
  if (s.empty()) return {};
  scan(s.size());
  char* copy = allocate(s.size());
  std::memcpy(copy, s.data(), s.size());
  return {copy, s.size()};
}

std::string_view Runtime::concatenate(std::string_view a, std::string_view b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  // Nobody else can see the bytes behind the text stored last, so writing there changes no other
  // value.
  const bool is_last =
      !blocks_.empty() && a.data() >= blocks_.back().get() && a.data() + a.size() == free_begin_;
  if (is_last && b.size() <= static_cast<size_t>(free_end_ - free_begin_)) {
    scan(b.size());
    std::memcpy(allocate(b.size()), b.data(), b.size());
    return {a.data(), a.size() + b.size()};
  }
  const size_t total = a.size() + b.size();
  scan(total);
  char* begin = allocate(total);
  std::memcpy(begin, a.data(), a.size());
  std::memcpy(begin + a.size(), b.data(), b.size());
  return {begin, total};
}

Value Runtime::sequence(SequenceKind kind, std::vector<Value> items) {
  charge(sizeof(Sequence));
  sequences_.push_back({.kind = kind, .items = std::move(items)});
  return Value::sequence(&sequences_.back());
}

Mapping* Runtime::mapping() {
  charge(sizeof(Mapping));
  return &mappings_.emplace_back();
}

LoopState* Runtime::loop(std::vector<Value> items) {
  charge(sizeof(LoopState));
  LoopState& state = loops_.emplace_back();
  state.items = std::move(items);
  return &state;
}

Value Runtime::method(const Builtin* builtin, const Value& self) {
  charge(sizeof(BoundMethod));
  methods_.push_back({builtin, self});
  return Value::method(&methods_.back());
}

Value Runtime::macro(const Macro& macro) {
  charge(sizeof(Macro));
  macros_.push_back(macro);
  return Value::macro(&macros_.back());
}

void Runtime::fail_with(Errc code, std::string_view message) const {
  size_t shown = std::min(message.size(), kMessageBytesMax);
  if (shown < message.size())  // not in the middle of a character
    while (shown > 0 && (static_cast<unsigned char>(message[shown]) & 0xC0) == 0x80) --shown;
  throw Error(code, "chat template, line {}, column {}: {}{}", at.line, at.column,
              message.substr(0, shown), shown < message.size() ? " ..." : "");
}

void Runtime::exhausted(std::string_view what, uint64_t limit, std::string_view limit_name) const {
  fail_with(Errc::resource_exhausted, fmt::format("more than {} {} ({})", limit, what, limit_name));
}

void Runtime::too_deep() {
  --depth_;  // the guard that calls this throws in its constructor, so its destructor will not run
  fail_with(Errc::resource_exhausted,
            fmt::format("calls and values nested deeper than {} levels ({} times nesting_max)",
                        kDepthPerNesting * limits_.nesting_max, kDepthPerNesting));
}

}  // namespace hearth::llm::jinja
