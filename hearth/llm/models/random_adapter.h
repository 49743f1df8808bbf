// Random LoRA adapters, and the models that they would be merged into. Test-only code.
#pragma once
#include <string>
#include <vector>

#include "hearth/base/files.h"
#include "hearth/formats/gguf.h"

namespace hearth::llm {

struct RandomAdapterOptions {
  int rank = 4;
  float alpha = 8;  // 0 counts as rank
  uint64_t seed = 1;
  formats::TensorType type = formats::TensorType::f32;
  /// Ends of the names of the matrices that it changes, with ".weight"; none: all but token_embd.
  std::vector<std::string> only = {};
  /// Values around this share of those of the base, once the halves are multiplied.
  float strength = 0.5f;
};

/// Writes an adapter for the model in `base`.
void write_random_adapter(const fs::path& path, const formats::Gguf& base,
                          const RandomAdapterOptions& options = {});

/// Writes `base` in f32 with W + scale * (alpha / rank) * B A in place of each W that the adapter
/// changes, computed in f64.
void write_merged_model(const fs::path& path, const formats::Gguf& base,
                        const formats::Gguf& adapter, double scale = 1);

/// A temporary folder for such files, which goes with it.
class AdapterFolder {
 public:
  AdapterFolder();
  ~AdapterFolder();
  AdapterFolder(const AdapterFolder&) = delete;
  AdapterFolder& operator=(const AdapterFolder&) = delete;

  fs::path file(const std::string& name) const { return folder_ / name; }
  formats::Gguf adapter(const formats::Gguf& base, const RandomAdapterOptions& options = {});
  formats::Gguf merged(const formats::Gguf& base, const formats::Gguf& adapter, double scale = 1);

 private:
  fs::path folder_;
  int files_ = 0;
};

}  // namespace hearth::llm
