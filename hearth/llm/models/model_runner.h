// Runs a model over sequences in tests, whole or in pieces. Test-only code.
#pragma once
#include <span>
#include <vector>

#include "hearth/llm/models/model.h"

namespace hearth::llm {

struct RunOptions {
  KvType kv = KvType::f32;
  int chunk = 0;  // tokens of a forward pass; 0: all at once
  int threads = 2;
  std::vector<AdapterUse> adapters = {};  // per sequence, or none
};

/// `count` ids that a random model knows, BOS first; equal seeds give equal ids.
std::vector<int32_t> random_ids(int count, uint64_t seed);

/// Logits after every token of a sequence from position 0: [ids, vocab_size].
std::vector<float> run_model(const Model& model, std::span<const int32_t> ids,
                             const RunOptions& options = {});

/// The same for several sequences at once. Each forward pass takes the next chunk of each sequence,
/// and pages are handed out in turns, so that no sequence lies in one piece.
std::vector<std::vector<float>> run_sequences(const Model& model,
                                              std::span<const std::vector<int32_t>> sequences,
                                              const RunOptions& options = {});

/// |a - b| / |b| in the Euclidean norm. Infinite when a value is not finite or the sizes differ.
double relative_error(std::span<const float> a, const std::vector<std::vector<double>>& b);
double relative_error(std::span<const float> a, std::span<const float> b);

}  // namespace hearth::llm
