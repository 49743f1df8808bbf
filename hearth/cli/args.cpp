#include "hearth/base/error.h"
#include "hearth/cli/command.h"
#include "hearth/cli/numbers.h"

namespace hearth::cli {

std::string Args::text(std::string_view option, std::string_view fallback) const {
  const auto found = values_.find(std::string(option));
  return std::string(found == values_.end() ? fallback : found->second.back());
}

std::vector<std::string> Args::texts(std::string_view option) const {
  const auto found = values_.find(std::string(option));
  return found == values_.end() ? std::vector<std::string>{} : found->second;
}

int64_t Args::integer(std::string_view option, int64_t fallback, int64_t low, int64_t high) const {
  return has(option) ? parse_integer(option, text(option), low, high) : fallback;
}

double Args::number(std::string_view option, double fallback, double low, double high) const {
  return has(option) ? parse_number(option, text(option), low, high) : fallback;
}

std::vector<int64_t> Args::integers(std::string_view option, int64_t low, int64_t high) const {
  std::vector<int64_t> numbers;
  if (!has(option)) return numbers;
  const std::string list = text(option);
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    numbers.push_back(
        parse_integer(option, std::string_view(list).substr(begin, end - begin), low, high));
    begin = end + 1;
  }
  return numbers;
}

std::optional<std::string> Args::positional(std::string_view name) const {
  const auto found = positionals_.find(std::string(name));
  if (found == positionals_.end()) return std::nullopt;
  return found->second.front();
}

std::string Args::required(std::string_view name) const {
  const std::optional<std::string> value = positional(name);
  HEARTH_CHECK(value.has_value());  // the parser refuses a command line without it
  return *value;
}

std::vector<std::string> Args::positionals(std::string_view name) const {
  const auto found = positionals_.find(std::string(name));
  return found == positionals_.end() ? std::vector<std::string>{} : found->second;
}

std::optional<std::string> Args::rest(std::string_view name) const {
  const auto found = positionals_.find(std::string(name));
  if (found == positionals_.end()) return std::nullopt;
  std::string joined;
  for (const std::string& word : found->second) {
    if (&word != &found->second.front()) joined += ' ';
    joined += word;
  }
  return joined;
}

}  // namespace hearth::cli
