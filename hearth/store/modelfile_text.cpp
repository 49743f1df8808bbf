#include "hearth/store/modelfile_text.h"

#include <algorithm>
#include <optional>

#include "hearth/base/error.h"
#include "hearth/formats/printable.h"

namespace hearth::store {
namespace {

constexpr size_t kTextBytesMax = size_t{16} << 20;
constexpr std::string_view kBom = "\xEF\xBB\xBF";
constexpr std::string_view kSpaces = " \t\r\n";
constexpr std::string_view kQuotes[] = {"\"\"\"", "\""};

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_dropped(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F;
}

/// Bytes of the UTF-8 sequence at the beginning of `text`, 0 when it is invalid (Unicode 15, table
/// 3-7).
size_t utf8_sequence_bytes(std::string_view text) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto follows = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return follows(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool is_short = lead == 0xE0 && byte(1) < 0xA0;
    const bool is_surrogate = lead == 0xED && byte(1) >= 0xA0;
    return follows(1) && follows(2) && !is_short && !is_surrogate ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool is_short = lead == 0xF0 && byte(1) < 0x90;
    const bool is_beyond = lead == 0xF4 && byte(1) >= 0x90;
    return follows(1) && follows(2) && follows(3) && !is_short && !is_beyond ? 4 : 0;
  }
  return 0;
}

/// What stands between the quotes that `text` begins with; all of it when there are none; nothing
/// when they are not closed.
std::optional<std::string_view> unquote(std::string_view text) {
  for (const std::string_view quote : kQuotes) {
    if (!text.starts_with(quote)) continue;
    if (text.size() < 2 * quote.size() || !text.ends_with(quote)) return std::nullopt;
    return text.substr(quote.size(), text.size() - 2 * quote.size());
  }
  return text;
}

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

/// True when a value that is written as `written` is read back as `value`.
bool reads_back(std::string_view written, std::string_view value) {
  // The value ends with the first line after which the quotes are closed.
  size_t last = 0;  // one behind the last character that is no space
  for (size_t i = 0; i < written.size(); ++i) {
    if ((written[i] == '\n' || written[i] == '\r') && unquote(written.substr(0, last)))
      return false;
    if (kSpaces.find(written[i]) == std::string_view::npos) last = i + 1;
  }
  return unquote(trim(written)) == value;
}

}  // namespace

ModelfileReader::ModelfileReader(std::string_view text, std::string_view where) : where_(where) {
  if (text.size() > kTextBytesMax)
    throw Error(Errc::resource_exhausted, "{}: {} bytes, at most {} are read", where, text.size(),
                kTextBytesMax);
  if (text.starts_with(kBom)) text.remove_prefix(kBom.size());
  for (size_t i = 0; i < text.size();) {
    const size_t bytes = utf8_sequence_bytes(text.substr(i));
    if (bytes == 0) {
      word_line_ = 1 + static_cast<size_t>(std::count(text.begin(), text.begin() + i, '\n'));
      fail("the text is not UTF-8");
    }
    if (!is_dropped(text[i])) text_.append(text.substr(i, bytes));
    i += bytes;
  }
}

void ModelfileReader::advance() {
  // A line ends with \n, \r\n or \r.
  const bool is_before_newline = at_ + 1 < text_.size() && text_[at_ + 1] == '\n';
  const bool is_line_end = text_[at_] == '\n' || (text_[at_] == '\r' && !is_before_newline);
  if (is_line_end) ++line_;
  ++at_;
}

bool ModelfileReader::skip_to_instruction() {
  while (!is_at_end()) {
    if (text_[at_] == '#')
      while (!is_at_end() && !is_at_newline()) advance();
    else if (is_at_blank() || is_at_newline())
      advance();
    else
      return true;
  }
  return false;
}

std::string_view ModelfileReader::word(std::string_view what) {
  word_line_ = line_;
  const size_t begin = at_;
  while (!is_at_end() && is_word_char(text_[at_])) ++at_;
  const std::string_view word = std::string_view(text_).substr(begin, at_ - begin);
  if (word.empty() || is_at_end() || !is_at_blank()) {
    const size_t end = std::min(text_.find_first_of(kSpaces, begin), text_.size());
    fail(fmt::format("expected {} and a value, found '{}'", what,
                     formats::printable(std::string_view(text_).substr(begin, end - begin))));
  }
  while (!is_at_end() && is_at_blank()) ++at_;
  return word;
}

std::string ModelfileReader::value() {
  const size_t begin = at_;
  size_t last = at_;  // one behind the last character that is no space: keeps this linear
  for (;; advance()) {
    if (is_at_end() || is_at_newline()) {
      const auto value = unquote(std::string_view(text_).substr(begin, last - begin));
      if (value) return std::string(*value);
      if (is_at_end()) fail("the quotes of the value are not closed at the end of a line");
    }
    if (!is_at_blank() && !is_at_newline()) last = at_ + 1;
  }
}

void ModelfileReader::fail(std::string_view problem) const {
  throw Error(Errc::invalid_argument, "{}:{}: {}", where_, word_line_, problem);
}

std::string quote_for_modelfile(std::string_view what, std::string_view value) {
  std::string visible(value);
  std::erase_if(visible, is_dropped);
  for (const std::string_view quote : {std::string_view(), kQuotes[0], kQuotes[1]}) {
    std::string written = fmt::format("{}{}{}", quote, visible, quote);
    if (!written.empty() && reads_back(written, visible)) return written;
  }
  throw Error(Errc::unsupported, "{}: neither kind of quotes of a Modelfile fits around '{}'", what,
              formats::printable(value));
}

}  // namespace hearth::store
