#include "hearth/cli/chat_session.h"

#include <algorithm>
#include <ctime>
#include <random>
#include <utility>

#include "hearth/base/error.h"
#include "hearth/base/units.h"
#include "hearth/cli/interrupt.h"
#include "hearth/cli/show_report.h"
#include "hearth/cli/show_text.h"
#include "hearth/llm/engine_limits.h"

namespace hearth::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kTemplateKey = "tokenizer.chat_template";

uint64_t random_seed() {
  std::random_device device;
  // 53 bits: a seed that JSON readers with doubles give back unharmed.
  return (uint64_t{device()} << 32 | device()) >> 11;
}

// What the engine would take by itself; the model must know it before.
int default_context(const formats::Gguf& file) {
  const std::string key = file.string("general.architecture") + ".context_length";
  return static_cast<int>(
      std::min<uint64_t>(file.try_u64(key).value_or(llm::kDefaultContext), llm::kDefaultContext));
}

std::string spelling_or_nothing(const llm::Tokenizer& tokenizer, std::optional<int32_t> id) {
  return id ? tokenizer.spelling(*id) : std::string();
}

llm::GenerateParams generate_params(std::vector<int32_t> prompt, const GenerateSettings& settings,
                                    uint64_t seed) {
  llm::GenerateParams params;
  params.prompt = std::move(prompt);
  params.sampling = settings.sampling;
  params.sampling.seed = seed;
  params.tokens_max = settings.tokens_max;
  params.stop = settings.stop;
  params.context_full = settings.context_full;
  return params;
}

}  // namespace

ChatSession::ChatSession(const SessionOptions& options) : engine_options_(options.engine) {
  const auto started = Clock::now();
  file_ = formats::Gguf::open(options.file);
  tokenizer_ = llm::Tokenizer::load(file_);
  if (options.template_source)
    template_source_ = *options.template_source;
  else if (!options.raw)
    template_source_ = file_.try_string(kTemplateKey).value_or("");
  if (!template_source_.empty()) chat_template_.emplace(template_source_);
  open_engine(engine_options_.context);
  load_time_ = Clock::now() - started;
}

void ChatSession::open_engine(int positions) {
  // Weights stay in the file; the model is made anew because some choose their rotary factors by
  // the context they will see.
  engine_options_.context = positions > 0 ? positions : default_context(file_);
  model_ = llm::Model::load(file_, {.context = engine_options_.context});
  engine_options_.sequences_max = 1;
  const SignalsBlocked for_its_threads;
  engine_ = std::make_unique<llm::BatchEngine>(*model_, *tokenizer_, engine_options_);
}

void ChatSession::set_context(int positions) {
  const int before = engine_options_.context;
  engine_.reset();  // its cache goes before the next one comes
  try {
    open_engine(positions);
  } catch (...) {
    open_engine(before);
    throw;
  }
}

std::string ChatSession::summary() const {
  return fmt::format("{} parameters, {}, context {}", format_count(model_->parameters()),
                     type_summary(make_show_report(file_, {})), context());
}

std::string ChatSession::description() const {
  return file_.try_string("general.description").value_or("");
}

std::string ChatSession::info_text() const {
  const ShowReport report = make_show_report(file_, {});
  return facts_text(report) + groups_text(report);
}

std::string ChatSession::licence() const {
  return make_show_report(file_, {}).licence.value_or("");
}

void ChatSession::clear() { turns_.clear(); }
void ChatSession::set_system(std::string text) { system_ = std::move(text); }

std::vector<int32_t> ChatSession::tokens_of(const std::string& text) const {
  // BOS by hand: add_special would also append EOS where a model asks for it, and a prompt must not
  // end so. A template that writes BOS itself does not get a second one.
  std::vector<int32_t> ids =
      tokenizer_->encode(text, {.add_special = false, .parse_special = true});
  const std::optional<int32_t> bos = tokenizer_->bos();
  const bool wanted = tokenizer_->adds_bos() || ids.empty();
  if (bos && wanted && (ids.empty() || ids.front() != *bos)) ids.insert(ids.begin(), *bos);
  if (ids.empty())
    throw Error(Errc::invalid_argument,
                "the prompt is empty, and this model has no token to begin a text with");
  return ids;
}

std::vector<int32_t> ChatSession::chat_tokens(const std::vector<llm::ChatMessage>& turns) const {
  std::vector<llm::ChatMessage> messages;
  if (!system_.empty()) messages.push_back({"system", system_});
  messages.insert(messages.end(), turns.begin(), turns.end());
  return tokens_of(llm::render_chat(*chat_template_, messages,
                                    spelling_or_nothing(*tokenizer_, tokenizer_->bos()),
                                    spelling_or_nothing(*tokenizer_, tokenizer_->eos()),
                                    static_cast<int64_t>(std::time(nullptr))));
}

std::vector<int32_t> ChatSession::tokens_that_fit(std::vector<llm::ChatMessage>& turns,
                                                  const GenerateSettings& settings,
                                                  int& forgotten) const {
  std::vector<int32_t> ids = chat_tokens(turns);
  if (settings.context_full == llm::ContextFull::error) return ids;
  // The oldest question goes together with its answer; a quarter of the context stays free for the
  // next one.
  const size_t room = static_cast<size_t>(context()) * 3 / 4;
  while (ids.size() > room && turns.size() > 2) {
    turns.erase(turns.begin(), turns.begin() + 2);
    forgotten += 2;
    ids = chat_tokens(turns);
  }
  return ids;
}

Answer ChatSession::answer(const std::string& prompt, const GenerateSettings& settings,
                           std::stop_token cancelled, FunctionRef<void(std::string_view)> on_text) {
  const auto started = Clock::now();
  Answer answer;
  answer.seed = settings.seed.value_or(random_seed());
  std::vector<llm::ChatMessage> turns = turns_;
  std::vector<int32_t> ids;
  if (is_chat()) {
    turns.push_back({"user", prompt});
    ids = tokens_that_fit(turns, settings, answer.messages_forgotten);
  } else {
    ids = tokens_of(prompt);
  }

  llm::PieceStream stream =
      engine_->submit(generate_params(std::move(ids), settings, answer.seed), cancelled);
  while (const std::optional<llm::Piece> piece = stream.next()) {
    if (piece->text.empty()) continue;
    answer.text += piece->text;
    on_text(piece->text);
  }
  answer.result = stream.result();
  answer.total_time = Clock::now() - started;
  answer.load_time = std::exchange(load_time_, {});
  if (is_chat()) {
    turns.push_back({"assistant", answer.text});
    turns_ = std::move(turns);
  }
  return answer;
}

}  // namespace hearth::cli
