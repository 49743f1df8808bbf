// The records of all commands, each defined in its own file.
#pragma once
#include "hearth/cli/command.h"

namespace hearth::cli {

extern const Command kBenchCommand;
extern const Command kCpCommand;
extern const Command kCreateCommand;
extern const Command kEngineCommand;
extern const Command kHelpCommand;
extern const Command kImportCommand;
extern const Command kKernelsCommand;
extern const Command kListCommand;
extern const Command kKeyAddCommand;
extern const Command kKeyListCommand;
extern const Command kKeyRemoveCommand;
extern const Command kKeyUsageCommand;
extern const Command kLogitsCommand;
extern const Command kPerplexityCommand;
extern const Command kPsCommand;
extern const Command kPullCommand;
extern const Command kPushCommand;
extern const Command kQuantizeCommand;
extern const Command kRmCommand;
extern const Command kRunCommand;
extern const Command kServeCommand;
extern const Command kShowCommand;
extern const Command kStopCommand;
extern const Command kTokenizeCommand;

}  // namespace hearth::cli
