// The characters of a Modelfile: words, values, quotes and lines. What they mean is modelfile.h's.
#pragma once
#include <string>
#include <string_view>

namespace hearth::store {

/// Reads a Modelfile from its beginning to its end, counting lines.
class ModelfileReader {
 public:
  /// Takes a copy without control characters. Errors: invalid_argument (invalid UTF-8),
  /// resource_exhausted (above 16 MiB).
  ModelfileReader(std::string_view text, std::string_view where);

  /// Skips blank lines and comments. False at the end.
  bool skip_to_instruction();
  /// Letters, digits and '_' followed by a blank. The blanks are skipped, the line is noted for
  /// fail(). Valid as long as the reader. Errors: invalid_argument naming `what` was expected.
  std::string_view word(std::string_view what);
  /// The value up to the end of the line, or in quotes up to a line that ends with them. Errors:
  /// invalid_argument (a quote stays open).
  std::string value();

  /// Throws invalid_argument "WHERE:LINE: `problem`" with the line of the last word.
  [[noreturn]] void fail(std::string_view problem) const;

 private:
  bool is_at_end() const { return at_ == text_.size(); }
  bool is_at_newline() const { return text_[at_] == '\n' || text_[at_] == '\r'; }
  bool is_at_blank() const { return text_[at_] == ' ' || text_[at_] == '\t'; }
  void advance();

  std::string text_;
  std::string where_;
  size_t at_ = 0;
  size_t line_ = 1, word_line_ = 1;  // counted from 1
};

/// `value` so that ModelfileReader::value() reads it back: as it is, or in quotes. `what` names it
/// in errors. Errors: unsupported when no quotes fit.
std::string quote_for_modelfile(std::string_view what, std::string_view value);

}  // namespace hearth::store
