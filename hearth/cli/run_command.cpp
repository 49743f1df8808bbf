// `hearth run`: one prompt, or a conversation in the terminal.
#include <fmt/format.h>

#include <array>
#include <memory>

#include "hearth/cli/answer_text.h"
#include "hearth/cli/api_connection.h"
#include "hearth/cli/api_session.h"
#include "hearth/cli/chat_session.h"
#include "hearth/cli/command_list.h"
#include "hearth/cli/interrupt.h"
#include "hearth/cli/parameters.h"
#include "hearth/cli/paths.h"
#include "hearth/cli/piped_input.h"
#include "hearth/cli/repl.h"
#include "hearth/cli/reports.h"
#include "hearth/cli/shared_options.h"
#include "hearth/cli/terminal.h"

namespace hearth::cli {
namespace {

constexpr std::string_view kDefaultPrompt = "Once upon a time";

SessionOptions session_options(const Args& args, const fs::path& file) {
  SessionOptions options;
  options.file = file;
  options.engine.threads = threads_from(args);
  options.engine.context = context_from(args);
  options.engine.kv_type = kv_type_from(args);
  options.raw = args.has("--raw");
  if (options.raw && (args.has("--template") || args.has("--system")))
    throw Error(Errc::invalid_argument,
                "--raw continues the prompt as it is: not with --template or --system");
  if (args.has("--template"))
    options.template_source = read_file(args.text("--template"), size_t{1} << 20);
  return options;
}

// Which model, and what it is asked on the command line.
struct Request {
  std::string model;  // what the user calls it
  fs::path file;      // empty: a model of the store
  std::optional<std::string> prompt;
};

// `hearth run "Tell me of the sea"` asks the built-in model.
Request read_request(const Args& args) {
  const std::string built_in(kBuiltInModel);
  const std::optional<std::string> first = args.positional("MODEL"), rest = args.rest("PROMPT");
  if (!first) return {built_in, find_model(built_in).file, std::nullopt};
  if (const auto found = try_find_model(*first)) return {found->name, found->file, rest};
  if (!is_prompt(*first)) return {*first, {}, rest};
  print_hint(
      fmt::format("asking the built-in model, {}: no file or model has that name", built_in));
  return {built_in, find_model(built_in).file, rest ? fmt::format("{} {}", *first, *rest) : first};
}

void refuse_store_options(const Args& args) {
  for (const std::string_view option : {"--think", "--format", "--keepalive", "--hidethinking"})
    if (args.has(option))
      throw Error(Errc::invalid_argument,
                  "{} needs a model of the store; hearth create makes one of a file", option);
}

void refuse_file_options(const Args& args) {
  for (const std::string_view option : {"--template", "--kv", "--threads"})
    if (args.has(option))
      throw Error(Errc::invalid_argument,
                  "{} needs a model file: for a model of the store, its Modelfile and the daemon "
                  "decide",
                  option);
}

std::unique_ptr<Conversation> open_stored(const Args& args, const Request& request) {
  refuse_file_options(args);
  ApiSessionOptions options = {.model = request.model,
                               .think = args.text("--think"),
                               .format = args.text("--format"),
                               .keep_alive = args.text("--keepalive"),
                               .hides_thinking = args.has("--hidethinking"),
                               .raw = args.has("--raw"),
                               .context = context_from(args)};
  try {
    return std::make_unique<ApiSession>(open_api(), std::move(options));
  } catch (const Error& error) {
    if (!is_unknown_model(error, request.model)) throw;
    // Neither here nor there: the error that knows what a person may have meant.
    find_model(request.model,
               fmt::format("hearth pull {} fetches one of that name, and a prompt without a model "
                           "stands in quotes: hearth run \"…\"",
                           request.model));
    throw;
  }
}

std::unique_ptr<Conversation> open_session(const Args& args, const Request& request) {
  if (request.file.empty()) return open_stored(args, request);
  refuse_store_options(args);
  return std::make_unique<ChatSession>(session_options(args, request.file));
}

// The prompt to answer and be done; nothing when a person sits at the terminal.
std::optional<std::string> one_prompt(const std::optional<std::string>& typed) {
  const std::optional<std::string> prompt = join_prompt(typed, piped_prompt(typed.has_value()));
  const bool nothing_given = !typed && (!prompt || prompt->empty());
  if (!nothing_given) return prompt;
  if (stdin_is_terminal() && stdout_is_terminal()) return std::nullopt;
  print_note(fmt::format("no terminal and no prompt: continuing \"{}\"", kDefaultPrompt));
  return std::string(kDefaultPrompt);
}

int answer_once(Conversation& session, const std::string& model, const std::string& prompt,
                const GenerateSettings& settings, const Args& args) {
  const bool json = args.has("--json");
  bool line_is_open = false;
  const auto show = [&](std::string_view text) {
    if (json)
      return print(to_json(GenerateChunk{.model = model, .response = std::string(text)}) + "\n");
    print_foreign(text);
    line_is_open = !text.ends_with('\n');
  };
  const auto end_line = [&] {
    if (line_is_open) print("\n");
  };
  InterruptWatch watch;
  const std::stop_token cancelled = watch.arm();
  Answer answer;
  try {
    answer = session.answer(prompt, settings, cancelled, show);
  } catch (const Error&) {
    end_line();  // what went wrong stands on a line of its own
    throw;
  }
  end_line();
  if (json) print(to_json(final_chunk(model, answer)) + "\n");
  for (const std::string& note : answer_notes(answer, session.context())) print_note(note);
  if (args.has("--verbose")) print_error_text("\n" + timings_text(answer));
  watch.check();
  return 0;
}

int run_run(const Args& args) {
  const GenerateSettings settings =
      settings_from(args);  // a typing error is told before anything is loaded
  const Request request = read_request(args);
  const std::string& model = request.model;
  const std::optional<std::string> prompt = one_prompt(request.prompt);
  if (!prompt && args.has("--json"))
    throw Error(Errc::invalid_argument,
                "--json needs a prompt: it is for programs, not for a conversation");

  const std::unique_ptr<Conversation> session = open_session(args, request);
  if (args.has("--system")) session->set_system(args.text("--system"));
  if (args.has("--system") && !session->is_chat())
    throw Error(Errc::invalid_argument,
                "--system: {} has no chat template, so nothing would read it", model);
  if (prompt) return answer_once(*session, model, *prompt, settings, args);
  return run_repl(*session,
                  {.model = model, .settings = settings, .verbose = args.has("--verbose")});
}

constexpr Positional kPositionals[] = {
    {.name = "MODEL",
     .help = "A GGUF file, or a model of the store (of the daemon, where one runs); without it, or "
             "where a prompt in quotes stands in "
             "its place, the built-in one, tales",
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
    kKvOption,
    kThreadsOption,
    Option{"--think", "LEVEL", "Thoughts of a model of the store: true, false, low, medium, high"},
    Option{"--hidethinking", "", "Let it think, but do not show its thoughts"},
    Option{"--format", "FORM", "\"json\", or a JSON Schema that the answer must keep"},
    Option{"--keepalive", "TIME", "How long the daemon keeps the model loaded: 5m, 1h, 0, -1"},
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
    "hearth run \"Once upon a time there was a miller\"",
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
        "without continues the text. Ctrl-C stops an answer. In the terminal, /? lists the "
        "commands "
        "and \"\"\" begins and ends a prompt of several lines.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .run = run_run,
};

}  // namespace hearth::cli
