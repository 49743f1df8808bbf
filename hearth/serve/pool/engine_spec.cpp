#include "hearth/serve/pool/engine_spec.h"

#include <algorithm>

namespace hearth::serve {
namespace {

// Ollama, api/types.go: Runner.
constexpr std::string_view kLoadOptions[] = {
    "draft_num_predict", "main_gpu", "num_batch", "num_ctx", "num_gpu", "num_thread", "use_mmap"};

}  // namespace

bool is_load_option(std::string_view name) {
  return std::ranges::find(kLoadOptions, name) != std::end(kLoadOptions);
}

store::ModelParameters merge_load_options(const store::ModelParameters& over,
                                          const store::ModelParameters& under) {
  store::ModelParameters merged;
  for (const store::ModelParameters* options : {&over, &under})
    for (const auto& [name, value] : *options)
      if (is_load_option(name)) merged.emplace(name, value);  // keeps what is there
  return merged;
}

std::string engine_key(const store::Digest& digest, const store::ModelParameters& load_options) {
  return digest.hex() + " " + store::print_parameters(load_options);
}

}  // namespace hearth::serve
