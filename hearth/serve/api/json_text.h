// JSON on its way out: compact, on one line, and valid whatever the models wrote.
#pragma once
#include <span>
#include <string>

#include "hearth/serve/output/message.h"

namespace hearth::serve {

/// Bytes that are no UTF-8 become U+FFFD; numbers that are not finite become null.
std::string json_text(const Json& json);

/// Errors: corrupt_data (an embedding with a value that is none).
void check_finite(std::span<const float> values);

/// "[0.1,-2]": each value in the fewest digits that give the same 32-bit number back. Errors:
/// those of check_finite(): JSON has no word for such values.
std::string vector_text(std::span<const float> values);

}  // namespace hearth::serve
