#include "hearth/serve/http/request_id.h"

#include <algorithm>
#include <random>

#include "hearth/base/error.h"
#include "hearth/base/rng.h"

namespace hearth::http {

bool is_sane_request_id(std::string_view id) {
  return !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && std::string_view("._:-").find(c) != std::string_view::npos);
  });
}

std::string make_request_id() {
  // Ids name requests and guard nothing, so a fast generator with a random seed does.
  thread_local Rng rng = [] {
    std::random_device device;
    return Rng((uint64_t{device()} << 32) | device());
  }();
  return fmt::format("req_{:016x}{:016x}", rng.next_u64(), rng.next_u64());
}

}  // namespace hearth::http
