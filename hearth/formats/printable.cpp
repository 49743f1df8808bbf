#include "hearth/formats/printable.h"

namespace hearth::formats {
namespace {

bool is_continuation(char c) { return (c & 0xC0) == 0x80; }

}  // namespace

std::string printable(std::string_view text) {
  constexpr size_t kBytesMax = 80;
  size_t end = text.size();
  if (end > kBytesMax)
    for (end = kBytesMax; end > kBytesMax - 4 && is_continuation(text[end]);) --end;
  std::string out(text.substr(0, end));
  for (size_t i = 0; i < out.size(); ++i) {
    const auto byte = static_cast<unsigned char>(out[i]);
    if (byte < 0x20 || byte == 0x7F) out[i] = '?';
    // U+0080 to U+009F, the C1 control characters, are C2 80 to C2 9F.
    const bool is_c1 = byte == 0xC2 && i + 1 < out.size() && is_continuation(out[i + 1]) &&
                       static_cast<unsigned char>(out[i + 1]) < 0xA0;
    if (is_c1) out[i] = out[i + 1] = '?';
  }
  return end < text.size() ? out + "..." : out;
}

}  // namespace hearth::formats
