#include "hearth/serve/engine/engine_process.h"

#include <utility>

#include "hearth/base/error.h"
#include "hearth/serve/engine/process_stream.h"

namespace hearth::serve {
namespace {

constexpr std::string_view kSocketName = "engine";
// A status is for showing: a list of models does not wait for one that hangs.
constexpr std::chrono::seconds kStatusWait{2};

[[noreturn]] void throw_given_up(const std::string& model) {
  throw Error(Errc::unavailable, "model '{}': its loading was given up", model);
}

}  // namespace

EngineProcess::EngineProcess(PrivateFolder folder, std::shared_ptr<EngineChild> child)
    : folder_(std::move(folder)), socket_(folder_.path() / kSocketName), child_(std::move(child)) {}

EngineProcess::~EngineProcess() { child_->end(); }

std::unique_ptr<EngineProcess> EngineProcess::start(EngineProcessOptions options) {
  PrivateFolder folder = PrivateFolder::make(options.socket_folders, kSocketName);
  auto child =
      std::make_shared<EngineChild>(EngineChild::Options{.program = options.program,
                                                         .arguments = options.arguments,
                                                         .model = options.model,
                                                         .end_time_max = options.end_time_max,
                                                         .on_line = std::move(options.on_line),
                                                         .on_exit = std::move(options.on_exit)});
  std::unique_ptr<EngineProcess> engine(new EngineProcess(std::move(folder), std::move(child)));
  engine->load(options);
  // Given up when it was just done: the control connection may be down already.
  if (options.cancelled.stop_requested()) throw_given_up(options.model);
  engine->child_->report_exit();
  return engine;
}

void EngineProcess::load(const EngineProcessOptions& options) {
  FrameSocket& control = child_->control();
  const std::stop_callback give_up(options.cancelled, [&] { control.shut_down(); });
  const auto deadline = std::chrono::steady_clock::now() + options.load_time_max;
  try {
    control.send(encode(LoadCall{options.load, socket_.native()}));
    while (true) {
      const Reply reply = receive_reply(control, *child_, deadline, options.cancelled);
      if (const auto* facts = std::get_if<EngineFacts>(&reply)) {
        facts_ = *facts;
        return;
      }
      const auto* part = std::get_if<LoadedPart>(&reply);
      if (!part) throw_strange_reply();
      if (options.on_progress) options.on_progress(part->fraction);
    }
  } catch (const Error& error) {
    if (options.cancelled.stop_requested()) throw_given_up(options.model);
    if (std::chrono::steady_clock::now() >= deadline)
      throw Error(Errc::unavailable, "model '{}': not loaded within {} s", options.model,
                  std::chrono::duration<double>(options.load_time_max).count());
    throw;
  }
}

FrameSocket EngineProcess::begin(const Call& call) const {
  const std::string frame = encode(call);
  try {
    FrameSocket socket = connect_to(socket_);
    // An engine that turns a call away does not read it; what it says is read all the same.
    socket.send(frame);
    return socket;
  } catch (const Error& error) {
    throw child_->gone(error.what());
  }
}

template <class Value>
Value EngineProcess::ask(const Call& call, std::stop_token cancelled,
                         FrameSocket::Deadline deadline) const {
  FrameSocket socket = begin(call);
  const std::stop_callback give_up(cancelled, [&] { socket.shut_down(); });
  Reply reply = receive_reply(socket, *child_, deadline, cancelled);
  auto* value = std::get_if<Value>(&reply);
  if (!value) throw_strange_reply();
  return std::move(*value);
}

std::unique_ptr<AnswerStream> EngineProcess::answer(const AnswerRequest& request) {
  FrameSocket socket = begin(request);
  if (!std::holds_alternative<Accepted>(receive_reply(socket, *child_))) throw_strange_reply();
  return std::make_unique<ProcessStream>(std::move(socket), child_);
}

EngineStatus EngineProcess::status() const {
  return ask<EngineStatus>(StatusCall{}, {}, std::chrono::steady_clock::now() + kStatusWait);
}

Embeddings EngineProcess::embed(const EmbedRequest& request, std::stop_token cancelled) {
  return ask<Embeddings>(request, std::move(cancelled));
}

Relevance EngineProcess::rerank(const RerankRequest& request, std::stop_token cancelled) {
  return ask<Relevance>(request, std::move(cancelled));
}

std::string EngineProcess::render(const ChatPrompt& prompt) {
  return ask<TextReply>(RenderCall{prompt}).text;
}

int EngineProcess::count_tokens(const AnswerRequest& request) {
  return ask<CountReply>(CountCall{request}).count;
}

std::vector<int32_t> EngineProcess::tokenize(const std::string& text, bool add_special,
                                             bool parse_special) {
  return ask<IdsReply>(TokenizeCall{text, add_special, parse_special}).ids;
}

std::string EngineProcess::detokenize(std::span<const int32_t> ids) {
  return ask<TextReply>(DetokenizeCall{{ids.begin(), ids.end()}}).text;
}

}  // namespace hearth::serve
