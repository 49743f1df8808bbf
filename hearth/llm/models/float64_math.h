// The operations of a transformer in float64, each as its formula reads. Test-only code: the slow,
// obvious side of every comparison. Shares nothing with the models or the kernels.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "hearth/formats/gguf.h"

namespace hearth::llm::float64 {

using Vector = std::vector<double>;
using Rows = std::vector<Vector>;  // [tokens or rows][elements]

/// A tensor of the file by formats::dequantize_row, one Vector a row.
Rows matrix(const formats::Gguf& file, const std::string& name);
Vector vector(const formats::Gguf& file, const std::string& name);
/// Zeros when the file has no such tensor.
Vector vector_or_zeros(const formats::Gguf& file, const std::string& name, size_t size);

Vector add(const Vector& a, const Vector& b);
Vector times(double factor, Vector x);
/// W x.
Vector product(const Rows& weight, const Vector& x);
/// x_i / sqrt(mean(x^2) + eps) * weight_i.
Vector rms_norm(const Vector& x, const Vector& weight, double eps);
/// (x_i - mean(x)) / sqrt(variance(x) + eps) * weight_i + bias_i.
Vector layer_norm(const Vector& x, const Vector& weight, const Vector& bias, double eps);
double silu(double z);
/// z * Phi(z), and its approximation by tanh.
double gelu(double z);
double gelu_tanh(double z);
double soft_cap(double x, double cap);

/// Elements [part * size, (part + 1) * size).
Vector slice(const Vector& x, size_t part, size_t size);

/// Turns the pairs (2i, 2i + 1) of the first 2 * angles.size() elements by angles[i], stretched by
/// `magnitude`.
Vector turn_neighbours(const Vector& x, const Vector& angles, double magnitude);
/// The same for the pairs (i, i + angles.size()).
Vector turn_halves(const Vector& x, const Vector& angles, double magnitude);

struct Attention {
  size_t heads, kv_heads;
  double scale;
  double cap = 0;     // 0: none
  size_t window = 0;  // 0: everything before
  bool is_causal = true;
};
/// Softmax attention of every token; q, k, v [tokens][heads * head_dim].
Rows attend(const Rows& q, const Rows& k, const Rows& v, const Attention& how);

}  // namespace hearth::llm::float64
