#include "hearth/serve/daemon/metered_models.h"

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

namespace hearth::serve {
namespace {

using Clock = std::chrono::steady_clock;

// Of one call: who asked what, and since when.
struct Meter {
  Meters meters;
  std::string caller, model;
  Clock::time_point submitted;

  void count_tokens(int prompt_tokens, int generated_tokens) const {
    if (!meters.usage || caller.empty()) return;
    meters.usage->add(caller,
                      {.prompt_tokens = static_cast<uint64_t>(prompt_tokens),
                       .generated_tokens = static_cast<uint64_t>(generated_tokens)},
                      std::chrono::system_clock::now());
  }
};

std::string_view reason_name(AnswerReason reason) {
  switch (reason) {
    case AnswerReason::stop:
      return "stop";
    case AnswerReason::length:
      return "length";
    case AnswerReason::cancelled:
      return "cancelled";
  }
  return "error";
}

class MeteredStream final : public AnswerStream {
 public:
  MeteredStream(std::unique_ptr<AnswerStream> stream, Meter meter)
      : stream_(std::move(stream)), meter_(std::move(meter)) {}
  ~MeteredStream() override {
    if (!is_counted_) count(has_failed_ ? "error" : "cancelled", nullptr);
  }

  std::optional<AnswerChunk> next() override {
    has_failed_ = true;  // until it has not
    std::optional<AnswerChunk> chunk = stream_->next();
    has_failed_ = false;
    if (!chunk && !is_counted_) count(reason_name(stream_->end().reason), &stream_->end());
    if (!chunk) return chunk;
    if (pieces_++ == 0) first_ = Clock::now();
    return chunk;
  }
  const AnswerEnd& end() const override { return stream_->end(); }
  void cancel() override { stream_->cancel(); }

 private:
  // Without an end, the pieces that came are what is known of the tokens.
  void count(std::string_view end_name, const AnswerEnd* end) {
    is_counted_ = true;
    AnswerMeasure measure{.model = meter_.model, .end = end_name, .generated_tokens = pieces_};
    if (end) {
      measure.prompt_tokens = end->prompt_tokens;
      measure.cached_tokens = end->prompt_tokens_cached;
      measure.generated_tokens = end->generated_tokens;
      measure.queue_time = end->queue_time;
      measure.prompt_time = end->prompt_time;
      measure.decode_time = end->decode_time;
    }
    if (first_) measure.time_to_first_token = *first_ - meter_.submitted;
    if (meter_.meters.metrics) meter_.meters.metrics->count_answer(measure);
    meter_.count_tokens(measure.prompt_tokens, measure.generated_tokens);
  }

  std::unique_ptr<AnswerStream> stream_;
  Meter meter_;
  int pieces_ = 0;
  std::optional<Clock::time_point> first_;
  bool is_counted_ = false, has_failed_ = false;
};

class MeteredEngine final : public Engine {
 public:
  MeteredEngine(Engine& engine, Meter meter) : engine_(engine), meter_(std::move(meter)) {}

  const EngineFacts& facts() const override { return engine_.facts(); }
  EngineStatus status() const override { return engine_.status(); }
  bool is_alive() const override { return engine_.is_alive(); }
  int process() const override { return engine_.process(); }

  std::unique_ptr<AnswerStream> answer(const AnswerRequest& request) override {
    return std::make_unique<MeteredStream>(engine_.answer(request), meter_);
  }
  Embeddings embed(const EmbedRequest& request, std::stop_token cancelled) override {
    Embeddings embeddings = engine_.embed(request, std::move(cancelled));
    meter_.count_tokens(embeddings.prompt_tokens, 0);
    return embeddings;
  }
  Relevance rerank(const RerankRequest& request, std::stop_token cancelled) override {
    Relevance relevance = engine_.rerank(request, std::move(cancelled));
    meter_.count_tokens(relevance.prompt_tokens, 0);
    return relevance;
  }
  std::string render(const ChatPrompt& prompt) override { return engine_.render(prompt); }
  int count_tokens(const AnswerRequest& request) override { return engine_.count_tokens(request); }
  std::vector<int32_t> tokenize(const std::string& text, bool add_special,
                                bool parse_special) override {
    return engine_.tokenize(text, add_special, parse_special);
  }
  std::string detokenize(std::span<const int32_t> ids) override { return engine_.detokenize(ids); }

 private:
  Engine& engine_;
  Meter meter_;
};

}  // namespace

void MeteredModels::submit(ModelCall call, OnTurn on_turn, OnError on_error) {
  Meter meter{.meters = meters_, .caller = call.caller, .submitted = Clock::now()};
  models_.submit(
      std::move(call),
      [meter = std::move(meter), on_turn = std::move(on_turn)](Turn& turn) {
        Meter own = meter;
        own.model = turn.model;
        MeteredEngine engine(turn.engine, std::move(own));
        Turn metered{engine, turn.model, turn.queue_time, turn.load_time};
        on_turn(metered);
      },
      std::move(on_error));
}

}  // namespace hearth::serve
