#include "hearth/llm/tokenizer/spm.h"

#include <algorithm>
#include <array>
#include <queue>

#include "hearth/llm/tokenizer/byte_alphabet.h"
#include "hearth/llm/tokenizer/proven_words.h"
#include "hearth/llm/tokenizer/tokenizer.h"
#include "hearth/llm/tokenizer/unicode.h"

namespace hearth::llm {
namespace {

// Up to here a scan over the scores beats a heap.
constexpr size_t kShortMax = 32;

// A run of text that is one symbol, with its token or -1.
struct Symbol {
  uint32_t begin, end;
  int32_t token;
};

class SpmTokenizer final : public Tokenizer {
 public:
  SpmTokenizer(const TokenizerSpec& spec, const TokenizerDefaults& defaults)
      : Tokenizer(Vocabulary(spec, defaults)),
        merges_end_at_spaces_(!has_inner_space()),
        proven_(spec.tokens.size()) {
    for (int byte = 0; byte < 256; ++byte)
      token_of_byte_[byte] = find_byte(static_cast<uint8_t>(byte));
    set_pieces([this](int32_t id) { return marked_piece(vocabulary_, id); });
  }

 private:
  void encode_text(std::string_view text, bool after_special,
                   std::vector<int32_t>& ids) const override {
    std::string marked = with_space_marks(text);
    if (vocabulary_.adds_space_prefix && after_special) marked.insert(0, kSpaceMark);
    std::string_view rest = marked;
    std::vector<Symbol> symbols;
    while (!rest.empty()) {
      const size_t size = merges_end_at_spaces_ ? word_bytes(rest) : rest.size();
      encode_word(rest.substr(0, size), symbols, ids);
      rest.remove_prefix(size);
    }
  }

  // Bytes up to the next space mark that follows something else than a space mark.
  static size_t word_bytes(std::string_view text) {
    size_t at = 0;
    while (text.substr(at).starts_with(kSpaceMark)) at += kSpaceMark.size();
    return std::min(text.find(kSpaceMark, at), text.size());
  }

  // Whether some token goes on after a word's end, as none of Llama's does. If not, words cannot
  // influence each other.
  bool has_inner_space() const {
    for (int32_t id = 0; id < vocabulary_.size(); ++id)
      if (can_merge(id) && word_bytes(vocabulary_.spelling(id)) < vocabulary_.spelling(id).size())
        return true;
    return false;
  }

  // Control tokens arise from no text: SentencePiece keeps them apart from the pieces, and a prompt
  // must not be able to spell one.
  bool can_merge(int32_t id) const {
    const TokenKind kind = vocabulary_.kind(id);
    return kind == TokenKind::normal || kind == TokenKind::user_defined ||
           kind == TokenKind::unused;
  }

  int32_t find(std::string_view text) const {
    if (text.size() > vocabulary_.longest_bytes()) return -1;
    const int32_t id = vocabulary_.find(text);
    return id >= 0 && can_merge(id) ? id : -1;
  }

  int32_t find_byte(uint8_t byte) const {
    const int32_t id = vocabulary_.find(hex_token(byte));
    return id >= 0 ? id : vocabulary_.find(std::string(1, static_cast<char>(byte)));
  }

  void encode_word(std::string_view word, std::vector<Symbol>& symbols,
                   std::vector<int32_t>& ids) const {
    const int32_t whole = find(word);
    if (whole >= 0 && proven_.ask(whole) == ProvenWords::Answer::yes) return ids.push_back(whole);
    symbols.clear();
    for (uint32_t at = 0; at < word.size();) {
      const uint32_t bytes = decode_char(word.substr(at)).bytes;
      symbols.push_back({at, at + bytes, find(word.substr(at, bytes))});
      at += bytes;
    }
    if (symbols.size() <= kShortMax)
      merge_short(word, symbols);
    else
      merge_long(word, symbols);
    if (whole >= 0) proven_.settle(whole, symbols.size() == 1);
    for (const Symbol& symbol : symbols)
      append(word.substr(symbol.begin, symbol.end - symbol.begin), symbol.token, ids);
  }

  // A symbol without a token is one character: its bytes, or one unknown token where the vocabulary
  // lacks a byte.
  void append(std::string_view text, int32_t token, std::vector<int32_t>& ids) const {
    if (token >= 0) return ids.push_back(token);
    const auto byte_token = [&](char c) { return token_of_byte_[static_cast<uint8_t>(c)]; };
    if (std::all_of(text.begin(), text.end(), [&](char c) { return byte_token(c) >= 0; })) {
      for (char c : text) ids.push_back(byte_token(c));
    } else if (vocabulary_.unk) {
      ids.push_back(*vocabulary_.unk);
    }
  }

  // The token that `left` and `right` would merge to; -1 for none.
  int32_t find_merged(std::string_view word, const Symbol& left, const Symbol& right) const {
    return find(word.substr(left.begin, right.end - left.begin));
  }

  void merge_short(std::string_view word, std::vector<Symbol>& symbols) const {
    std::array<int32_t, kShortMax>
        merged;  // merged[i]: token of symbols[i] with symbols[i + 1], -1 for none
    size_t pairs = symbols.size() - 1;
    for (size_t i = 0; i < pairs; ++i) merged[i] = find_merged(word, symbols[i], symbols[i + 1]);
    const auto is_better = [&](size_t a, size_t b) {
      return merged[a] >= 0 &&
             (merged[b] < 0 || vocabulary_.score(merged[a]) > vocabulary_.score(merged[b]));
    };
    while (pairs > 0) {
      size_t best = 0;
      for (size_t i = 1; i < pairs; ++i)
        if (is_better(i, best)) best = i;
      if (merged[best] < 0) return;
      symbols[best] = {symbols[best].begin, symbols[best + 1].end, merged[best]};
      symbols.erase(symbols.begin() + static_cast<ptrdiff_t>(best) + 1);
      std::copy(merged.begin() + best + 1, merged.begin() + pairs, merged.begin() + best);
      --pairs;
      if (best < pairs) merged[best] = find_merged(word, symbols[best], symbols[best + 1]);
      if (best > 0) merged[best - 1] = find_merged(word, symbols[best - 1], symbols[best]);
    }
  }

  void merge_long(std::string_view word, std::vector<Symbol>& symbols) const;

  const bool merges_end_at_spaces_;
  const ProvenWords proven_;
  std::array<int32_t, 256> token_of_byte_;
};

void SpmTokenizer::merge_long(std::string_view word, std::vector<Symbol>& symbols) const {
  struct Candidate {
    float score;
    int32_t left, right;  // positions in `symbols`
    uint32_t bytes;       // stale when the two are not this long any more
    int32_t token;
    bool operator<(const Candidate& b) const {
      return score != b.score ? score < b.score : left > b.left;
    }
  };
  const auto size = static_cast<int32_t>(symbols.size());
  std::vector<int32_t> previous(symbols.size()), next(symbols.size());
  std::priority_queue<Candidate> queue;
  const auto bytes_of = [&](int32_t i) { return symbols[i].end - symbols[i].begin; };
  const auto consider = [&](int32_t left, int32_t right) {
    if (left < 0 || right >= size) return;
    const int32_t token = find_merged(word, symbols[left], symbols[right]);
    if (token >= 0)
      queue.push({vocabulary_.score(token), left, right, bytes_of(left) + bytes_of(right), token});
  };
  for (int32_t i = 0; i < size; ++i) {
    previous[i] = i - 1;
    next[i] = i + 1;
    consider(i - 1, i);
  }
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Symbol &left = symbols[best.left], &right = symbols[best.right];
    const bool is_stale = bytes_of(best.left) == 0 || bytes_of(best.right) == 0 ||
                          bytes_of(best.left) + bytes_of(best.right) != best.bytes;
    if (is_stale) continue;
    left = {left.begin, right.end, best.token};
    right.begin = right.end;  // empty from now on
    next[best.left] = next[best.right];
    if (next[best.left] < size) previous[next[best.left]] = best.left;
    consider(previous[best.left], best.left);
    consider(best.left, next[best.left]);
  }
  std::erase_if(symbols, [](const Symbol& s) { return s.begin == s.end; });
}

}  // namespace

std::unique_ptr<Tokenizer> make_spm(const TokenizerSpec& spec) {
  TokenizerDefaults defaults;
  defaults.add_bos = true;
  defaults.add_space_prefix = true;
  defaults.bos = 1;
  defaults.eos = 2;
  defaults.unk = 0;
  return std::make_unique<SpmTokenizer>(spec, defaults);
}

}  // namespace hearth::llm
