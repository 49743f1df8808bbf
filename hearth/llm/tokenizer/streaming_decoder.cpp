#include "hearth/llm/tokenizer/tokenizer.h"
#include "hearth/llm/tokenizer/unicode.h"

namespace hearth::llm {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

// Smallest and largest second byte that can follow `lead` in valid UTF-8 (Unicode 15, table 3-7).
struct SecondBytes {
  uint8_t first, last;
};
SecondBytes second_bytes(uint8_t lead) {
  switch (lead) {
    case 0xe0:
      return {0xa0, 0xbf};
    case 0xed:
      return {0x80, 0x9f};
    case 0xf0:
      return {0x90, 0xbf};
    case 0xf4:
      return {0x80, 0x8f};
    default:
      return {0x80, 0xbf};
  }
}

// Bytes at the start of `text` that begin a character but do not complete it: at least 1, as U+FFFD
// replaces maximal subparts. `is_cut`: more bytes could still complete it.
size_t incomplete_bytes(std::string_view text, bool& is_cut) {
  const auto lead = static_cast<uint8_t>(text[0]);
  is_cut = false;
  if (lead < 0xc2 || lead > 0xf4) return 1;
  const size_t wanted = claimed_bytes(text[0]);
  size_t have = 1;
  while (have < wanted && have < text.size()) {
    const SecondBytes allowed = have == 1 ? second_bytes(lead) : SecondBytes{0x80, 0xbf};
    const auto byte = static_cast<uint8_t>(text[have]);
    if (byte < allowed.first || byte > allowed.last) return have;
    ++have;
  }
  is_cut = true;
  return have;
}

// Moves what is certain from `held` to the result.
std::string take_complete(std::string& held) {
  std::string out;
  std::string_view rest = held;
  while (!rest.empty()) {
    const Char c = decode_char(rest);
    const bool is_valid = c.code != 0xfffd || c.bytes == 3;
    if (is_valid) {
      out += rest.substr(0, c.bytes);
      rest.remove_prefix(c.bytes);
      continue;
    }
    bool is_cut;
    const size_t bad = incomplete_bytes(rest, is_cut);
    if (is_cut) break;
    out += kReplacement;
    rest.remove_prefix(bad);
  }
  held.erase(0, held.size() - rest.size());
  return out;
}

}  // namespace

StreamingDecoder::StreamingDecoder(const Tokenizer& tokenizer, bool at_start, bool show_special)
    : tokenizer_(&tokenizer),
      strip_space_(at_start && tokenizer.strips_leading_space()),
      show_special_(show_special) {}

std::string StreamingDecoder::push(int32_t id) {
  std::string piece = tokenizer_->piece(id, show_special_);
  const TokenKind kind = tokenizer_->kind(id);
  if (strip_space_ && kind != TokenKind::control && kind != TokenKind::unknown) {
    if (kind != TokenKind::user_defined && piece.starts_with(' ')) piece.erase(0, 1);
    strip_space_ = false;
  }
  held_ += piece;
  return take_complete(held_);
}

std::string StreamingDecoder::finish() {
  if (held_.empty()) return {};
  // What is held is one maximal subpart of a character, so one U+FFFD stands for it.
  held_.clear();
  return std::string(kReplacement);
}

}  // namespace hearth::llm
