// Any bytes as a SentencePiece model.
#include <cstddef>
#include <cstdint>

#include "hearth/base/error.h"
#include "hearth/store/sentencepiece_model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth;
  try {
    const auto model =
        store::parse_sentencepiece_model({reinterpret_cast<const char*>(data), size}, "fuzz");
    HEARTH_CHECK(!model.pieces.empty() && model.pieces.size() <= size);
  } catch (const Error&) {
  }
  return 0;
}
