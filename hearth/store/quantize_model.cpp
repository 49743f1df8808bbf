#include "hearth/store/quantize_model.h"

#include <algorithm>

#include "hearth/formats/quantize.h"
#include "hearth/store/convert_rows.h"
#include "hearth/store/quantize_recipe.h"

namespace hearth::store {
namespace {

using formats::Gguf;
using formats::GgufTensor;
using formats::GgufWriter;
using formats::TensorType;

void refuse_same_file(const Gguf& in, const fs::path& out_path) {
  std::error_code
      ignored;  // equivalent() fails when one of them does not exist, which is the normal case
  if (fs::equivalent(in.name(), out_path, ignored))
    throw Error(Errc::invalid_argument, "{}: the output would replace the input",
                out_path.string());
}

void copy_metadata(const Gguf& in, const QuantizeRecipe& recipe, GgufWriter& out) {
  for (const auto& [key, value] : in.metadata())
    if (!key.starts_with("split.")) out.set(key, value);  // the output is one file
  out.set("general.file_type", recipe.file_type);
  out.set("general.quantization_version", kQuantizationVersion);
}

TensorType output_type(const GgufTensor& tensor, const QuantizeRecipe& recipe,
                       const ModelOutline& model, QuantizeReport& report) {
  if (!is_convertible(tensor)) return tensor.type;
  const TensorType wanted = recipe_type(recipe, tensor.name, model);
  const TensorType used = type_for_rows(wanted, tensor.cols());
  if (used != wanted) report.fallbacks.push_back({tensor.name, tensor.cols(), wanted, used});
  return used;
}

void write_tensor(const GgufTensor& tensor, TensorType type, int threads, GgufWriter& out) {
  if (type == tensor.type) return out.write(tensor.bytes);
  const size_t row_bytes = formats::row_bytes(tensor.type, tensor.cols());
  write_rows(out,
             {.tensor = tensor.name, .rows = tensor.rows(), .cols = tensor.cols(), .type = type},
             threads, [&](uint64_t row, std::span<float> values) {
               formats::dequantize_row(tensor.type, tensor.bytes.data() + row * row_bytes, values);
             });
}

}  // namespace

QuantizeReport quantize_model(const Gguf& in, const fs::path& out_path,
                              const QuantizeRecipe& recipe, const QuantizeOptions& options,
                              RewriteProgressFn progress) {
  refuse_same_file(in, out_path);
  QuantizeReport report;
  GgufWriter out(out_path);
  copy_metadata(in, recipe, out);
  const ModelOutline model = outline_of(in);
  std::vector<TensorType> types;
  std::vector<uint64_t> sizes_bytes;
  for (const GgufTensor& tensor : in.tensors()) {
    types.push_back(output_type(tensor, recipe, model, report));
    sizes_bytes.push_back(formats::row_bytes(types.back(), tensor.cols()) * tensor.rows());
    out.declare(tensor.name, types.back(), tensor.shape);
    report.before_bytes += tensor.bytes.size();
    report.after_bytes += sizes_bytes.back();
  }
  RewriteProgress so_far{.tensors_total = types.size(), .total_bytes = report.after_bytes};
  for (size_t i = 0; i < types.size(); ++i) {
    const GgufTensor& tensor = in.tensors()[i];
    write_tensor(tensor, types[i], thread_count(options.threads), out);
    ++(types[i] == tensor.type ? report.tensors_kept : report.tensors_converted);
    so_far.tensor = tensor.name;
    so_far.tensors_done = i + 1;
    so_far.done_bytes += sizes_bytes[i];
    progress(so_far);
  }
  out.finish();
  return report;
}

}  // namespace hearth::store
