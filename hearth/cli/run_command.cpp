// `hearth run`: one prompt, or a conversation in the terminal.
#include <fmt/format.h>

#include <array>

#include "hearth/cli/answer_text.h"
#include "hearth/cli/chat_session.h"
#include "hearth/cli/command_list.h"
#include "hearth/cli/interrupt.h"
#include "hearth/cli/parameters.h"
#include "hearth/cli/paths.h"
#include "hearth/cli/piped_input.h"
#include "hearth/cli/repl.h"
#include "hearth/cli/reports.h"
#include "hearth/cli/terminal.h"

namespace hearth::cli {
namespace {

constexpr int kContextMax = 1 << 22;
constexpr int kThreadsMax = 1024;
constexpr std::string_view kDefaultPrompt = "Once upon a time";

SessionOptions session_options(const Args& args, const fs::path& file) {
  SessionOptions options;
  options.file = file;
  options.engine.threads = static_cast<int>(args.integer("--threads", 0, 0, kThreadsMax));
  options.engine.context = static_cast<int>(args.integer("--ctx", 0, 0, kContextMax));
  options.engine.kv_type = parse_kv_type(args.text("--kv", "f16"));
  options.raw = args.has("--raw");
  if (options.raw && (args.has("--template") || args.has("--system")))
    throw Error(Errc::invalid_argument,
                "--raw continues the prompt as it is: not with --template or --system");
  if (args.has("--template"))
    options.template_source = read_file(args.text("--template"), size_t{1} << 20);
  return options;
}

// The prompt to answer and be done; nothing when a person sits at the terminal.
std::optional<std::string> one_prompt(const Args& args) {
  const std::optional<std::string> typed = args.rest("PROMPT");
  const std::optional<std::string> prompt = join_prompt(typed, piped_prompt(typed.has_value()));
  const bool nothing_given = !typed && (!prompt || prompt->empty());
  if (!nothing_given) return prompt;
  if (stdin_is_terminal()) return std::nullopt;
  print_note(fmt::format("no terminal and no prompt: continuing \"{}\"", kDefaultPrompt));
  return std::string(kDefaultPrompt);
}

int answer_once(ChatSession& session, const std::string& model, const std::string& prompt,
                const Args& args) {
  const bool json = args.has("--json");
  char last = '\n';
  const auto show = [&](std::string_view text) {
    print(json ? to_json(GenerateChunk{.model = model, .response = std::string(text)}) + "\n"
               : std::string(text));
    last = text.back();
  };
  InterruptWatch watch;
  const std::stop_token cancelled = watch.arm();
  const Answer answer = session.answer(prompt, settings_from(args), cancelled, show);
  if (json) print(to_json(final_chunk(model, answer, session.load_time())) + "\n");
  if (!json && last != '\n') print("\n");
  for (const std::string& note : answer_notes(answer, session.context())) print_note(note);
  if (args.has("--verbose")) print_error_text("\n" + timings_text(answer, session.load_time()));
  watch.check();
  return 0;
}

int run_run(const Args& args) {
  const GenerateSettings settings =
      settings_from(args);  // a typing error is told before anything is loaded
  const FoundModel model =
      find_model(args.positional("MODEL").value_or(std::string(kBuiltInModel)));
  const SessionOptions options = session_options(args, model.file);
  const std::optional<std::string> prompt = one_prompt(args);
  if (!prompt && args.has("--json"))
    throw Error(Errc::invalid_argument,
                "--json needs a prompt: it is for programs, not for a conversation");

  ChatSession session(options);
  if (args.has("--system")) session.set_system(args.text("--system"));
  if (args.has("--system") && !session.is_chat())
    throw Error(Errc::invalid_argument,
                "--system: {} has no chat template, so nothing would read it", model.name);
  if (prompt) return answer_once(session, model.name, *prompt, args);
  return run_repl(session,
                  {.model = model.name, .settings = settings, .verbose = args.has("--verbose")});
}

constexpr Positional kPositionals[] = {
    {.name = "MODEL",
     .help = "A GGUF file or the name of a model; without it the built-in one, tales",
     .required = false},
    {.name = "PROMPT",
     .help = "What to answer; without it standard input, or a conversation in the terminal. Both: "
             "joined",
     .required = false,
     .rest = true},
};

constexpr std::array kOwnOptions = {
    Option{"--system", "TEXT", "System message in front of the conversation"},
    Option{"--template", "FILE", "Jinja chat template to use instead of the model's own"},
    Option{"--raw", "", "Use no chat template: continue the prompt as it is"},
    Option{"--ctx", "N", "Positions of the context; 0: the model's, at most 8192 (0)"},
    Option{"--kv", "TYPE", "Type of the KV cache: f32, f16 or q8_0 (f16)"},
    Option{"--threads", "N", "Threads; 0: one per usable core (0)"},
    Option{"--verbose", "", "Print timings after each answer, on standard error"},
    Option{"--json", "", "One JSON object a line, in the shape of Ollama's generate chunks"},
};

std::array<Option, kOwnOptions.size() + kParameterCount> all_options() {
  std::array<Option, kOwnOptions.size() + kParameterCount> options;
  auto end = std::copy(kOwnOptions.begin(), kOwnOptions.end(), options.begin());
  for (const Parameter& parameter : kParameters) *end++ = parameter.option;
  return options;
}

const auto kOptions = all_options();
constexpr std::string_view kExamples[] = {
    "hearth run",
    "hearth run tales \"The fox said to the wolf,\"",
    "hearth run model.gguf \"Say hello\" --temperature 0 --num-predict 50",
    "cat letter.txt | hearth run model.gguf \"Summarise this letter:\"",
    "hearth run tales \"Once upon a time\" --seed 7 --json",
};

}  // namespace

const Command kRunCommand = {
    .name = "run",
    .summary = "Answer one prompt, or talk with a model in the terminal",
    .details =
        "A model with a chat template is prompted through it and keeps the conversation; one "
        "without "
        "continues the text. Ctrl-C stops an answer. In the terminal, /? lists the commands and "
        "\"\"\" begins and ends a prompt of several lines.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .run = run_run,
};

}  // namespace hearth::cli
