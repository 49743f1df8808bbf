// Which bytes of a download are on the disk for good, in memory and as the text of a record.
//
// The record is a log: a line for the blob's size, then a line for each range that became durable.
// A kill may tear the last line; reading stops at the first line that does not make sense.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::store {

struct ByteRange {
  uint64_t begin = 0;
  uint64_t end = 0;  // one behind the last

  uint64_t size() const { return end - begin; }
  bool operator==(const ByteRange&) const = default;
};

class FinishedRanges {
 public:
  /// Of a blob of `size_bytes`, nothing finished.
  explicit FinishedRanges(uint64_t size_bytes) : size_bytes_(size_bytes) {}

  uint64_t size_bytes() const { return size_bytes_; }
  /// `range` must lie within the blob; it may overlap what is there.
  void add(ByteRange range);
  uint64_t finished_bytes() const;
  bool is_complete() const { return finished_bytes() == size_bytes_; }
  /// One behind the last finished byte.
  uint64_t end() const { return ranges_.empty() ? 0 : ranges_.rbegin()->second; }
  /// What is not finished, in order, in pieces of at most `piece_bytes_max`.
  std::vector<ByteRange> missing(uint64_t piece_bytes_max) const;

  /// The record's text.
  std::string print() const;

 private:
  uint64_t size_bytes_;
  std::map<uint64_t, uint64_t> ranges_;  // begin -> end; disjoint, none touches another
};

/// The line that print() writes for one range.
std::string print_range(ByteRange range);
/// Reads a record. Nothing where it is none, or of a blob of another size.
std::optional<FinishedRanges> try_parse_ranges(std::string_view text, uint64_t size_bytes);

/// The first byte and the total ("*": nothing) of "bytes 0-99/1000", the value of Content-Range
/// (RFC 9110, section 14.4); nothing where it is no such value.
struct ContentRange {
  ByteRange range;
  std::optional<uint64_t> total_bytes;
};
std::optional<ContentRange> try_content_range(std::string_view value);

}  // namespace hearth::store
