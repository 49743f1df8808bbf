#include "hearth/llm/batch_engine.h"

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>

#include "hearth/llm/engine_loop.h"

namespace hearth::llm {

struct BatchEngine::State {
  State(const Model& model_in, const Tokenizer& tokenizer_in, const EngineOptions& options);

  void run(std::stop_token stop);
  void take_submissions();
  void note_status();
  void close(const Error& error);

  const Model& model;
  const Tokenizer& tokenizer;
  const int vocab_size;  // ids that the model can compute and the tokenizer can spell
  const EngineLimits limits;
  const std::shared_ptr<EngineDoor> door = std::make_shared<EngineDoor>();
  EngineLoop loop;  // the engine thread's

  mutable std::mutex mutex;  // guards what follows
  std::vector<std::unique_ptr<Sequence>> inbox;
  std::optional<Error> closed;  // why nothing more is taken
  Status status;

  std::jthread thread;  // last: it uses all of the above
};

BatchEngine::State::State(const Model& model_in, const Tokenizer& tokenizer_in,
                          const EngineOptions& options)
    : model(model_in),
      tokenizer(tokenizer_in),
      vocab_size(std::min(model_in.config().vocab_size, tokenizer_in.vocab_size())),
      limits(resolve(options, model_in.config(), model_in.kv_shape(), memory_total_bytes())),
      loop(model_in, vocab_size, limits),
      status(loop.status()) {
  inbox.reserve(limits.sequences_max + limits.queue_max);
  thread = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
}

// A boundary: whatever goes wrong in a step (memory, a bug in a model) ends the answers, not the
// program.
void BatchEngine::State::run(std::stop_token stop) {
  try {
    while (true) {
      // Read before all that a ring may announce, the stop included: whatever comes too late for
      // the looks below rings after this, and wait() returns at once.
      const uint32_t seen = door->rings();
      if (stop.stop_requested()) break;
      take_submissions();
      const bool ran = loop.step();
      note_status();
      if (!ran) door->wait(seen);
    }
    close(Error(Errc::unavailable, "engine: shutting down"));
  } catch (const Error& e) {
    close(e.with_context("engine"));
  } catch (const std::exception& e) {
    close(Error(Errc::unavailable, "engine: {}", e.what()));
  }
}

// Allocates nothing, so that it cannot fail half-way: the reader of a sequence that got lost
// between inbox and loop would wait for ever.
void BatchEngine::State::take_submissions() {
  const std::lock_guard lock(mutex);
  for (std::unique_ptr<Sequence>& sequence : inbox) loop.add(std::move(sequence));
  // Until the step ends and the loop is asked again: nobody may see an engine that looks empty.
  status.waiting += static_cast<int>(inbox.size());
  inbox.clear();
}

void BatchEngine::State::note_status() {
  const Status now = loop.status();
  const std::lock_guard lock(mutex);
  status = now;
}

void BatchEngine::State::close(const Error& error) {
  {
    const std::lock_guard lock(mutex);
    closed = error;
  }
  take_submissions();  // none can follow
  loop.end_all(error);
  note_status();
}

BatchEngine::BatchEngine(const Model& model, const Tokenizer& tokenizer,
                         const EngineOptions& options)
    : state_(std::make_unique<State>(model, tokenizer, options)) {}

BatchEngine::~BatchEngine() {
  state_->thread.request_stop();
  state_->door->ring();
  state_->thread.join();
}

PieceStream BatchEngine::submit(GenerateParams params, std::stop_token cancelled) {
  State& s = *state_;
  check_params(params, s.vocab_size, s.limits.context);
  if (params.adapter && &params.adapter->model() != &s.model)
    throw Error(Errc::invalid_argument, "adapter: it was loaded for another model");
  auto shared = std::make_shared<PieceStream::Shared>(s.door, std::move(cancelled));
  PieceStream stream(shared);
  if (!shared->try_enter(s.limits.sequences_max + s.limits.queue_max))
    throw Error(Errc::unavailable,
                "queue_max: {} generations wait beside {} that run, which is the limit",
                s.limits.queue_max, s.limits.sequences_max);
  auto sequence = std::make_unique<Sequence>(std::move(params), s.tokenizer, s.vocab_size,
                                             s.limits.context, shared);
  s.loop.make_room(*sequence);
  {
    const std::lock_guard lock(s.mutex);
    if (s.closed) throw Error(Errc::unavailable, "{}", s.closed->what());
    s.inbox.push_back(std::move(sequence));
  }
  s.door->ring();
  return stream;
}

BatchEngine::Status BatchEngine::status() const {
  const std::lock_guard lock(state_->mutex);
  Status status = state_->status;
  status.waiting += static_cast<int>(state_->inbox.size());
  return status;
}

bool BatchEngine::has_failed() const {
  const std::lock_guard lock(state_->mutex);
  return state_->closed.has_value();
}

int BatchEngine::context() const { return state_->limits.context; }

}  // namespace hearth::llm
