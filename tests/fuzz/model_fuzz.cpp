// Any bytes as a model: loaded, and if it is as small as these files are, run on two tokens.
#include <cstddef>
#include <cstdint>

#include "hearth/llm/models/encoder.h"
#include "hearth/llm/models/model.h"

namespace {

using namespace hearth;
using namespace hearth::llm;

bool is_small(const Model& model) {
  const ModelConfig& c = model.config();
  // A tensor may be wide and without rows to match only in heads that share nothing: bound both.
  return model.parameters() < 100'000 && c.layers <= 8 && c.heads <= 256 && c.head_dim_k <= 1024 &&
         c.head_dim_v <= 1024;
}

void run(const Model& model) {
  KvCache cache(model.kv_shape(), KvType::f16, 1);
  const int32_t page = cache.try_allocate().value();
  const std::span<const int32_t> table(&page, 1);
  ThreadPool pool(1);
  const auto state = model.make_state(1, 2, 1);
  const Batch::Token tokens[] = {{0, 0, 0, false}, {model.config().vocab_size - 1, 1, 0, true}};
  const std::span<const float> logits = model.forward({tokens, {&table, 1}}, cache, *state, pool);
  HEARTH_CHECK(logits.size() == static_cast<size_t>(model.config().vocab_size));
}

bool is_small(const EncoderConfig& c) {
  const int64_t layer = int64_t{c.dim} * (4 * int64_t{c.dim} + 3 * int64_t{c.ffn_dim});
  return c.layers <= 8 && c.heads <= 256 && c.context_length <= 4096 && layer < 100'000;
}

void run(const Encoder& encoder) {
  const EncoderConfig& config = encoder.config();
  EncoderState state(config, {.threads = 1, .tokens = 2, .texts = 2});
  ThreadPool pool(1);
  const int32_t last = config.vocab_size - 1;
  const EncoderText texts[] = {{.ids = {&last, 1}}, {.ids = {&last, 1}}};
  const std::span<const float> rows = encoder.forward(texts, state, pool);
  HEARTH_CHECK(rows.size() == 2 * static_cast<size_t>(config.dim));
  if (config.has_head) encoder.score(rows.first(config.dim), state, pool);
}

void load_and_run(const formats::Gguf& file) {
  if (is_encoder(file.string("general.architecture"))) {
    const Encoder encoder(file);
    if (is_small(encoder.config())) run(encoder);
    return;
  }
  const auto model = Model::load(file);
  if (is_small(*model)) run(*model);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto file =
        formats::Gguf::parse({reinterpret_cast<const std::byte*>(data), size}, "fuzz");
    load_and_run(file);
  } catch (const Error&) {
  }
  return 0;
}
