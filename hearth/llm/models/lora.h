// LoRA adapters (Hu et al. 2021, arXiv:2106.09685): a fine-tune as thin matrices beside those of a
// model, which stay as they are.
//
// Files: GGUF as llama.cpp's convert_lora_to_gguf.py writes them. `general.type` is "adapter",
// `adapter.type` "lora"; for a matrix NAME [out, in] the tensors NAME.lora_a [rank, in] and
// NAME.lora_b [out, rank]; for the embedding [vocab, dim] token_embd.weight.lora_a [vocab, rank]
// and token_embd.weight.lora_b [dim, rank]. The change counts `adapter.lora.alpha` / rank times;
// once where alpha is 0 or absent.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "hearth/formats/gguf.h"
#include "hearth/llm/kernels/low_rank.h"
#include "hearth/llm/kernels/matmul.h"

namespace hearth::llm {

class Model;

/// An adapter of one model, in f32. It never changes: sequences of all threads share it.
class LoraAdapter {
 public:
  /// Copies the adapter out of `file` and checks each of its matrices against those of `model`,
  /// which must outlive the adapter. Errors, each naming file and tensor or key: corrupt_data (half
  /// of a pair, shapes that do not fit, alpha or a weight that is no finite number),
  /// invalid_argument (an adapter of another architecture), unsupported (no LoRA adapter; a tensor
  /// that changes no matrix of the model, norms for one; a rank above kLowRankMax; adapters that
  /// start to count at certain tokens).
  static std::shared_ptr<const LoraAdapter> load(const formats::Gguf& file, const Model& model);

  const Model& model() const { return *model_; }
  /// Different for all adapters that this process ever loads, from 1.
  uint64_t id() const { return id_; }
  size_t bytes() const;

  /// What the adapter adds to products with `weight`, a matrix of the model or some rows of one.
  /// alpha / rank is in it. Nothing where it leaves the matrix alone.
  std::optional<LowRankUpdate> find(const WeightMatrix& weight) const;
  /// The same for rows of the embedding: `a` is [vocab, rank], `b` [rank, dim].
  std::optional<LowRankUpdate> embedding() const;

 private:
  friend class LoraReader;
  struct Pair {
    const std::byte* weight = nullptr;  // first byte of the matrix that it changes…
    size_t row_bytes = 0;               // …and how its rows lie
    int rank = 0, rows = 0, cols = 0;
    std::vector<float> a;  // [rank, cols]; of the embedding [vocab, rank]
    std::vector<float> b;  // [rank, rows], times alpha / rank; of the embedding [rank, dim]
  };

  explicit LoraAdapter(const Model& model);

  const Model* model_;
  uint64_t id_;
  std::vector<Pair> pairs_;  // by `weight`
  std::optional<Pair> embedding_;
};

/// Which adapter a sequence uses, and how much of it.
struct AdapterUse {
  const LoraAdapter* adapter = nullptr;  // none: the model as it is
  float scale = 1;                       // finite; times alpha / rank

  bool operator==(const AdapterUse&) const = default;
};

}  // namespace hearth::llm
