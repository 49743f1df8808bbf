#include "hearth/store/hugging_face_import.h"

#include <span>

#include "hearth/base/error.h"
#include "hearth/formats/gguf.h"
#include "hearth/formats/safetensors.h"
#include "hearth/store/convert_rows.h"
#include "hearth/store/hugging_face_config.h"
#include "hearth/store/hugging_face_metadata.h"
#include "hearth/store/hugging_face_tensors.h"
#include "hearth/store/hugging_face_tokenizer.h"
#include "hearth/store/quantize_recipe.h"

namespace hearth::store {
namespace {

using formats::GgufWriter;
using formats::TensorType;

std::string folder_name(const fs::path& folder) {
  const fs::path full = fs::absolute(folder).lexically_normal();
  return (full.has_filename() ? full : full.parent_path()).filename().string();
}

uint32_t file_type(TensorType type) {
  for (const QuantizeRecipe& recipe : quantize_recipes())
    if (!recipe.is_mix && recipe.base == type) return recipe.file_type;
  throw Error(Errc::invalid_argument, "{} is not a type for weights", formats::info(type).name);
}

void set_general_keys(GgufWriter& out, const ImportReport& report, TensorType type) {
  out.set("general.architecture", report.architecture);
  out.set("general.type", std::string("model"));
  out.set("general.name", report.name);
  out.set("general.file_type", file_type(type));
  out.set("general.quantization_version", kQuantizationVersion);
}

void set_all(GgufWriter& out, GgufKeys keys) {
  for (auto& [key, value] : keys) out.set(std::move(key), std::move(value));
}

/// Declares every tensor and returns their types.
std::vector<TensorType> declare(GgufWriter& out, const TensorPlan& plan, TensorType matrix_type,
                                ImportReport& report, uint64_t& total_bytes) {
  std::vector<TensorType> types;
  for (const PlannedTensor& tensor : plan.tensors) {
    const bool is_typed = tensor.is_matrix() && !tensor.stays_f32;
    const TensorType wanted = is_typed ? matrix_type : TensorType::f32;
    const TensorType used = type_for_rows(wanted, tensor.cols());
    if (used != wanted)
      report.notes.push_back(
          fmt::format("'{}' is {} since its rows of {} do not divide into {} blocks", tensor.name,
                      formats::info(used).name, tensor.cols(), formats::info(wanted).name));
    out.declare(tensor.name, used, tensor.shape);
    types.push_back(used);
    report.parameters += tensor.rows() * tensor.cols();
    total_bytes += tensor.rows() * formats::row_bytes(used, tensor.cols());
  }
  report.tensors = plan.tensors.size();
  return types;
}

void write_all(GgufWriter& out, const TensorPlan& plan, const std::vector<TensorType>& types,
               int threads, uint64_t total_bytes, RewriteProgressFn progress) {
  RewriteProgress so_far{.tensors_total = types.size(), .total_bytes = total_bytes};
  for (size_t i = 0; i < types.size(); ++i) {
    const PlannedTensor& tensor = plan.tensors[i];
    write_rows(
        out,
        {.tensor = tensor.name, .rows = tensor.rows(), .cols = tensor.cols(), .type = types[i]},
        threads, [&](uint64_t row, std::span<float> values) { tensor.read_row(row, values); });
    so_far.tensor = tensor.name;
    so_far.tensors_done = i + 1;
    so_far.done_bytes += tensor.rows() * formats::row_bytes(types[i], tensor.cols());
    progress(so_far);
  }
}

/// Importing to one place again is fine; writing over what is being read is not.
void refuse_input_file(const fs::path& folder, const fs::path& out_path) {
  std::error_code ignored;  // equivalent() fails where there is no output yet, the normal case
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() != ".gguf" && fs::equivalent(entry.path(), out_path, ignored))
      throw Error(Errc::invalid_argument, "{}: the output would replace a file of the input",
                  out_path.string());
}

}  // namespace

ImportReport import_hugging_face(const fs::path& folder, const fs::path& out_path,
                                 const ImportOptions& options, RewriteProgressFn progress) {
  const HuggingFaceConfig config = read_hugging_face_config(folder);
  const formats::Safetensors checkpoint = formats::Safetensors::open_folder(folder);
  const TensorPlan plan = plan_tensors(checkpoint, config);
  refuse_input_file(folder, out_path);

  ImportReport report;
  report.architecture = config.family->architecture;
  report.name = folder_name(folder);
  report.notes = config.notes;
  report.notes.insert(report.notes.end(), plan.notes.begin(), plan.notes.end());

  // Before the file is begun: it fails most.
  GgufKeys tokenizer = tokenizer_keys(folder, config, plan.vocab_size, report.notes);
  GgufWriter out(out_path);
  set_general_keys(out, report, options.matrix_type);
  set_all(out, sampling_keys(folder));
  set_all(out, config_keys(config, plan.vocab_size));
  set_all(out, std::move(tokenizer));
  uint64_t total_bytes = 0;
  const std::vector<TensorType> types =
      declare(out, plan, options.matrix_type, report, total_bytes);
  write_all(out, plan, types, thread_count(options.threads), total_bytes, progress);
  out.finish();
  report.written_bytes = fs::file_size(out_path);
  return report;
}

}  // namespace hearth::store
