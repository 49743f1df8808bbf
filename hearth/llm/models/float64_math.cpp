#include "hearth/llm/models/float64_math.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "hearth/formats/quantize.h"

namespace hearth::llm::float64 {

Rows matrix(const formats::Gguf& file, const std::string& name) {
  const formats::GgufTensor& tensor = file.tensor(name);
  const size_t row_bytes = tensor.bytes.size() / tensor.rows();
  std::vector<float> row(tensor.cols());
  Rows rows;
  for (size_t r = 0; r < tensor.rows(); ++r) {
    formats::dequantize_row(tensor.type, tensor.bytes.data() + r * row_bytes, row);
    rows.emplace_back(row.begin(), row.end());
  }
  return rows;
}

Vector vector(const formats::Gguf& file, const std::string& name) { return matrix(file, name)[0]; }

Vector vector_or_zeros(const formats::Gguf& file, const std::string& name, size_t size) {
  return file.find_tensor(name) ? vector(file, name) : Vector(size, 0.0);
}

Vector add(const Vector& a, const Vector& b) {
  Vector sum(a.size());
  for (size_t i = 0; i < a.size(); ++i) sum[i] = a[i] + b.at(i);
  return sum;
}

Vector times(double factor, Vector x) {
  for (double& value : x) value *= factor;
  return x;
}

Vector product(const Rows& weight, const Vector& x) {
  Vector out(weight.size());
  for (size_t r = 0; r < weight.size(); ++r)
    for (size_t c = 0; c < x.size(); ++c) out[r] += weight[r][c] * x[c];
  return out;
}

Vector rms_norm(const Vector& x, const Vector& weight, double eps) {
  double squares = 0;
  for (double value : x) squares += value * value;
  const double root = std::sqrt(squares / static_cast<double>(x.size()) + eps);
  Vector out(x.size());
  for (size_t i = 0; i < x.size(); ++i) out[i] = x[i] / root * weight.at(i);
  return out;
}

Vector layer_norm(const Vector& x, const Vector& weight, const Vector& bias, double eps) {
  const auto size = static_cast<double>(x.size());
  double mean = 0, variance = 0;
  for (double value : x) mean += value / size;
  for (double value : x) variance += (value - mean) * (value - mean) / size;
  Vector out(x.size());
  for (size_t i = 0; i < x.size(); ++i)
    out[i] = (x[i] - mean) / std::sqrt(variance + eps) * weight.at(i) + bias.at(i);
  return out;
}

double silu(double z) { return z / (1 + std::exp(-z)); }

double gelu(double z) { return z * std::erfc(-z / std::numbers::sqrt2) / 2; }

double gelu_tanh(double z) {
  return 0.5 * z * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (z + 0.044715 * z * z * z)));
}

double soft_cap(double x, double cap) { return cap * std::tanh(x / cap); }

Vector slice(const Vector& x, size_t part, size_t size) {
  const auto begin = x.begin() + static_cast<ptrdiff_t>(part * size);
  return {begin, begin + static_cast<ptrdiff_t>(size)};
}

namespace {

void turn(double& a, double& b, double angle, double magnitude) {
  const double c = std::cos(angle) * magnitude, s = std::sin(angle) * magnitude;
  const double turned_a = a * c - b * s, turned_b = a * s + b * c;
  a = turned_a;
  b = turned_b;
}

}  // namespace

Vector turn_neighbours(const Vector& x, const Vector& angles, double magnitude) {
  Vector out = x;
  for (size_t i = 0; i < angles.size(); ++i) turn(out[2 * i], out[2 * i + 1], angles[i], magnitude);
  return out;
}

Vector turn_halves(const Vector& x, const Vector& angles, double magnitude) {
  Vector out = x;
  for (size_t i = 0; i < angles.size(); ++i)
    turn(out[i], out[i + angles.size()], angles[i], magnitude);
  return out;
}

namespace {

Vector softmax(Vector scores) {
  const double largest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - largest);
  for (double& score : scores) score /= sum;
  return scores;
}

Vector attend_one_head(size_t token, size_t head, const Rows& q, const Rows& k, const Rows& v,
                       const Attention& how) {
  const size_t head_dim_k = q[0].size() / how.heads, head_dim_v = v[0].size() / how.kv_heads;
  const size_t kv_head = head / (how.heads / how.kv_heads);
  const size_t first = how.window && token + 1 > how.window ? token + 1 - how.window : 0;
  const size_t end = how.is_causal ? token + 1 : k.size();
  const Vector query = slice(q[token], head, head_dim_k);
  Vector scores;
  for (size_t p = first; p < end; ++p) {
    const double score = product({query}, slice(k[p], kv_head, head_dim_k))[0] * how.scale;
    scores.push_back(how.cap ? soft_cap(score, how.cap) : score);
  }
  scores = softmax(scores);
  Vector out(head_dim_v);
  for (size_t p = first; p < end; ++p)
    out = add(out, times(scores[p - first], slice(v[p], kv_head, head_dim_v)));
  return out;
}

}  // namespace

Rows attend(const Rows& q, const Rows& k, const Rows& v, const Attention& how) {
  Rows out(q.size());
  for (size_t t = 0; t < q.size(); ++t)
    for (size_t h = 0; h < how.heads; ++h) {
      const Vector head = attend_one_head(t, h, q, k, v, how);
      out[t].insert(out[t].end(), head.begin(), head.end());
    }
  return out;
}

}  // namespace hearth::llm::float64
