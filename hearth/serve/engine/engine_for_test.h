// For tests: an engine whose model says what it is told to, over a vocabulary of bytes and a few
// tags.
#pragma once
#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "hearth/llm/tokenizer/small_vocabularies.h"
#include "hearth/serve/engine/model_engine.h"

namespace hearth::serve {

/// Bytes, "<|end|>" (which ends), and the tags of ChatML, thoughts and calls, and of filling in.
inline std::unique_ptr<llm::Tokenizer> chat_vocabulary() {
  llm::OwnedSpec spec = llm::bpe_spec({"q q"});
  for (const char* control :
       {"<|im_start|>", "<|im_end|>", "<fim_prefix>", "<fim_suffix>", "<fim_middle>"})
    spec.add(control, llm::TokenKind::control);
  for (const char* tag : {"<think>", "</think>", "<tool_call>", "</tool_call>"})
    spec.add(tag, llm::TokenKind::user_defined);
  return spec.make();
}

/// ChatML with thoughts and calls, as Qwen's models have it.
inline constexpr std::string_view kChatTemplate =
    "{% if tools %}<|im_start|>tools {{ tools | map(attribute='function.name') | join(' ') }}"
    " <tool_call><|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content | trim }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}";

/// Answers each prompt with `script` and the end token. One answer at a time.
class ScriptedModel final : public llm::Model {
 public:
  ScriptedModel(int vocab_size, int32_t end_id, int context)
      : Model({.architecture = "scripted",
               .name = "scripted",
               .vocab_size = vocab_size,
               .context_length = context,
               .layers = 1,
               .dim = 1,
               .ffn_dim = 1,
               .heads = 1,
               .kv_heads = 1,
               .head_dim_k = 1,
               .head_dim_v = 1}),
        end_id_(end_id) {}

  /// Only while nothing runs.
  void say(std::vector<int32_t> script) {
    script_ = std::move(script);
    first_ = -1;
  }

  std::span<const float> forward(const llm::Batch& batch, llm::KvCache&, llm::ForwardState&,
                                 ThreadPool&) const override {
    logits_.clear();
    for (const llm::Batch::Token& token : batch.tokens) {
      if (!token.wants_logits) continue;
      if (first_ < 0) first_ = token.position;
      const auto said = static_cast<size_t>(token.position - first_);
      const size_t row = logits_.size();
      logits_.resize(row + config_.vocab_size);
      logits_[row + (said < script_.size() ? script_[said] : end_id_)] = 100;
    }
    return logits_;
  }

 private:
  int32_t end_id_;
  std::vector<int32_t> script_;
  mutable int first_ = -1;
  mutable std::vector<float> logits_;
};

struct ScriptedEngine {
  explicit ScriptedEngine(ModelLoad load = {}, int context = 4096) {
    ModelParts parts;
    parts.tokenizer = chat_vocabulary();
    tokenizer = parts.tokenizer;
    auto scripted = std::make_unique<ScriptedModel>(tokenizer->vocab_size(),
                                                    *tokenizer->find("<|end|>"), context);
    model = scripted.get();
    parts.model = std::move(scripted);
    parts.template_text = kChatTemplate;
    parts.fill_in_middle = find_fill_in_middle(parts.file, *tokenizer);
    load.answers_max = 1;
    load.kv_type = llm::KvType::f32;
    load.parameters.try_emplace("temperature", 0.0);
    load.parameters.try_emplace("num_thread", int64_t{1});
    engine = std::make_unique<ModelEngine>(std::move(parts), load);
  }

  /// The answer to `request`, for which the model says `script`.
  std::unique_ptr<AnswerStream> answer(const std::string& script, const AnswerRequest& request) {
    while (engine->status().running > 0) std::this_thread::yield();
    model->say(tokenizer->encode(script, {.add_special = false, .parse_special = true}));
    return engine->answer(request);
  }

  std::shared_ptr<const llm::Tokenizer> tokenizer;
  ScriptedModel* model = nullptr;
  std::unique_ptr<ModelEngine> engine;
};

inline Message user(std::string text) { return {.role = Role::user, .content = std::move(text)}; }
inline Message assistant(std::string text) {
  return {.role = Role::assistant, .content = std::move(text)};
}
inline Message system_text(std::string text) {
  return {.role = Role::system, .content = std::move(text)};
}

inline AnswerRequest chat(std::vector<Message> messages) {
  AnswerRequest request;
  request.prompt = ChatPrompt{.messages = std::move(messages)};
  return request;
}

inline ChatPrompt& chat_of(AnswerRequest& request) { return std::get<ChatPrompt>(request.prompt); }

inline AnswerRequest text(std::string prompt) {
  AnswerRequest request;
  request.prompt = TextPrompt{.text = std::move(prompt), .suffix = {}};
  return request;
}

/// A whole answer.
struct ReadAnswer {
  AnswerDelta delta;
  std::vector<TokenLogprobs> logprobs;
  AnswerEnd end;
};

inline ReadAnswer read(AnswerStream& stream) {
  ReadAnswer answer;
  std::vector<AnswerDelta> deltas;
  while (std::optional<AnswerChunk> chunk = stream.next()) {
    deltas.push_back(std::move(chunk->delta));
    std::move(chunk->logprobs.begin(), chunk->logprobs.end(), std::back_inserter(answer.logprobs));
  }
  answer.delta = join(deltas);
  answer.end = stream.end();
  return answer;
}

/// The message of the error that `call` ends with.
template <class Call>
std::string refusal_of(Errc code, Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code() == code ? error.what()
                                : fmt::format("{}: {}", name(error.code()), error.what());
  }
  return "accepted";
}

}  // namespace hearth::serve
