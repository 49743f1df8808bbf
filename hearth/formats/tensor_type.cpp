#include "hearth/formats/tensor_type.h"

#include <algorithm>
#include <cctype>

#include "hearth/base/error.h"
#include "hearth/formats/blocks.h"

namespace hearth::formats {
namespace {

constexpr TensorTypeInfo kTypes[] = {
    {TensorType::f32, "F32", 1, 4, true, true},
    {TensorType::f16, "F16", 1, 2, true, true},
    {TensorType::bf16, "BF16", 1, 2, true, true},
    {TensorType::q8_0, "Q8_0", 32, sizeof(BlockQ8_0), true, true},
    {TensorType::q6_k, "Q6_K", 256, sizeof(BlockQ6_K), true, true},
    {TensorType::q5_k, "Q5_K", 256, sizeof(BlockQ5_K), true, true},
    {TensorType::q5_1, "Q5_1", 32, sizeof(BlockQ5_1), true, true},
    {TensorType::q5_0, "Q5_0", 32, sizeof(BlockQ5_0), true, true},
    {TensorType::q4_k, "Q4_K", 256, sizeof(BlockQ4_K), true, true},
    {TensorType::q4_1, "Q4_1", 32, sizeof(BlockQ4_1), true, true},
    {TensorType::q4_0, "Q4_0", 32, sizeof(BlockQ4_0), true, true},
    {TensorType::iq4_nl, "IQ4_NL", 32, sizeof(BlockIQ4_NL), true, true},
    {TensorType::iq4_xs, "IQ4_XS", 256, sizeof(BlockIQ4_XS), true, true},
    {TensorType::mxfp4, "MXFP4", 32, sizeof(BlockMXFP4), true, true},
    {TensorType::q3_k, "Q3_K", 256, sizeof(BlockQ3_K), true, true},
    {TensorType::q2_k, "Q2_K", 256, sizeof(BlockQ2_K), true, true},
    {TensorType::f64, "F64", 1, 8, false, false},
    {TensorType::i64, "I64", 1, 8, false, false},
    {TensorType::i32, "I32", 1, 4, false, false},
    {TensorType::i16, "I16", 1, 2, false, false},
    {TensorType::i8, "I8", 1, 1, false, false},
};

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::toupper(x) == std::toupper(y); });
}

}  // namespace

std::span<const TensorTypeInfo> tensor_types() { return kTypes; }

const TensorTypeInfo& info(TensorType type) {
  const auto* found = std::ranges::find(kTypes, type, &TensorTypeInfo::type);
  HEARTH_CHECK(found != std::end(kTypes));
  return *found;
}

std::optional<TensorType> try_tensor_type(uint32_t id) {
  for (const TensorTypeInfo& row : kTypes)
    if (static_cast<uint32_t>(row.type) == id) return row.type;
  return std::nullopt;
}

std::optional<TensorType> try_tensor_type(std::string_view name) {
  for (const TensorTypeInfo& row : kTypes)
    if (equal_ignoring_case(row.name, name)) return row.type;
  return std::nullopt;
}

size_t row_bytes(TensorType type, size_t elems) {
  const TensorTypeInfo& row = info(type);
  HEARTH_CHECK(elems % row.block_elems == 0);
  return elems / row.block_elems * row.block_bytes;
}

}  // namespace hearth::formats
