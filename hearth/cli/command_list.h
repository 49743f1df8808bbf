// The records of all commands, each defined in its own file.
#pragma once
#include "hearth/cli/command.h"

namespace hearth::cli {

extern const Command kBenchCommand;
extern const Command kHelpCommand;
extern const Command kImportCommand;
extern const Command kKernelsCommand;
extern const Command kKeyAddCommand;
extern const Command kKeyListCommand;
extern const Command kKeyRemoveCommand;
extern const Command kKeyUsageCommand;
extern const Command kLogitsCommand;
extern const Command kPerplexityCommand;
extern const Command kQuantizeCommand;
extern const Command kRunCommand;
extern const Command kShowCommand;
extern const Command kTokenizeCommand;

}  // namespace hearth::cli
