#include "hearth/llm/models/lora.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string_view>

#include "hearth/formats/quantize.h"
#include "hearth/llm/models/model.h"

namespace hearth::llm {
namespace {

using formats::Gguf;
using formats::GgufTensor;

constexpr std::string_view kSuffixA = ".lora_a", kSuffixB = ".lora_b";
constexpr std::string_view kEmbedding = "token_embd.weight";

uint64_t next_id() {
  static std::atomic<uint64_t> last = 0;
  return ++last;
}

void check_kind(const Gguf& file, const Model& model) {
  const std::string type = file.try_string("general.type").value_or("model");
  if (type != "adapter")
    throw Error(Errc::unsupported, "{}: general.type is '{}', not 'adapter'", file.name(), type);
  const std::string method = file.string("adapter.type");
  if (method != "lora")
    throw Error(Errc::unsupported, "{}: adapter.type is '{}', not 'lora'", file.name(), method);
  const std::string architecture = file.string("general.architecture");
  if (architecture != model.config().architecture)
    throw Error(Errc::invalid_argument, "{}: an adapter for '{}', the model is '{}'", file.name(),
                architecture, model.config().architecture);
  if (file.find("adapter.alora.invocation_tokens"))
    throw Error(Errc::unsupported, "{}: an adapter that its invocation tokens switch on (aLoRA)",
                file.name());
}

float read_alpha(const Gguf& file) {
  const double alpha = file.try_f64("adapter.lora.alpha").value_or(0);
  if (!(alpha >= 0 && alpha <= 1e6))
    throw Error(Errc::corrupt_data, "{}: adapter.lora.alpha is {}, not between 0 and 1000000",
                file.name(), alpha);
  return static_cast<float>(alpha);
}

}  // namespace

/// Reads one file into an adapter.
class LoraReader {
 public:
  LoraReader(const Gguf& file, const Model& model)
      : file_(file), model_(model), alpha_(read_alpha(file)) {}

  std::shared_ptr<const LoraAdapter> read() {
    const std::shared_ptr<LoraAdapter> adapter(new LoraAdapter(model_));
    for (const GgufTensor& tensor : file_.tensors()) read_tensor(tensor, *adapter);
    if (adapter->pairs_.empty() && !adapter->embedding_)
      throw Error(Errc::corrupt_data, "{}: the adapter changes no matrix", file_.name());
    std::ranges::sort(adapter->pairs_, std::less<>(), &LoraAdapter::Pair::weight);
    return adapter;
  }

 private:
  // A pair is read where its first half is met; the second must only have one.
  void read_tensor(const GgufTensor& tensor, LoraAdapter& adapter) {
    const std::string_view name = tensor.name;
    if (name.ends_with(kSuffixA)) {
      const std::string base(name.substr(0, name.size() - kSuffixA.size()));
      const GgufTensor& b = other_half(tensor, base, kSuffixB);
      if (base == kEmbedding)
        adapter.embedding_ = read_embedding(tensor, b);
      else
        adapter.pairs_.push_back(read_pair(base, tensor, b));
    } else if (name.ends_with(kSuffixB)) {
      other_half(tensor, std::string(name.substr(0, name.size() - kSuffixB.size())), kSuffixA);
    } else {
      throw Error(Errc::unsupported, "{}: tensor '{}' is no half of a LoRA pair", file_.name(),
                  name);
    }
  }

  const GgufTensor& other_half(const GgufTensor& tensor, const std::string& base,
                               std::string_view suffix) const {
    const GgufTensor* other = file_.find_tensor(fmt::format("{}{}", base, suffix));
    if (!other)
      throw Error(Errc::corrupt_data, "{}: tensor '{}' has no '{}{}' beside it", file_.name(),
                  tensor.name, base, suffix);
    return *other;
  }

  const WeightMatrix& base_matrix(const std::string& name) const {
    for (const NamedMatrix& matrix : model_.matrices())
      if (matrix.name == name) return matrix.weight;
    throw Error(Errc::unsupported, "{}: '{}' is no matrix of the model", file_.name(), name);
  }

  LoraAdapter::Pair read_pair(const std::string& name, const GgufTensor& a, const GgufTensor& b) {
    const WeightMatrix& weight = base_matrix(name);
    const int rank = read_rank(b);
    check_shape(a, rank, weight.cols);
    check_shape(b, weight.rows, rank);
    return {.weight = weight.data,
            .row_bytes = weight.row_bytes,
            .rank = rank,
            .rows = weight.rows,
            .cols = weight.cols,
            .a = read_values(a),
            .b = transposed(read_values(b), weight.rows, rank, scale(rank))};
  }

  LoraAdapter::Pair read_embedding(const GgufTensor& a, const GgufTensor& b) {
    const WeightMatrix& table = base_matrix(std::string(kEmbedding));
    const int rank = read_rank(b);
    check_shape(a, table.rows, rank);
    check_shape(b, table.cols, rank);
    return {.rank = rank,
            .rows = table.cols,
            .cols = table.rows,
            .a = read_values(a),
            .b = transposed(read_values(b), table.cols, rank, scale(rank))};
  }

  int read_rank(const GgufTensor& b) const {
    if (b.cols() > kLowRankMax)
      throw Error(Errc::unsupported, "{}: tensor '{}' has rank {}, at most {} is supported",
                  file_.name(), b.name, b.cols(), kLowRankMax);
    return static_cast<int>(b.cols());
  }

  void check_shape(const GgufTensor& tensor, int rows, int cols) const {
    if (tensor.cols() != static_cast<uint64_t>(cols) ||
        tensor.rows() != static_cast<uint64_t>(rows))
      throw Error(Errc::corrupt_data, "{}: tensor '{}' has shape [{}], the model needs [{}, {}]",
                  file_.name(), tensor.name, fmt::join(tensor.shape, ", "), cols, rows);
    if (!formats::info(tensor.type).is_weight)
      throw Error(Errc::unsupported, "{}: tensor '{}' has type {}, which holds no weights",
                  file_.name(), tensor.name, formats::info(tensor.type).name);
  }

  std::vector<float> read_values(const GgufTensor& tensor) const {
    std::vector<float> values(tensor.elems());
    const size_t cols = tensor.cols(), row_bytes = formats::row_bytes(tensor.type, cols);
    for (size_t r = 0; r < tensor.rows(); ++r)
      formats::dequantize_row(tensor.type, tensor.bytes.data() + r * row_bytes,
                              std::span(values).subspan(r * cols, cols));
    // One such value would make every answer nonsense, and nobody could tell where it came from.
    const auto bad = std::ranges::find_if_not(values, [](float v) { return std::isfinite(v); });
    if (bad != values.end())
      throw Error(Errc::corrupt_data, "{}: tensor '{}' holds {}, not a finite number", file_.name(),
                  tensor.name, *bad);
    return values;
  }

  static std::vector<float> transposed(const std::vector<float>& b, int rows, int rank,
                                       float scale) {
    std::vector<float> out(b.size());
    for (size_t r = 0; r < static_cast<size_t>(rows); ++r)
      for (size_t k = 0; k < static_cast<size_t>(rank); ++k)
        out[k * rows + r] = scale * b[r * rank + k];
    return out;
  }

  float scale(int rank) const { return alpha_ == 0 ? 1 : alpha_ / static_cast<float>(rank); }

  const Gguf& file_;
  const Model& model_;
  float alpha_;
};

LoraAdapter::LoraAdapter(const Model& model) : model_(&model), id_(next_id()) {}

std::shared_ptr<const LoraAdapter> LoraAdapter::load(const Gguf& file, const Model& model) {
  check_kind(file, model);
  return LoraReader(file, model).read();
}

size_t LoraAdapter::bytes() const {
  size_t values = embedding_ ? embedding_->a.size() + embedding_->b.size() : 0;
  for (const Pair& pair : pairs_) values += pair.a.size() + pair.b.size();
  return values * sizeof(float);
}

// By the address of the rows, which names a matrix as well as its tensor does: so the parts of a
// fused projection find theirs, and a tied output does not need a name of its own.
std::optional<LowRankUpdate> LoraAdapter::find(const WeightMatrix& weight) const {
  auto pair = std::ranges::upper_bound(pairs_, weight.data, std::less<>(), &Pair::weight);
  if (pair == pairs_.begin()) return std::nullopt;
  --pair;
  const size_t first = static_cast<size_t>(weight.data - pair->weight) / pair->row_bytes;
  if (first >= static_cast<size_t>(pair->rows)) return std::nullopt;
  return LowRankUpdate{.a = pair->a.data(),
                       .b = pair->b.data() + first,
                       .b_stride = static_cast<size_t>(pair->rows),
                       .rank = pair->rank,
                       .rows = weight.rows,
                       .cols = pair->cols};
}

std::optional<LowRankUpdate> LoraAdapter::embedding() const {
  if (!embedding_) return std::nullopt;
  return LowRankUpdate{.a = embedding_->a.data(),
                       .b = embedding_->b.data(),
                       .b_stride = static_cast<size_t>(embedding_->rows),
                       .rank = embedding_->rank,
                       .rows = embedding_->rows,
                       .cols = embedding_->cols};
}

}  // namespace hearth::llm
