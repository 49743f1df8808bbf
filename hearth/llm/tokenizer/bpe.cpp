#include "hearth/llm/tokenizer/bpe.h"

#include <array>

#include "hearth/llm/tokenizer/byte_alphabet.h"
#include "hearth/llm/tokenizer/merges.h"
#include "hearth/llm/tokenizer/pre_tokenizer.h"
#include "hearth/llm/tokenizer/proven_words.h"
#include "hearth/llm/tokenizer/tokenizer.h"
#include "hearth/llm/tokenizer/unicode.h"

namespace hearth::llm {
namespace {

std::string spelled_byte(uint8_t byte) {
  std::string spelling;
  append_utf8(spelling, spell_byte(byte));
  return spelling;
}

// The bytes that the vocabulary has no token for: symbols all the same, since merges may start from
// them.
std::vector<std::string> spelled_bytes_missing_in(const Vocabulary& vocabulary) {
  std::vector<std::string> missing;
  for (int byte = 0; byte < 256; ++byte)
    if (std::string s = spelled_byte(static_cast<uint8_t>(byte)); vocabulary.find(s) < 0)
      missing.push_back(s);
  return missing;
}

// Words are cut from the text and merged byte by byte.
class ByteBpeTokenizer final : public Tokenizer {
 public:
  ByteBpeTokenizer(const TokenizerSpec& spec, const TokenizerDefaults& defaults,
                   const PreTokenizer& pre)
      : Tokenizer(Vocabulary(spec, defaults)),
        pre_(pre),
        merges_(spec.merges, vocabulary_, spelled_bytes_missing_in(vocabulary_)),
        proven_(spec.tokens.size()) {
    int32_t missing = vocabulary_.size();
    for (int byte = 0; byte < 256; ++byte) {
      const int32_t id = vocabulary_.find(spelled_byte(static_cast<uint8_t>(byte)));
      symbol_of_byte_[byte] = id >= 0 ? id : missing++;
    }
    set_pieces([this](int32_t id) { return read_piece(id); });
  }

 private:
  Piece read_piece(int32_t id) const {
    const std::string& spelling = vocabulary_.spelling(id);
    const TokenKind kind = vocabulary_.kind(id);
    if (kind == TokenKind::normal || kind == TokenKind::unused)
      if (auto bytes = unspell_bytes(spelling)) return {std::move(*bytes), true};
    return {spelling, false};
  }

  void encode_text(std::string_view text, bool, std::vector<int32_t>& ids) const override {
    std::vector<int32_t> symbols;
    for_each_word(pre_.stages, text,
                  [&](std::string_view word) { encode_word(word, symbols, ids); });
  }

  void encode_word(std::string_view word, std::vector<int32_t>& symbols,
                   std::vector<int32_t>& ids) const {
    const int32_t whole = pieces_.find(word);
    const bool is_known = whole >= 0 && proven_.ask(whole) == ProvenWords::Answer::yes;
    if (is_known || (whole >= 0 && pre_.has(kIgnoresMerges))) return ids.push_back(whole);
    symbols.clear();
    for (char c : word) symbols.push_back(symbol_of_byte_[static_cast<uint8_t>(c)]);
    merges_.apply(symbols);
    if (whole >= 0) proven_.settle(whole, symbols.size() == 1 && symbols[0] == whole);
    for (int32_t symbol : symbols) append_symbol(symbol, ids);
  }

  // A symbol that is no token falls apart into its bytes' tokens; a byte without a token is left
  // out, as llama.cpp and the tokenizers library do where there is no unknown token.
  void append_symbol(int32_t symbol, std::vector<int32_t>& ids) const {
    if (symbol < vocabulary_.size()) return ids.push_back(symbol);
    for (char c : unspell_bytes(merges_.other(symbol)).value_or(""))
      if (const int32_t id = symbol_of_byte_[static_cast<uint8_t>(c)]; id < vocabulary_.size())
        ids.push_back(id);
  }

  const PreTokenizer& pre_;
  const Merges merges_;
  const ProvenWords proven_;
  std::array<int32_t, 256> symbol_of_byte_;
};

// Whole lines are merged character by character, with U+2581 for spaces.
class RawBpeTokenizer final : public Tokenizer {
 public:
  RawBpeTokenizer(const TokenizerSpec& spec, const TokenizerDefaults& defaults,
                  const PreTokenizer& pre)
      : Tokenizer(Vocabulary(spec, defaults)), pre_(pre), merges_(spec.merges, vocabulary_, {}) {
    for (int byte = 0; byte < 256; ++byte)
      token_of_byte_[byte] = vocabulary_.find(hex_token(static_cast<uint8_t>(byte)));
    set_pieces([this](int32_t id) { return marked_piece(vocabulary_, id); });
  }

 private:
  void encode_text(std::string_view text, bool, std::vector<int32_t>& ids) const override {
    const std::string marked = with_space_marks(text);
    std::vector<int32_t> symbols;
    for_each_word(pre_.stages, marked, [&](std::string_view line) {
      // Runs of newlines are tokens that no merges lead to.
      const int32_t whole = line[0] == '\n' ? vocabulary_.find(line) : -1;
      if (whole >= 0) return ids.push_back(whole);
      encode_line(line, symbols, ids);
    });
  }

  void encode_line(std::string_view line, std::vector<int32_t>& symbols,
                   std::vector<int32_t>& ids) const {
    // A character without a token takes part in no merge: it parts the line.
    symbols.clear();
    while (!line.empty()) {
      const std::string_view c = line.substr(0, decode_char(line).bytes);
      line.remove_prefix(c.size());
      if (const int32_t id = vocabulary_.find(c); id >= 0) {
        symbols.push_back(id);
        continue;
      }
      append_merged(symbols, ids);
      append_bytes(c, ids);
    }
    append_merged(symbols, ids);
  }

  void append_merged(std::vector<int32_t>& symbols, std::vector<int32_t>& ids) const {
    merges_.apply(symbols);
    for (int32_t symbol : symbols) {
      if (symbol < vocabulary_.size())
        ids.push_back(symbol);
      else
        append_bytes(merges_.other(symbol), ids);
    }
    symbols.clear();
  }

  void append_bytes(std::string_view bytes, std::vector<int32_t>& ids) const {
    for (char c : bytes)
      if (const int32_t id = token_of_byte_[static_cast<uint8_t>(c)]; id >= 0) ids.push_back(id);
  }

  const PreTokenizer& pre_;
  const Merges merges_;
  std::array<int32_t, 256> token_of_byte_;
};

}  // namespace

std::unique_ptr<Tokenizer> make_bpe(const TokenizerSpec& spec) {
  const bool is_gemma4 = spec.model == "gemma4";
  const PreTokenizer* pre = find_pre_tokenizer(is_gemma4 ? "gemma4" : spec.pre);
  if (!pre)
    throw Error(Errc::unsupported, "tokenizer.ggml.pre '{}' is not a known pre-tokeniser",
                spec.pre);
  if (spec.merges.empty())
    throw Error(Errc::corrupt_data, "tokenizer.ggml.merges is missing or empty");
  TokenizerDefaults defaults;
  defaults.add_bos = pre->has(kAddsBos);
  if (!is_gemma4) {
    if (!pre->has(kNoDefaultBos)) defaults.bos = 11;
    defaults.eos = 11;
  }
  if (pre->has(kIsRaw)) return std::make_unique<RawBpeTokenizer>(spec, defaults, *pre);
  return std::make_unique<ByteBpeTokenizer>(spec, defaults, *pre);
}

}  // namespace hearth::llm
