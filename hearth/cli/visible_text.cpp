#include "hearth/cli/visible_text.h"

#include <fmt/format.h>

#include "hearth/llm/tokenizer/unicode.h"

namespace hearth::cli {
namespace {

bool is_control(char32_t code) { return code < 0x20 || (code >= 0x7F && code < 0xA0); }

// decode_char gives a byte that belongs to no character as U+FFFD of one byte.
bool is_no_text(const llm::Char& c) { return c.code == 0xFFFD && c.bytes == 1; }

void append_hex(std::string& out, std::string_view bytes) {
  for (const char byte : bytes)
    fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(byte));
}

bool ends_line(std::string_view rest) { return rest.size() == 1 || rest[1] == '\n'; }

}  // namespace

std::string visible_text(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const llm::Char c = llm::decode_char(text);
    const std::string_view bytes = text.substr(0, c.bytes);
    const bool stays = c.code == '\n' || c.code == '\t' || (c.code == '\r' && ends_line(text));
    if (!stays && (is_control(c.code) || is_no_text(c)))
      append_hex(out, bytes);
    else
      out += bytes;
    text.remove_prefix(c.bytes);
  }
  return out;
}

std::string visible_line(std::string_view text) {
  std::string escaped;
  for (const char c : text) switch (c) {
      case '\n':
        escaped += "\\n";
        break;
      case '\r':
        escaped += "\\r";
        break;
      case '\t':
        escaped += "\\t";
        break;
      case '\\':
        escaped += "\\\\";
        break;
      default:
        escaped += c;
    }
  return visible_text(escaped);
}

}  // namespace hearth::cli
