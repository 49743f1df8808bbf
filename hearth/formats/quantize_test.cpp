#include "hearth/formats/quantize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/base/rng.h"

namespace hearth::formats {
namespace {

using testing::HasSubstr;

std::vector<float> round_trip(TensorType type, const std::vector<float>& x) {
  std::vector<std::byte> row(row_bytes(type, x.size()));
  quantize_row(type, x, row.data());
  std::vector<float> out(x.size());
  dequantize_row(type, row.data(), out);
  return out;
}

double relative_rms_error(TensorType type, const std::vector<float>& x) {
  const std::vector<float> rounded = round_trip(type, x);
  double error = 0, total = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    error += (double{rounded[i]} - x[i]) * (double{rounded[i]} - x[i]);
    total += double{x[i]} * x[i];
  }
  return std::sqrt(error / total);
}

/// Relative RMS errors of ggml_quantize_chunk (libggml-base 0.25.3, no importance matrix) on the
/// same numbers.
struct PeerError {
  TensorType type;
  double normal, cubed;
};
constexpr PeerError kGgmlErrors[] = {
    {TensorType::q8_0, 0.005298, 0.008743},   {TensorType::q6_k, 0.017501, 0.024487},
    {TensorType::q5_k, 0.035850, 0.049675},   {TensorType::q5_1, 0.037504, 0.054897},
    {TensorType::q5_0, 0.042343, 0.060224},   {TensorType::q4_k, 0.070596, 0.090799},
    {TensorType::q4_1, 0.077393, 0.113658},   {TensorType::q4_0, 0.085161, 0.111575},
    {TensorType::iq4_nl, 0.075641, 0.092833}, {TensorType::iq4_xs, 0.076207, 0.094070},
    {TensorType::mxfp4, 0.114405, 0.144816},  {TensorType::q3_k, 0.149473, 0.154722},
    {TensorType::q2_k, 0.292464, 0.391082}};

std::vector<float> test_numbers(bool cubed) {
  Rng rng(7);
  std::vector<float> x(65536);
  for (float& value : x) {
    value = rng.normal();
    if (cubed) value = value * value * value;  // a few large ones, as trained weights have
  }
  return x;
}

TEST(Quantize, ErrorsAreAtMostThoseOfTheFormatsReference) {
  const std::vector<float> normal = test_numbers(false), cubed = test_numbers(true);
  for (const PeerError& peer : kGgmlErrors) {
    SCOPED_TRACE(info(peer.type).name);
    EXPECT_LE(relative_rms_error(peer.type, normal), peer.normal);
    EXPECT_LE(relative_rms_error(peer.type, cubed), peer.cubed);
  }
}

TEST(Quantize, NumbersThatTheTypeHoldsComeBack) {
  // One block each whose numbers are levels times a scale that a half holds, with the extremes in
  // use.
  struct Case {
    TensorType type;
    std::function<float(int)> value;
  };
  const Case cases[] = {
      {TensorType::q4_0, [](int i) { return 0.5f * static_cast<float>(i % 16 - 8); }},
      {TensorType::q4_1, [](int i) { return 0.5f * static_cast<float>(i % 16) + 3; }},
      {TensorType::q5_0, [](int i) { return 0.25f * static_cast<float>(i - 16); }},
      {TensorType::q5_1, [](int i) { return 0.25f * static_cast<float>(i) - 7; }},
      {TensorType::q8_0, [](int i) { return 0.125f * static_cast<float>(i * 8 - 127); }},
      {TensorType::mxfp4, [](int i) { return i % 2 ? 6.0f : -1.5f; }},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(info(test.type).name);
    std::vector<float> x;
    for (int i = 0; i < 32; ++i) x.push_back(test.value(i));
    EXPECT_EQ(round_trip(test.type, x), x);
  }
}

TEST(Quantize, ZerosStayZerosInEveryType) {
  for (const TensorTypeInfo& row : tensor_types()) {
    if (!row.can_quantize) continue;
    const std::vector<float> zeros(512, 0.0f);
    EXPECT_EQ(round_trip(row.type, zeros), zeros) << row.name;
  }
}

TEST(Quantize, ConstantRowsOfEitherSignKeepTheirValue) {
  for (const TensorTypeInfo& row : tensor_types()) {
    if (!row.can_quantize) continue;
    for (const float value : {0.75f, -0.75f, 3e-3f, 12345.0f}) {
      const std::vector<float> out = round_trip(row.type, std::vector<float>(256, value));
      // A constant is one level: what is lost is the rounding of the scale. 2^-11 for a half, but
      // Q5_K's lies among the subnormal ones, 2^-24 apart, when value / (31 * 63) does. E8M0 has no
      // fraction at all.
      const double unit = std::fabs(value) / (31 * 63);
      const double bound = row.type == TensorType::mxfp4  ? 0.2
                           : row.type == TensorType::bf16 ? 0x1p-8
                                                          : std::max(0x1p-10, 0x1p-25 / unit);
      for (const float result : out)
        ASSERT_NEAR(result, value, bound * std::fabs(value)) << row.name;
    }
  }
}

TEST(Quantize, NumbersTooSmallForAScaleBecomeZero) {
  for (const TensorTypeInfo& row : tensor_types()) {
    if (!row.can_quantize || row.block_elems == 1 || row.type == TensorType::mxfp4) continue;
    Rng rng(5);
    std::vector<float> x(256);
    for (float& value : x) value = 1e-30f * rng.normal();
    for (const float result : round_trip(row.type, x)) ASSERT_EQ(result, 0.0f) << row.name;
  }
}

TEST(Quantize, OneLargeNumberAmongSmallOnesSurvives) {
  for (const TensorTypeInfo& row : tensor_types()) {
    if (!row.can_quantize) continue;
    std::vector<float> x(256, 1e-6f);
    x[77] = -1000.0f;
    // MXFP4's levels near the top are 4 and 6 times a power of two: 1000 is rounded to 1024.
    EXPECT_NEAR(round_trip(row.type, x)[77], -1000.0f, 0.03f * 1000) << row.name;
  }
}

TEST(Quantize, NotANumberAndInfinityAreErrorsThatNameTheElement) {
  for (const TensorTypeInfo& row : tensor_types()) {
    if (!row.can_quantize) continue;
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), INFINITY, -INFINITY}) {
      std::vector<float> x(256, 1.0f);
      x[130] = bad;
      std::vector<std::byte> out(row_bytes(row.type, x.size()));
      try {
        quantize_row(row.type, x, out.data());
        ADD_FAILURE() << row.name << " accepted " << bad;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), Errc::invalid_argument);
        EXPECT_THAT(error.what(), HasSubstr("element 130"));
      }
    }
  }
}

std::string error_of(TensorType type, const std::vector<float>& x) {
  std::vector<std::byte> out(row_bytes(type, x.size()));
  try {
    quantize_row(type, x, out.data());
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::invalid_argument);
    return error.what();
  }
  return "";
}

TEST(Quantize, MagnitudesThatTheTypeCannotHoldAreErrorsThatNameTheLimit) {
  for (const TensorTypeInfo& row : tensor_types()) {
    if (!row.can_quantize || row.type == TensorType::f32 || row.type == TensorType::bf16) continue;
    std::vector<float> x(256, 1.0f);
    x[3] = 3e38f;
    EXPECT_THAT(error_of(row.type, x), HasSubstr("element 3 is 3e+38, magnitudes up to"))
        << row.name;
  }
  EXPECT_THAT(error_of(TensorType::f16, {65520.0f}), HasSubstr("up to 65519.996 become F16"));
  EXPECT_EQ(error_of(TensorType::f16, {65519.0f}), "");
  EXPECT_THAT(error_of(TensorType::bf16, {3.4e38f}), HasSubstr("element 0 is 3.4e+38"));
  // Finite, but the scale is above the largest half.
  EXPECT_THAT(error_of(TensorType::q4_0, std::vector<float>(32, 6e8f)),
              HasSubstr("at most 65504 can be stored"));
}

}  // namespace
}  // namespace hearth::formats
