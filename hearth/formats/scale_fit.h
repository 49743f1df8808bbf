// Least-squares fits of a scale (and a minimum) to a few numbers that will be rounded to levels:
// what every quantiser is built from.
//
// For fixed levels l_i the best scale is linear regression; for a fixed scale the best levels are
// the nearest ones. The fits try a range of scales around the one that maps the largest number to
// the last level, take the levels nearest under each, solve the regression, and keep the scale with
// the smallest error.
#pragma once
#include <algorithm>
#include <span>

#include "hearth/formats/blocks.h"

namespace hearth::formats {

/// Magnitudes below this count as zero: no half-precision scale could represent them, and 1/x stays
/// finite.
constexpr float kTinyMagnitude = 1e-15f;

/// What numbers are multiplied with to become levels; everything is level 0 under a scale of 0.
inline float inverse_or_zero(float scale) { return scale == 0 ? 0 : 1 / scale; }

/// Weights for a fit in which every element counts alike.
constexpr float kEqualWeights[kBlockElems] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                              1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

/// The integers lo..hi.
struct UniformLevels {
  float lo, hi;
  float nearest(float value) const {
    const float clamped = std::min(std::max(value, lo), hi);
    return (clamped + 12582912.0f) -
           12582912.0f;  // 1.5 * 2^23: rounds to the nearest integer without a libm call
  }
  /// The level that the number of largest magnitude is mapped to, and how far around it scales are
  /// tried.
  float extreme() const { return -lo > hi ? lo : hi; }
  static constexpr float kReach = 0.9f, kStep = 0.1f;
};

/// The sixteen levels of IQ4_NL and IQ4_XS.
struct Iq4Levels {
  int nearest_index(float value) const;
  float nearest(float value) const { return kIq4Values[nearest_index(value)]; }
  float extreme() const { return kIq4Values[0]; }
  static constexpr float kReach = 14.0f, kStep = 2.0f;
};

struct ScaleFit {
  float scale = 0;      // x_i ~ scale * level_i; may be negative; 0 when all x are
  float curvature = 0;  // sum w_i level_i^2: the error grows by curvature * (change of scale)^2
};

/// The scale that makes sum w_i (x_i - scale * level_i)^2 small. `weights` has the size of `x`,
/// each > 0.
ScaleFit fit_scale(std::span<const float> x, std::span<const float> weights, UniformLevels levels);
ScaleFit fit_scale(std::span<const float> x, std::span<const float> weights, Iq4Levels levels);

struct AffineFit {
  float scale = 0;      // >= 0
  float offset = 0;     // x_i ~ scale * level_i + offset
  float curvature = 0;  // sum w_i level_i^2
};

/// Scale and offset that make sum w_i (x_i - scale * level_i - offset)^2 small over the levels
/// 0..level_max. With `offset_max_zero` the offset is at most 0 (the K types store its magnitude).
AffineFit fit_affine(std::span<const float> x, std::span<const float> weights, float level_max,
                     bool offset_max_zero);

}  // namespace hearth::formats
