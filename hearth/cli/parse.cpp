// The only file that includes CLI11: it takes seconds to compile.
#include "hearth/cli/parse.h"

#include <CLI/CLI.hpp>
#include <cctype>

#include "hearth/base/error.h"
#include "hearth/cli/nearest.h"

namespace hearth::cli {
namespace {

std::vector<std::string_view> option_names(const Command& command) {
  std::vector<std::string_view> names = {"--help"};
  for (const Option& option : command.options) names.push_back(option.name);
  return names;
}

// "--sed=7" and "-x", but not "-3", "- an item" or "--what is this?", which a prompt may be.
bool looks_like_option(std::string_view word) {
  if (word.size() < 2 || word[0] != '-') return false;
  const bool is_number = std::isdigit(static_cast<unsigned char>(word[1])) || word[1] == '.';
  const std::string_view name = word.substr(0, word.find('='));
  return !is_number && name.find_first_of(" \t\n") == std::string_view::npos;
}

[[noreturn]] void throw_unknown_option(const Command& command, std::string_view word) {
  const std::string_view typed = word.substr(0, word.find('='));
  throw Error(Errc::invalid_argument, "{}: unknown option {}{}", command.name, typed,
              did_you_mean(typed, option_names(command)));
}

// What CLI11 did not recognise: positionals, and options nobody knows. Positionals are not declared
// to it because it takes a word like "[a,b]" apart as a list, and a prompt may be that.
std::vector<std::string> positional_words(const Command& command,
                                          const std::vector<std::string>& remaining) {
  std::vector<std::string> words;
  bool options_ended = false;
  for (const std::string& word : remaining) {
    if (!options_ended && word == "--") {
      options_ended = true;
      continue;
    }
    if (!options_ended && looks_like_option(word)) throw_unknown_option(command, word);
    words.push_back(word);
  }
  return words;
}

void assign_positionals(const Command& command, const std::vector<std::string>& words, Args& args) {
  auto word = words.begin();
  for (const Positional& positional : command.positionals) {
    if (word == words.end()) {
      if (!positional.required) return;
      throw Error(Errc::invalid_argument, "{}: {} is missing; see: hearth {} --help", command.name,
                  positional.name, command.name);
    }
    std::vector<std::string>& taken = args.positionals_[std::string(positional.name)];
    const auto end = positional.rest ? words.end() : word + 1;
    taken.assign(word, end);
    word = end;
  }
  if (word != words.end())
    throw Error(Errc::invalid_argument, "{}: '{}' is one argument too many; see: hearth {} --help",
                command.name, *word, command.name);
}

}  // namespace

Args parse_args(const Command& command, std::span<const std::string> words) {
  CLI::App app;
  app.set_help_flag();  // ours: printed from the command's record
  app.allow_extras();
  CLI::Option* help = app.add_flag("-h,--help");
  std::vector<CLI::Option*> declared;
  for (const Option& option : command.options) {
    const std::string name(option.name);
    declared.push_back(option.value.empty() ? app.add_flag(name) : app.add_option(name));
    declared.back()->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));  // it takes them last first
  } catch (const CLI::ArgumentMismatch&) {
    const std::string& last = words.back();  // "--seed", or "--seed="
    throw Error(Errc::invalid_argument, "{}: option {} needs a value", command.name,
                last.substr(0, last.find('=')));
  } catch (const CLI::ParseError& problem) {
    throw Error(Errc::invalid_argument, "{}: {}", command.name, problem.what());
  }

  Args args;
  if (help->count() > 0) {
    args.values_["--help"] = {""};
    return args;
  }
  for (size_t i = 0; i < declared.size(); ++i) {
    if (declared[i]->count() == 0) continue;
    const Option& option = command.options[i];
    std::vector<std::string> values = declared[i]->results();
    if (option.value.empty() && values.back() != "true")  // what CLI11 gives a flag without "=…"
      throw Error(Errc::invalid_argument, "{}: option {} takes no value", command.name,
                  option.name);
    args.values_[std::string(option.name)] = std::move(values);
  }
  assign_positionals(command, positional_words(command, app.remaining()), args);
  return args;
}

}  // namespace hearth::cli
