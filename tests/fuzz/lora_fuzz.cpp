// Any bytes as a LoRA adapter of a tiny model: loaded, and run on two tokens.
#include <cstddef>
#include <cstdint>

#include "hearth/llm/models/model.h"
#include "hearth/llm/models/random_model.h"

namespace {

using namespace hearth;
using namespace hearth::llm;

const Model& tiny_model() {
  static const RandomModel file({.layers = 1,
                                 .dim = 8,
                                 .heads = 2,
                                 .kv_heads = 1,
                                 .head_dim = 4,
                                 .ffn_dim = 12,
                                 .context_length = 32,
                                 .vocab_size = 16});
  static const std::unique_ptr<Model> model = Model::load(file.file());
  return *model;
}

void run(const Model& model, const LoraAdapter& adapter) {
  static ThreadPool pool(1);
  static const auto state = model.make_state(1, 2, 1);
  KvCache cache(model.kv_shape(), KvType::f16, 1);
  const int32_t page = cache.try_allocate().value();
  const std::span<const int32_t> table(&page, 1);
  const Batch::Token tokens[] = {{0, 0, 0, false}, {model.config().vocab_size - 1, 1, 0, true}};
  const AdapterUse use{&adapter, 1};
  const std::span<const float> logits =
      model.forward({tokens, {&table, 1}, {&use, 1}}, cache, *state, pool);
  HEARTH_CHECK(logits.size() == static_cast<size_t>(model.config().vocab_size));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Model& model = tiny_model();
  try {
    const auto file =
        formats::Gguf::parse({reinterpret_cast<const std::byte*>(data), size}, "fuzz");
    run(model, *LoraAdapter::load(file, model));
  } catch (const Error&) {
  }
  return 0;
}
