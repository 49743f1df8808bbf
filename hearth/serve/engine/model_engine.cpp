#include "hearth/serve/engine/model_engine.h"

#include <algorithm>
#include <random>
#include <utility>

#include "hearth/base/error.h"
#include "hearth/llm/engine_limits.h"
#include "hearth/serve/engine/answer_forms.h"
#include "hearth/serve/engine/model_answer.h"
#include "hearth/serve/engine/model_capabilities.h"
#include "hearth/serve/engine/text_vectors.h"

namespace hearth::serve {
namespace {

constexpr int kLogprobsMax = 20;
/// An answer without a limit of its own ends after so many contexts: a model that repeats itself
/// would go on forever. Ollama does the same.
constexpr int kAnswerContextsMax = 10;
constexpr std::string_view kThoughtsOpen = "<think>\n", kThoughtsClose = "</think>";
constexpr std::string_view kHarmonyAnswer = "<|channel|>final<|message|>";

uint64_t random_seed() {
  std::random_device device;
  // 53 bits: a seed that JSON readers with doubles give back unharmed.
  return (uint64_t{device()} << 32 | device()) >> 11;
}

// Beyond its training a model only babbles; asked for more, it gets all it can use.
int context_of(const formats::Gguf& file, const LoadSettings& settings) {
  const std::string key = file.string("general.architecture") + ".context_length";
  const auto trained = file.try_u64(key).value_or(llm::kDefaultContext);
  const auto asked =
      static_cast<uint64_t>(settings.context > 0 ? settings.context : llm::kDefaultContext);
  return static_cast<int>(std::min<uint64_t>(trained, asked));
}

llm::EngineOptions engine_options(const ModelLoad& load, const LoadSettings& settings,
                                  const llm::Model& model) {
  const int context = settings.context > 0 ? settings.context : llm::kDefaultContext;
  return {.threads = settings.threads,
          .context = std::min(context, model.config().context_length),
          .sequences_max = load.answers_max,
          .queue_max = load.queue_max,
          // Each running answer takes a token of a step, and a page of a prompt must fit beside.
          .chunk_tokens =
              std::max(settings.batch_tokens, load.answers_max + model.kv_shape().page_tokens),
          .kv_type = load.kv_type};
}

PromptTexts prompt_texts(const ModelParts& parts, const ModelLoad& load) {
  return {.template_text = chosen_template(load.template_text, parts.template_text),
          .system = load.system,
          .messages = load.messages};
}

}  // namespace

ModelParts read_model(const ModelLoad& load, formats::Gguf file) {
  ModelParts parts;
  parts.file = std::move(file);
  parts.tokenizer = llm::Tokenizer::load(parts.file);
  // Some models choose their rotary factors by the context that they will see.
  const int context = context_of(parts.file, resolve_load_options(load.parameters));
  parts.model = llm::Model::load(parts.file, {.context = context});
  parts.adapters = LoadedAdapters(load.adapters, *parts.model);
  parts.template_text = parts.file.try_string("tokenizer.chat_template").value_or("");
  parts.fill_in_middle = find_fill_in_middle(parts.file, *parts.tokenizer);
  return parts;
}

struct ModelEngine::State {
  State(ModelParts model_parts, const ModelLoad& load, const LoadSettings& settings)
      : parts(std::move(model_parts)),
        parameters(load.parameters),
        engine(*parts.model, *parts.tokenizer, engine_options(load, settings, *parts.model)),
        prompts(*parts.tokenizer, prompt_texts(parts, load), parts.fill_in_middle,
                engine.context()),
        forms(parts.tokenizer),
        vectors(*parts.tokenizer,
                [this, threads = settings.threads] { return open_embedder(threads); }) {
    find_facts(load, settings);
  }

  void find_facts(const ModelLoad& load, const LoadSettings& settings);
  std::optional<llm::Pooling> pooling() const;
  std::unique_ptr<llm::Embedder> open_embedder(int threads) const;
  llm::GenerateParams generate_params(const AnswerRequest& request, BuiltPrompt& prompt);
  AnswerRequest with_thinking_decided(AnswerRequest request) const;
  llm::AnswerForm form_of(const AnswerRequest& request, BuiltPrompt& prompt);
  llm::AnswerForm form_of_call(BuiltPrompt& prompt, std::optional<ForcedCall> call);
  void append(std::vector<int32_t>& ids, std::string_view text) const;
  ModelAnswerOptions answer_options(const AnswerRequest& request, const BuiltPrompt& prompt,
                                    uint64_t seed) const;

  ModelParts parts;
  store::ModelParameters parameters;
  llm::BatchEngine engine;
  PromptBuilder prompts;
  AnswerForms forms;
  TextVectors vectors;
  EngineFacts facts;
};

void ModelEngine::State::find_facts(const ModelLoad& load, const LoadSettings& settings) {
  facts.capabilities =
      decoder_capabilities(prompts.style(), prompts.can_fill_in(), pooling().has_value());
  facts.architecture = parts.model->config().architecture;
  facts.context = engine.context();
  facts.answers_max = load.answers_max;
  for (const formats::GgufTensor& tensor : parts.file.tensors())
    facts.memory_bytes += tensor.bytes.size();
  facts.memory_bytes += parts.adapters.bytes();
  facts.memory_bytes += static_cast<uint64_t>(engine.status().pages_total) *
                        llm::kv_page_bytes(parts.model->kv_shape(), load.kv_type);
  const int step_tokens = engine_options(load, settings, *parts.model).chunk_tokens;
  facts.memory_bytes +=
      llm::ForwardState::bytes(parts.model->config(), step_tokens, load.answers_max);
  // Taken when somebody first asks for vectors, and kept from then on: counted from the beginning,
  // so that it is there.
  facts.memory_bytes += llm::decoder_embedder_bytes(*parts.model, {.context = engine.context()});
}

// What the file says of it, where the engine was made of one.
std::optional<llm::Pooling> ModelEngine::State::pooling() const {
  return parts.file.find("general.architecture") ? llm::read_pooling(parts.file) : std::nullopt;
}

// Of the last token, which has seen all others, unless the file says otherwise.
std::unique_ptr<llm::Embedder> ModelEngine::State::open_embedder(int threads) const {
  return llm::make_decoder_embedder(*parts.model, pooling().value_or(llm::Pooling::last),
                                    {.context = engine.context(), .threads = threads});
}

// Writes the call's beginning behind the prompt, and holds the model to the rest.
llm::AnswerForm ModelEngine::State::form_of_call(BuiltPrompt& prompt,
                                                 std::optional<ForcedCall> call) {
  llm::AnswerForm form;
  try {
    form.constraint = forms.make_constraint(call->format);
  } catch (const Error& error) {
    if (error.code() != Errc::unsupported) throw;
    // Tools may declare more than can be enforced, which is not the request's fault.
    for (Tool& tool : prompt.tools) tool.parameters = Json::object();
    call = forced_call(prompt.tools, prompt.style.calls);
    form.constraint = forms.make_constraint(call->format);
  }
  append(prompt.ids, call->opening);
  prompt.forced = std::move(call);
  return form;
}

// Who asks for a form and says nothing of thoughts wants the form: thoughts are free, and a model
// that does not end them would leave no room for it.
AnswerRequest ModelEngine::State::with_thinking_decided(AnswerRequest request) const {
  auto* chat = std::get_if<ChatPrompt>(&request.prompt);
  const std::optional<AnswerStyle> style = prompts.style();
  const bool can_switch = style && style->thinking == ThinkingStyle::think_tags;
  if (chat && can_switch && !chat->thinking && request.format.kind != AnswerFormat::Kind::free)
    chat->thinking = Thinking::off;
  return request;
}

llm::AnswerForm ModelEngine::State::form_of(const AnswerRequest& request, BuiltPrompt& prompt) {
  const auto* chat = std::get_if<ChatPrompt>(&request.prompt);
  if (chat && is_call_forced(chat->tool_choice))
    if (auto call = forced_call(prompt.tools, prompt.style.calls))
      return form_of_call(prompt, std::move(call));
  llm::AnswerForm form;
  form.constraint = forms.make_constraint(request.format);
  if (!form.constraint || !chat || prompt.style.thinking == ThinkingStyle::none) return form;
  if (prompt.style.thinking == ThinkingStyle::harmony) {
    form.begins_after = kHarmonyAnswer;
    return form;
  }
  // Thoughts are free. Some models open them by themselves, or do not think: opened here, it is
  // certain that they will be closed.
  if (!prompt.thinking_is_open && chat->thinking != Thinking::off && !chat->continues_last) {
    append(prompt.ids, kThoughtsOpen);
    prompt.thinking_is_open = true;
  }
  if (prompt.thinking_is_open) form.begins_after = kThoughtsClose;
  return form;
}

void ModelEngine::State::append(std::vector<int32_t>& ids, std::string_view text) const {
  const std::vector<int32_t> more =
      parts.tokenizer->encode(text, {.add_special = false, .parse_special = true});
  ids.insert(ids.end(), more.begin(), more.end());
}

llm::GenerateParams ModelEngine::State::generate_params(const AnswerRequest& request,
                                                        BuiltPrompt& prompt) {
  const AnswerSettings settings = resolve_options(request.defaults, parameters, request.options);
  llm::GenerateParams params;
  params.sampling = settings.sampling;
  params.sampling.seed = settings.seed.value_or(random_seed());
  params.sampling.logit_bias = request.logit_bias;
  params.sampling.logprobs = request.logprobs;
  const int most = kAnswerContextsMax * engine.context();
  params.tokens_max = settings.tokens_max < 0 ? most : std::min(settings.tokens_max, most);
  params.stop = settings.stop;
  const bool shifts = request.shifts && !settings.ends_when_full;
  params.context_full = shifts ? llm::ContextFull::shift : llm::ContextFull::stop;
  params.shows_control = true;
  ChosenAdapter chosen = parts.adapters.choose(request.adapter, request.adapter_scale);
  params.adapter = std::move(chosen.adapter);
  params.adapter_scale = chosen.scale;
  params.form = form_of(request, prompt);
  params.prompt = prompt.ids;
  return params;
}

ModelAnswerOptions ModelEngine::State::answer_options(const AnswerRequest& request,
                                                      const BuiltPrompt& prompt,
                                                      uint64_t seed) const {
  ModelAnswerOptions options;
  if (prompt.is_chat)
    options.parser = AnswerOptions{.style = prompt.style,
                                   .tools = prompt.tools,
                                   .thinking_is_open = prompt.thinking_is_open,
                                   .limits = {},
                                   .id_seed = seed};
  if (prompt.forced) {
    options.opening = prompt.forced->opening;
    options.closing = prompt.forced->closing;
  }
  options.wants_logprobs = request.logprobs >= 0;
  options.wants_ids = request.wants_ids;
  if (const auto* chat = std::get_if<ChatPrompt>(&request.prompt))
    options.allows_parallel = chat->tool_choice.allows_parallel;
  options.end.seed = seed;
  options.end.messages_forgotten = prompt.messages_forgotten;
  options.end.context_shifts = prompt.ids_forgotten ? 1 : 0;
  if (request.wants_ids) options.end.ids = prompt.ids;
  return options;
}

ModelEngine::ModelEngine(const ModelLoad& load)
    : ModelEngine(read_model(load, formats::Gguf::open(load.path)), load) {}

ModelEngine::ModelEngine(ModelParts parts, const ModelLoad& load)
    : state_(
          std::make_unique<State>(std::move(parts), load, resolve_load_options(load.parameters))) {}

ModelEngine::~ModelEngine() = default;

const EngineFacts& ModelEngine::facts() const { return state_->facts; }

EngineStatus ModelEngine::status() const {
  const llm::BatchEngine::Status status = state_->engine.status();
  return {.running = status.running,
          .waiting = status.waiting,
          .pages_free = status.pages_free,
          .pages_total = status.pages_total};
}

bool ModelEngine::is_alive() const { return !state_->engine.has_failed(); }

std::unique_ptr<AnswerStream> ModelEngine::answer(const AnswerRequest& request) {
  if (request.logprobs < -1 || request.logprobs > kLogprobsMax)
    throw Error(Errc::invalid_argument, "logprobs: {} is not between -1 and {}", request.logprobs,
                kLogprobsMax);
  const AnswerRequest decided = state_->with_thinking_decided(request);
  BuiltPrompt prompt = state_->prompts.build(decided);
  llm::GenerateParams params = state_->generate_params(decided, prompt);
  ModelAnswerOptions options = state_->answer_options(decided, prompt, params.sampling.seed);
  return std::make_unique<ModelAnswer>(state_->engine.submit(std::move(params)),
                                       state_->parts.tokenizer, std::move(options));
}

Embeddings ModelEngine::embed(const EmbedRequest& request, std::stop_token cancelled) {
  const ChosenAdapter chosen = state_->parts.adapters.choose(request.adapter, 1);
  return state_->vectors.embed(request, chosen, std::move(cancelled));
}

Relevance ModelEngine::rerank(const RerankRequest&, std::stop_token) {
  throw Error(Errc::unsupported, "the model does not support rerank");
}

std::string ModelEngine::render(const ChatPrompt& prompt) { return state_->prompts.render(prompt); }

int ModelEngine::count_tokens(const AnswerRequest& request) {
  return state_->prompts.count(state_->with_thinking_decided(request));
}

std::vector<int32_t> ModelEngine::tokenize(const std::string& text, bool add_special,
                                           bool parse_special) {
  return state_->parts.tokenizer->encode(
      text, {.add_special = add_special, .parse_special = parse_special});
}

std::string ModelEngine::detokenize(std::span<const int32_t> ids) {
  llm::check_ids("tokens", ids, state_->parts.tokenizer->vocab_size());
  return state_->parts.tokenizer->decode(ids, true);
}

}  // namespace hearth::serve
