#include "hearth/store/adapter_import.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/formats/safetensors.h"
#include "hearth/store/convert_rows.h"
#include "hearth/store/hugging_face_tensors.h"
#include "hearth/store/json_object.h"

namespace hearth::store {
namespace {

using formats::Gguf;
using formats::GgufTensor;
using formats::GgufWriter;
using formats::SafeTensor;
using formats::TensorType;
using nlohmann::json;

constexpr const char* kConfigFile = "adapter_config.json";
constexpr const char* kWeightsFile = "adapter_model.safetensors";
constexpr std::string_view kWrapper = "base_model.model.";  // PEFT's own modules around the model
constexpr std::string_view kEmbedding = "token_embd.weight";
constexpr uint64_t kRankMax = 1 << 16;

/// Architectures whose matrices the names of hugging_face_tensors.h are right for.
struct KnownArchitecture {
  std::string_view name;
  bool permutes_qk;
};
constexpr KnownArchitecture kArchitectures[] = {
    {"llama", true},   {"mistral3", true}, {"qwen2", false}, {"qwen3", false},
    {"gemma2", false}, {"gemma3", false},  {"phi3", false},
};

const KnownArchitecture& architecture_of(const Gguf& base) {
  const std::string name = base.string("general.architecture");
  const auto* found = std::ranges::find(kArchitectures, name, &KnownArchitecture::name);
  if (found != std::end(kArchitectures)) return *found;
  throw Error(Errc::unsupported, "{}: adapters for architecture '{}' cannot be converted",
              base.name(), name);
}

struct PeftConfig {
  uint64_t rank = 0;
  double alpha = 0;
  bool is_rank_stabilised = false;
  bool ranks_differ = false;
};

bool is_empty(const json& value) {
  return value.is_null() || (value.is_boolean() && !value.get<bool>()) ||
         ((value.is_array() || value.is_object()) && value.empty());
}

// What PEFT can do beyond W + scale B A. Fields that only steer training are passed over.
void refuse_other_methods(const JsonObject& config) {
  const std::string method = config.string("peft_type");
  if (method != "LORA")
    throw Error(Errc::unsupported, "{}: peft_type '{}' is not LORA", config.where(), method);
  constexpr const char* kUnsupported[] = {
      "use_dora",      "lora_bias",         "modules_to_save",         "fan_in_fan_out",
      "alpha_pattern", "layer_replication", "trainable_token_indices", "target_parameters",
      "use_qalora",    "use_bdlora",        "alora_invocation_tokens", "arrow_config"};
  for (const char* field : kUnsupported)
    if (const json* value = config.find(field); value && !is_empty(*value))
      throw Error(Errc::unsupported, "{}: '{}' is set, which cannot be applied", config.where(),
                  field);
  const std::string bias = config.try_string("bias").value_or("none");
  if (bias != "none")
    throw Error(Errc::unsupported, "{}: bias '{}' was trained, only 'none' can be applied",
                config.where(), bias);
  // These replace the base's weights by what the adapter leaves of them.
  const json* init = config.find("init_lora_weights");
  if (!init || !init->is_string()) return;
  const std::string kind = init->get<std::string>();
  for (const char* changing : {"pissa", "olora", "corda", "loftq", "lora_ga"})
    if (kind.starts_with(changing))
      throw Error(Errc::unsupported, "{}: init_lora_weights '{}' changes the base's weights",
                  config.where(), kind);
}

PeftConfig read_config(const fs::path& path) {
  const json parsed = read_json(path);
  const JsonObject config(parsed, path.string());
  refuse_other_methods(config);
  PeftConfig out{.rank = config.u64("r"),
                 .alpha = config.f64("lora_alpha"),
                 .is_rank_stabilised = config.try_bool("use_rslora").value_or(false)};
  if (out.rank < 1 || out.rank > kRankMax)
    throw Error(Errc::corrupt_data, "{}: r is {}, 1 to {} are allowed", config.where(), out.rank,
                kRankMax);
  // 0 would mean 1 in GGUF.
  if (!(out.alpha > 0 && out.alpha <= 1e6))
    throw Error(Errc::corrupt_data, "{}: lora_alpha is {}, more than 0 to 1000000 are allowed",
                config.where(), out.alpha);
  const json* ranks = config.find("rank_pattern");
  out.ranks_differ = ranks && !is_empty(*ranks);
  return out;
}

enum class Half { a, b };

struct HalfName {
  std::string module;  // "model.layers.0.self_attn.q_proj"
  Half half;
};

// "base_model.model.MODULE.lora_A.weight", ".lora_A.default.weight" of older versions, or, of an
// embedding, "….lora_embedding_A".
std::optional<HalfName> try_half(std::string_view name) {
  if (!name.starts_with(kWrapper)) return std::nullopt;
  name.remove_prefix(kWrapper.size());
  constexpr std::pair<std::string_view, Half> kEnds[] = {
      {".lora_A.weight", Half::a},         {".lora_B.weight", Half::b},
      {".lora_A.default.weight", Half::a}, {".lora_B.default.weight", Half::b},
      {".lora_embedding_A", Half::a},      {".lora_embedding_B", Half::b},
  };
  for (const auto& [end, half] : kEnds)
    if (name.ends_with(end))
      return HalfName{std::string(name.substr(0, name.size() - end.size())), half};
  return std::nullopt;
}

/// A matrix that the adapter changes, [out, in].
struct Pair {
  const SafeTensor *a = nullptr, *b = nullptr;
  uint64_t rank = 0, in = 0, out = 0;
  uint64_t head_dim = 0;  // > 0: rows of B go from halves to pairs within each head
};

class AdapterReader {
 public:
  AdapterReader(const formats::Safetensors& weights, const PeftConfig& config, const Gguf& base)
      : weights_(weights), config_(config), base_(base), architecture_(architecture_of(base)) {}

  /// By the names of the base's tensors.
  std::map<std::string, Pair> read() {
    for (const SafeTensor& tensor : weights_.tensors()) take(tensor);
    if (pairs_.empty())
      throw Error(Errc::corrupt_data, "{}: the adapter changes no matrix", weights_.name());
    for (auto& [name, pair] : pairs_) check(name, pair);
    return std::move(pairs_);
  }

 private:
  void take(const SafeTensor& tensor) {
    const std::optional<HalfName> half = try_half(tensor.name);
    const auto target =
        half ? find_matrix_target(half->module + ".weight") : std::optional<MatrixTarget>();
    if (!target)
      throw Error(Errc::unsupported, "{}: tensor '{}' is no half of a LoRA pair that Hearth knows",
                  weights_.name(), tensor.name);
    using enum formats::SafetensorsType;
    if (tensor.type != f64 && tensor.type != f32 && tensor.type != f16 && tensor.type != bf16)
      throw Error(Errc::unsupported, "{}: tensor '{}' is {}, weights are F64, F32, F16 or BF16",
                  weights_.name(), tensor.name, formats::name(tensor.type));
    Pair& pair = pairs_[target->name];
    const SafeTensor*& place = half->half == Half::a ? pair.a : pair.b;
    if (place)
      throw Error(Errc::corrupt_data, "{}: tensors '{}' and '{}' are the same half",
                  weights_.name(), place->name, tensor.name);
    place = &tensor;
    if (target->is_permuted && architecture_.permutes_qk) pair.head_dim = head_dim(*target);
  }

  uint64_t head_dim(const MatrixTarget& target) const {
    const std::string prefix = base_.string("general.architecture") + ".attention.";
    const uint64_t heads = base_.u64(prefix + "head_count");
    const bool is_key = target.name.ends_with("attn_k.weight");
    const uint64_t here = is_key ? base_.try_u64(prefix + "head_count_kv").value_or(heads) : heads;
    const GgufTensor* tensor = base_.find_tensor(target.name);
    if (!tensor) return 0;  // check() says so
    if (here == 0 || tensor->rows() % (2 * here) != 0)
      throw Error(Errc::corrupt_data, "{}: '{}' has {} rows for {} heads", base_.name(),
                  target.name, tensor->rows(), here);
    return tensor->rows() / here;
  }

  void check(const std::string& name, Pair& pair) const {
    if (!pair.a || !pair.b)
      throw Error(Errc::corrupt_data, "{}: tensor '{}' has no other half beside it",
                  weights_.name(), (pair.a ? pair.a : pair.b)->name);
    const GgufTensor* matrix =
        base_.find_tensor(name == "output.weight" && is_tied() ? kEmbedding : name);
    if (!matrix)
      throw Error(Errc::unsupported, "{}: tensor '{}' changes '{}', which {} does not have",
                  weights_.name(), pair.a->name, name, base_.name());
    const bool is_embedding = name == kEmbedding;
    pair.in = is_embedding ? matrix->rows() : matrix->cols();
    pair.out = is_embedding ? matrix->cols() : matrix->rows();
    pair.rank = pair.b->shape.size() == 2 ? pair.b->shape[1] : config_.rank;
    if (pair.rank < 1 || pair.rank > kRankMax || !config_.ranks_differ) pair.rank = config_.rank;
    check_shape(*pair.a, pair.rank, pair.in);
    check_shape(*pair.b, pair.out, pair.rank);
  }

  bool is_tied() const { return base_.find_tensor("output.weight") == nullptr; }

  void check_shape(const SafeTensor& tensor, uint64_t rows, uint64_t cols) const {
    if (tensor.shape != std::vector<uint64_t>{rows, cols})
      throw Error(Errc::corrupt_data, "{}: tensor '{}' has shape [{}], {} and r = {} need [{}, {}]",
                  weights_.name(), tensor.name, fmt::join(tensor.shape, ", "), base_.name(),
                  config_.rank, rows, cols);
  }

  const formats::Safetensors& weights_;
  const PeftConfig& config_;
  const Gguf& base_;
  const KnownArchitecture& architecture_;
  std::map<std::string, Pair> pairs_;
};

// [rank, in] as it is; of an embedding transposed, so that the row of an id is contiguous.
void write_a(GgufWriter& out, const std::string& name, const Pair& pair) {
  const bool is_embedding = name == kEmbedding;
  const RowsToWrite what{.tensor = pair.a->name,
                         .rows = is_embedding ? pair.in : pair.rank,
                         .cols = is_embedding ? pair.rank : pair.in,
                         .type = TensorType::f32};
  write_rows(out, what, 1, [&](uint64_t row, std::span<float> values) {
    if (!is_embedding) return formats::read_floats(*pair.a, row * pair.in, values);
    for (uint64_t k = 0; k < pair.rank; ++k)
      formats::read_floats(*pair.a, k * pair.in + row, values.subspan(k, 1));
  });
}

void write_b(GgufWriter& out, const Pair& pair, float factor) {
  const RowsToWrite what{
      .tensor = pair.b->name, .rows = pair.out, .cols = pair.rank, .type = TensorType::f32};
  write_rows(out, what, 1, [&](uint64_t row, std::span<float> values) {
    const uint64_t from = pair.head_dim > 0 ? row_before_permutation(row, pair.head_dim) : row;
    formats::read_floats(*pair.b, from * pair.rank, values);
    for (float& value : values) value *= factor;
  });
}

std::string folder_name(const fs::path& folder) {
  const fs::path full = fs::absolute(folder).lexically_normal();
  return (full.has_filename() ? full : full.parent_path()).filename().string();
}

}  // namespace

AdapterImportReport import_adapter(const fs::path& folder, const Gguf& base,
                                   const fs::path& out_path) {
  const PeftConfig config = read_config(folder / kConfigFile);
  const auto weights = formats::Safetensors::open(folder / kWeightsFile);
  const std::map<std::string, Pair> pairs = AdapterReader(weights, config, base).read();

  GgufWriter out(out_path);
  out.set("general.type", std::string("adapter"));
  out.set("general.architecture", base.string("general.architecture"));
  out.set("general.name", folder_name(folder));
  out.set("adapter.type", std::string("lora"));
  out.set("adapter.lora.alpha", static_cast<float>(config.alpha));
  for (const auto& [name, pair] : pairs) {
    const bool is_embedding = name == kEmbedding;
    const std::vector<uint64_t> a =
        is_embedding ? std::vector{pair.rank, pair.in} : std::vector{pair.in, pair.rank};
    out.declare(name + ".lora_a", TensorType::f32, a);
    out.declare(name + ".lora_b", TensorType::f32, {pair.rank, pair.out});
  }
  for (const auto& [name, pair] : pairs) {
    write_a(out, name, pair);
    write_b(out, pair, config.is_rank_stabilised ? std::sqrt(static_cast<float>(pair.rank)) : 1);
  }
  out.finish();
  return {.matrices = pairs.size(), .written_bytes = fs::file_size(out_path)};
}

}  // namespace hearth::store
