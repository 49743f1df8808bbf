// A small random generator whose numbers are the same on every machine and compiler.
//
// xoshiro256++ 1.0 (Blackman & Vigna 2019, https://prng.di.unimi.it), seeded through SplitMix64 so
// that neighbouring seeds give unrelated streams. std::mt19937's distributions differ between
// libraries.
#pragma once
#include <bit>
#include <cstdint>

namespace hearth {

class Rng {
 public:
  explicit Rng(uint64_t seed) {
    for (uint64_t& word : state_) word = splitmix(seed);
  }

  /// 64 uniform bits.
  uint64_t next_u64() {
    const uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  /// Uniform in [0, 1) with 53 random bits.
  double uniform() { return static_cast<double>(next_u64() >> 11) * 0x1p-53; }
  /// Uniform in [0, bound); bound > 0. The bias of at most bound / 2^64 is below anything we can
  /// see.
  uint64_t below(uint64_t bound) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(next_u64()) * bound) >> 64);
  }
  /// Standard normal by Irwin-Hall (12 uniforms): bounded by 6, exact enough for test weights, no
  /// libm.
  float normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return static_cast<float>(sum);
  }

 private:
  static uint64_t splitmix(uint64_t& x) {
    uint64_t z = (x += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }

  uint64_t state_[4];
};

}  // namespace hearth
