// Rewrites a model file in another type: `hearth quantize`.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/base/files.h"
#include "hearth/formats/gguf.h"
#include "hearth/formats/tensor_type.h"
#include "hearth/store/rewrite_progress.h"

namespace hearth::store {

/// Which type each matrix of a model gets.
///
/// A plain type name ("Q4_0", "Q4_K", "F16") is pure: every matrix in that type, the embedding and
/// the output included. A name with _S, _M or _L is a mix as llama.cpp defines it: most matrices in
/// the base type, the output in Q6_K, and those that lose most (attn_v, ffn_down of chosen layers)
/// one or two steps higher.
struct QuantizeRecipe {
  std::string_view name;     // "Q4_K_M"
  formats::TensorType base;  // type of the matrices that no rule names
  uint32_t file_type;        // value of general.file_type
  bool is_mix;
};

/// Every recipe, in the order in which `hearth quantize --help` lists them.
std::span<const QuantizeRecipe> quantize_recipes();
/// The recipe with this name, letter case ignored.
std::optional<QuantizeRecipe> try_quantize_recipe(std::string_view name);

struct QuantizeOptions {
  int threads = 0;  // 0: as many as the machine has
};

/// A matrix that could not have the recipe's type because its rows are not a multiple of the block.
struct TypeFallback {
  std::string tensor;
  uint64_t cols = 0;
  formats::TensorType wanted = formats::TensorType::f32;
  formats::TensorType used = formats::TensorType::f32;
};

struct QuantizeReport {
  uint64_t before_bytes = 0;  // tensors of the input
  uint64_t after_bytes = 0;   // tensors of the output
  size_t tensors_converted = 0;
  size_t tensors_kept =
      0;  // norms, biases, 1-D tensors, routers, and matrices already in their type
  std::vector<TypeFallback> fallbacks;
};

/// Writes `in` to `out_path` with its matrices in the recipe's types, tensors in the same order,
/// metadata the same except general.file_type and general.quantization_version.
///
/// Two- and three-dimensional weights are converted; norms, biases, 1-D tensors, rope factors and
/// expert routers keep their type. A row that is not a multiple of the block falls back to a type
/// of similar size (type_for_rows() in convert_rows.h): Q2_K, Q3_K, IQ4_XS -> IQ4_NL, Q4_K -> Q5_0,
/// Q5_K -> Q5_1, Q6_K -> Q8_0, and where 32 does not divide it either, F16; the report lists each.
///
/// Memory: one output tensor is streamed in pieces of a few MiB. The output appears whole or not at
/// all. Errors: invalid_argument (a weight that is not finite, naming the tensor; output over the
/// input), corrupt_data (an already quantised input with broken values), io_failure.
QuantizeReport quantize_model(const formats::Gguf& in, const fs::path& out_path,
                              const QuantizeRecipe& recipe, const QuantizeOptions& options,
                              RewriteProgressFn progress);

}  // namespace hearth::store
