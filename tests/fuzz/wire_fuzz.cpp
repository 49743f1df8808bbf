// Frames between daemon and engine from anyone: an error or a value, and what a value is written as
// reads back as the same.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hearth/base/error.h"
#include "hearth/serve/engine/wire.h"

namespace {

using namespace hearth::serve;

template <class Value>
void check(Value (*decode)(std::string_view), std::string_view frame) {
  std::optional<Value> value;
  try {
    value = decode(frame);
  } catch (const hearth::Error& error) {
    HEARTH_CHECK(error.what()[0] != '\0');
    return;
  }
  const std::string written = encode(*value);
  HEARTH_CHECK(encode(decode(written)) == written);
}

void check_both(std::string_view frame) {
  check(decode_call, frame);
  check(decode_reply, frame);
}

void append_u32(std::string& out, size_t value) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift & 0xFF);
}

}  // namespace

// The first byte says how much of the end is tail, so that a mutation leaves the head right; the
// whole input is tried as a frame too.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_both(bytes);
  if (size == 0) return 0;
  const size_t tail_bytes = data[0] % size;
  std::string frame;
  append_u32(frame, size - 1 - tail_bytes);
  append_u32(frame, tail_bytes);
  check_both(frame.append(bytes.substr(1)));
  return 0;
}
