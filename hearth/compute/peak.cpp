#include "hearth/compute/peak.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/compute/cpu_features.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace hearth {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Eight independent sums: the loads are what takes the time.
uint64_t sum_words(const uint64_t* words, size_t count) {
  uint64_t sums[8] = {};
  for (size_t i = 0; i + 8 <= count; i += 8)
    for (size_t lane = 0; lane < 8; ++lane) sums[lane] += words[i + lane];
  uint64_t total = 0;
  for (uint64_t sum : sums) total += sum;
  return total;
}

// `rounds` rounds of operations on registers; returns how many operations one round makes.
using SpinFn = double(uint64_t rounds);

double spin_int8_scalar(uint64_t rounds) {
  uint32_t sums[16] = {}, a = 3, b = 5;
  for (uint32_t& sum : sums) asm volatile("" : "+m"(sum));
  for (uint64_t i = 0; i < rounds; ++i)
    for (uint32_t& sum : sums) {
      sum += a * b;
      asm volatile("" : "+r"(a), "+r"(b));
    }
  for (uint32_t sum : sums) asm volatile("" : : "r"(sum));
  return 16 * 2;
}

double spin_f32_scalar(uint64_t rounds) {
  float sums[8] = {}, a = 0.5f, b = 0.25f;
  for (float& sum : sums) asm volatile("" : "+m"(sum));
  for (uint64_t i = 0; i < rounds; ++i)
    for (float& sum : sums) {
      sum += a * b;
      asm volatile("" : "+m"(a), "+m"(b));
    }
  for (float sum : sums) asm volatile("" : : "m"(sum));
  return 8 * 2;
}

#if defined(__x86_64__)
// Twelve chains hide a latency of four to six cycles on two pipes. The empty asm keeps each step
// from being folded.
HEARTH_TARGET_AVX512_VNNI double spin_int8_avx512(uint64_t rounds) {
  __m512i sums[12] = {}, a = _mm512_set1_epi8(1), b = _mm512_set1_epi8(1);
#pragma GCC unroll 12
  for (auto& sum : sums) asm volatile("" : "+v"(sum));
  for (uint64_t i = 0; i < rounds; ++i) {
    asm volatile("" : "+v"(a), "+v"(b));
#pragma GCC unroll 12
    for (int k = 0; k < 12; ++k) sums[k] = _mm512_dpbusd_epi32(sums[k], a, b);
  }
#pragma GCC unroll 12
  for (int k = 0; k < 12; ++k) asm volatile("" : : "v"(sums[k]));
  return 12 * 64 * 2;
}

HEARTH_TARGET_AVX512 double spin_f32_avx512(uint64_t rounds) {
  __m512 sums[12] = {}, a = _mm512_set1_ps(0.5f), b = _mm512_set1_ps(0.25f);
#pragma GCC unroll 12
  for (auto& sum : sums) asm volatile("" : "+v"(sum));
  for (uint64_t i = 0; i < rounds; ++i) {
    asm volatile("" : "+v"(a), "+v"(b));
#pragma GCC unroll 12
    for (int k = 0; k < 12; ++k) sums[k] = _mm512_fmadd_ps(a, b, sums[k]);
  }
#pragma GCC unroll 12
  for (int k = 0; k < 12; ++k) asm volatile("" : : "v"(sums[k]));
  return 12 * 16 * 2;
}

// The 8-bit product of AVX2: pairs to 16 bits, then summed; the pairs of a block fit 16 bits for
// narrow weights.
HEARTH_TARGET_AVX2 double spin_int8_avx2(uint64_t rounds) {
  __m256i sums[12] = {}, a = _mm256_set1_epi8(0), b = _mm256_set1_epi8(1);
#pragma GCC unroll 12
  for (auto& sum : sums) asm volatile("" : "+x"(sum));
  for (uint64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int k = 0; k < 12; ++k) {
      asm volatile("" : "+x"(a), "+x"(b));
      sums[k] = _mm256_add_epi16(sums[k], _mm256_maddubs_epi16(a, b));
    }
  }
#pragma GCC unroll 12
  for (int k = 0; k < 12; ++k) asm volatile("" : : "x"(sums[k]));
  return 12 * 32 * 2;
}

HEARTH_TARGET_AVX2 double spin_f32_avx2(uint64_t rounds) {
  __m256 sums[12] = {}, a = _mm256_set1_ps(0.5f), b = _mm256_set1_ps(0.25f);
#pragma GCC unroll 12
  for (auto& sum : sums) asm volatile("" : "+x"(sum));
  for (uint64_t i = 0; i < rounds; ++i) {
    asm volatile("" : "+x"(a), "+x"(b));
#pragma GCC unroll 12
    for (int k = 0; k < 12; ++k) sums[k] = _mm256_fmadd_ps(a, b, sums[k]);
  }
#pragma GCC unroll 12
  for (int k = 0; k < 12; ++k) asm volatile("" : : "x"(sums[k]));
  return 12 * 8 * 2;
}
#endif

constexpr cpu::Impl<SpinFn> kInt8Spins[] = {
#if defined(__x86_64__)
    {.name = "avx512_vnni", .needs = cpu::kAvx512 | cpu::kAvx512Vnni, .run = spin_int8_avx512},
    {.name = "avx2", .needs = cpu::kAvx2, .run = spin_int8_avx2},
#endif
    {.name = "scalar", .needs = cpu::kNone, .run = spin_int8_scalar},
};

constexpr cpu::Impl<SpinFn> kF32Spins[] = {
#if defined(__x86_64__)
    {.name = "avx512", .needs = cpu::kAvx512, .run = spin_f32_avx512},
    {.name = "avx2", .needs = cpu::kAvx2, .run = spin_f32_avx2},
#endif
    {.name = "scalar", .needs = cpu::kNone, .run = spin_f32_scalar},
};

// The best of short passes: whatever slows one of them is not the machine's limit.
double best_rate(ThreadPool& pool, SpinFn* spin) {
  constexpr uint64_t kRounds = 1'000'000;
  constexpr double kSeconds = 0.15;
  double best = 0;
  const auto start = Clock::now();
  do {
    const auto pass = Clock::now();
    std::atomic<int> spun{0};
    double operations = 0;  // of one thread
    pool.share([&](int thread) {
      const double made = spin(kRounds) * static_cast<double>(kRounds);
      if (thread == 0) operations = made;
      ++spun;
    });
    best = std::max(best, operations * spun / seconds_since(pass));
  } while (seconds_since(start) < kSeconds);
  return best;
}

constexpr size_t kWords = ReadBandwidth::kBytes / sizeof(uint64_t);
constexpr size_t kPieceWords = size_t{1} << 17;  // 1 MiB: uneven cores share the memory by speed
}  // namespace

ReadBandwidth::ReadBandwidth(ThreadPool& pool) : pool_(pool) {
  void* pages = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED)
    throw Error(Errc::resource_exhausted, "measuring bandwidth needs {} bytes of memory", kBytes);
  ::madvise(pages, kBytes, MADV_HUGEPAGE);
  words_ = static_cast<uint64_t*>(pages);
  pool_.parallel_for(kWords, kPieceWords, [&](size_t begin, size_t end, int) {
    std::fill(words_ + begin, words_ + end, 1);
  });
}

ReadBandwidth::~ReadBandwidth() { ::munmap(words_, kBytes); }

double ReadBandwidth::pass_seconds() {
  const auto start = Clock::now();
  pool_.parallel_for(kWords, kPieceWords, [&](size_t begin, size_t end, int) {
    const uint64_t sum = sum_words(words_ + begin, end - begin);
    asm volatile("" : : "r"(sum));
  });
  return seconds_since(start);
}

double measure_read_bandwidth(ThreadPool& pool) {
  constexpr double kSeconds = 0.15;
  ReadBandwidth bandwidth(pool);
  std::vector<double> rates;
  const auto start = Clock::now();
  do {
    rates.push_back(static_cast<double>(ReadBandwidth::kBytes) / bandwidth.pass_seconds());
  } while (seconds_since(start) < kSeconds);
  std::nth_element(rates.begin(), rates.begin() + rates.size() / 2, rates.end());
  return rates[rates.size() / 2];
}

double measure_int8_peak(ThreadPool& pool) { return best_rate(pool, cpu::choose(kInt8Spins).run); }
double measure_f32_peak(ThreadPool& pool) { return best_rate(pool, cpu::choose(kF32Spins).run); }

}  // namespace hearth
