#include "hearth/serve/schema/code_points.h"

#include <algorithm>

namespace hearth::serve {

std::u32string code_points(std::string_view utf8) {
  std::u32string out;
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80)
      out += byte;
    else if (byte < 0xC0 && !out.empty())  // continues the character
      out.back() = out.back() << 6 | (byte & 0x3F);
    else if (byte < 0xE0)
      out += byte & 0x1F;
    else
      out += byte < 0xF0 ? byte & 0x0F : byte & 0x07;
  }
  return out;
}

std::vector<llm::CodeRange> complement(std::vector<llm::CodeRange> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<llm::CodeRange> out;
  char32_t next = 0;
  for (const llm::CodeRange& r : ranges) {
    if (r.first > next) out.push_back({next, r.first - 1});
    next = std::max<char32_t>(next, r.last + 1);
  }
  if (next <= 0x10FFFF) out.push_back({next, 0x10FFFF});
  return out;
}

std::string shortened(std::string_view utf8) {
  constexpr size_t kShown = 60;
  if (utf8.size() <= kShown) return std::string(utf8);
  size_t end = kShown;
  while (end > 0 && (utf8[end] & 0xC0) == 0x80) --end;
  return std::string(utf8.substr(0, end)) + "...";
}

}  // namespace hearth::serve
