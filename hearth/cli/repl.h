// The conversation in the terminal.
#pragma once
#include <string>
#include <string_view>

#include "hearth/cli/conversation.h"
#include "hearth/cli/parameters.h"

namespace hearth::cli {

class LineEditor;

struct ReplOptions {
  std::string model;  // what the user calls it
  GenerateSettings settings;
  bool verbose = false;
};

/// What the commands of the conversation act on.
struct ReplState {
  Conversation& session;
  ReplOptions options;
  LineEditor& editor;
  bool leaving = false;
};

/// Runs a line that begins with '/'. Errors: invalid_argument, an unknown command with the nearest
/// known one.
void run_repl_command(ReplState& state, std::string_view line);

/// Talks until /bye or Ctrl-D; returns the exit status. Errors of an answer are shown and the
/// conversation goes on.
int run_repl(Conversation& session, const ReplOptions& options);

}  // namespace hearth::cli
