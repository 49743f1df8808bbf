// `hearth key …`: the API keys that `hearth serve` asks for, and what each has used.
#include <fmt/format.h>

#include <chrono>

#include "hearth/cli/command_list.h"
#include "hearth/cli/paths.h"
#include "hearth/cli/reports.h"
#include "hearth/cli/shared_options.h"
#include "hearth/cli/terminal.h"
#include "hearth/serve/auth/key_file.h"
#include "hearth/serve/auth/usage_ledger.h"

namespace hearth::cli {
namespace {

constexpr std::string_view kRequestsOption = "--requests-per-minute";
constexpr std::string_view kTokensOption = "--tokens-per-day";
constexpr std::string_view kReload =
    "a running server reads its keys anew on SIGHUP: systemctl reload hearth";

serve::WallTime now() { return std::chrono::system_clock::now(); }

serve::KeyFile key_file() { return serve::KeyFile(state_file(serve::kKeyFileName)); }

std::optional<int64_t> limit_from(const Args& args, std::string_view option, int64_t limit_max) {
  if (!args.has(option)) return std::nullopt;
  return args.integer(option, 0, 1, limit_max);
}

std::string or_none(const std::optional<int64_t>& limit) {
  return limit ? std::to_string(*limit) : "-";
}

// The secret alone goes to standard output, for KEY=$(hearth key add NAME).
int run_add(const Args& args) {
  const serve::KeyFile file = key_file();
  const std::string name = args.required("NAME");
  const serve::KeyLimits limits = {limit_from(args, kRequestsOption, serve::kRequestsPerMinuteMax),
                                   limit_from(args, kTokensOption, serve::kTokensPerDayMax)};
  const std::string secret = file.add(name, limits, now());
  print(secret + "\n");
  print_note(fmt::format("key '{}' is added to {}; its secret is shown this once and kept nowhere",
                         name, file.path().string()));
  print_note(kReload);
  return 0;
}

int run_remove(const Args& args) {
  const std::string name = args.required("NAME");
  key_file().remove(name, now());
  print(fmt::format("key '{}' is removed\n", name));
  print_note(kReload);
  return 0;
}

KeyListReport make_list_report() {
  const serve::KeyFile file = key_file();
  KeyListReport report{.file = file.path().string()};
  const serve::KeySet set = file.read();
  for (const serve::ApiKey& key : set.keys) {
    report.keys.push_back({.name = key.name,
                           .created = serve::utc_text(key.created),
                           .requests_per_minute = key.limits.requests_per_minute,
                           .tokens_per_day = key.limits.tokens_per_day});
    if (key.removed) report.keys.back().removed = serve::utc_text(*key.removed);
  }
  return report;
}

int run_list(const Args& args) {
  const KeyListReport report = make_list_report();
  if (args.has("--json")) {
    print(to_json(report) + "\n");
    return 0;
  }
  Table table({{"NAME"},
               {"CREATED"},
               {"REQUESTS/MINUTE", Align::right},
               {"TOKENS/DAY", Align::right},
               {"REMOVED"}});
  for (const KeyListReport::Key& key : report.keys)
    table.row({key.name, key.created, or_none(key.requests_per_minute), or_none(key.tokens_per_day),
               key.removed.value_or("-")});
  print(table.text());
  return 0;
}

KeyUsageReport make_usage_report() {
  const fs::path file = state_file(serve::kUsageFileName);
  KeyUsageReport report{.file = file.string()};
  for (const serve::UsageRow& row : serve::read_usage(file))
    report.usage.push_back({.day = row.day,
                            .key = row.key,
                            .requests = row.usage.requests,
                            .prompt_tokens = row.usage.prompt_tokens,
                            .generated_tokens = row.usage.generated_tokens});
  return report;
}

int run_usage(const Args& args) {
  const KeyUsageReport report = make_usage_report();
  if (args.has("--json")) {
    print(to_json(report) + "\n");
    return 0;
  }
  Table table({{"DAY"},
               {"NAME"},
               {"REQUESTS", Align::right},
               {"PROMPT TOKENS", Align::right},
               {"GENERATED TOKENS", Align::right}});
  for (const KeyUsageReport::Row& row : report.usage)
    table.row({row.day, row.key, std::to_string(row.requests), std::to_string(row.prompt_tokens),
               std::to_string(row.generated_tokens)});
  print(table.text());
  return 0;
}

constexpr Positional kNewName[] = {
    {.name = "NAME", .help = "Whose key it is: letters, digits and any of . _ - @"},
};
constexpr Positional kOldName[] = {
    {.name = "NAME", .help = "As hearth key list shows it"},
};
constexpr Option kAddOptions[] = {
    {kRequestsOption, "N", "Requests that it may begin a minute (no limit)"},
    {kTokensOption, "N",
     "Tokens of prompts and answers together that it may use on a day of UTC (no limit)"},
};
constexpr Option kJsonOptions[] = {kJsonOption};
constexpr std::string_view kAddExamples[] = {
    "hearth key add anna",
    "hearth key add laptop --requests-per-minute 60 --tokens-per-day 1000000",
    "KEY=$(hearth key add ci)",
};
constexpr std::string_view kListExamples[] = {"hearth key list", "hearth key list --json"};
constexpr std::string_view kRemoveExamples[] = {"hearth key remove anna"};
constexpr std::string_view kUsageExamples[] = {"hearth key usage", "hearth key usage --json"};

}  // namespace

const Command kKeyAddCommand = {
    .name = "key add",
    .summary = "Make an API key and print its secret, once",
    .details =
        "As long as there is a key, hearth serve answers nobody who has none. Clients send it as "
        "\"Authorization: Bearer KEY\" or \"x-api-key: KEY\". Only a hash of it is kept.",
    .positionals = kNewName,
    .options = kAddOptions,
    .examples = kAddExamples,
    .run = run_add,
};

const Command kKeyListCommand = {
    .name = "key list",
    .summary = "List the API keys, their limits, and those removed",
    .options = kJsonOptions,
    .examples = kListExamples,
    .run = run_list,
};

const Command kKeyRemoveCommand = {
    .name = "key remove",
    .summary = "Make an API key useless",
    .details = "It stays in the list, so that whoever goes on using it is told why it fails.",
    .positionals = kOldName,
    .examples = kRemoveExamples,
    .run = run_remove,
};

const Command kKeyUsageCommand = {
    .name = "key usage",
    .summary = "Show the requests and tokens of each API key, by day of UTC",
    .details = "A running server writes them every few seconds and keeps the latest two months.",
    .options = kJsonOptions,
    .examples = kUsageExamples,
    .run = run_usage,
};

}  // namespace hearth::cli
