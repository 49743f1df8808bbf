// Which page holds which tokens: a tree of published pages, each below the page of the tokens
// before it.
//
// A page is found by its parent, its origin and its own tokens, compared one by one: since the
// parent was found the same way, a page that is found holds exactly the prefix asked for, whatever
// the hashes do. All memory is taken at construction: publishing and forgetting allocate nothing.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace hearth::llm {

/// What computed a page beside its tokens: an adapter and how much of it. Pages of another origin
/// hold other keys and values.
struct PageOrigin {
  uint64_t adapter = 0;  // LoraAdapter::id(); 0: none
  float scale = 1;       // finite
  bool operator==(const PageOrigin&) const = default;
};

class PrefixIndex {
 public:
  static constexpr int32_t kRoot = -1;

  PrefixIndex(int pages, int page_tokens);

  bool holds(int32_t page) const { return entries_[page].listed; }
  /// The page below `parent` (kRoot: first of a sequence) that holds exactly `tokens`, computed as
  /// `origin` says.
  std::optional<int32_t> find(int32_t parent, std::span<const int32_t> tokens,
                              const PageOrigin& origin) const;
  /// Lists a page that is not listed yet; `parent` is listed and of the same origin, or kRoot.
  void insert(int32_t page, int32_t parent, std::span<const int32_t> tokens,
              const PageOrigin& origin);
  /// Unlists a page below which nothing is listed.
  void remove(int32_t page);
  /// A page that is listed below `page`, if any.
  std::optional<int32_t> child(int32_t page) const;

 private:
  static constexpr int32_t kNone = -1;
  struct Entry {
    bool listed = false;
    PageOrigin origin = {};
    int32_t parent = kNone;
    int32_t first_child = kNone, sibling_before = kNone, sibling_after = kNone;
    int32_t next_in_bucket = kNone;
  };

  std::span<const int32_t> tokens_of(int32_t page) const;
  size_t bucket(int32_t parent, std::span<const int32_t> tokens, const PageOrigin& origin) const;
  void link_to_parent(int32_t page, int32_t parent);
  void unlink_from_parent(int32_t page);

  int page_tokens_;
  std::vector<Entry> entries_;    // per page
  std::vector<int32_t> tokens_;   // [pages, page_tokens]
  std::vector<int32_t> buckets_;  // first page of each hash value's chain; a power of two of them
};

}  // namespace hearth::llm
