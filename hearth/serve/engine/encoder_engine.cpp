#include "hearth/serve/engine/encoder_engine.h"

#include <algorithm>
#include <utility>

#include "hearth/base/error.h"
#include "hearth/llm/engine_limits.h"
#include "hearth/serve/engine/answer_options.h"
#include "hearth/serve/engine/loaded_adapters.h"
#include "hearth/serve/engine/model_engine.h"
#include "hearth/serve/engine/text_vectors.h"

namespace hearth::serve {
namespace {

// Longer texts are rare, and the buffers of an encoder grow with them.
llm::EmbedderOptions embedder_options(const ModelLoad& load) {
  const LoadSettings settings = resolve_load_options(load.parameters);
  return {.context = settings.context > 0 ? settings.context : llm::kDefaultContext,
          .threads = settings.threads};
}

bool has_bert_tokenizer(const formats::Gguf& file) {
  return file.try_string("tokenizer.ggml.model") == "bert";
}

}  // namespace

struct EncoderEngine::State {
  State(formats::Gguf gguf, const ModelLoad& load)
      : file(std::move(gguf)), tokenizer(llm::Tokenizer::load(file)) {
    auto embedder = llm::make_encoder_embedder(file, embedder_options(load));
    facts.capabilities.embedding = true;
    facts.capabilities.rerank = embedder->can_score() && has_bert_tokenizer(file);
    facts.architecture = file.string("general.architecture");
    facts.context = embedder->context();
    facts.answers_max = load.answers_max;
    for (const formats::GgufTensor& tensor : file.tensors())
      facts.memory_bytes += tensor.bytes.size();
    facts.memory_bytes += embedder->bytes();
    vectors.emplace(*tokenizer, std::move(embedder));
  }

  const formats::Gguf file;
  const std::unique_ptr<const llm::Tokenizer> tokenizer;
  std::optional<TextVectors> vectors;
  EngineFacts facts;
};

EncoderEngine::EncoderEngine(formats::Gguf file, const ModelLoad& load) {
  if (!load.adapters.empty())
    throw Error(Errc::unsupported, "adapter '{}': LoRA adapters cannot be applied",
                load.adapters.front().name);
  state_ = std::make_unique<State>(std::move(file), load);
}

EncoderEngine::~EncoderEngine() = default;

const EngineFacts& EncoderEngine::facts() const { return state_->facts; }

std::unique_ptr<AnswerStream> EncoderEngine::answer(const AnswerRequest& request) {
  throw Error(Errc::unsupported, "the model does not support {}",
              std::holds_alternative<ChatPrompt>(request.prompt) ? "chat" : "generate");
}

Embeddings EncoderEngine::embed(const EmbedRequest& request, std::stop_token cancelled) {
  // Nothing is loaded that could be chosen: a name is refused.
  const ChosenAdapter none = LoadedAdapters().choose(request.adapter, 1);
  return state_->vectors->embed(request, none, std::move(cancelled));
}

Relevance EncoderEngine::rerank(const RerankRequest& request, std::stop_token cancelled) {
  if (!state_->facts.capabilities.rerank)
    throw Error(Errc::unsupported, "the model does not support rerank");
  return state_->vectors->rerank(request, std::move(cancelled));
}

std::string EncoderEngine::render(const ChatPrompt&) {
  throw Error(Errc::unsupported, "the model does not support chat");
}

int EncoderEngine::count_tokens(const AnswerRequest& request) {
  const auto* prompt = std::get_if<TextPrompt>(&request.prompt);
  if (!prompt) throw Error(Errc::unsupported, "the model does not support chat");
  if (const auto* ids = std::get_if<std::vector<int32_t>>(&prompt->text))
    return static_cast<int>(ids->size());
  return static_cast<int>(tokenize(std::get<std::string>(prompt->text), true, true).size());
}

std::vector<int32_t> EncoderEngine::tokenize(const std::string& text, bool add_special,
                                             bool parse_special) {
  return state_->tokenizer->encode(text,
                                   {.add_special = add_special, .parse_special = parse_special});
}

std::string EncoderEngine::detokenize(std::span<const int32_t> ids) {
  llm::check_ids("tokens", ids, state_->tokenizer->vocab_size());
  return state_->tokenizer->decode(ids, true);
}

std::unique_ptr<Engine> open_model(const ModelLoad& load) {
  formats::Gguf file = formats::Gguf::open(load.path);
  if (llm::is_encoder(file.string("general.architecture")))
    return std::make_unique<EncoderEngine>(std::move(file), load);
  return std::make_unique<ModelEngine>(read_model(load, std::move(file)), load);
}

}  // namespace hearth::serve
