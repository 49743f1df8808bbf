#include "hearth/llm/tokenizer/unicode.h"

#include <utf8proc.h>

#include <algorithm>

namespace hearth::llm {
namespace {

// The White_Space property (PropList.txt); utf8proc has no query for it.
bool is_white_space(char32_t code) {
  return (code >= 0x09 && code <= 0x0d) || code == ' ' || code == 0x85 || code == 0xa0 ||
         code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 ||
         code == 0x202f || code == 0x205f || code == 0x3000;
}

CharClass class_of_category(utf8proc_category_t category) {
  switch (category) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LT:
      return kUpper;
    case UTF8PROC_CATEGORY_LL:
      return kLower;
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return kLetter;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return kMark;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return kNumber;
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
      return kPunct;
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
    case UTF8PROC_CATEGORY_SO:
      return kSymbol;
    default:
      return 0;
  }
}

CharClass classify(char32_t code) {
  CharClass result = class_of_category(utf8proc_category(static_cast<utf8proc_int32_t>(code)));
  if (is_white_space(code)) result |= kSpace;
  if (is_han(code)) result |= kHan;
  return result;
}

bool is_continuation(char byte) { return (static_cast<uint8_t>(byte) & 0xc0) == 0x80; }

}  // namespace

Char decode_char(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  constexpr Char kInvalid = {0xfffd, 1};
  const uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xc2 || lead > 0xf4) return kInvalid;
  const uint32_t bytes = claimed_bytes(text[0]);
  if (text.size() < bytes) return kInvalid;
  char32_t code = lead & (0x7f >> bytes);
  for (uint32_t i = 1; i < bytes; ++i) {
    if (!is_continuation(text[i])) return kInvalid;
    code = (code << 6) | (byte(i) & 0x3f);
  }
  constexpr char32_t kSmallest[5] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kSmallest[bytes] || is_surrogate || code > 0x10ffff) return kInvalid;
  return {code, bytes};
}

void append_utf8(std::string& out, char32_t code) {
  const auto put = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xc0 | (code >> 6));
  } else {
    if (code < 0x10000) {
      put(0xe0 | (code >> 12));
    } else {
      put(0xf0 | (code >> 18));
      put(0x80 | ((code >> 12) & 0x3f));
    }
    put(0x80 | ((code >> 6) & 0x3f));
  }
  put(0x80 | (code & 0x3f));
}

bool is_han(char32_t code) {
  constexpr struct {
    char32_t first, last;
  } kHanRanges[] = {{0x2e80, 0x2e99},   {0x2e9b, 0x2ef3},   {0x2f00, 0x2fd5},   {0x3005, 0x3005},
                    {0x3007, 0x3007},   {0x3021, 0x3029},   {0x3038, 0x303b},   {0x3400, 0x4dbf},
                    {0x4e00, 0x9fff},   {0xf900, 0xfa6d},   {0xfa70, 0xfad9},   {0x16fe2, 0x16fe3},
                    {0x16ff0, 0x16ff1}, {0x20000, 0x2a6df}, {0x2a700, 0x2b739}, {0x2b740, 0x2b81d},
                    {0x2b820, 0x2cea1}, {0x2ceb0, 0x2ebe0}, {0x2f800, 0x2fa1d}, {0x30000, 0x3134a},
                    {0x31350, 0x323af}};
  return std::any_of(std::begin(kHanRanges), std::end(kHanRanges),
                     [&](const auto& range) { return code >= range.first && code <= range.last; });
}

const CharTable& CharTable::instance() {
  static const CharTable table;
  return table;
}

CharTable::CharTable() {
  // Nothing is assigned between planes 4 and 13, and planes 15 and 16 are private use: both are
  // class 0.
  const auto may_be_assigned = [](uint32_t high) {
    return high < 0x400 || (high >= 0xe00 && high < 0xe10);
  };
  blocks_.push_back(Block{});
  for (uint32_t high = 0; high < block_of_.size(); ++high) {
    block_of_[high] = 0;
    if (!may_be_assigned(high)) continue;
    Block block;
    for (uint32_t low = 0; low < block.size(); ++low) block[low] = classify(high << 8 | low);
    const auto twin = std::find(blocks_.begin(), blocks_.end(), block);
    block_of_[high] = static_cast<uint16_t>(twin - blocks_.begin());
    if (twin == blocks_.end()) blocks_.push_back(block);
  }
}

}  // namespace hearth::llm
