#include "hearth/llm/engine_limits.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string_view>

#include "hearth/base/units.h"

namespace hearth::llm {
namespace {

// Named maxima: far above what a box needs, low enough that sums of them fit an int.
constexpr int kSequencesMax = 256;
constexpr int kQueueMax = 65536;
constexpr int kChunkTokensMax = 8192;

void check_range(std::string_view option, int value, int low, int high) {
  if (value < low || value > high)
    throw Error(Errc::invalid_argument, "{}: {} is not between {} and {}", option, value, low,
                high);
}

size_t page_bytes(const KvShape& shape, KvType type) {
  const size_t row = kv_row_bytes(type, shape.head_dim_k) + kv_row_bytes(type, shape.head_dim_v);
  return row * shape.layers * shape.kv_heads * shape.page_tokens;
}

int resolve_pages(const EngineLimits& limits, const KvShape& shape, size_t asked_bytes,
                  size_t memory_bytes) {
  const size_t per_page = page_bytes(shape, limits.kv_type);
  const size_t per_context = pages_for(limits.context, shape);
  const size_t bytes_max = asked_bytes != 0 ? asked_bytes : memory_bytes / 4;
  const size_t pages = std::min(bytes_max / per_page, per_context * limits.sequences_max);
  if (pages < per_context)
    throw Error(Errc::resource_exhausted, "context: {} positions need {} of KV cache, {} allows {}",
                limits.context, format_bytes(per_context * per_page),
                asked_bytes != 0 ? "kv_bytes_max" : "a quarter of the memory",
                format_bytes(bytes_max));
  return static_cast<int>(pages);
}

}  // namespace

int resolve_context(int asked, const ModelConfig& config) {
  if (asked == 0) return std::min(config.context_length, kDefaultContext);
  if (asked < 2 || asked > config.context_length)
    throw Error(Errc::invalid_argument,
                "context: {} is not between 2 and {}, the positions the model was trained for",
                asked, config.context_length);
  return asked;
}

EngineLimits resolve(const EngineOptions& options, const ModelConfig& config, const KvShape& shape,
                     size_t memory_bytes) {
  check_range("sequences_max", options.sequences_max, 1, kSequencesMax);
  check_range("queue_max", options.queue_max, 0, kQueueMax);
  // Each running sequence takes a token of the step first: a page of a prompt must fit beside.
  check_range("chunk_tokens", options.chunk_tokens, options.sequences_max + shape.page_tokens,
              kChunkTokensMax);
  EngineLimits limits{.threads = options.threads,
                      .context = resolve_context(options.context, config),
                      .sequences_max = options.sequences_max,
                      .queue_max = options.queue_max,
                      .chunk_tokens = options.chunk_tokens,
                      .kv_type = options.kv_type,
                      .share_prefixes = options.share_prefixes};
  limits.pages = resolve_pages(limits, shape, options.kv_bytes_max, memory_bytes);
  return limits;
}

void check_ids(std::string_view name, std::span<const int32_t> ids, int vocab_size) {
  for (size_t i = 0; i < ids.size(); ++i)
    if (ids[i] < 0 || ids[i] >= vocab_size)
      throw Error(Errc::invalid_argument, "{}[{}]: id {} is not between 0 and {}", name, i, ids[i],
                  vocab_size - 1);
}

void check_params(const GenerateParams& params, int vocab_size, int context) {
  if (params.prompt.empty()) throw Error(Errc::invalid_argument, "prompt: no tokens");
  check_ids("prompt", params.prompt, vocab_size);
  if (params.tokens_max < -1)
    throw Error(Errc::invalid_argument, "tokens_max: {} is below -1, which means no limit",
                params.tokens_max);
  if (!std::isfinite(params.adapter_scale))
    throw Error(Errc::invalid_argument, "adapter_scale: {} is no finite number",
                params.adapter_scale);
  if (params.form.constraint) check_form(params.form, vocab_size, params.ignore_end);
  if (params.context_full != ContextFull::shift &&
      params.prompt.size() > static_cast<size_t>(context))
    throw Error(Errc::too_long, "prompt is too long: {} tokens > {} maximum", params.prompt.size(),
                context);
}

size_t memory_total_bytes() {
  const size_t installed =
      static_cast<size_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  // A container's limit (cgroup v2); the file holds "max" where there is none.
  size_t limit = 0;
  std::ifstream file("/sys/fs/cgroup/memory.max");
  return file >> limit && limit > 0 ? std::min(installed, limit) : installed;
}

}  // namespace hearth::llm
