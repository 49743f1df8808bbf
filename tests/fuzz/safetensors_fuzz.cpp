// Any bytes as a safetensors file: parsed, and the ends of every tensor read.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "hearth/formats/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth::formats;
  try {
    const Safetensors file = Safetensors::parse(std::as_bytes(std::span(data, size)), "fuzz");
    for (const SafeTensor& tensor : file.tensors()) {
      float ends[2] = {};
      const uint64_t count = std::min<uint64_t>(tensor.elems(), 2);
      read_floats(tensor, 0, std::span(ends).first(count));
      read_floats(tensor, tensor.elems() - count, std::span(ends).first(count));
    }
  } catch (const hearth::Error&) {
  }
  return 0;
}
