#include "hearth/formats/tensor_type.h"

#include <gtest/gtest.h>

namespace hearth::formats {
namespace {

TEST(TensorType, NamesAreFoundInAnyLetterCase) {
  EXPECT_EQ(try_tensor_type("q4_k"), TensorType::q4_k);
  EXPECT_EQ(try_tensor_type("Q4_K"), TensorType::q4_k);
  EXPECT_EQ(try_tensor_type("iq4_XS"), TensorType::iq4_xs);
  EXPECT_EQ(try_tensor_type("Q4_K_M"), std::nullopt);
  EXPECT_EQ(try_tensor_type(""), std::nullopt);
}

TEST(TensorType, UnknownIdsAreNothing) {
  EXPECT_EQ(try_tensor_type(uint32_t{12}), TensorType::q4_k);
  EXPECT_EQ(try_tensor_type(uint32_t{39}), TensorType::mxfp4);
  EXPECT_EQ(try_tensor_type(uint32_t{4}), std::nullopt);  // Q4_2, retired
  EXPECT_EQ(try_tensor_type(uint32_t{0xFFFFFFFF}), std::nullopt);
}

TEST(TensorType, IdsAndNamesAreUnique) {
  for (const TensorTypeInfo& row : tensor_types()) {
    EXPECT_EQ(&info(row.type), &row);
    EXPECT_EQ(try_tensor_type(row.name), row.type);
  }
}

TEST(TensorType, RowsAreWholeBlocks) {
  EXPECT_EQ(row_bytes(TensorType::f32, 5), 20u);
  EXPECT_EQ(row_bytes(TensorType::q8_0, 64), 68u);
  EXPECT_EQ(row_bytes(TensorType::q6_k, 512), 420u);
  EXPECT_EQ(row_bytes(TensorType::q4_0, 0), 0u);
}

}  // namespace
}  // namespace hearth::formats
