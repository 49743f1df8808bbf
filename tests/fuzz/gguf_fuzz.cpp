// Any bytes as a GGUF file: parsed, every key asked for as every type, a row of every weight
// dequantised.
#include <cstddef>
#include <cstdint>

#include "hearth/formats/gguf.h"
#include "hearth/formats/quantize.h"

namespace {

using namespace hearth::formats;

/// Calls a reader that may refuse the value's type.
template <class Read>
void attempt(Read read) {
  try {
    read();
  } catch (const hearth::Error&) {
  }
}

void read_as_everything(const Gguf& file, const std::string& key) {
  attempt([&] { file.try_string(key); });
  attempt([&] { file.try_u64(key); });
  attempt([&] { file.try_i64(key); });
  attempt([&] { file.try_f64(key); });
  attempt([&] { file.try_bool(key); });
  attempt([&] { file.try_strings(key); });
  attempt([&] { file.try_floats(key); });
  attempt([&] { file.try_ints(key); });
}

void touch(const GgufTensor& tensor) {
  volatile std::byte last = tensor.bytes.back();
  static_cast<void>(last);
  if (!info(tensor.type).is_weight || tensor.cols() > 4096) return;
  std::vector<float> row(tensor.cols());
  dequantize_row(tensor.type, tensor.bytes.data(), row);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  attempt([&] {
    const Gguf file = Gguf::parse(std::as_bytes(std::span(data, size)), "fuzz");
    for (const auto& [key, value] : file.metadata()) read_as_everything(file, key);
    for (const GgufTensor& tensor : file.tensors()) touch(tensor);
  });
  return 0;
}
