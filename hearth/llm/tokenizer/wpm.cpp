#include "hearth/llm/tokenizer/wpm.h"

#include <utf8proc.h>

#include <algorithm>

#include "hearth/base/error.h"
#include "hearth/llm/tokenizer/byte_alphabet.h"
#include "hearth/llm/tokenizer/char_scan.h"
#include "hearth/llm/tokenizer/tokenizer.h"

namespace hearth::llm {
namespace {

// Ideographs that stand alone as words: the blocks that BERT's tokenizer lists
// (google-research/bert, tokenization.py), with the start of extension E as the tokenizers library
// has it.
bool is_bert_ideograph(char32_t code) {
  return (code >= 0x4e00 && code <= 0x9fff) || (code >= 0x3400 && code <= 0x4dbf) ||
         (code >= 0x20000 && code <= 0x2a6df) || (code >= 0x2a700 && code <= 0x2b73f) ||
         (code >= 0x2b740 && code <= 0x2b81f) || (code >= 0x2b920 && code <= 0x2ceaf) ||
         (code >= 0xf900 && code <= 0xfaff) || (code >= 0x2f800 && code <= 0x2fa1f);
}

bool is_other(char32_t code) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
      return true;
    default:
      return false;
  }
}

bool is_kept_control(char32_t code) { return code == '\t' || code == '\n' || code == '\r'; }

// Longer words are unknown without a look: BERT's own limit (max_input_chars_per_word), which also
// bounds the search.
constexpr size_t kWordCharsMax = 100;

// Text to words, as BertNormalizer and BertPreTokenizer do it.
class WordReader {
 public:
  WordReader(bool lowercase, bool strip_accents)
      : lowercase_(lowercase), strip_accents_(strip_accents) {}

  /// Calls `on_word` with each word in order.
  template <class OnWord>
  void read(std::string_view text, OnWord on_word) {
    const auto finish = [&] {
      if (!word_.empty()) on_word(std::string_view(word_));
      word_.clear();
    };
    while (!text.empty()) {
      const Char c = decode_char(text);
      text.remove_prefix(c.bytes);
      // Vertical tab, form feed and U+0085 are white space elsewhere, but dropped as control
      // characters here.
      if (c.code == 0xfffd || (is_other(c.code) && !is_kept_control(c.code))) continue;
      if (CharTable::instance()[c.code] & kSpace) {
        finish();
        continue;
      }
      for (char32_t code : normalized(c.code)) {
        const CharClass bits = CharTable::instance()[code];
        const bool stands_alone =
            (bits & kPunct) || (code < 0x80 && (bits & kSymbol)) || is_bert_ideograph(code);
        if (stands_alone) finish();
        append_utf8(word_, code);
        if (stands_alone) finish();
      }
    }
    finish();
  }

 private:
  // The character decomposed (NFD) without its accents, and in small letters, as far as asked for.
  std::u32string_view normalized(char32_t code) {
    buffer_.clear();
    const auto put = [&](char32_t c) {
      buffer_ += lowercase_
                     ? static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)))
                     : c;
    };
    if (!strip_accents_ || code < 0x80) {
      put(code);
      return buffer_;
    }
    utf8proc_int32_t parts[32];  // the longest decomposition of one character has 4 (Unicode 15)
    int boundary = 0;
    const utf8proc_ssize_t count = utf8proc_decompose_char(
        static_cast<utf8proc_int32_t>(code), parts, 32, UTF8PROC_DECOMPOSE, &boundary);
    for (utf8proc_ssize_t i = 0; i < count; ++i)
      if (utf8proc_category(parts[i]) != UTF8PROC_CATEGORY_MN) put(static_cast<char32_t>(parts[i]));
    return buffer_;
  }

  const bool lowercase_, strip_accents_;
  std::string word_;
  std::u32string buffer_;
};

class WpmTokenizer final : public Tokenizer {
 public:
  WpmTokenizer(const TokenizerSpec& spec, const TokenizerDefaults& defaults)
      : Tokenizer(Vocabulary(spec, defaults)),
        lowercase_(spec.lowercase.value_or(true)),
        strip_accents_(spec.strip_accents.value_or(lowercase_)) {
    if (!vocabulary_.bos || !vocabulary_.sep || !vocabulary_.unk)
      throw Error(
          Errc::corrupt_data,
          "a vocabulary of {} tokens has no [CLS], [SEP] or [UNK]: tokenizer.ggml.bos_token_id, "
          "seperator_token_id and unknown_token_id must name tokens",
          vocabulary_.size());
    set_pieces([this](int32_t id) { return marked_piece(vocabulary_, id); });
  }

 private:
  void add_start(std::vector<int32_t>& ids) const override { ids.push_back(*vocabulary_.bos); }
  void add_end(std::vector<int32_t>& ids) const override { ids.push_back(*vocabulary_.sep); }

  void encode_text(std::string_view text, bool, std::vector<int32_t>& ids) const override {
    std::string marked;
    WordReader(lowercase_, strip_accents_).read(text, [&](std::string_view word) {
      marked.assign(kSpaceMark).append(word);
      encode_word(marked, ids);
    });
  }

  static size_t count_chars(std::string_view text) {
    return static_cast<size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
  }

  // The longest token from the left, again and again; a word that cannot be covered so is one
  // unknown token.
  void encode_word(std::string_view word, std::vector<int32_t>& ids) const {
    const size_t ids_before = ids.size();
    if (count_chars(word) > kWordCharsMax + 1) return ids.push_back(*vocabulary_.unk);
    while (!word.empty()) {
      size_t size = std::min(word.size(), vocabulary_.longest_bytes());
      int32_t id = -1;
      while (size > 0 && (id = vocabulary_.find(word.substr(0, size))) < 0) --size;
      if (id < 0) {
        ids.resize(ids_before);
        return ids.push_back(*vocabulary_.unk);
      }
      ids.push_back(id);
      word.remove_prefix(size);
    }
  }

  const bool lowercase_, strip_accents_;
};

}  // namespace

std::unique_ptr<Tokenizer> make_wpm(const TokenizerSpec& spec) {
  TokenizerDefaults defaults;
  defaults.add_bos = true;
  defaults.bos = 101;
  defaults.unk = 100;
  defaults.sep = 102;
  return std::make_unique<WpmTokenizer>(spec, defaults);
}

}  // namespace hearth::llm
