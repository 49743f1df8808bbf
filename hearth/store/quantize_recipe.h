// Which type a recipe gives to a tensor: the tables behind quantize_model.h.
#pragma once
#include <cstdint>
#include <string_view>

#include "hearth/formats/gguf.h"
#include "hearth/store/quantize_model.h"

namespace hearth::store {

/// Of the block layouts, as general.quantization_version: ggml.h, GGML_QNT_VERSION.
inline constexpr uint32_t kQuantizationVersion = 2;

/// True for what a recipe converts: weights of two or more dimensions that are not norms, biases,
/// expert routers or tables of positions.
bool is_convertible(const formats::GgufTensor& tensor);

/// What the rules of a mix depend on, beside the tensor's name.
struct ModelOutline {
  uint64_t layers = 0;      // {architecture}.block_count
  bool has_output = false;  // false: the embedding is the output too
};
ModelOutline outline_of(const formats::Gguf& file);

/// The recipe's type for the tensor called `name`, before any fallback for its row length.
formats::TensorType recipe_type(const QuantizeRecipe& recipe, std::string_view name,
                                const ModelOutline& model);

}  // namespace hearth::store
