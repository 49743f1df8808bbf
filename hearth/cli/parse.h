// From the words of a command line to Args.
#pragma once
#include <span>
#include <string>

#include "hearth/cli/command.h"

namespace hearth::cli {

/// `words` (those after the command's name) checked against `command`. "--help" and "-h" are known
/// to every command and come back as the value "--help". After "--" every word is a positional.
/// Errors: invalid_argument naming the command and the unknown option with the nearest known one,
/// the option without its value, the missing positional, or the word too many.
Args parse_args(const Command& command, std::span<const std::string> words);

}  // namespace hearth::cli
