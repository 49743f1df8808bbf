// Bodies that claim to be gzip (first byte even) or zstd: an error, or at most as much as is
// allowed.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hearth/base/error.h"
#include "hearth/serve/http/packed_body.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kBytesMax = 1 << 20;
  if (size == 0) return 0;
  const std::string_view packed(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    HEARTH_CHECK(
        hearth::http::unpack_body(packed, data[0] % 2 == 0 ? "gzip" : "zstd", kBytesMax).size() <=
        kBytesMax);
  } catch (const hearth::Error&) {
  }
  return 0;
}
