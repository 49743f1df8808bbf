#include "hearth/serve/engine/engine_connection.h"

#include <new>
#include <utility>

namespace hearth::serve {
namespace {

/// The reply to every call but the two that have several.
struct SingleReply {
  Engine& engine;
  std::stop_token cancelled;

  Reply operator()(const EmbedRequest& request) { return engine.embed(request, cancelled); }
  Reply operator()(const RerankRequest& request) { return engine.rerank(request, cancelled); }
  Reply operator()(const RenderCall& call) { return TextReply{engine.render(call.prompt)}; }
  Reply operator()(const CountCall& call) { return CountReply{engine.count_tokens(call.request)}; }
  Reply operator()(const TokenizeCall& call) {
    return IdsReply{engine.tokenize(call.text, call.add_special, call.parse_special)};
  }
  Reply operator()(const DetokenizeCall& call) { return TextReply{engine.detokenize(call.ids)}; }
  Reply operator()(const StatusCall&) { return engine.status(); }
  Reply operator()(const AnswerRequest&) { throw Error(Errc::conflict, "answers are streamed"); }
  Reply operator()(const LoadCall&) { throw Error(Errc::conflict, "the engine is loaded"); }
};

Error ending_error() { return {Errc::unavailable, "the engine is ending"}; }

}  // namespace

EngineConnection::EngineConnection(Engine& engine, FrameSocket socket,
                                   std::function<void()> on_done)
    : engine_(engine), socket_(std::move(socket)), on_done_(std::move(on_done)) {
  thread_ = std::thread([this] { serve(); });
}

EngineConnection::~EngineConnection() {
  cancel();
  cut();
  thread_.join();
}

void EngineConnection::end() {
  is_ending_.store(true);
  cancel();
}

void EngineConnection::serve() {
  try {
    serve_call();
  } catch (const Error& error) {
    fail(is_ending_.load() ? ending_error() : error);
  } catch (const std::bad_alloc&) {
    fail({Errc::resource_exhausted, "the memory of this machine is not enough"});
  } catch (const std::exception& error) {
    fail({Errc::io_failure, "unexpected: {}", error.what()});
  }
  socket_.shut_down();  // the other end need not wait until somebody joins this thread
  is_done_.store(true);
  on_done_();
}

void EngineConnection::fail(const Error& error) {
  socket_.send(encode(FailedReply{error.code(), error.what()}));
}

void EngineConnection::serve_call() {
  const std::optional<std::string> frame = socket_.receive();
  if (!frame) return;
  const Call call = decode_call(*frame);
  if (const auto* request = std::get_if<AnswerRequest>(&call))
    stream(*request);
  else
    socket_.send(encode(std::visit(SingleReply{engine_, cancelled_.get_token()}, call)));
}

void EngineConnection::stream(const AnswerRequest& request) {
  const std::unique_ptr<AnswerStream> answer = engine_.answer(request);
  // Destroyed before the stream, and not while it runs.
  const std::stop_callback cancel_answer(cancelled_.get_token(), [&] { answer->cancel(); });
  if (!socket_.send(encode(Accepted{}))) return;
  // The socket is the back-pressure: a reader that does not read holds this thread, and the
  // stream's own bound holds the answer.
  while (std::optional<AnswerChunk> chunk = answer->next())
    if (!socket_.send(encode(*std::move(chunk)))) return;
  if (is_ending_.load()) throw ending_error();
  socket_.send(encode(answer->end()));
}

}  // namespace hearth::serve
