#include "hearth/serve/output/json_scanner.h"

namespace hearth::serve {
namespace {

bool contains(std::string_view set, char byte) { return set.find(byte) != std::string_view::npos; }

}  // namespace

using Verdict = JsonScanner::Verdict;

Verdict JsonScanner::push(char byte) {
  switch (inside_) {
    case Inside::nothing:
      return push_structure(byte);
    case Inside::number:
      if (contains("0123456789+-.eE", byte)) return Verdict::more;
      inside_ = Inside::nothing;  // only the byte behind it tells that a number has ended
      return push_structure(byte);
    case Inside::word:
      return push_word(byte);
    default:
      return push_string(byte);
  }
}

Verdict JsonScanner::push_structure(char byte) {
  if (is_json_space(byte)) return Verdict::more;
  switch (expect_) {
    case Expect::value:
      return begin_value(byte);
    case Expect::first_item:
      return byte == ']' ? close(byte) : begin_value(byte);
    case Expect::first_key:
      if (byte == '}') return close(byte);
      [[fallthrough]];
    case Expect::key:
      return byte == '"' ? begin_string(/*is_key=*/true) : Verdict::invalid;
    case Expect::colon:
      if (byte != ':') return Verdict::invalid;
      expect_ = Expect::value;
      return Verdict::more;
    case Expect::comma:
      if (byte == '}' || byte == ']') return close(byte);
      if (byte != ',') return Verdict::invalid;
      expect_ = open_.back() == '{' ? Expect::key : Expect::value;
      return Verdict::more;
  }
  return Verdict::invalid;
}

Verdict JsonScanner::begin_value(char byte) {
  if (byte == '{' || byte == '[') return open(byte);
  if (open_.empty()) return Verdict::invalid;
  if (byte == '"') return begin_string(/*is_key=*/false);
  expect_ = Expect::comma;
  for (std::string_view word : {"true", "false", "null"})
    if (byte == word[0]) {
      inside_ = Inside::word;
      word_rest_ = word.substr(1);
      return count();
    }
  if (!contains("-0123456789", byte)) return Verdict::invalid;
  inside_ = Inside::number;
  return count();
}

Verdict JsonScanner::open(char bracket) {
  if (open_.size() >= static_cast<size_t>(limits_.nesting_max)) return Verdict::too_deep;
  open_.push_back(bracket);
  expect_ = bracket == '{' ? Expect::first_key : Expect::first_item;
  return count();
}

Verdict JsonScanner::close(char bracket) {
  if (open_.back() != (bracket == '}' ? '{' : '[')) return Verdict::invalid;
  open_.pop_back();
  expect_ = Expect::comma;
  return open_.empty() ? Verdict::done : Verdict::more;
}

Verdict JsonScanner::begin_string(bool is_key) {
  inside_ = Inside::string;
  is_key_ = is_key;
  return count();
}

Verdict JsonScanner::push_string(char byte) {
  if (inside_ == Inside::escape) {
    if (!contains("\"\\/bfnrtu", byte)) return Verdict::invalid;
    inside_ = byte == 'u' ? Inside::unicode : Inside::string;
    digits_left_ = 4;
  } else if (inside_ == Inside::unicode) {
    if (!contains("0123456789abcdefABCDEF", byte)) return Verdict::invalid;
    if (--digits_left_ == 0) inside_ = Inside::string;
  } else if (byte == '\\') {
    inside_ = Inside::escape;
  } else if (byte == '"') {
    inside_ = Inside::nothing;
    expect_ = is_key_ ? Expect::colon : Expect::comma;
  } else if (static_cast<unsigned char>(byte) < 0x20) {
    return Verdict::invalid;
  }
  return Verdict::more;
}

Verdict JsonScanner::push_word(char byte) {
  if (byte != word_rest_[0]) return Verdict::invalid;
  word_rest_.remove_prefix(1);
  if (word_rest_.empty()) inside_ = Inside::nothing;
  return Verdict::more;
}

Verdict JsonScanner::count() {
  return ++values_ > limits_.values_max ? Verdict::too_many_values : Verdict::more;
}

std::optional<Json> parse_json(std::string_view text, const JsonLimits& limits, Verdict* ended) {
  text = trim_space(text);
  JsonScanner scanner(limits);
  for (size_t i = 0; i < text.size(); ++i) {
    const Verdict verdict = scanner.push(text[i]);
    if (ended) *ended = verdict;
    if (verdict == Verdict::more) continue;
    if (verdict != Verdict::done || i + 1 != text.size()) return std::nullopt;
    Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (json.is_discarded()) return std::nullopt;
    return json;
  }
  return std::nullopt;
}

std::string_view trim_space_left(std::string_view text) {
  while (!text.empty() && is_json_space(text.front())) text.remove_prefix(1);
  return text;
}

std::string_view trim_space(std::string_view text) {
  text = trim_space_left(text);
  while (!text.empty() && is_json_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace hearth::serve
