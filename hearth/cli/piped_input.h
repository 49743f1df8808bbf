// Standard input as part of a prompt, when it is not a terminal.
#pragma once
#include <optional>
#include <string>

namespace hearth::cli {

/// All of standard input, byte for byte. Errors: resource_exhausted past 64 MiB, io_failure.
std::string read_standard_input();

/// What standard input holds for a prompt; nothing when it is a terminal or closed.
///
/// With `prompt_given` the prompt could do without it, so a pipe that stays silent for a fifth of a
/// second (one that a script's parent left open, say) is not waited for, and a note says so. One
/// trailing newline is taken off, as the shell does in "$(…)".
std::optional<std::string> piped_prompt(bool prompt_given);

/// Both parts in one prompt: the argument, a line break, the input. An empty input adds nothing.
std::optional<std::string> join_prompt(std::optional<std::string> argument,
                                       std::optional<std::string> input);

}  // namespace hearth::cli
