// The tensors of a model file as weights, each shape checked against the configuration.
#pragma once
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/formats/gguf.h"
#include "hearth/llm/kernels/matmul.h"

namespace hearth::llm {

/// A matrix of a model by its tensor's name.
struct NamedMatrix {
  std::string name;
  WeightMatrix weight;
};

/// Hands out tensors by name and keeps count of them. Matrices are views into the file; vectors
/// (norms, biases) are converted to f32.
/// Errors: corrupt_data (missing, another shape than expected), unsupported (type), each naming
/// file, tensor, what was found and what was expected.
class WeightReader {
 public:
  explicit WeightReader(const formats::Gguf& file) : file_(&file) {}

  const std::string& file_name() const { return file_->name(); }
  bool has(std::string_view name) const { return file_->find_tensor(name) != nullptr; }
  /// A matrix that decoding a token reads whole.
  WeightMatrix matrix(const std::string& name, int rows, int cols);
  /// A matrix of which decoding a token reads one row.
  WeightMatrix table(const std::string& name, int rows, int cols);
  /// Counts a matrix that serves a second time as `name`, as a tied embedding does.
  void reuse(std::string name, const WeightMatrix& matrix);
  std::vector<float> vector(const std::string& name, int size);
  /// Empty when the file has no such tensor.
  std::vector<float> try_vector(const std::string& name, int size);

  /// Refuses tensors that nobody asked for: leaving out a weight would change every answer. Only
  /// known leftovers of old converters (rotary frequencies) are passed over.
  void finish() const;
  size_t bytes_per_token() const { return bytes_per_token_; }
  uint64_t parameters() const { return parameters_; }
  /// Tables and matrices that were handed out, those reused under both names.
  const std::vector<NamedMatrix>& matrices() const { return matrices_; }
  /// The smallest exact_tokens_max() of the matrices, not of the tables.
  int exact_tokens() const { return exact_tokens_; }

 private:
  const formats::GgufTensor& take(const std::string& name, uint64_t rows, uint64_t cols);

  const formats::Gguf* file_;
  std::set<std::string, std::less<>> taken_;
  std::vector<NamedMatrix> matrices_;
  size_t bytes_per_token_ = 0;
  uint64_t parameters_ = 0;
  int exact_tokens_ = std::numeric_limits<int>::max();
};

/// `count` rows of `matrix` from `first`: a part of a fused tensor.
WeightMatrix rows_of(const WeightMatrix& matrix, int first, int count);

}  // namespace hearth::llm
