// The tensors of a Hugging Face checkpoint in GGUF's names, order and form.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/formats/gguf.h"
#include "hearth/formats/safetensors.h"
#include "hearth/store/hugging_face_config.h"

namespace hearth::store {

/// One tensor of the result: a tensor of the checkpoint, changed on the way, or numbers that the
/// config implies.
struct PlannedTensor {
  std::string name;                             // GGUF
  std::vector<uint64_t> shape;                  // GGUF order: the contiguous dimension first
  const formats::SafeTensor* source = nullptr;  // nullptr: `values`
  std::vector<float> values;                    // F32
  uint64_t permuted_heads = 0;  // > 0: rows of each head change from halves to pairs
  bool plus_one = false;
  bool stays_f32 = false;  // whatever type is asked for matrices

  bool is_matrix() const { return shape.size() > 1; }
  uint64_t cols() const { return shape[0]; }
  uint64_t rows() const { return is_matrix() ? shape[1] : 1; }
  /// Row `row` of the result as floats; out has cols() elements.
  void read_row(uint64_t row, std::span<float> out) const;
};

struct TensorPlan {
  std::vector<PlannedTensor> tensors;
  uint64_t vocab_size = 0;         // rows of the embedding
  std::vector<std::string> notes;  // tensors left out, for the user
};

/// Every tensor the family needs, checked against the configuration. The plan points into
/// `checkpoint`. Errors: not_found (a tensor is missing), corrupt_data (another shape), unsupported
/// (a tensor that no engine of this family would use).
TensorPlan plan_tensors(const formats::Safetensors& checkpoint, const HuggingFaceConfig& config);

/// Where a matrix of a checkpoint goes.
struct MatrixTarget {
  std::string name;          // GGUF
  bool is_permuted = false;  // its rows, in families that permute Q and K
};

/// Of "model.layers.0.self_attn.q_proj.weight" and the like; nothing for norms, biases and names
/// that no family has.
std::optional<MatrixTarget> find_matrix_target(std::string_view name);

/// The row of the checkpoint that becomes `row` where Q and K are permuted. Within a head, GGUF's
/// rows 2j and 2j + 1 rotate together, and the checkpoint's rows j and j + head_dim / 2.
uint64_t row_before_permutation(uint64_t row, uint64_t head_dim);

/// Llama 3.1's divisors of the rotary frequencies, [rope_dim / 2]: 1 for wavelengths well inside
/// the original context, `factor` for those beyond it, a blend between.
std::vector<float> llama3_rope_factors(const HuggingFaceConfig& config);

}  // namespace hearth::store
