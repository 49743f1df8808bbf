// The pieces that bodies of calls are made of.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "hearth/serve/output/call_body.h"

namespace hearth::serve {

/// One of a few fixed texts, none the beginning of another, with white space before it.
class FixedText {
 public:
  explicit FixedText(std::vector<std::string_view> options) : options_(std::move(options)) {}
  Progress push(char byte);
  /// Index of the option that was found, once push() has said done.
  size_t which() const { return which_; }

 private:
  std::vector<std::string_view> options_;
  std::string seen_;
  size_t which_ = 0;
};

/// Anything up to a fixed text.
class TextUntil {
 public:
  explicit TextUntil(std::string_view end) : end_(end) {}
  Progress push(char byte);
  /// What stood before the end.
  std::string take();
  size_t size_bytes() const { return text_.size(); }

 private:
  std::string_view end_;
  std::string text_;
};

/// A JSON object or array with white space before it.
class JsonText {
 public:
  explicit JsonText(const JsonLimits& limits) : scanner_(limits) {}
  Progress push(char byte);
  std::string_view text() const { return text_; }

 private:
  JsonScanner scanner_;
  std::string text_;
};

}  // namespace hearth::serve
