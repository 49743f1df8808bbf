#include "hearth/formats/scale_fit.h"

#include <array>
#include <cmath>

namespace hearth::formats {
namespace {

// Sums run in eight lanes in a fixed order: the compiler may not reorder float additions, so it
// would not vectorise a plain sum.
constexpr size_t kLanes = 8;

struct Sums {
  std::array<float, kLanes> lanes{};
  float total() const {
    float sum = 0;
    for (const float lane : lanes) sum += lane;
    return sum;
  }
};

struct Moments {
  float xl = 0, ll = 0, l = 0;  // sums of w x level, w level^2, w level
};

/// Moments of the levels nearest to (x - offset) * inverse.
template <class Levels>
Moments moments(std::span<const float> x, std::span<const float> w, Levels levels, float inverse,
                float offset) {
  Sums xl, ll, l;
  const auto add = [&](size_t lane, size_t i) {
    const float level = levels.nearest((x[i] - offset) * inverse);
    const float weighted = w[i] * level;
    xl.lanes[lane] += weighted * x[i];
    ll.lanes[lane] += weighted * level;
    l.lanes[lane] += weighted;
  };
  size_t i = 0;
  for (; i + kLanes <= x.size(); i += kLanes)
    for (size_t lane = 0; lane < kLanes; ++lane) add(lane, i + lane);
  for (; i < x.size(); ++i) add(0, i);
  return {xl.total(), ll.total(), l.total()};
}

float extreme_of(std::span<const float> x) {
  float extreme = 0;
  for (const float value : x)
    if (std::fabs(value) > std::fabs(extreme)) extreme = value;
  return extreme;
}

template <class Levels>
ScaleFit fit_symmetric(std::span<const float> x, std::span<const float> w, Levels levels) {
  const float extreme = extreme_of(x);
  if (std::fabs(extreme) < kTinyMagnitude) return {};
  ScaleFit best;
  float best_gain = 0;
  const auto consider = [&](float inverse) {
    const Moments m = moments(x, w, levels, inverse, 0);
    // The error of the best scale for these levels is sum w x^2 - xl^2 / ll.
    if (m.ll <= 0 || m.xl * m.xl <= best_gain * m.ll) return;
    best_gain = m.xl * m.xl / m.ll;
    best = {m.xl / m.ll, m.ll};
  };
  const int steps = static_cast<int>(Levels::kReach / Levels::kStep);
  for (int step = -steps; step <= steps; ++step)
    consider((levels.extreme() + static_cast<float>(step) * Levels::kStep) / extreme);
  // The regression moved the scale, and with it some nearest levels: follow once.
  if (best.scale != 0) consider(1 / best.scale);
  return best;
}

}  // namespace

int Iq4Levels::nearest_index(float value) const {
  // Halfway points between neighbouring levels; counting those below is branch-free.
  constexpr float kMidpoints[15] = {-115.5f, -93.5f, -74.f, -57.f, -42.f, -28.5f, -16.f, -4.5f,
                                    7.f,     19.f,   31.5f, 45.5f, 61.f,  79.f,   101.f};
  int index = 0;
  for (const float midpoint : kMidpoints) index += value > midpoint;
  return index;
}

ScaleFit fit_scale(std::span<const float> x, std::span<const float> weights, UniformLevels levels) {
  return fit_symmetric(x, weights, levels);
}

ScaleFit fit_scale(std::span<const float> x, std::span<const float> weights, Iq4Levels levels) {
  return fit_symmetric(x, weights, levels);
}

AffineFit fit_affine(std::span<const float> x, std::span<const float> weights, float level_max,
                     bool offset_max_zero) {
  constexpr int kSteps = 10;  // tenths of a level to each side
  const UniformLevels levels{0, level_max};
  float low = *std::ranges::min_element(x);
  const float high = *std::ranges::max_element(x);
  if (offset_max_zero) low = std::min(low, 0.0f);
  if (high - low < kTinyMagnitude) return {0, low, 0};

  double w = 0, wx = 0;
  for (size_t i = 0; i < x.size(); ++i) w += weights[i], wx += double{weights[i]} * x[i];
  AffineFit best;
  double best_gain = -1;
  const auto consider = [&](float inverse, float offset) {
    const Moments m = moments(x, weights, levels, inverse, offset);
    const double determinant = w * m.ll - double{m.l} * m.l;
    if (m.ll <= 0) return;
    double scale = m.xl / m.ll, shift = 0;  // the best without an offset
    if (determinant >
        1e-6 * w * m.ll) {  // else all levels are equal: they do not tell scale from offset
      const double free_shift = (m.ll * wx - double{m.l} * m.xl) / determinant;
      if (!offset_max_zero || free_shift <= 0) {
        scale = (w * m.xl - wx * m.l) / determinant;
        shift = free_shift;
      }
    }
    // Of the error, sum w x^2 - scale * xl - shift * wx, only the last two terms differ between
    // candidates.
    const double gain = scale * m.xl + shift * wx;
    if (scale <= 0 || gain <= best_gain) return;
    best_gain = gain;
    best = {static_cast<float>(scale), static_cast<float>(shift), m.ll};
  };
  for (int step = -kSteps; step <= kSteps; ++step)
    consider((level_max + 0.1f * static_cast<float>(step)) / (high - low), low);
  for (int pass = 0; pass < 2 && best.scale > 0; ++pass) consider(1 / best.scale, best.offset);
  return best;
}

}  // namespace hearth::formats
