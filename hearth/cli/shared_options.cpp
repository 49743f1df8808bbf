#include "hearth/cli/shared_options.h"

#include "hearth/base/error.h"
#include "hearth/compute/thread_pool.h"

namespace hearth::cli {
namespace {

struct KvTypeRow {
  std::string_view name;
  llm::KvType type;
};
constexpr KvTypeRow kKvTypes[] = {
    {"f32", llm::KvType::f32},
    {"f16", llm::KvType::f16},
    {"q8_0", llm::KvType::q8_0},
};

}  // namespace

int threads_from(const Args& args) {
  return static_cast<int>(args.integer(kThreadsOption.name, 0, 0, ThreadPool::kThreadsMax));
}

int context_from(const Args& args) {
  return static_cast<int>(args.integer("--ctx", 0, 0, kContextMax));
}

llm::KvType kv_type_from(const Args& args) {
  const std::string typed = args.text(kKvOption.name, "f16");
  for (const KvTypeRow& row : kKvTypes)
    if (row.name == typed) return row.type;
  throw Error(Errc::invalid_argument, "{}: '{}' is not f32, f16 or q8_0", kKvOption.name, typed);
}

}  // namespace hearth::cli
