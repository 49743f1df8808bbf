// "Did you mean": the known name closest to what was typed.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hearth::cli {

/// The fewest insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`
/// (optimal string alignment distance, bytes, letter case ignored).
int edit_distance(std::string_view a, std::string_view b);

/// The name with the smallest distance to `typed`, the first of equals; nothing when even that one
/// differs in more than a third of the letters of the longer of the two, or in more than one of a
/// short one. A name that `typed` begins, or that begins `typed`, counts as near from three letters
/// on.
std::optional<std::string_view> nearest(std::string_view typed,
                                        std::span<const std::string_view> names);

/// "; did you mean --seed?", or nothing when no name is near: the end of an error message.
std::string did_you_mean(std::string_view typed, std::span<const std::string_view> names);

}  // namespace hearth::cli
