// Follows one JSON object or array byte by byte and says where it ends, or at which byte it stops
// being JSON (RFC 8259), so that what is no call is known at once.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hearth/serve/output/message.h"

namespace hearth::serve {

struct JsonLimits {
  int nesting_max = 64;  // brackets open at once
  /// Keys and values. An object with ordered keys takes quadratic time to build: 10,000 keys are
  /// 5e7 comparisons, tens of milliseconds.
  int values_max = 10'000;
};

class JsonScanner {
 public:
  enum class Verdict { more, done, invalid, too_deep, too_many_values };

  explicit JsonScanner(const JsonLimits& limits = {}) : limits_(limits) {}

  /// Takes the next byte. `done`: this byte closed the outermost bracket. After anything but
  /// `more` no byte may follow. Numbers are held to their alphabet only, and bytes above 0x7F in
  /// strings to nothing: parse_json() decides those.
  Verdict push(char byte);

 private:
  enum class Expect { value, first_item, first_key, key, colon, comma };
  enum class Inside { nothing, string, escape, unicode, number, word };

  Verdict push_structure(char byte);
  Verdict open(char bracket);
  Verdict close(char bracket);
  Verdict begin_value(char byte);
  Verdict begin_string(bool is_key);
  Verdict push_string(char byte);
  Verdict push_word(char byte);
  Verdict count();

  JsonLimits limits_;
  std::string open_;  // the brackets that are open
  Expect expect_ = Expect::value;
  Inside inside_ = Inside::nothing;
  bool is_key_ = false;
  std::string_view word_rest_;  // of true, false or null
  int digits_left_ = 0;         // of \uXXXX
  int values_ = 0;
};

/// The object or array that is the whole of `text` but for white space around it; nothing when it
/// is anything else, passes a limit, or is no UTF-8.
/// With `ended`, says how the scan ended: too_deep and too_many_values name the limit.
std::optional<Json> parse_json(std::string_view text, const JsonLimits& limits = {},
                               JsonScanner::Verdict* ended = nullptr);

/// Space, tab, line feed, carriage return.
inline bool is_json_space(char byte) {
  return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
}
std::string_view trim_space(std::string_view text);
std::string_view trim_space_left(std::string_view text);

}  // namespace hearth::serve
