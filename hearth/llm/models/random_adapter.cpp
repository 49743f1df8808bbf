#include "hearth/llm/models/random_adapter.h"

#include <stdlib.h>

#include <algorithm>
#include <cmath>

#include "hearth/base/rng.h"
#include "hearth/formats/quantize.h"

namespace hearth::llm {
namespace {

using formats::Gguf;
using formats::GgufTensor;
using formats::GgufWriter;
using formats::TensorType;

constexpr std::string_view kEmbedding = "token_embd.weight";

bool is_changed(const GgufTensor& tensor, const RandomAdapterOptions& options) {
  if (tensor.shape.size() != 2) return false;
  if (options.only.empty()) return tensor.name != kEmbedding;
  return std::ranges::any_of(options.only,
                             [&](const std::string& end) { return tensor.name.ends_with(end); });
}

std::vector<float> values_of(const GgufTensor& tensor) {
  std::vector<float> values(tensor.elems());
  const size_t row_bytes = formats::row_bytes(tensor.type, tensor.cols());
  for (size_t r = 0; r < tensor.rows(); ++r)
    formats::dequantize_row(tensor.type, tensor.bytes.data() + r * row_bytes,
                            std::span(values).subspan(r * tensor.cols(), tensor.cols()));
  return values;
}

float deviation_of(const GgufTensor& tensor) {
  double squares = 0;
  const std::vector<float> values = values_of(tensor);
  for (float value : values) squares += double{value} * value;
  return static_cast<float>(std::sqrt(squares / values.size()));
}

struct Half {
  std::string name;
  uint64_t rows, cols;
  float deviation;
};

// The embedding's halves are named the other way round: rows of A are looked up by id.
std::vector<Half> halves_of(const GgufTensor& base, const RandomAdapterOptions& o) {
  const bool is_embedding = base.name == kEmbedding;
  const uint64_t rank = o.rank;
  const float counted = o.alpha == 0 ? 1 : o.alpha / static_cast<float>(o.rank);
  // A product of two unit-size halves has elements of size sqrt(rank).
  const float b = o.strength * deviation_of(base) / (counted * std::sqrt(float(o.rank)));
  return {{base.name + ".lora_a", is_embedding ? base.rows() : rank,
           is_embedding ? rank : base.cols(), 1},
          {base.name + ".lora_b", is_embedding ? base.cols() : base.rows(), rank, b}};
}

// What B A adds to a matrix, without scales.
std::vector<double> product_of(const GgufTensor& base, const Gguf& adapter) {
  const GgufTensor& a_tensor = adapter.tensor(base.name + ".lora_a");
  const std::vector<float> a = values_of(a_tensor);
  const std::vector<float> b = values_of(adapter.tensor(base.name + ".lora_b"));
  const bool is_embedding = base.name == kEmbedding;
  const size_t rank = is_embedding ? a_tensor.cols() : a_tensor.rows();
  std::vector<double> product(base.elems());
  for (size_t r = 0; r < base.rows(); ++r)
    for (size_t c = 0; c < base.cols(); ++c)
      for (size_t k = 0; k < rank; ++k)
        product[r * base.cols() + c] += is_embedding
                                            ? double{a[r * rank + k]} * b[c * rank + k]
                                            : double{b[r * rank + k]} * a[k * base.cols() + c];
  return product;
}

std::vector<float> merged_values(const GgufTensor& base, const Gguf& adapter, double scale) {
  std::vector<float> values = values_of(base);
  const GgufTensor* b = adapter.find_tensor(base.name + ".lora_b");
  if (!b) return values;
  const double alpha = adapter.f64("adapter.lora.alpha");
  const double counted = scale * (alpha == 0 ? 1 : alpha / static_cast<double>(b->cols()));
  const std::vector<double> product = product_of(base, adapter);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(values[i] + counted * product[i]);
  return values;
}

}  // namespace

void write_random_adapter(const fs::path& path, const Gguf& base,
                          const RandomAdapterOptions& options) {
  GgufWriter writer(path);
  writer.set("general.type", std::string("adapter"));
  writer.set("general.architecture", base.string("general.architecture"));
  writer.set("adapter.type", std::string("lora"));
  writer.set("adapter.lora.alpha", options.alpha);
  std::vector<Half> halves;
  for (const GgufTensor& tensor : base.tensors())
    if (is_changed(tensor, options))
      for (Half& half : halves_of(tensor, options)) halves.push_back(std::move(half));
  for (const Half& half : halves) writer.declare(half.name, options.type, {half.cols, half.rows});
  Rng rng(options.seed);
  for (const Half& half : halves)
    for (uint64_t r = 0; r < half.rows; ++r) {
      std::vector<float> values(half.cols);
      for (float& value : values) value = half.deviation * rng.normal();
      std::vector<std::byte> row(formats::row_bytes(options.type, half.cols));
      formats::quantize_row(options.type, values, row.data());
      writer.write(row);
    }
  writer.finish();
}

void write_merged_model(const fs::path& path, const Gguf& base, const Gguf& adapter, double scale) {
  GgufWriter writer(path);
  for (const auto& [key, value] : base.metadata()) writer.set(key, value);
  for (const GgufTensor& tensor : base.tensors())
    writer.declare(tensor.name, TensorType::f32, tensor.shape);
  for (const GgufTensor& tensor : base.tensors()) {
    const std::vector<float> values = merged_values(tensor, adapter, scale);
    writer.write(std::as_bytes(std::span(values)));
  }
  writer.finish();
}

AdapterFolder::AdapterFolder() {
  std::string name = (fs::temp_directory_path() / "hearth_adapter_XXXXXX").string();
  if (!mkdtemp(name.data()))
    throw Error(Errc::io_failure, "no temporary folder can be made at '{}'", name);
  folder_ = name;
}

AdapterFolder::~AdapterFolder() {
  std::error_code ignored;  // a folder left behind in /tmp is no reason to end a test
  fs::remove_all(folder_, ignored);
}

Gguf AdapterFolder::adapter(const Gguf& base, const RandomAdapterOptions& options) {
  const fs::path path = file(fmt::format("adapter{}.gguf", files_++));
  write_random_adapter(path, base, options);
  return Gguf::open(path);
}

Gguf AdapterFolder::merged(const Gguf& base, const Gguf& adapter, double scale) {
  const fs::path path = file(fmt::format("merged{}.gguf", files_++));
  write_merged_model(path, base, adapter, scale);
  return Gguf::open(path);
}

}  // namespace hearth::llm
