// The types of 256 elements: each group of 16 or 32 has its own small integer scale (and minimum),
// and all share one half-precision scale of those scales.
//
// In this order: fit every group by itself; fit the shared scale to the groups' scales, weighted by
// how much each group's error grows; take the levels that follow; solve the shared scales once more
// by regression over all 256 elements with everything else fixed.
#include <array>
#include <cmath>
#include <cstring>

#include "hearth/formats/quantize.h"
#include "hearth/formats/quantize_blocks.h"
#include "hearth/formats/scale_fit.h"

namespace hearth::formats {
namespace {

constexpr int kGroupsMax = 16;

float inverse_or_zero(float scale) { return scale == 0 ? 0 : 1 / scale; }

/// How much each element's error counts: those far from zero more, since they move a dot product
/// more.
void importance(std::span<const float> x, std::span<float> weights) {
  for (size_t i = 0; i < x.size(); ++i) weights[i] = 1;
}

// ---- groups with a signed scale: x = d * scale * level
// -------------------------------------------------------

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

template <class Levels>
SymmetricPlan plan_symmetric(const float* x, SymmetricShape shape, Levels levels) {
  const auto size = static_cast<size_t>(kSuperBlockElems / shape.groups);
  std::array<float, kSuperBlockElems> weights;
  importance({x, kSuperBlockElems}, weights);
  std::array<float, kGroupsMax> scale{}, curvature{};
  for (size_t g = 0; g < static_cast<size_t>(shape.groups); ++g) {
    const ScaleFit fit = fit_scale({x + g * size, size}, {weights.data() + g * size, size}, levels);
    scale[g] = fit.scale;
    curvature[g] = fit.curvature;
  }
  const auto groups = static_cast<size_t>(shape.groups);
  SymmetricPlan plan;
  float d = fit_scale({scale.data(), groups}, {curvature.data(), groups}, shape.scales).scale;
  const auto round_scales = [&] {
    const float inverse = inverse_or_zero(d);
    for (size_t g = 0; g < groups; ++g)
      plan.scales[g] = static_cast<int8_t>(shape.scales.nearest(scale[g] * inverse));
  };
  round_scales();
  double xl = 0, ll = 0;
  for (size_t i = 0; i < kSuperBlockElems; ++i) {
    const auto group_scale = static_cast<float>(plan.scales[i / size]);
    const float level = group_scale * levels.nearest(x[i] * inverse_or_zero(d * group_scale));
    xl += double{weights[i]} * x[i] * level;
    ll += double{weights[i]} * level * level;
  }
  if (ll > 0) d = static_cast<float>(xl / ll);
  plan.d = scale_to_half(d);
  return plan;
}

// ---- groups with a scale and a minimum: x = d * scale * level - dmin * min
// -----------------------------------

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

struct AffineGroups {
  std::array<float, kGroupsMax> scale{}, min{}, curvature{}, weight{};
};

/// Rounds the groups' numbers to 0..limit of a shared unit, which is returned.
float share_unit(const std::array<float, kGroupsMax>& values,
                 const std::array<float, kGroupsMax>& weights, size_t groups, float limit,
                 std::array<uint8_t, kGroupsMax>& rounded) {
  const UniformLevels levels{0, limit};
  const float unit = fit_scale({values.data(), groups}, {weights.data(), groups}, levels).scale;
  for (size_t g = 0; g < groups; ++g)
    rounded[g] = static_cast<uint8_t>(levels.nearest(values[g] * inverse_or_zero(unit)));
  return unit;
}

/// The minimum that suits a group best once its scale has been rounded.
float refit_min(std::span<const float> x, std::span<const float> weights, float scale, float min,
                float level_max) {
  const float inverse = inverse_or_zero(scale);
  double sum = 0, weight = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const float level = UniformLevels{0, level_max}.nearest((x[i] + min) * inverse);
    sum += double{weights[i]} * (scale * level - x[i]);
    weight += weights[i];
  }
  return std::max(0.0f, static_cast<float>(sum / weight));
}

/// d and dmin by regression of x on (scale * level, -min) with the small integers fixed.
void refit_units(const float* x, std::span<const float> weights, size_t group_size, float level_max,
                 const AffinePlan& plan, float& d, float& dmin) {
  double aa = 0, ab = 0, bb = 0, ax = 0, bx = 0;
  for (size_t i = 0; i < kSuperBlockElems; ++i) {
    const auto scale = static_cast<float>(plan.scales[i / group_size]);
    const auto min = static_cast<float>(plan.mins[i / group_size]);
    const float inverse = inverse_or_zero(d * scale);
    const double a = scale * UniformLevels{0, level_max}.nearest((x[i] + dmin * min) * inverse);
    const double b = -min, w = weights[i];
    aa += w * a * a, ab += w * a * b, bb += w * b * b, ax += w * a * x[i], bx += w * b * x[i];
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
  std::array<float, kSuperBlockElems> weights;
  importance({x, kSuperBlockElems}, weights);
  AffineGroups fits;
  for (size_t g = 0; g < groups; ++g) {
    const std::span<const float> group_weights{weights.data() + g * size, size};
    const AffineFit fit = fit_affine({x + g * size, size}, group_weights, shape.level_max,
                                     /*offset_max_zero=*/true);
    fits.scale[g] = fit.scale;
    fits.min[g] = -fit.offset;
    fits.curvature[g] = fit.curvature;
    for (const float w : group_weights) fits.weight[g] += w;
  }
  AffinePlan plan;
  float d = share_unit(fits.scale, fits.curvature, groups, shape.scale_max, plan.scales);
  for (size_t g = 0; g < groups; ++g)
    fits.min[g] = refit_min({x + g * size, size}, {weights.data() + g * size, size},
                            d * static_cast<float>(plan.scales[g]), fits.min[g], shape.level_max);
  float dmin = share_unit(fits.min, fits.weight, groups, shape.scale_max, plan.mins);
  refit_units(x, weights, size, shape.level_max, plan, d, dmin);
  plan.d = scale_to_half(d);
  plan.dmin = scale_to_half(dmin);
  return plan;
}

// ---- packing
// -------------------------------------------------------------------------------------------------

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
