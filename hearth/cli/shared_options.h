// Options that several commands have: the record and the value of each, in one place.
#pragma once
#include "hearth/cli/command.h"
#include "hearth/llm/kv_cache.h"

namespace hearth::cli {

inline constexpr Option kThreadsOption = {"--threads", "N", "Threads; 0: one per usable core (0)"};
inline constexpr Option kKvOption = {"--kv", "TYPE",
                                     "Type of the KV cache: f32, f16 or q8_0 (f16)"};
inline constexpr Option kJsonOption = {"--json", "", "One JSON object"};

/// Positions that --ctx and num_ctx take at most: more than any model is trained for.
inline constexpr int kContextMax = 1 << 22;

/// --threads; 0 when not given. Errors: invalid_argument outside 0 to
/// ThreadPool::kThreadsMax.
int threads_from(const Args& args);
/// --ctx; 0 when not given. Errors: invalid_argument outside 0 to kContextMax.
int context_from(const Args& args);
/// --kv; f16 when not given. Errors: invalid_argument naming the types.
llm::KvType kv_type_from(const Args& args);

}  // namespace hearth::cli
