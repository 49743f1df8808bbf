// `hearth tokenize`: text to token ids, byte for byte as the model sees them.
#include <fmt/format.h>

#include "hearth/cli/command_list.h"
#include "hearth/cli/paths.h"
#include "hearth/cli/piped_input.h"
#include "hearth/cli/reports.h"
#include "hearth/cli/terminal.h"
#include "hearth/cli/visible_text.h"
#include "hearth/llm/tokenizer/tokenizer.h"

namespace hearth::cli {
namespace {

TokenizeReport tokenize(const llm::Tokenizer& tokenizer, std::string_view text,
                        const llm::EncodeOptions& options) {
  TokenizeReport report;
  for (const int32_t id : tokenizer.encode(text, options))
    report.tokens.push_back({id, tokenizer.piece(id, /*show_special=*/true)});
  return report;
}

int run_tokenize(const Args& args) {
  const formats::Gguf file = formats::Gguf::open(find_model(args.required("FILE")).file);
  const auto tokenizer = llm::Tokenizer::load(file);
  const std::optional<std::string> typed = args.rest("TEXT");
  const std::string text = typed ? *typed : read_standard_input();
  const TokenizeReport report = tokenize(
      *tokenizer, text,
      {.add_special = !args.has("--no-special"), .parse_special = args.has("--parse-special")});
  if (args.has("--json")) {
    print(to_json(report) + "\n");
    return 0;
  }
  Table table({{"", Align::right}, {""}});
  for (const TokenizeReport::Token& token : report.tokens)
    table.row({fmt::format("{}", token.id), fmt::format("'{}'", visible_line(token.piece))});
  print(table.text());
  return 0;
}

constexpr Positional kPositionals[] = {
    {.name = "FILE", .help = "A GGUF file with a vocabulary, or the name of a model"},
    {.name = "TEXT",
     .help = "What to tokenise; without it standard input, byte for byte",
     .required = false,
     .rest = true},
};
constexpr Option kOptions[] = {
    {"--no-special", "", "Add no BOS or EOS, also where the model asks for them"},
    {"--parse-special", "", "Take text like <|im_end|> as its control token, not as ordinary text"},
    {"--json", "", "One JSON object: ids and pieces"},
};
constexpr std::string_view kExamples[] = {
    "hearth tokenize tales \"The fox said\"",
    "hearth tokenize model.gguf --json < chapter.txt",
};

}  // namespace

const Command kTokenizeCommand = {
    .name = "tokenize",
    .summary = "Print the token ids and pieces of a text",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .run = run_tokenize,
};

}  // namespace hearth::cli
