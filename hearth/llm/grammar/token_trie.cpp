#include "hearth/llm/grammar/token_trie.h"

#include <algorithm>
#include <utility>

#include "hearth/base/error.h"
#include "hearth/llm/tokenizer/tokenizer.h"

namespace hearth::llm {
namespace {

// Longer pieces could not be counted in a Branch; nobody's vocabulary has them.
constexpr size_t kPieceBytesMax = UINT16_MAX;

size_t shared_prefix(std::string_view a, std::string_view b) {
  return std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
}

bool is_text(TokenKind kind) {
  return kind == TokenKind::normal || kind == TokenKind::user_defined || kind == TokenKind::byte;
}

}  // namespace

TokenTrie::TokenTrie(const Tokenizer& tokenizer) {
  std::vector<std::string> pieces(tokenizer.vocab_size());
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id)
    if (tokenizer.is_end_of_generation(id))
      end_ids_.push_back(id);
    else if (is_text(tokenizer.kind(id)))
      pieces[id] = tokenizer.piece(id);
  add_pieces(pieces);
}

TokenTrie::TokenTrie(std::span<const std::string> pieces, std::span<const int32_t> end_ids)
    : end_ids_(end_ids.begin(), end_ids.end()) {
  std::sort(end_ids_.begin(), end_ids_.end());
  std::vector<std::string> texts(pieces.begin(), pieces.end());
  for (const int32_t id : end_ids_) texts.at(id).clear();
  add_pieces(texts);
}

void TokenTrie::add_pieces(std::span<const std::string> pieces) {
  piece_begins_.reserve(pieces.size() + 1);
  for (size_t id = 0; id < pieces.size(); ++id) {
    if (pieces[id].size() > kPieceBytesMax)
      throw Error(Errc::unsupported, "vocabulary: token {} has {} bytes, a grammar can use {}", id,
                  pieces[id].size(), kPieceBytesMax);
    piece_begins_.push_back(static_cast<uint32_t>(bytes_.size()));
    bytes_ += pieces[id];
    if (!pieces[id].empty()) ids_.push_back(static_cast<int32_t>(id));
  }
  piece_begins_.push_back(static_cast<uint32_t>(bytes_.size()));
  std::sort(ids_.begin(), ids_.end(),
            [&](int32_t a, int32_t b) { return std::pair(piece(a), a) < std::pair(piece(b), b); });
  std::vector<uint32_t> open;  // branches from the root to the last one
  for (size_t i = 0; i < ids_.size(); ++i)
    add_branches(i, i == 0 ? 0 : shared_prefix(piece(ids_[i - 1]), piece(ids_[i])), open);
  for (const uint32_t branch : open)
    branches_[branch].past = static_cast<uint32_t>(branches_.size());
  branches_.shrink_to_fit();
  below_.shrink_to_fit();
}

// The bytes of the piece at ids_[ids_index] behind those that it shares with the piece before it.
void TokenTrie::add_branches(size_t ids_index, size_t shared_bytes, std::vector<uint32_t>& open) {
  const std::string_view text = piece(ids_[ids_index]);
  const auto here = static_cast<uint32_t>(branches_.size());
  while (open.size() > shared_bytes) {
    branches_[open.back()].past = here;
    open.pop_back();
  }
  for (size_t i = shared_bytes; i < text.size(); ++i) {
    open.push_back(static_cast<uint32_t>(branches_.size()));
    branches_.push_back({.past = 0,
                         .ids_past = static_cast<uint32_t>(ids_index),
                         .depth = static_cast<uint16_t>(i + 1),
                         .byte = static_cast<uint8_t>(text[i])});
  }
  // The last branch so far is where this piece ends, also when another token has the same text.
  branches_.back().ids_past = static_cast<uint32_t>(ids_index + 1);
  depth_max_ = std::max(depth_max_, text.size());
  note_below(text, open);
}

// `open`: the branches of `text`. Each sees the rest behind it, read from there.
void TokenTrie::note_below(std::string_view text, std::span<const uint32_t> open) {
  below_.resize(branches_.size());
  std::vector<TextKinds> kinds(text.size() + 1, 0);  // of the rest from each byte on
  for (size_t i = text.size(); i-- > 1;) {
    const KindOfText first = kind_of(text.substr(i));
    kinds[i] = first.kind | kinds[i + first.bytes];
  }
  for (size_t i = 1; i <= text.size(); ++i) {
    Below& below = below_[open[i - 1]];
    below.kinds |= kinds[i];
    below.bytes_max = std::max(below.bytes_max, static_cast<uint16_t>(text.size() - i));
  }
}

bool TokenTrie::is_end(int32_t id) const {
  return std::binary_search(end_ids_.begin(), end_ids_.end(), id);
}

}  // namespace hearth::llm
