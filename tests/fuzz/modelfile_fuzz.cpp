// Any bytes as a Modelfile: what is read must be printed and read as the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hearth/base/error.h"
#include "hearth/store/modelfile.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth::store;
  try {
    const Modelfile file =
        parse_modelfile(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz");
    // What was read can always be printed: its quotes were there once.
    HEARTH_CHECK(parse_modelfile(print_modelfile(file), "fuzz") == file);
  } catch (const hearth::Error& error) {
    HEARTH_CHECK(error.code() == hearth::Errc::invalid_argument);
  }
  return 0;
}
