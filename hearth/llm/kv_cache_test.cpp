#include "hearth/llm/kv_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <numeric>

#include "hearth/base/error.h"
#include "hearth/base/rng.h"

namespace hearth::llm {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Tokens = std::vector<int32_t>;

constexpr KvShape kSmall = {
    .layers = 2, .kv_heads = 1, .head_dim_k = 8, .head_dim_v = 4, .page_tokens = 4};

Tokens counting(int32_t first, int count) {
  Tokens tokens(count);
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

std::span<const int32_t> prefix(const Tokens& tokens, size_t pages) {
  return std::span(tokens).first(pages * kSmall.page_tokens);
}

// Allocates and publishes the pages of `tokens`, a whole number of them.
std::vector<int32_t> publish_all(KvCache& cache, const Tokens& tokens) {
  std::vector<int32_t> pages;
  for (size_t p = 0; p < tokens.size() / kSmall.page_tokens; ++p) {
    pages.push_back(cache.try_allocate().value());
    cache.publish(pages.back(), prefix(tokens, p + 1));
  }
  return pages;
}

void release_all(KvCache& cache, std::span<const int32_t> pages) {
  for (int32_t page : pages) cache.release(page);
}

size_t found(KvCache& cache, const Tokens& tokens) {
  const std::vector<int32_t> pages = cache.find_prefix(tokens);
  release_all(cache, pages);
  return pages.size();
}

TEST(KvCache, HandsOutEveryPageOnce) {
  KvCache cache(kSmall, KvType::f32, 3);
  EXPECT_EQ(cache.pages_total(), 3);
  std::vector<int32_t> pages;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(cache.pages_free(), 3 - i);
    pages.push_back(cache.try_allocate().value());
  }
  EXPECT_THAT(pages, testing::UnorderedElementsAre(0, 1, 2));
  EXPECT_FALSE(cache.try_allocate());
  cache.release(1);
  EXPECT_EQ(cache.try_allocate(), 1);
}

TEST(KvCache, KeepsAPageUntilItsLastReferenceGoes) {
  KvCache cache(kSmall, KvType::f32, 1);
  const int32_t page = cache.try_allocate().value();
  cache.retain(page);
  cache.release(page);
  EXPECT_FALSE(cache.try_allocate());
  cache.release(page);
  EXPECT_EQ(cache.try_allocate(), page);
}

TEST(KvCache, LaysOutLayersWithoutOverlap) {
  for (KvType type : {KvType::f32, KvType::f16, KvType::q8_0}) {
    const KvShape shape = {.layers = 3, .kv_heads = 2, .head_dim_k = 64, .head_dim_v = 32};
    KvCache cache(shape, type, 5);
    const size_t k_bytes = 5 * 2 * 32 * kv_row_bytes(type, 64);
    const size_t v_bytes = 5 * 2 * 32 * kv_row_bytes(type, 32);
    EXPECT_EQ(cache.page_bytes(), 3 * (k_bytes + v_bytes) / 5);
    for (int l = 0; l < 3; ++l) {
      const KvLayer layer = cache.layer(l);
      EXPECT_EQ(layer.type, type);
      std::memset(layer.k, 10 + l, k_bytes);
      std::memset(layer.v, 20 + l, v_bytes);
    }
    for (int l = 0; l < 3; ++l) {
      const KvLayer layer = cache.layer(l);
      for (size_t i : {size_t{0}, k_bytes - 1}) EXPECT_EQ(layer.k[i], std::byte(10 + l));
      for (size_t i : {size_t{0}, v_bytes - 1}) EXPECT_EQ(layer.v[i], std::byte(20 + l));
    }
  }
}

TEST(KvCache, RefusesWhatItCannotHold) {
  const auto code_of = [](const KvShape& shape, KvType type, int pages) {
    try {
      KvCache cache(shape, type, pages);
    } catch (const Error& error) {
      return std::optional(error.code());
    }
    return std::optional<Errc>();
  };
  EXPECT_EQ(
      code_of({.layers = 1, .kv_heads = 1, .head_dim_k = 40, .head_dim_v = 32}, KvType::q8_0, 1),
      Errc::invalid_argument);
  EXPECT_EQ(
      code_of({.layers = 1, .kv_heads = 1, .head_dim_k = 32, .head_dim_v = 40}, KvType::q8_0, 1),
      Errc::invalid_argument);
  EXPECT_EQ(code_of(kSmall, KvType::f32, 0), Errc::invalid_argument);
  // 2^16 * 2^10 * 2^12 * 32 * 8 bytes a page: more than an address space.
  EXPECT_EQ(
      code_of(
          {.layers = 1 << 16, .kv_heads = 1 << 10, .head_dim_k = 1 << 12, .head_dim_v = 1 << 12},
          KvType::f32, 1 << 10),
      Errc::resource_exhausted);
}

TEST(KvCache, FindsThePagesOfACommonPrefix) {
  KvCache cache(kSmall, KvType::f32, 8);
  const Tokens tokens = counting(100, 12);
  const std::vector<int32_t> pages = publish_all(cache, tokens);
  EXPECT_EQ(cache.find_prefix(tokens), pages);
  EXPECT_THAT(cache.find_prefix(prefix(tokens, 2)), ElementsAre(pages[0], pages[1]));
  Tokens longer = tokens, changed = tokens;
  longer.push_back(7);
  EXPECT_EQ(cache.find_prefix(longer), pages);
  changed[5] = 0;
  EXPECT_THAT(cache.find_prefix(changed), ElementsAre(pages[0]));
  changed[0] = 0;
  EXPECT_THAT(cache.find_prefix(changed), IsEmpty());
  EXPECT_THAT(cache.find_prefix(std::span(tokens).first(3)), IsEmpty());
}

TEST(KvCache, TellsEqualPagesBehindDifferentPrefixesApart) {
  KvCache cache(kSmall, KvType::f32, 8);
  const Tokens one = {1, 1, 1, 1, 9, 9, 9, 9}, two = {2, 2, 2, 2, 9, 9, 9, 9};
  const std::vector<int32_t> pages_one = publish_all(cache, one);
  const std::vector<int32_t> pages_two = publish_all(cache, two);
  EXPECT_EQ(cache.find_prefix(one), pages_one);
  EXPECT_EQ(cache.find_prefix(two), pages_two);
}

TEST(KvCache, TellsPagesOfDifferentOriginsApart) {
  KvCache cache(kSmall, KvType::f32, 8);
  const Tokens tokens = counting(0, 8);
  const PageOrigin origins[] = {{}, {.adapter = 1}, {.adapter = 2}, {.adapter = 1, .scale = 2}};
  std::map<int, std::vector<int32_t>> pages;
  for (int i = 0; i < 4; ++i) {
    EXPECT_THAT(cache.find_prefix(tokens, origins[i]), IsEmpty());
    for (size_t p : {1, 2}) {
      pages[i].push_back(cache.try_allocate().value());
      cache.publish(pages[i].back(), prefix(tokens, p), origins[i]);
    }
  }
  for (int i = 0; i < 4; ++i) EXPECT_EQ(cache.find_prefix(tokens, origins[i]), pages[i]);
}

TEST(KvCache, FindingRetains) {
  KvCache cache(kSmall, KvType::f32, 1);
  const Tokens tokens = counting(0, 4);
  release_all(cache, publish_all(cache, tokens));
  EXPECT_EQ(cache.pages_free(), 1);
  EXPECT_EQ(cache.find_prefix(tokens).size(), 1u);
  EXPECT_EQ(cache.pages_free(), 0);
  EXPECT_FALSE(cache.try_allocate());
}

TEST(KvCache, TheFirstPageWithAPrefixKeepsItsPlace) {
  KvCache cache(kSmall, KvType::f32, 4);
  const Tokens tokens = counting(0, 4);
  const int32_t first = publish_all(cache, tokens)[0];
  const int32_t second = publish_all(cache, tokens)[0];
  EXPECT_THAT(cache.find_prefix(tokens), ElementsAre(first));
  cache.release(second);  // nobody can find it: free at once
  EXPECT_EQ(cache.try_allocate(), second);
}

TEST(KvCache, ForgetsThePrefixUnusedForLongestFromItsEnd) {
  KvCache cache(kSmall, KvType::f32, 4);
  const Tokens old = counting(0, 8), fresh = counting(100, 8);
  const std::vector<int32_t> old_pages = publish_all(cache, old);
  const std::vector<int32_t> fresh_pages = publish_all(cache, fresh);
  release_all(cache, old_pages);
  release_all(cache, fresh_pages);
  EXPECT_EQ(cache.try_allocate(), old_pages[1]);
  EXPECT_EQ(found(cache, old), 1u);  // which makes it the one used last
  EXPECT_EQ(cache.try_allocate(), fresh_pages[1]);
  EXPECT_EQ(cache.try_allocate(), fresh_pages[0]);
  EXPECT_EQ(found(cache, old), 1u);
  EXPECT_EQ(found(cache, fresh), 0u);
}

TEST(KvCache, APageInUseOutlivesThePrefixItContinues) {
  KvCache cache(kSmall, KvType::f32, 3);
  const Tokens tokens = counting(0, 8);
  const int32_t first = publish_all(cache, Tokens(tokens.begin(), tokens.begin() + 4))[0];
  // Another sequence computed the same first page itself and goes on behind the published one.
  const std::vector<int32_t> own = publish_all(cache, tokens);
  cache.release(first);
  EXPECT_EQ(cache.pages_free(), 1);
  EXPECT_EQ(cache.try_allocate(), first);
  EXPECT_EQ(found(cache, tokens), 0u);
  cache.release(own[1]);
  EXPECT_EQ(cache.try_allocate(), own[1]);
}

TEST(KvCache, APageBehindAForgottenPrefixIsNotPublished) {
  KvCache cache(kSmall, KvType::f32, 4);
  const int32_t page = cache.try_allocate().value();
  cache.publish(page, counting(0, 8));
  EXPECT_EQ(found(cache, counting(0, 8)), 0u);
  cache.release(page);
  EXPECT_EQ(cache.pages_free(), 4);
}

// Sequences over two tokens come, share, grow, and go, in a cache that is too small for them. Each
// page carries a tag of the prefix it was filled with; whatever is found must carry the right one.
class RandomSequences {
 public:
  explicit RandomSequences(uint64_t seed) : rng_(seed) {}

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      if (live_.empty() || (rng_.below(3) == 0 && live_.size() < 6))
        start();
      else if (rng_.below(4) == 0)
        end(rng_.below(live_.size()));
      else
        grow(live_[rng_.below(live_.size())]);
      check();
    }
  }

 private:
  struct Sequence {
    Tokens tokens;
    std::vector<int32_t> pages;
    bool is_findable = true;  // every page was the published one when it was filled
  };

  Tokens random_page() {
    Tokens page(kSmall.page_tokens);
    for (int32_t& token : page) token = static_cast<int32_t>(rng_.below(2));
    return page;
  }

  int64_t& tag(int32_t page) {
    return reinterpret_cast<int64_t*>(cache_.layer(1).k)[page * tag_stride()];
  }
  size_t tag_stride() const { return kSmall.page_tokens * 8 * sizeof(float) / sizeof(int64_t); }

  // 4 bits a page behind a leading 1: exact for the up to 15 pages of a sequence.
  static int64_t tag_of(std::span<const int32_t> tokens) {
    int64_t tag = 1;
    for (int32_t token : tokens) tag = tag * 2 + token;
    return tag;
  }

  void expect_tags(std::span<const int32_t> pages, std::span<const int32_t> tokens) {
    for (size_t p = 0; p < pages.size(); ++p)
      ASSERT_EQ(tag(pages[p]), tag_of(tokens.first((p + 1) * kSmall.page_tokens)));
  }

  void start() {
    Tokens wanted;
    for (uint64_t pages = rng_.below(5); pages > 0; --pages)
      for (int32_t token : random_page()) wanted.push_back(token);
    Sequence sequence;
    sequence.pages = cache_.find_prefix(wanted);
    sequence.tokens.assign(wanted.begin(),
                           wanted.begin() + sequence.pages.size() * kSmall.page_tokens);
    expect_tags(sequence.pages, wanted);
    live_.push_back(std::move(sequence));
  }

  void grow(Sequence& sequence) {
    if (sequence.pages.size() == 15) return;
    const int free_before = cache_.pages_free();
    const std::optional<int32_t> page = cache_.try_allocate();
    ASSERT_EQ(page.has_value(), free_before > 0);
    if (!page) return;
    for (const Sequence& other : live_) ASSERT_EQ(std::ranges::count(other.pages, *page), 0);
    for (int32_t token : random_page()) sequence.tokens.push_back(token);
    sequence.pages.push_back(*page);
    tag(*page) = tag_of(sequence.tokens);
    cache_.publish(*page, sequence.tokens);
    const std::vector<int32_t> now = cache_.find_prefix(sequence.tokens);
    sequence.is_findable = now == sequence.pages;
    release_all(cache_, now);
  }

  void end(size_t index) {
    release_all(cache_, live_[index].pages);
    live_.erase(live_.begin() + static_cast<ptrdiff_t>(index));
  }

  void check() {
    std::map<int32_t, int> used;
    for (const Sequence& sequence : live_)
      for (int32_t page : sequence.pages) ++used[page];
    ASSERT_EQ(cache_.pages_free(), cache_.pages_total() - static_cast<int>(used.size()));
    for (const Sequence& sequence : live_) {
      expect_tags(sequence.pages, sequence.tokens);
      const std::vector<int32_t> now = cache_.find_prefix(sequence.tokens);
      expect_tags(now, sequence.tokens);
      if (sequence.is_findable) {
        ASSERT_EQ(now, sequence.pages);
      }
      release_all(cache_, now);
    }
  }

  Rng rng_;
  KvCache cache_{kSmall, KvType::f32, 24};
  std::vector<Sequence> live_;
};

TEST(KvCache, NeverMixesUpPagesWhateverSequencesDo) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    RandomSequences(seed).run(500);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace hearth::llm
