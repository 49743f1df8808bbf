#include "hearth/llm/models/weights.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "hearth/formats/quantize.h"

namespace hearth::llm {
namespace {

// What old converters carried along of a model's rotary frequencies: they follow from the metadata,
// so leaving them out changes no answer. `rope_freqs.weight` is here for the families that do not
// read it. No other surplus is harmless, least of all a bias.
bool is_harmless(std::string_view name) {
  return name.ends_with(".rotary_emb.inv_freq") || name.ends_with(".attn_rot_embd") ||
         name.ends_with(".attn_rot_embd.weight") || name == "rope_freqs.weight";
}

}  // namespace

const formats::GgufTensor& WeightReader::take(const std::string& name, uint64_t rows,
                                              uint64_t cols) {
  const formats::GgufTensor* tensor = file_->find_tensor(name);
  if (!tensor) throw Error(Errc::corrupt_data, "{}: tensor '{}' is missing", file_->name(), name);
  if (tensor->cols() != cols || tensor->rows() != rows)
    throw Error(Errc::corrupt_data,
                "{}: tensor '{}' has shape [{}], the configuration needs [{}, {}]", file_->name(),
                name, fmt::join(tensor->shape, ", "), cols, rows);
  if (!formats::info(tensor->type).is_weight)
    throw Error(Errc::unsupported, "{}: tensor '{}' has type {}, which holds no weights",
                file_->name(), name, formats::info(tensor->type).name);
  taken_.insert(name);
  parameters_ += tensor->elems();
  return *tensor;
}

WeightMatrix WeightReader::table(const std::string& name, int rows, int cols) {
  const formats::GgufTensor& tensor = take(name, rows, cols);
  const size_t row_bytes = formats::row_bytes(tensor.type, cols);
  bytes_per_token_ += row_bytes;
  matrices_.push_back({name, {tensor.type, rows, cols, tensor.bytes.data(), row_bytes}});
  return matrices_.back().weight;
}

WeightMatrix WeightReader::matrix(const std::string& name, int rows, int cols) {
  const WeightMatrix matrix = table(name, rows, cols);
  bytes_per_token_ += (rows - 1) * matrix.row_bytes;
  exact_tokens_ = std::min(exact_tokens_, exact_tokens_max(matrix.type));
  return matrix;
}

void WeightReader::reuse(std::string name, const WeightMatrix& matrix) {
  matrices_.push_back({std::move(name), matrix});
  bytes_per_token_ += matrix.rows * matrix.row_bytes;
  exact_tokens_ = std::min(exact_tokens_, exact_tokens_max(matrix.type));
}

std::vector<float> WeightReader::vector(const std::string& name, int size) {
  const formats::GgufTensor& tensor = take(name, 1, size);
  std::vector<float> values(size);
  formats::dequantize_row(tensor.type, tensor.bytes.data(), values);
  return values;
}

std::vector<float> WeightReader::try_vector(const std::string& name, int size) {
  return has(name) ? vector(name, size) : std::vector<float>();
}

void WeightReader::finish() const {
  for (const formats::GgufTensor& tensor : file_->tensors())
    if (!taken_.contains(tensor.name) && !is_harmless(tensor.name))
      throw Error(Errc::unsupported, "{}: tensor '{}' has no place in a {} model", file_->name(),
                  tensor.name, file_->string("general.architecture"));
}

WeightMatrix rows_of(const WeightMatrix& matrix, int first, int count) {
  HEARTH_CHECK(first >= 0 && count >= 0 && first + count <= matrix.rows);
  return {matrix.type, count, matrix.cols, matrix.data + first * matrix.row_bytes,
          matrix.row_bytes};
}

}  // namespace hearth::llm
