#include "hearth/llm/kernels/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "hearth/formats/quantize.h"
#include "hearth/llm/kernels/attention_tile.h"
#include "hearth/llm/kernels/kernel_testing.h"

namespace hearth::llm {
namespace {

struct Dims {
  int heads, kv_heads, head_dim_k, head_dim_v;
};

/// One sequence after another in pages that lie scattered over the cache.
struct Cache {
  Cache(const Dims& shape, KvType kv_type, int tokens_per_page, std::vector<int> lengths)
      : dims(shape), type(kv_type), page_tokens(tokens_per_page) {
    int pages = 0;
    for (const int n : lengths) pages += (n + page_tokens - 1) / page_tokens;
    const size_t rows = size_t(pages) * dims.kv_heads * page_tokens;
    // Unwritten slots hold NaN: whoever reads one is caught.
    k.assign(rows * kv_row_bytes(type, dims.head_dim_k), std::byte{0xff});
    v.assign(rows * kv_row_bytes(type, dims.head_dim_v), std::byte{0xff});
    int next = pages;
    for (const int n : lengths) {
      auto& table = tables.emplace_back();
      for (int at = 0; at < n; at += page_tokens) table.push_back(--next);
    }
    ThreadPool pool(1);
    for (size_t s = 0; s < lengths.size(); ++s) {
      std::vector<TokenPlace> places;
      for (int p = 0; p < lengths[s]; ++p) places.push_back({p, tables[s].data()});
      const size_t heads = size_t(lengths[s]) * dims.kv_heads;
      store_kv(layer(), places, random_normal(heads * dims.head_dim_k, 2 * s + 10).data(),
               random_normal(heads * dims.head_dim_v, 2 * s + 11).data(), pool);
    }
  }

  KvLayer layer() {
    return {k.data(), v.data(), type, dims.kv_heads, page_tokens, dims.head_dim_k, dims.head_dim_v};
  }

  std::vector<float> row(bool key, const TokenPlace& place, int position, int head) const {
    const int dim = key ? dims.head_dim_k : dims.head_dim_v;
    const size_t index =
        (size_t(place.pages[position / page_tokens]) * dims.kv_heads + head) * page_tokens +
        position % page_tokens;
    std::vector<float> out(dim);
    const formats::TensorType types[] = {formats::TensorType::f32, formats::TensorType::f16,
                                         formats::TensorType::q8_0};
    formats::dequantize_row(types[int(type)],
                            (key ? k : v).data() + index * kv_row_bytes(type, dim), out);
    return out;
  }

  Dims dims;
  KvType type;
  int page_tokens;
  std::vector<std::byte> k, v;
  std::vector<std::vector<int32_t>> tables;
};

/// The definition in float64, and how far f32 may be from it.
struct Expected {
  std::vector<double> out;
  double bound;
};

Expected attention_f64(const Cache& cache, const float* q, const TokenPlace& place,
                       const AttentionShape& shape, int head) {
  const Dims& dims = cache.dims;
  const int kv_head = head / (shape.heads / dims.kv_heads);
  const int first = shape.window > 0 ? std::max(0, place.position - shape.window + 1) : 0;
  std::vector<double> scores;
  double score_error = 0, value_max = 0;
  for (int p = first; p <= place.position; ++p) {
    const auto key = cache.row(true, place, p, kv_head);
    double dot = 0, magnitude = 0;
    for (int i = 0; i < dims.head_dim_k; ++i) {
      dot += double(q[i]) * key[i];
      magnitude += std::fabs(double(q[i]) * key[i]);
    }
    dot *= shape.scale;
    scores.push_back(shape.softcap > 0 ? shape.softcap * std::tanh(dot / shape.softcap) : dot);
    // A dot product of n terms in f32, in any order; 8 more roundings for scale and tanh.
    score_error = std::max(score_error, magnitude * shape.scale * (dims.head_dim_k + 8) * 0x1p-24);
  }
  const double max = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& s : scores) sum += s = std::exp(s - max);
  Expected expected{std::vector<double>(dims.head_dim_v), 0};
  for (int p = first; p <= place.position; ++p) {
    const auto value = cache.row(false, place, p, kv_head);
    for (int d = 0; d < dims.head_dim_v; ++d) {
      expected.out[d] += scores[p - first] / sum * value[d];
      value_max = std::max(value_max, std::fabs(double(value[d])));
    }
  }
  // A weighted mean moves by at most the weights' relative error, once for numerator and once for
  // denominator; n terms are summed, and an exponential is right to 2^-21 at these arguments.
  expected.bound = value_max * 2 * (score_error + (scores.size() + 8) * 0x1p-24 + 0x1p-21);
  return expected;
}

void expect_close(const std::vector<float>& out, const std::vector<float>& q, const Cache& cache,
                  std::span<const TokenPlace> places, const AttentionShape& shape) {
  const Dims& dims = cache.dims;
  for (size_t t = 0; t < places.size(); ++t)
    for (int h = 0; h < shape.heads; ++h) {
      const size_t row = t * shape.heads + h;
      const Expected expected =
          attention_f64(cache, q.data() + row * dims.head_dim_k, places[t], shape, h);
      for (int d = 0; d < dims.head_dim_v; ++d)
        ASSERT_NEAR(out[row * dims.head_dim_v + d], expected.out[d], expected.bound)
            << "token " << t << " head " << h << " element " << d;
    }
}

/// Runs every implementation on one and on three threads: right, and equal to the bit.
void check(Cache& cache, std::span<const TokenPlace> places, AttentionShape shape) {
  const Dims& dims = cache.dims;
  shape.heads = dims.heads;
  if (shape.scale == 0) shape.scale = 1 / std::sqrt(float(dims.head_dim_k));
  const auto q = random_normal(places.size() * dims.heads * dims.head_dim_k, 5);
  for (const auto& impl : runnable(attend_impls())) {
    SCOPED_TRACE(fmt::format("{} heads {}/{} dims {}/{} type {} tokens {} window {}", impl.name,
                             dims.heads, dims.kv_heads, dims.head_dim_k, dims.head_dim_v,
                             int(cache.type), places.size(), shape.window));
    const size_t elems = places.size() * dims.heads * dims.head_dim_v;
    std::vector<float> out(elems, NAN), again(elems, NAN);
    ThreadPool one(1), three(3);
    AttentionScratch scratch(3, dims.heads, std::max(dims.head_dim_k, dims.head_dim_v));
    attention_by(impl.run, out.data(), q.data(), cache.layer(), places, shape, scratch, one);
    expect_close(out, q, cache, places, shape);
    attention_by(impl.run, again.data(), q.data(), cache.layer(), places, shape, scratch, three);
    ASSERT_EQ(out, again);
  }
}

std::vector<TokenPlace> places_of(const Cache& cache, int sequence, int first, int count) {
  std::vector<TokenPlace> places;
  for (int i = 0; i < count; ++i) places.push_back({first + i, cache.tables[sequence].data()});
  return places;
}

TEST(Attention, OneTokenSeesItsWholePast) {
  for (const KvType type : {KvType::f32, KvType::f16, KvType::q8_0})
    for (const Dims dims : {Dims{8, 2, 64, 64}, Dims{4, 4, 32, 32}, Dims{8, 1, 96, 64},
                            Dims{7, 1, 128, 128}, Dims{6, 2, 256, 256}})
      for (const int length : {1, 2, 31, 33, 100, 300}) {
        Cache cache(dims, type, 32, {length});
        check(cache, places_of(cache, 0, length - 1, 1), {});
        if (HasFatalFailure()) return;
      }
}

TEST(Attention, HeadDimensionsNeedNotFillAVector) {
  for (const KvType type : {KvType::f32, KvType::f16})
    for (const int dim : {2, 8, 10, 16, 24, 40, 80, 100})
      for (const int count : {1, 40}) {
        Cache cache({6, 3, dim, dim + 2}, type, 16, {50});
        check(cache, places_of(cache, 0, 50 - count, count), {});
        if (HasFatalFailure()) return;
      }
}

TEST(Attention, EachTokenOfAPromptSeesOnlyThePast) {
  for (const KvType type : {KvType::f32, KvType::f16, KvType::q8_0})
    for (const Dims dims :
         {Dims{4, 1, 64, 64}, Dims{3, 3, 32, 32}, Dims{14, 2, 64, 64}, Dims{40, 1, 32, 96}})
      for (const auto& [first, count] : {std::pair{0, 1}, {0, 33}, {0, 70}, {45, 5}, {90, 40}}) {
        Cache cache(dims, type, 32, {first + count});
        check(cache, places_of(cache, 0, first, count), {});
        if (HasFatalFailure()) return;
      }
}

TEST(Attention, AWindowHidesThePastBeforeIt) {
  for (const int window : {1, 7, 32, 64})
    for (const auto& [first, count] : {std::pair{0, 50}, {99, 1}, {60, 40}}) {
      Cache cache({4, 2, 64, 64}, KvType::f16, 32, {first + count});
      check(cache, places_of(cache, 0, first, count), {.window = window});
      if (HasFatalFailure()) return;
    }
}

TEST(Attention, ScoresAreSoftCappedBeforeTheSoftmax) {
  for (const int count : {1, 40}) {
    Cache cache({4, 2, 64, 64}, KvType::f16, 32, {90});
    check(cache, places_of(cache, 0, 90 - count, count), {.scale = 1.5f, .softcap = 5});
  }
}

TEST(Attention, LongContextsAreSplitAlongPositions) {
  for (const int length : {257, 1000, 20000}) {
    Cache cache({4, 1, 32, 32}, KvType::f16, 32, {length});
    check(cache, places_of(cache, 0, length - 1, 1), {});
    check(cache, places_of(cache, 0, length - 3, 3), {});
    check(cache, places_of(cache, 0, length - 1, 1), {.window = 700});
    if (HasFatalFailure()) return;
  }
}

TEST(Attention, SequencesOfABatchDoNotSeeEachOther) {
  Cache cache({4, 2, 32, 32}, KvType::f16, 16, {40, 300, 1, 70});
  auto places = places_of(cache, 0, 39, 1);
  for (const auto& more :
       {places_of(cache, 1, 299, 1), places_of(cache, 2, 0, 1), places_of(cache, 3, 20, 50)})
    places.insert(places.end(), more.begin(), more.end());
  check(cache, places, {});
}

TEST(Attention, ASequenceHasTheSameBitsAloneAndInABatch) {
  constexpr int kHeads = 4, kDim = 32;
  Cache cache({kHeads, 2, kDim, kDim}, KvType::f16, 16, {40, 300, 70});
  const std::vector<TokenPlace> runs[] = {places_of(cache, 0, 39, 1), places_of(cache, 1, 297, 3),
                                          places_of(cache, 2, 30, 40)};
  const AttentionShape shape{.heads = kHeads, .scale = 0.2f};
  std::vector<TokenPlace> all;
  for (const auto& run : runs) all.insert(all.end(), run.begin(), run.end());
  const auto q = random_normal(all.size() * kHeads * kDim, 5);
  ThreadPool pool(2);
  AttentionScratch scratch(2, kHeads, kDim);
  for (const auto& impl : runnable(attend_impls())) {
    std::vector<float> together(q.size(), NAN), alone(q.size(), NAN);
    attention_by(impl.run, together.data(), q.data(), cache.layer(), all, shape, scratch, pool);
    size_t first = 0;
    for (const auto& run : runs) {
      attention_by(impl.run, alone.data() + first, q.data() + first, cache.layer(), run, shape,
                   scratch, pool);
      first += run.size() * kHeads * kDim;
    }
    EXPECT_EQ(together, alone) << impl.name;
  }
}

TEST(Attention, MoreTokensThanOneRoundHolds) {
  const std::vector<int> lengths(400, 3);
  Cache cache({4, 4, 8, 8}, KvType::f32, 4, lengths);
  std::vector<TokenPlace> places;
  for (int s = 0; s < 400; ++s) places.push_back({2, cache.tables[s].data()});
  check(cache, places, {});
  Cache deep({2, 2, 8, 8}, KvType::f32, 32, std::vector<int>(20, 5000));
  places.clear();
  for (int s = 0; s < 20; ++s) places.push_back({4999, deep.tables[s].data()});
  check(deep, places, {});
}

TEST(Attention, LargeScoresDoNotOverflow) {
  Cache cache({2, 1, 64, 64}, KvType::f32, 32, {64});
  // Scores of several thousand: e^score is far outside f32.
  check(cache, places_of(cache, 0, 63, 1), {.scale = 300});
  check(cache, places_of(cache, 0, 24, 40), {.scale = 300});
}

TEST(StoreKv, RoundsAsTheFileFormatsDo) {
  auto x = random_normal(256, 3);
  x[0] = 1e5f;                                                     // beyond half precision
  std::fill(x.begin() + 32, x.begin() + 64, 0.0f);                 // a block of zeros
  for (int i = 64; i < 96; ++i) x[i] = 0.5f * float(i - 64 - 16);  // ties
  x[64] = 127;
  for (const auto& impl : runnable(store_row_impls())) {
    SCOPED_TRACE(impl.name);
    for (const int elems : {32, 64, 128, 256}) {
      std::vector<std::byte> half(2 * elems), quantised(34 * elems / 32), expected(34 * elems / 32);
      impl.run(x.data(), elems, KvType::f16, half.data());
      for (int i = 0; i < elems; ++i) {
        const uint16_t bits = formats::f32_to_f16(x[i]);
        EXPECT_EQ(std::memcmp(half.data() + 2 * i, &bits, 2), 0) << x[i];
      }
      impl.run(x.data(), elems, KvType::q8_0, quantised.data());
      formats::quantize_row(formats::TensorType::q8_0, {x.data(), size_t(elems)}, expected.data());
      EXPECT_EQ(quantised, expected);
    }
  }
}

TEST(StoreKv, RaggedRowsAreWhole) {
  for (const auto& impl : runnable(store_row_impls())) {
    for (const int elems : {1, 2, 7, 15, 17, 33, 80}) {
      const auto x = random_normal(elems, elems);
      std::vector<std::byte> row(4 * elems + 1, std::byte{0x55});
      impl.run(x.data(), elems, KvType::f32, row.data());
      EXPECT_EQ(std::memcmp(row.data(), x.data(), 4 * elems), 0);
      EXPECT_EQ(row[4 * elems], std::byte{0x55});
      row.assign(2 * elems + 1, std::byte{0x55});
      impl.run(x.data(), elems, KvType::f16, row.data());
      for (int i = 0; i < elems; ++i) {
        const uint16_t bits = formats::f32_to_f16(x[i]);
        EXPECT_EQ(std::memcmp(row.data() + 2 * i, &bits, 2), 0);
      }
      EXPECT_EQ(row[2 * elems], std::byte{0x55});
    }
  }
}

}  // namespace
}  // namespace hearth::llm
