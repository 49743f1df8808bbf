// One record a command: from it come parsing, help, the docs page and the errors.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::cli {

struct Option {
  std::string_view name;   // "--seed"
  std::string_view value;  // "N": what the value is called in the help; empty for a flag
  std::string_view help;   // one sentence without a period
};

struct Positional {
  std::string_view name;  // "FILE"
  std::string_view help;
  bool required = true;
  bool rest = false;  // takes all that is left; the last one only
};

/// What the user typed, checked against the command's record: no unknown option, no missing
/// positional.
class Args {
 public:
  bool has(std::string_view option) const { return values_.count(std::string(option)) > 0; }
  /// The option's text (the last one when it was repeated), or `fallback` when it was not given.
  std::string text(std::string_view option, std::string_view fallback = "") const;
  /// Every text of an option that may be repeated, in order.
  std::vector<std::string> texts(std::string_view option) const;
  /// The option as a number in [low, high]. Errors: invalid_argument naming the option, the value
  /// and the range.
  int64_t integer(std::string_view option, int64_t fallback, int64_t low, int64_t high) const;
  double number(std::string_view option, double fallback, double low, double high) const;
  /// "1,5,9" as numbers; empty when not given. Errors as integer().
  std::vector<int64_t> integers(std::string_view option, int64_t low, int64_t high) const;
  /// The positional with this name; nothing when it was left out.
  std::optional<std::string> positional(std::string_view name) const;
  /// A positional whose record says required.
  std::string required(std::string_view name) const;
  /// All words of a `rest` positional; none when there were none.
  std::vector<std::string> positionals(std::string_view name) const;
  /// All words of a `rest` positional, joined by single spaces; nothing when there were none.
  std::optional<std::string> rest(std::string_view name) const;

  std::map<std::string, std::vector<std::string>> values_;  // "--seed" -> {"7"}; a flag -> {"true"}
  std::map<std::string, std::vector<std::string>> positionals_;  // "FILE" -> {"a.gguf"}
};

struct Command {
  std::string_view name;     // "run"; of a group also the second word, "key add"
  std::string_view summary;  // one sentence without a period
  std::string_view details;  // what the summary leaves out: whole sentences, may be empty
  std::span<const Positional> positionals;
  std::span<const Option> options;
  std::span<const std::string_view> examples;  // whole command lines
  /// Returns the exit status: 0, or 1 for "ran, and the answer is no". Errors are thrown.
  int (*run)(const Args&);
  bool is_hidden = false;  // for Hearth itself: no help lists it
};

/// Every command, in the order of the help.
std::span<const Command* const> commands();
/// The command with this name; nothing when there is none.
const Command* find_command(std::string_view name);
/// The command that a command line begins with, and how many words its name takes; nothing when
/// there is none.
const Command* find_command(std::span<const std::string> words, size_t& words_taken);
/// Those whose first word is `group`: "key add", "key list", …; empty when it is no group.
std::vector<const Command*> commands_of_group(std::string_view group);
/// Throws invalid_argument naming what was typed and the nearest command.
[[noreturn]] void throw_unknown_command(std::string_view typed);

/// The program: parses, runs, prints errors to stderr as "hearth: message", returns the exit status
/// (0, 1, or exit_status of the error; 130 after Ctrl-C).
int run_program(int argc, char** argv);

}  // namespace hearth::cli
