// Names from files in error messages.
#pragma once
#include <string>
#include <string_view>

namespace hearth::formats {

/// `text` from a file as it may stand in an error message: at most 80 bytes, cut between characters
/// with "..." behind, and '?' for the control characters (C0, DEL, C1) that a terminal would obey.
std::string printable(std::string_view text);

}  // namespace hearth::formats
