#include "hearth/store/registry/finished_ranges.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "hearth/base/error.h"

namespace hearth::store {
namespace {

constexpr std::string_view kHeadLine = "hearth-ranges 1 ";

/// Cuts a decimal number off the front of `text`.
std::optional<uint64_t> take_number(std::string_view& text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

bool take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

/// A whole line "BEGIN END\n" within the blob.
std::optional<ByteRange> take_range(std::string_view& text, uint64_t size_bytes) {
  const auto begin = take_number(text);
  if (!begin || !take(text, " ")) return std::nullopt;
  const auto end = take_number(text);
  if (!end || !take(text, "\n")) return std::nullopt;
  if (*begin >= *end || *end > size_bytes) return std::nullopt;
  return ByteRange{*begin, *end};
}

}  // namespace

void FinishedRanges::add(ByteRange range) {
  HEARTH_CHECK(range.begin <= range.end && range.end <= size_bytes_);
  if (range.begin == range.end) return;
  // The first that could touch: the one that begins before, if it reaches this far.
  auto at = ranges_.upper_bound(range.begin);
  if (at != ranges_.begin() && std::prev(at)->second >= range.begin) --at;
  while (at != ranges_.end() && at->first <= range.end) {
    range.begin = std::min(range.begin, at->first);
    range.end = std::max(range.end, at->second);
    at = ranges_.erase(at);
  }
  ranges_.emplace(range.begin, range.end);
}

uint64_t FinishedRanges::finished_bytes() const {
  uint64_t total = 0;
  for (const auto& [begin, end] : ranges_) total += end - begin;
  return total;
}

std::vector<ByteRange> FinishedRanges::missing(uint64_t piece_bytes_max) const {
  HEARTH_CHECK(piece_bytes_max > 0);
  std::vector<ByteRange> pieces;
  uint64_t at = 0;
  const auto cut_until = [&](uint64_t end) {
    while (at < end) {
      const uint64_t piece = std::min(piece_bytes_max, end - at);
      pieces.push_back({at, at + piece});
      at += piece;
    }
  };
  for (const auto& [begin, end] : ranges_) {
    cut_until(begin);
    at = end;
  }
  cut_until(size_bytes_);
  return pieces;
}

std::string FinishedRanges::print() const {
  std::string text = fmt::format("{}{}\n", kHeadLine, size_bytes_);
  for (const auto& [begin, end] : ranges_) text += print_range({begin, end});
  return text;
}

std::string print_range(ByteRange range) { return fmt::format("{} {}\n", range.begin, range.end); }

std::optional<FinishedRanges> try_parse_ranges(std::string_view text, uint64_t size_bytes) {
  if (!take(text, kHeadLine) || take_number(text) != size_bytes || !take(text, "\n"))
    return std::nullopt;
  FinishedRanges ranges(size_bytes);
  while (const auto range = take_range(text, size_bytes)) ranges.add(*range);
  return ranges;
}

std::optional<ContentRange> try_content_range(std::string_view value) {
  if (!take(value, "bytes ")) return std::nullopt;
  const auto first = take_number(value);
  if (!first || !take(value, "-")) return std::nullopt;
  const auto last = take_number(value);
  if (!last || *last < *first || *last == std::numeric_limits<uint64_t>::max()) return std::nullopt;
  if (!take(value, "/")) return std::nullopt;
  ContentRange content{.range = {*first, *last + 1}, .total_bytes = std::nullopt};
  if (!take(value, "*")) {
    content.total_bytes = take_number(value);
    if (!content.total_bytes || content.range.end > *content.total_bytes) return std::nullopt;
  }
  if (!value.empty()) return std::nullopt;
  return content;
}

}  // namespace hearth::store
