// Finds the strings that end an answer in text that comes in pieces.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace hearth::llm {

/// Most stop strings of one answer, and most bytes of each: what is held back is bounded by the
/// longest.
inline constexpr int kStopStringsMax = 64;
inline constexpr int kStopStringBytesMax = 1024;

/// A stop string may span pieces. Text that could be the beginning of one is held back, nothing
/// else. Where the cuts between the pieces lie changes nothing: the stop string that is complete
/// first wins; of several complete at the same byte, the longest.
class StopStrings {
 public:
  /// Errors: invalid_argument (more than kStopStringsMax; one that is empty, longer than
  /// kStopStringBytesMax, or begins inside a UTF-8 character, which would cut the text there).
  explicit StopStrings(std::vector<std::string> stops);

  /// Takes the next text, complete UTF-8 characters, and gives what can be shown now: complete
  /// characters too. Once a stop string is complete, gives what stood before it, and nothing after
  /// that.
  std::string push(std::string text);
  /// What was held back, at the end of the answer; nothing after a match.
  std::string finish();
  bool is_matched() const { return matched_ >= 0; }
  /// The stop string that was met; is_matched().
  const std::string& matched() const { return stops_[matched_]; }

 private:
  struct Match {
    size_t begin, end;
    int stop;  // index; -1: none
  };
  Match find_first() const;
  size_t held_bytes() const;

  std::vector<std::string> stops_;
  std::string text_;  // not shown yet
  int matched_ = -1;  // index in stops_; -1: not yet
};

}  // namespace hearth::llm
