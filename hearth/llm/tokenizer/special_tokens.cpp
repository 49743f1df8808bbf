#include "hearth/llm/tokenizer/special_tokens.h"

#include <algorithm>
#include <set>

#include "hearth/base/error.h"

namespace hearth::llm {
namespace {

// The longest seen, runs of spaces and names in brackets, have about 100.
constexpr size_t kSpellingBytesMax = 512;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

// Which bytes of the text belong to a match already.
struct SpecialTokens::Cover {
  std::vector<bool> taken;

  bool is_free(size_t begin, size_t end) const {
    // Whatever was taken before is at least as long, so it cannot lie strictly inside.
    return !taken[begin] && !taken[end - 1];
  }
  void take(size_t begin, size_t end) {
    std::fill(taken.begin() + static_cast<ptrdiff_t>(begin),
              taken.begin() + static_cast<ptrdiff_t>(end), true);
  }
};

// Where special tokens start, and the lengths that occur.
struct SpecialTokens::Candidates {
  struct Start {
    size_t at, longest;
  };
  std::vector<Start> starts;
  std::set<size_t, std::greater<>> sizes;  // longest first
};

SpecialTokens::SpecialTokens(const Vocabulary& vocabulary) : vocabulary_(&vocabulary), states_(1) {
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const TokenKind kind = vocabulary.kind(id);
    if (kind != TokenKind::control && kind != TokenKind::user_defined && kind != TokenKind::unknown)
      continue;
    has_user_defined_ |= kind == TokenKind::user_defined;
    insert(vocabulary.spelling(id), id);
  }
}

void SpecialTokens::insert(std::string_view spelling, int32_t id) {
  if (spelling.empty()) return;
  if (spelling.size() > kSpellingBytesMax)
    throw Error(Errc::resource_exhausted,
                "tokenizer.ggml.tokens[{}]: a special token of {} bytes exceeds the limit of {}",
                id, spelling.size(), kSpellingBytesMax);
  starts_[static_cast<uint8_t>(spelling[0])] = true;
  uint32_t state = 0;
  for (char c : spelling) {
    uint32_t following = next(state, static_cast<uint8_t>(c));
    if (following == 0) {
      following = static_cast<uint32_t>(states_.size());
      states_.push_back({.sibling = states_[state].child, .byte = static_cast<uint8_t>(c)});
      states_[state].child = following;
    }
    state = following;
  }
  if (states_[state].token < 0) states_[state].token = id;
}

uint32_t SpecialTokens::next(uint32_t state, uint8_t byte) const {
  uint32_t child = states_[state].child;
  while (child != 0 && states_[child].byte != byte) child = states_[child].sibling;
  return child;
}

bool SpecialTokens::counts(const Search& search, size_t at, size_t size, int32_t token) const {
  if (token < 0) return false;
  if (!search.parse_special && vocabulary_->kind(token) != TokenKind::user_defined) return false;
  // A fence at f guards byte f - 1.
  const auto fence = std::upper_bound(search.fences.begin(), search.fences.end(), at);
  return fence == search.fences.end() || *fence > at + size;
}

SpecialTokens::Candidates SpecialTokens::find_candidates(const Search& search) const {
  const std::string_view text = search.text;
  Candidates found;
  for (size_t at = 0; at < text.size(); ++at) {
    if (!starts_[static_cast<uint8_t>(text[at])]) continue;
    size_t longest = 0;
    uint32_t state = 0;
    for (size_t i = at; i < text.size(); ++i) {
      state = next(state, static_cast<uint8_t>(text[i]));
      if (state == 0) break;
      if (!counts(search, at, i + 1 - at, states_[state].token)) continue;
      longest = i + 1 - at;
      found.sizes.insert(longest);
    }
    if (longest > 0) found.starts.push_back({at, longest});
  }
  return found;
}

int32_t SpecialTokens::token_at(std::string_view text, size_t at, size_t size) const {
  uint32_t state = 0;
  for (size_t i = at; i < at + size; ++i) {
    state = next(state, static_cast<uint8_t>(text[i]));
    if (state == 0) return -1;
  }
  return states_[state].token;
}

SpecialTokens::Match SpecialTokens::cut(std::string_view text, const Cover& cover, size_t at,
                                        size_t size, int32_t token) const {
  Match match = {at, at + size, at, at + size, token};
  const auto can_eat = [&](size_t i) { return is_space(text[i]) && !cover.taken[i]; };
  if (vocabulary_->strips_left(token))
    while (match.cut_begin > 0 && can_eat(match.cut_begin - 1)) --match.cut_begin;
  if (vocabulary_->strips_right(token))
    while (match.cut_end < text.size() && can_eat(match.cut_end)) ++match.cut_end;
  return match;
}

std::vector<SpecialTokens::Match> SpecialTokens::choose(const Search& search,
                                                        Candidates candidates) const {
  const std::string_view text = search.text;
  std::vector<Match> chosen;
  Cover cover{std::vector<bool>(text.size())};
  for (size_t size : candidates.sizes) {
    for (const auto& start : candidates.starts) {
      if (start.longest < size || !cover.is_free(start.at, start.at + size)) continue;
      const int32_t token = token_at(text, start.at, size);
      if (!counts(search, start.at, size, token)) continue;
      chosen.push_back(cut(text, cover, start.at, size, token));
      cover.take(chosen.back().cut_begin, chosen.back().cut_end);
    }
    // Starts that are taken stay taken; dropping them keeps long runs of one token linear.
    std::erase_if(candidates.starts, [&](const auto& start) { return cover.taken[start.at]; });
  }
  std::sort(chosen.begin(), chosen.end(),
            [](const Match& a, const Match& b) { return a.begin < b.begin; });
  return chosen;
}

std::vector<TextFragment> SpecialTokens::split(std::string_view text, bool parse_special,
                                               std::span<const size_t> fences) const {
  const Search search = {text, parse_special, fences};
  std::vector<TextFragment> fragments;
  const auto add_text = [&](size_t begin, size_t end) {
    if (end > begin) fragments.push_back({text.substr(begin, end - begin), -1});
  };
  size_t done = 0;
  if (parse_special || has_user_defined_) {
    Candidates candidates = find_candidates(search);
    if (!candidates.starts.empty())
      for (const Match& match : choose(search, std::move(candidates))) {
        add_text(done, match.cut_begin);
        fragments.push_back({{}, match.token});
        done = match.cut_end;
      }
  }
  add_text(done, text.size());
  return fragments;
}

}  // namespace hearth::llm
