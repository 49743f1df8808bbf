#include "hearth/llm/tokenizer/merges.h"

#include <algorithm>
#include <bit>
#include <queue>
#include <unordered_map>

#include "hearth/base/error.h"

namespace hearth::llm {
namespace {

// Up to here a scan over the ranks beats a heap (bench/tokenizer_bench.cpp).
constexpr size_t kShortMax = 48;

}  // namespace

Merges::Merges(std::span<const std::string> lines, const Vocabulary& vocabulary,
               std::span<const std::string> others)
    : first_other_(vocabulary.size()), others_(others.begin(), others.end()) {
  const size_t slots = std::bit_ceil(std::max<size_t>(2 * lines.size(), 16));
  slots_.resize(slots);
  mask_ = slots - 1;
  shift_ = 64 - std::countr_zero(slots);

  std::unordered_map<std::string, int32_t> other_ids;
  for (size_t i = 0; i < others_.size(); ++i)
    other_ids.emplace(others_[i], first_other_ + static_cast<int32_t>(i));
  const auto symbol_of = [&](std::string_view spelling) {
    if (const int32_t id = vocabulary.find(spelling); id >= 0) return id;
    const auto [found, is_new] =
        other_ids.emplace(spelling, first_other_ + static_cast<int32_t>(others_.size()));
    if (is_new) others_.emplace_back(spelling);
    return found->second;
  };
  std::string joined;
  for (size_t rank = 0; rank < lines.size(); ++rank) {
    const std::string_view line = lines[rank];
    const size_t space = line.find(' ', 1);
    if (space == std::string_view::npos)
      throw Error(Errc::corrupt_data, "tokenizer.ggml.merges[{}] '{}' has no space", rank,
                  line.substr(0, 64));
    const std::string_view left = line.substr(0, space), right = line.substr(space + 1);
    joined.assign(left).append(right);
    insert(key_of(symbol_of(left), symbol_of(right)),
           {static_cast<uint32_t>(rank), symbol_of(joined)});
  }
}

void Merges::insert(uint64_t key, Merge merge) {
  size_t i = slot_of(key);
  for (; slots_[i].key != kFree; i = (i + 1) & mask_)
    if (slots_[i].key == key) return;
  slots_[i] = {key, merge};
}

void Merges::apply(std::vector<int32_t>& symbols) const {
  if (symbols.size() < 2) return;
  if (symbols.size() <= kShortMax)
    apply_short(symbols);
  else
    apply_long(symbols);
}

void Merges::apply_short(std::vector<int32_t>& symbols) const {
  Merge pairs[kShortMax];  // pairs[i]: symbols[i] with symbols[i + 1]
  size_t count = symbols.size() - 1;
  for (size_t i = 0; i < count; ++i) pairs[i] = find(symbols[i], symbols[i + 1]);
  while (count > 0) {
    size_t best = 0;
    for (size_t i = 1; i < count; ++i)
      if (pairs[i].rank < pairs[best].rank) best = i;
    if (pairs[best].rank == kNone) break;
    symbols[best] = pairs[best].symbol;
    std::copy(symbols.begin() + static_cast<ptrdiff_t>(best) + 2,
              symbols.begin() + static_cast<ptrdiff_t>(count) + 1,
              symbols.begin() + static_cast<ptrdiff_t>(best) + 1);
    std::copy(pairs + best + 1, pairs + count, pairs + best);
    --count;
    if (best < count) pairs[best] = find(symbols[best], symbols[best + 1]);
    if (best > 0) pairs[best - 1] = find(symbols[best - 1], symbols[best]);
  }
  symbols.resize(count + 1);
}

void Merges::apply_long(std::vector<int32_t>& symbols) const {
  struct Link {
    int32_t previous, next;  // positions; -1 at the ends
  };
  struct Candidate {
    uint32_t rank;
    int32_t at, left, right,
        merged;  // stale when the symbols at `at` and after it are others by now
    bool operator>(const Candidate& b) const { return rank != b.rank ? rank > b.rank : at > b.at; }
  };
  const auto size = static_cast<int32_t>(symbols.size());
  std::vector<Link> links(symbols.size());
  for (int32_t i = 0; i < size; ++i) links[i] = {i - 1, i + 1 < size ? i + 1 : -1};
  std::vector<Candidate> storage;
  storage.reserve(symbols.size());
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue({},
                                                                               std::move(storage));
  const auto consider = [&](int32_t at) {
    if (at < 0 || links[at].next < 0) return;
    const int32_t left = symbols[at], right = symbols[links[at].next];
    const Merge merge = find(left, right);
    if (merge.rank != kNone) queue.push({merge.rank, at, left, right, merge.symbol});
  };
  for (int32_t i = 0; i + 1 < size; ++i) consider(i);
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    const int32_t at = best.at, next = links[at].next;
    if (symbols[at] != best.left || next < 0 || symbols[next] != best.right) continue;
    symbols[at] = best.merged;
    symbols[next] = -1;
    links[at].next = links[next].next;
    if (links[at].next >= 0) links[links[at].next].previous = at;
    consider(links[at].previous);
    consider(at);
  }
  std::erase(symbols, -1);
}

}  // namespace hearth::llm
