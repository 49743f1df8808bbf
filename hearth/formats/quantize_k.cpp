// The types of 256 elements: each group of 16 or 32 has its own small integer scale (and minimum),
// and all share one half-precision scale of those scales.
//
// In this order: fit every group by itself; fit the shared scale to the groups' scales, weighted by
// how much each group's error grows; take the levels that follow; solve the shared scales once more
// by regression over all 256 elements with everything else fixed.
//
// Every element counts alike. Root-mean-square errors against ggml's quantisers without an
// importance matrix (which weigh by magnitude) are 2 to 10 % lower on normal numbers and trained
// weights; quantize_test.cpp has the table.
#include <array>
#include <cmath>
#include <cstring>

#include "hearth/formats/quantize.h"
#include "hearth/formats/quantize_blocks.h"
#include "hearth/formats/scale_fit.h"

namespace hearth::formats {
namespace {

constexpr int kGroupsMax = 16;

// Groups with a signed scale: x = d * scale * level (Q3_K, Q6_K, IQ4_XS).

struct SymmetricShape {
  int groups;
  UniformLevels scales;  // range of the stored scales
};

struct SymmetricPlan {
  uint16_t d = 0;
  std::array<int8_t, kGroupsMax> scales{};
  /// What an element of the group is multiplied with to give its level; 0 when the group is all
  /// zero.
  float inverse(int group) const {
    return inverse_or_zero(f16_to_f32(d) * static_cast<float>(scales[static_cast<size_t>(group)]));
  }
};

struct GroupScales {
  std::array<float, kGroupsMax> scale{}, curvature{};
  size_t groups = 0;
};

/// Rounds the groups' scales to integers times `d`; returns the error that this adds.
double round_scales(const GroupScales& fits, UniformLevels range, float d, SymmetricPlan& plan) {
  const float inverse = inverse_or_zero(d);
  double error = 0;
  for (size_t g = 0; g < fits.groups; ++g) {
    const float level = range.nearest(fits.scale[g] * inverse);
    plan.scales[g] = static_cast<int8_t>(level);
    const double off = fits.scale[g] - d * level;
    error += fits.curvature[g] * off * off;
  }
  return error;
}

/// Stores `d` as the half, of the nearest three, that the groups' scales fit best. Weights of a few
/// hundredths bring d among the subnormal halves, whose spacing is a percent of it: the scales have
/// to follow.
void store_unit(const GroupScales& fits, UniformLevels range, float d, SymmetricPlan& plan) {
  const uint16_t nearest = scale_to_half(d);
  double best = -1;
  for (const int step : {0, -1, 1}) {
    const auto half = static_cast<uint16_t>(nearest + step);
    if ((nearest & 0x7FFF) == 0 || (half & 0x7FFF) >= 0x7C00) continue;
    SymmetricPlan tried;
    tried.d = half;
    const double error = round_scales(fits, range, f16_to_f32(half), tried);
    if (best >= 0 && error >= best) continue;
    best = error;
    plan = tried;
  }
}

template <class Levels>
SymmetricPlan plan_symmetric(const float* x, SymmetricShape shape, Levels levels) {
  const auto groups = static_cast<size_t>(shape.groups), size = kSuperBlockElems / groups;
  GroupScales fits;
  fits.groups = groups;
  for (size_t g = 0; g < groups; ++g) {
    const ScaleFit fit = fit_scale({x + g * size, size}, {kEqualWeights, size}, levels);
    fits.scale[g] = fit.scale;
    fits.curvature[g] = fit.curvature;
  }
  SymmetricPlan plan;
  float d =
      fit_scale({fits.scale.data(), groups}, {fits.curvature.data(), groups}, shape.scales).scale;
  round_scales(fits, shape.scales, d, plan);
  double xl = 0, ll = 0;
  for (size_t i = 0; i < kSuperBlockElems; ++i) {
    const auto group_scale = static_cast<float>(plan.scales[i / size]);
    const float level = group_scale * levels.nearest(x[i] * inverse_or_zero(d * group_scale));
    xl += double{x[i]} * level;
    ll += double{level} * level;
  }
  if (ll > 0) d = static_cast<float>(xl / ll);
  store_unit(fits, shape.scales, d, plan);
  return plan;
}

// Groups with a scale and a minimum: x = d * scale * level - dmin * min (Q2_K, Q4_K, Q5_K).

struct AffineShape {
  int groups;
  float level_max;  // 3, 15 or 31
  float scale_max;  // 15 or 63, of scales and mins
};

struct AffinePlan {
  uint16_t d = 0, dmin = 0;
  std::array<uint8_t, kGroupsMax> scales{}, mins{};

  /// The level nearest to `value` in `group`.
  uint8_t level(int group, float level_max, float value) const {
    const auto g = static_cast<size_t>(group);
    const float inverse = inverse_or_zero(f16_to_f32(d) * static_cast<float>(scales[g]));
    const float min = f16_to_f32(dmin) * static_cast<float>(mins[g]);
    return static_cast<uint8_t>(UniformLevels{0, level_max}.nearest((value + min) * inverse));
  }
};

/// Rounds the groups' numbers to 0..limit of a shared unit, which is returned.
float share_unit(std::span<const float> values, std::span<const float> weights, float limit,
                 std::array<uint8_t, kGroupsMax>& rounded) {
  const UniformLevels levels{0, limit};
  const float unit = fit_scale(values, weights, levels).scale;
  for (size_t g = 0; g < values.size(); ++g)
    rounded[g] = static_cast<uint8_t>(levels.nearest(values[g] * inverse_or_zero(unit)));
  return unit;
}

/// The minimum that suits a group best once its scale has been rounded.
float refit_min(std::span<const float> x, float scale, float min, float level_max) {
  const float inverse = inverse_or_zero(scale);
  double sum = 0;
  for (const float value : x)
    sum += scale * UniformLevels{0, level_max}.nearest((value + min) * inverse) - value;
  return std::max(0.0f, static_cast<float>(sum / static_cast<double>(x.size())));
}

/// d and dmin by regression of x on (scale * level, -min) with the small integers fixed.
void refit_units(const float* x, size_t group_size, float level_max, const AffinePlan& plan,
                 float& d, float& dmin) {
  double aa = 0, ab = 0, bb = 0, ax = 0, bx = 0;
  for (size_t i = 0; i < kSuperBlockElems; ++i) {
    const auto scale = static_cast<float>(plan.scales[i / group_size]);
    const auto min = static_cast<float>(plan.mins[i / group_size]);
    const float inverse = inverse_or_zero(d * scale);
    const double a = scale * UniformLevels{0, level_max}.nearest((x[i] + dmin * min) * inverse);
    const double b = -min;
    aa += a * a, ab += a * b, bb += b * b, ax += a * x[i], bx += b * x[i];
  }
  const double determinant = aa * bb - ab * ab;
  if (determinant <=
      1e-9 * aa * bb) {  // no minimum in use (or nothing at all): one unknown is left
    if (aa > 0 && bb == 0) d = static_cast<float>(ax / aa);
    return;
  }
  const double new_d = (ax * bb - bx * ab) / determinant,
               new_dmin = (bx * aa - ax * ab) / determinant;
  if (new_d <= 0 || new_dmin < 0) return;
  d = static_cast<float>(new_d);
  dmin = static_cast<float>(new_dmin);
}

AffinePlan plan_affine(const float* x, AffineShape shape) {
  const auto groups = static_cast<size_t>(shape.groups), size = kSuperBlockElems / groups;
  std::array<float, kGroupsMax> scale{}, min{}, curvature{};
  for (size_t g = 0; g < groups; ++g) {
    const AffineFit fit = fit_affine({x + g * size, size}, {kEqualWeights, size}, shape.level_max,
                                     /*offset_max_zero=*/true);
    scale[g] = fit.scale;
    min[g] = -fit.offset;
    curvature[g] = fit.curvature;
  }
  AffinePlan plan;
  float d =
      share_unit({scale.data(), groups}, {curvature.data(), groups}, shape.scale_max, plan.scales);
  for (size_t g = 0; g < groups; ++g)
    min[g] = refit_min({x + g * size, size}, d * static_cast<float>(plan.scales[g]), min[g],
                       shape.level_max);
  float dmin =
      share_unit({min.data(), groups}, {kEqualWeights, groups}, shape.scale_max, plan.mins);
  refit_units(x, size, shape.level_max, plan, d, dmin);
  plan.d = scale_to_half(d);
  plan.dmin = scale_to_half(dmin);
  return plan;
}

/// The inverse of unpack_scale_min().
void pack_scales_mins(const AffinePlan& plan, uint8_t out[12]) {
  const auto& s = plan.scales;
  const auto& m = plan.mins;
  for (size_t j = 0; j < 4; ++j) {
    out[j] = static_cast<uint8_t>(s[j] | (s[j + 4] >> 4) << 6);
    out[j + 4] = static_cast<uint8_t>(m[j] | (m[j + 4] >> 4) << 6);
    out[j + 8] = static_cast<uint8_t>((s[j + 4] & 15) | (m[j + 4] & 15) << 4);
  }
}

/// Element e of 256 two-bit numbers: which byte, which shift (Q2_K and Q3_K).
struct TwoBitPlace {
  int byte, shift;
};
constexpr TwoBitPlace two_bit_place(int e) { return {32 * (e / 128) + e % 32, 2 * (e / 32 % 4)}; }

void pack_scales_q3(const SymmetricPlan& plan, uint8_t out[12]) {
  std::memset(out, 0, 12);
  for (int g = 0; g < 16; ++g) {
    const int stored = plan.scales[static_cast<size_t>(g)] + 32;
    out[g % 8] = static_cast<uint8_t>(out[g % 8] | (stored & 15) << (g < 8 ? 0 : 4));
    out[8 + g % 4] = static_cast<uint8_t>(out[8 + g % 4] | (stored >> 4) << (2 * (g / 4)));
  }
}

}  // namespace

void quantize_block(const float* x, BlockQ2_K& block) {
  constexpr AffineShape kShape{.groups = 16, .level_max = 3, .scale_max = 15};
  const AffinePlan plan = plan_affine(x, kShape);
  block.d = plan.d;
  block.dmin = plan.dmin;
  for (size_t g = 0; g < 16; ++g)
    block.scales[g] = static_cast<uint8_t>(plan.scales[g] | plan.mins[g] << 4);
  std::memset(block.qs, 0, sizeof block.qs);
  for (int e = 0; e < kSuperBlockElems; ++e) {
    const auto [byte, shift] = two_bit_place(e);
    block.qs[byte] = static_cast<uint8_t>(block.qs[byte] | plan.level(e / 16, 3, x[e]) << shift);
  }
}

void quantize_block(const float* x, BlockQ3_K& block) {
  constexpr UniformLevels kLevels{-4, 3};
  const SymmetricPlan plan = plan_symmetric(x, {.groups = 16, .scales = {-32, 31}}, kLevels);
  block.d = plan.d;
  pack_scales_q3(plan, block.scales);
  std::memset(block.qs, 0, sizeof block.qs);
  std::memset(block.hmask, 0, sizeof block.hmask);
  for (int e = 0; e < kSuperBlockElems; ++e) {
    const int q = static_cast<int>(kLevels.nearest(x[e] * plan.inverse(e / 16))) + 4;
    const auto [byte, shift] = two_bit_place(e);
    block.qs[byte] = static_cast<uint8_t>(block.qs[byte] | (q & 3) << shift);
    block.hmask[e % 32] = static_cast<uint8_t>(block.hmask[e % 32] | (q >> 2) << (e / 32));
  }
}

void quantize_block(const float* x, BlockQ4_K& block) {
  const AffinePlan plan = plan_affine(x, {.groups = 8, .level_max = 15, .scale_max = 63});
  block.d = plan.d;
  block.dmin = plan.dmin;
  pack_scales_mins(plan, block.scales);
  for (int pair = 0; pair < 4; ++pair)
    for (int i = 0; i < 32; ++i) {
      const uint8_t low = plan.level(2 * pair, 15, x[64 * pair + i]);
      const uint8_t high = plan.level(2 * pair + 1, 15, x[64 * pair + 32 + i]);
      block.qs[32 * pair + i] = static_cast<uint8_t>(low | high << 4);
    }
}

void quantize_block(const float* x, BlockQ5_K& block) {
  const AffinePlan plan = plan_affine(x, {.groups = 8, .level_max = 31, .scale_max = 63});
  block.d = plan.d;
  block.dmin = plan.dmin;
  pack_scales_mins(plan, block.scales);
  std::memset(block.qh, 0, sizeof block.qh);
  for (int pair = 0; pair < 4; ++pair)
    for (int i = 0; i < 32; ++i) {
      const uint8_t low = plan.level(2 * pair, 31, x[64 * pair + i]);
      const uint8_t high = plan.level(2 * pair + 1, 31, x[64 * pair + 32 + i]);
      block.qs[32 * pair + i] = static_cast<uint8_t>((low & 15) | (high & 15) << 4);
      block.qh[i] = static_cast<uint8_t>(block.qh[i] | (low >> 4 | high >> 4 << 1) << (2 * pair));
    }
}

void quantize_block(const float* x, BlockQ6_K& block) {
  constexpr UniformLevels kLevels{-32, 31};
  const SymmetricPlan plan = plan_symmetric(x, {.groups = 16, .scales = {-128, 127}}, kLevels);
  block.d = plan.d;
  for (size_t g = 0; g < 16; ++g) block.scales[g] = plan.scales[g];
  std::memset(block.ql, 0, sizeof block.ql);
  std::memset(block.qh, 0, sizeof block.qh);
  for (int e = 0; e < kSuperBlockElems; ++e) {
    const int q = static_cast<int>(kLevels.nearest(x[e] * plan.inverse(e / 16))) + 32;
    const int half = e / 128, quarter = e / 32 % 4;
    uint8_t& low = block.ql[64 * half + 32 * (quarter % 2) + e % 32];
    uint8_t& high = block.qh[32 * half + e % 32];
    low = static_cast<uint8_t>(low | (q & 15) << (quarter < 2 ? 0 : 4));
    high = static_cast<uint8_t>(high | (q >> 4) << (2 * quarter));
  }
}

void quantize_block(const float* x, BlockIQ4_XS& block) {
  constexpr Iq4Levels kLevels;
  const SymmetricPlan plan = plan_symmetric(x, {.groups = 8, .scales = {-32, 31}}, kLevels);
  block.d = plan.d;
  uint32_t scales_h = 0;
  std::memset(block.scales_l, 0, sizeof block.scales_l);
  for (int g = 0; g < 8; ++g) {
    const int stored = plan.scales[static_cast<size_t>(g)] + 32;
    block.scales_l[g / 2] =
        static_cast<uint8_t>(block.scales_l[g / 2] | (stored & 15) << (4 * (g % 2)));
    scales_h |= static_cast<uint32_t>(stored >> 4) << (2 * g);
    const float inverse = plan.inverse(g);
    for (int i = 0; i < 16; ++i) {
      const float* group = x + 32 * g;
      const int low = kLevels.nearest_index(group[i] * inverse);
      const int high = kLevels.nearest_index(group[i + 16] * inverse);
      block.qs[16 * g + i] = static_cast<uint8_t>(low | high << 4);
    }
  }
  block.scales_h[0] = static_cast<uint8_t>(scales_h);
  block.scales_h[1] = static_cast<uint8_t>(scales_h >> 8);
}

}  // namespace hearth::formats
