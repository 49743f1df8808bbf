#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "hearth/formats/blocks.h"
#include "hearth/formats/quantize.h"

namespace hearth::formats {
namespace {

struct Element {
  size_t index;
  float value;
};

/// A block of random bytes whose half-precision scales were set to 0.25 and -0.5 (MXFP4: 2^-1), so
/// that every value and the sum are exact.
struct Vector {
  TensorType type;
  std::string hex;
  std::vector<Element> elements;
  double weighted_sum;  // sum of (i + 1) * x[i]: changes when any two elements trade places
};

// Expected values: the Python package gguf 0.19.0 (gguf.quants.dequantize), the format's readable
// reference.
const Vector kVectors[] = {
    {TensorType::q4_0,
     "00346ae4eb0eb3479ecafa42f5b50d767132",
     {{0, 0.5}, {1, -1.0}, {15, -1.5}, {16, -0.5}, {17, 1.5}, {31, -1.25}},
     /*weighted_sum=*/-52.0},
    {TensorType::q4_1,
     "003400b89fdad03f33a9c9857d80d73dc642bf68",
     {{0, 3.25}, {1, 2.0}, {15, 1.5}, {16, 1.75}, {17, 2.75}, {31, 1.0}},
     /*weighted_sum=*/821.0},
    {TensorType::q5_0,
     "0034235828f856124849d0084ce1551935199ba9eb64",
     {{0, 1.5}, {1, 0.5}, {15, -3.0}, {16, -2.75}, {17, -3.75}, {31, 1.5}},
     /*weighted_sum=*/-294.75},
    {TensorType::q5_1,
     "003400b8c76eaeb1867435ec363fdd72075bf98c98a0e2a3",
     {{0, 5.0}, {1, 4.5}, {15, 0.25}, {16, 1.5}, {17, 5.25}, {31, 6.0}},
     /*weighted_sum=*/1986.75},
    {TensorType::q8_0,
     "00348d67f8c13e45812d89b3bf9c474dac93288eb58bc612f5536c367c3f760da91b",
     {{0, -28.75}, {1, 25.75}, {15, -27.25}, {16, 10.0}, {17, -28.5}, {31, 6.75}},
     /*weighted_sum=*/556.5},
    {TensorType::q2_k,
     "a4b0b6ce4c4605e14ac734d00712edebd0d1450116a9cec4cc817e54033fc4a56f65ce16b42b5138"
     "595ecb775ea8ca447de5209ef8fdfee7607c118d0d463feffde05122feea4471324bd3b3f4efa026"
     "003400b8",
     {{0, 5.0},
      {17, 5.5},
      {37, 8.5},
      {70, 2.0},
      {100, 0.0},
      {130, 2.0},
      {171, 4.5},
      {200, 3.5},
      {230, 16.75},
      {255, 7.0}},
     /*weighted_sum=*/218269.75},
    {TensorType::q3_k,
     "b243b9683030a977b47bfa873686104c03fea2b390dc1bebeac9fd22d64d5c15791fd242b6340f25"
     "333917664a03ea60daa4f73b6e7e5c42ea0d1f4d14eabf9d491e23d5ff50ceb1e826701acd6a32b4"
     "d8c65ca9a4651dc6a5fbb0362f49dc2c10b7e602186e0ebff1d9bb640034",
     {{0, 12.0},
      {17, 9.0},
      {37, -16.5},
      {70, 24.0},
      {100, -7.0},
      {130, 12.75},
      {171, -15.0},
      {200, -8.5},
      {230, 0.0},
      {255, 5.0}},
     /*weighted_sum=*/-22774.25},
    {TensorType::q4_k,
     "003400b8c5743789b8704c80d43d9e385e7aa12335adeacffe87e455dff89e1b2ed756e67e634b6e"
     "77f10c7770603ba221e7aa77ee528ab2651acfe31e1b6a18bdf9d4587144effbd509eae44552384a"
     "39347d455e814672d9c2adc6ceeccc4d0a52d2047ed1360a4140713246ba993e22ae0dfa9d5bb653"
     "a0c920edee633e93dbdce70a09ffce11453d81ca367448ee",
     {{0, 45.5},
      {17, 36.75},
      {37, 154.0},
      {70, 143.5},
      {100, 31.5},
      {130, 191.5},
      {171, 96.5},
      {200, 12.5},
      {230, 127.5},
      {255, 157.5}},
     /*weighted_sum=*/2439675.25},
    {TensorType::q5_k,
     "003400b8c112e632ad48c88fea268787cbd6ff6fba09335b4098472ff097005cfed4cf8183a740e9"
     "9450799b22f4a4e3f3214bfd265c439cf5ce9584ecc79d4712b2e4bb0ad2a027ff771a60c0f62077"
     "a8090a72d411722b2897cb85196b3e7faf1a8c8b444814122a80636d83e74b044c18793f14ff1088"
     "9d6e4da5a14577646785a16152d812ffbabb36bf17f9e05fec81bfe4ae125988085423f6b3bec063"
     "8203bac010a30fc615bd0683f29da660",
     {{0, 27.25},
      {17, 23.0},
      {37, 26.5},
      {70, 23.0},
      {100, 370.0},
      {130, 385.5},
      {171, 48.0},
      {200, 358.0},
      {230, 28.75},
      {255, 58.5}},
     /*weighted_sum=*/4348749.5},
    {TensorType::q6_k,
     "f7abb013ca76d0411a5379df6daf01755d90f8ffec8da9cd3fda3f20049aa3857327985b6035c4ad"
     "dbab0055a422279af7c31e4f62b13e3c961f3e1102de4e7b67db40a0d3ea9563e25ed8e1bc5804cc"
     "f2859ea20015de4463180e62539d29d064386e141ac9905bffb24b85357dd7541e4a5238b9326deb"
     "8378cedf9120bdde17fea328b19d568ac3bb0e4be1d84bd3e2cf29ee5747f1ddb33ee5734315fac4"
     "5ceac0320b7dfa95f13ab5363d38ebbc7dc5890c585e1d0e1d70a1e2c31cc55313c79ba8231a7f85"
     "e0ed340e7283a21f0034",
     {{0, 109.25},
      {17, -228.0},
      {37, -530.25},
      {70, -26.25},
      {100, 190.5},
      {130, 256.0},
      {171, -143.0},
      {200, 855.0},
      {230, -587.5},
      {255, -23.25}},
     /*weighted_sum=*/2617480.75},
    {TensorType::iq4_nl,
     "003423351745218ace67312e6ab9d2a0afe5",
     {{0, -16.25}, {1, -8.75}, {15, -8.75}, {16, -20.75}, {17, -16.25}, {31, 22.25}},
     /*weighted_sum=*/-1243.75},
    {TensorType::iq4_xs,
     "0034169b41280e5fb7e1e4d10bd6264a48c6304e95d3feec63f5560bebac55066771d4c87cf6c390"
     "f4f7aa62a832e7a17e185c647120adb05a95067a92b73f51ab9d885e9088a0fcd234d2e71d7bfd99"
     "15f8a857eef510b4ae1127b6b02369107e5387bcd693ed61945d91ef4ebde93d9993919c055838e1"
     "32985ced5636e75bd0b33717cc8f3d3c",
     {{0, -2.5},
      {17, 22.25},
      {37, -159.0},
      {70, 20.0},
      {100, 622.5},
      {130, -622.5},
      {171, 0.0},
      {200, -3.25},
      {230, -12.5},
      {255, -81.25}},
     /*weighted_sum=*/312638.75},
    {TensorType::mxfp4,
     "7e2a05fff19655d89b2419cdababfc2e9f",
     {{0, -0.5}, {1, 1.5}, {15, -3.0}, {16, 0.5}, {17, 0.0}, {31, -0.25}},
     /*weighted_sum=*/-353.5},
};

std::vector<std::byte> from_hex(const std::string& hex) {
  std::vector<std::byte> bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

TEST(Dequantize, EveryBlockTypeGivesTheReferenceValues) {
  for (const Vector& vector : kVectors) {
    SCOPED_TRACE(info(vector.type).name);
    const std::vector<std::byte> block = from_hex(vector.hex);
    ASSERT_EQ(block.size(), info(vector.type).block_bytes);
    std::vector<float> values(info(vector.type).block_elems);
    dequantize_row(vector.type, block.data(), values);
    for (const Element& element : vector.elements)
      EXPECT_EQ(values[element.index], element.value) << element.index;
    double weighted_sum = 0;
    for (size_t i = 0; i < values.size(); ++i)
      weighted_sum += static_cast<double>(i + 1) * values[i];
    EXPECT_EQ(weighted_sum, vector.weighted_sum);
  }
}

TEST(Dequantize, EveryBlockTypeHasAVector) {
  for (const TensorTypeInfo& row : tensor_types()) {
    if (!row.is_weight || row.block_elems == 1) continue;
    EXPECT_TRUE(std::ranges::any_of(kVectors, [&](const Vector& v) { return v.type == row.type; }))
        << row.name;
  }
}

TEST(Dequantize, RowsOfSeveralBlocksAtAnyAddress) {
  std::vector<std::byte> row(1 + 2 * sizeof(BlockQ8_0));  // begins at an odd address
  const std::vector<std::byte> block = from_hex(kVectors[4].hex);
  std::ranges::copy(block, row.begin() + 1);
  std::ranges::copy(block, row.begin() + 1 + sizeof(BlockQ8_0));
  std::vector<float> values(64);
  dequantize_row(TensorType::q8_0, row.data() + 1, values);
  EXPECT_EQ(values[1], 25.75f);
  EXPECT_EQ(values[33], 25.75f);
}

TEST(Dequantize, FloatTypesAreWidened) {
  const std::vector<std::byte> halves = from_hex("003c00c0");
  std::vector<float> values(2);
  dequantize_row(TensorType::f16, halves.data(), values);
  EXPECT_EQ(values, (std::vector<float>{1.0f, -2.0f}));
  const std::vector<std::byte> brains = from_hex("803f00c0");
  dequantize_row(TensorType::bf16, brains.data(), values);
  EXPECT_EQ(values, (std::vector<float>{1.0f, -2.0f}));
}

TEST(Dequantize, Mxfp4ScalesCoverTheWholeRange) {
  EXPECT_EQ(mxfp4_scale(0), 0x1p-128f);
  EXPECT_EQ(mxfp4_scale(1), 0x1p-127f);
  EXPECT_EQ(mxfp4_scale(2), 0x1p-126f);
  EXPECT_EQ(mxfp4_scale(128), 1.0f);
  EXPECT_EQ(mxfp4_scale(255), 0x1p127f);
}

}  // namespace
}  // namespace hearth::formats
