#include "hearth/serve/http/connection.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "hearth/base/error.h"
#include "hearth/serve/http/packed_body.h"
#include "hearth/serve/http/request_id.h"
#include "hearth/serve/http/response_head.h"

namespace hearth::http {
namespace {

using std::chrono::milliseconds;

// What may lie unparsed besides a head: pipelined requests while a handler works, or the line of a
// chunk's size. Beyond it nothing is read, so a client that floods stalls in its own buffers.
constexpr size_t kAheadBytesMax = 16 << 10;
// How long a client may take to read the last answer before the connection goes: closing at once
// while it still sends would make its system throw that answer away (RFC 9112, 9.6).
constexpr milliseconds kLingerMax{1000};
constexpr const char* kRetryAfterSeconds = "1";
constexpr size_t kOutputKeptBytes = 64 << 10;

Response failure(const Serving& serving, std::string_view path, int status, std::string_view text) {
  Response response = error_answer(serving.policy, path, status, text);
  if (status == 503 && !response.headers.find("retry-after"))
    response.headers.add("retry-after", kRetryAfterSeconds);
  return response;
}

// Calls what is not ours; what it throws becomes an answer.
template <class Call>
std::optional<Response> failure_of(const Request& request, const Router::Route& route,
                                   const Serving& serving, Call call) {
  try {
    call();
    return std::nullopt;
  } catch (const Error& error) {
    if (route.options.error_answer) return route.options.error_answer(error);
    return failure(serving, request.path(), status_of(error.code()), error.what());
  } catch (const std::exception& error) {
    if (serving.fault) serving.fault(request, error.what());
    return failure(serving, request.path(), 500, "internal error");
  }
}

// On a handler's thread: unpacking takes its time.
void unpack(Exchange& exchange, const Router::Route& route, const Serving& serving) {
  const std::string* coding = exchange.request().headers.find("content-encoding");
  if (!coding || !is_known_packing(*coding)) return;
  const uint64_t bytes_max = route.options.body_bytes_max.value_or(serving.limits.body_bytes_max);
  exchange.replace_body(unpack_body(exchange.request().body, *coding, bytes_max));
}

void run_handler(const Router::Route& route, Upload* upload,
                 const std::shared_ptr<Exchange>& exchange, const Serving& serving) {
  const Request& request = exchange->request();
  Responder responder(exchange);
  auto problem = failure_of(request, route, serving, [&] {
    if (upload) return responder.send(upload->finish());
    unpack(*exchange, route, serving);
    route.handler(request, responder);
  });
  // A responder that moved away answers from where it is; a part that went out cannot be undone.
  if (problem && responder && !responder.is_started()) responder.send(*std::move(problem));
}

}  // namespace

Connection::Connection(Serving& serving, std::unique_ptr<ByteStream> stream, std::string peer,
                       bool is_refused)
    : serving_(serving),
      stream_(std::move(stream)),
      peer_(std::move(peer)),
      is_refused_(is_refused),
      deadline_(*serving.io) {}

void Connection::start() {
  arm(serving_.limits.header_timeout);
  stream_->handshake([self = shared_from_this()](bool ok) {
    if (self->phase_ == Phase::closed) return;
    if (!ok) return self->close();
    self->arm(self->serving_.limits.idle_timeout);
    self->read_more();
  });
}

void Connection::drain() {
  keep_alive_ = false;
  if (phase_ == Phase::idle || phase_ == Phase::head) close();
}

void Connection::cancel() {
  if (exchange_) exchange_->cancel();
}

void Connection::close() {
  if (phase_ == Phase::closed) return;
  const auto self = shared_from_this();
  phase_ = Phase::closed;
  disarm();
  end_upload();
  if (exchange_) {
    log(false);
    std::exchange(exchange_, nullptr)->close();
  }
  stream_->close();
  serving_.connections.erase(self);
  if (serving_.draining && serving_.connections.empty()) serving_.on_empty();
}

bool Connection::is_full() const {
  if (phase_ == Phase::closing) return false;
  if (phase_ == Phase::body && upload_ && parser_->body_bytes() >= serving_.limits.upload_bytes_max)
    return true;
  return input_.size() >= serving_.limits.header_bytes_max + kAheadBytesMax;
}

void Connection::read_more() {
  if (reading_ || input_ended_ || is_full() || phase_ == Phase::closed) return;
  reading_ = true;
  stream_->read_some(buffer_.data(), buffer_.size(),
                     [self = shared_from_this()](bool ok, size_t bytes) {
                       self->reading_ = false;
                       if (self->phase_ != Phase::closed) self->on_read(ok, bytes);
                     });
}

void Connection::on_read(bool ok, size_t bytes) {
  if (!ok) return on_input_end();
  if (phase_ != Phase::closing) input_.append(buffer_.data(), bytes);
  if (phase_ == Phase::body) arm(serving_.limits.body_timeout);
  advance();
  read_more();
  // What is not read for now is not the client's delay.
  if (phase_ == Phase::body && storing_ && !reading_) disarm();
}

void Connection::on_input_end() {
  input_ended_ = true;
  keep_alive_ = false;
  // It may have closed only its own side and still want the answer, so that goes out; but it
  // looks the same as leaving, which is what frees the work's memory.
  const bool is_whole = phase_ == Phase::answering ||
                        (phase_ == Phase::body && parser_->state() == RequestParser::State::done);
  if (is_whole) return exchange_->cancel();
  close();
}

void Connection::advance() {
  while (step()) {
  }
}

bool Connection::step() {
  switch (phase_) {
    case Phase::idle:
      return begin_request();
    case Phase::head:
      return read_head();
    case Phase::body:
      return read_body();
    case Phase::answering:
    case Phase::closing:
    case Phase::closed:
      return false;
  }
  return false;
}

bool Connection::begin_request() {
  // Empty lines between requests are to be skipped (RFC 9112, 2.2).
  input_.erase(0, std::min(input_.find_first_not_of("\r\n"), input_.size()));
  if (input_.empty()) return false;
  begun_ = std::chrono::steady_clock::now();
  parser_.emplace(serving_.limits.header_bytes_max);
  admission_ = Admission{};
  sent_bytes_ = 0;
  status_ = 0;
  is_http_1_0_ = is_head_method_ = chunked_ = bodiless_ = ended_ = cut_ = false;
  phase_ = Phase::head;
  arm(serving_.limits.header_timeout);
  return true;
}

void Connection::feed_parser() { input_.erase(0, parser_->put(input_)); }

bool Connection::read_head() {
  feed_parser();
  if (parser_->state() == RequestParser::State::head) return false;
  if (parser_->state() == RequestParser::State::failed)
    refuse(parser_->error_status(), parser_->error_text());
  else
    on_head();
  return true;
}

bool Connection::read_body() {
  if (parser_->state() == RequestParser::State::body) feed_parser();
  switch (parser_->state()) {
    case RequestParser::State::done:
      if (upload_) return feed_upload();
      admission_.request.body = parser_->take_body();
      begin_exchange(std::move(admission_.request));
      dispatch();
      return true;
    case RequestParser::State::failed:
      refuse(parser_->error_status(), parser_->error_text());
      return true;
    case RequestParser::State::head:
    case RequestParser::State::body:
      break;
  }
  if (input_.size() >= kAheadBytesMax) {
    refuse(400, "malformed request: the line of a chunk is too long");
    return true;
  }
  return upload_ && feed_upload();
}

// True when the phase has changed.
bool Connection::feed_upload() {
  const bool is_done = parser_->state() == RequestParser::State::done;
  if (is_done) disarm();
  if (storing_) return false;
  if (parser_->body_bytes() == 0) {
    if (is_done) dispatch();
    return is_done;
  }
  storing_ = serving_.pool->try_submit([bytes = parser_->take_body(), upload = upload_,
                                        route = admission_.route, self = weak_from_this(),
                                        io = serving_.io, &serving = serving_] {
    auto problem =
        failure_of(upload->exchange().request(), *route, serving, [&] { upload->write(bytes); });
    boost::asio::post(*io, [self, problem = std::move(problem)]() mutable {
      if (const auto connection = self.lock()) connection->on_stored(std::move(problem));
    });
  });
  if (!storing_) refuse(503, "too many requests are waiting");
  return !storing_;
}

void Connection::on_stored(std::optional<Response> problem) {
  storing_ = false;
  if (phase_ != Phase::body) return;  // turned away meanwhile
  if (problem) {
    keep_alive_ = false;
    return turn_away(*std::move(problem));
  }
  arm(serving_.limits.body_timeout);
  advance();
  read_more();
}

// Not destroyed here: that may remove a file of many gigabytes.
void Connection::end_upload() {
  if (!upload_) return;
  serving_.pool->try_submit([upload = std::move(upload_)]() mutable { upload.reset(); });
  upload_.reset();
}

void Connection::on_head() {
  const bool is_done = parser_->state() == RequestParser::State::done;
  RequestHead& head = parser_->head();
  keep_alive_ = head.keep_alive && !serving_.draining && !input_ended_;
  is_http_1_0_ = head.is_http_1_0;
  is_head_method_ = head.method == "HEAD";
  const bool wants_continue = equal_ignoring_case(head.headers.get("expect"), "100-continue");

  admission_ = decide(std::move(head), serving_.router, serving_.policy);
  if (is_refused_)
    admission_.answer =
        failure(serving_, admission_.request.path(), 503, "too many connections are open");
  if (admission_.answer) {
    // The body stays unread, so where the next request begins is unknown.
    keep_alive_ = keep_alive_ && is_done && !is_refused_;
    return turn_away(std::move(*admission_.answer));
  }
  parser_->body_bytes_max(admission_.body_bytes_max);
  phase_ = Phase::body;
  if (admission_.route->open_sink) {
    begin_exchange(std::move(admission_.request));
    upload_ = std::make_shared<Upload>(admission_.route->open_sink, exchange_);
  }
  if (is_done) return;
  arm(serving_.limits.body_timeout);
  if (!wants_continue || is_http_1_0_ || !input_.empty() || writing_) return;
  output_ = "HTTP/1.1 100 Continue\r\n\r\n";
  flush();
}

void Connection::dispatch() {
  parser_.reset();
  phase_ = Phase::answering;
  disarm();
  const bool taken = serving_.pool->try_submit(
      [route = admission_.route, exchange = exchange_, upload = std::move(upload_),
       &serving = serving_] { run_handler(*route, upload.get(), exchange, serving); });
  upload_.reset();
  if (!taken) {
    const std::string& path = exchange_->request().path();
    exchange_->send(failure(serving_, path, 503, "too many requests are waiting"));
  }
}

void Connection::turn_away(Response response) {
  if (!exchange_) begin_exchange(std::move(admission_.request));
  phase_ = Phase::answering;
  end_upload();
  arm(serving_.limits.write_timeout);
  exchange_->send(std::move(response));
}

void Connection::refuse(int status, std::string_view text) {
  keep_alive_ = false;
  if (!exchange_) {
    if (admission_.request.id.empty()) admission_.request.id = make_request_id();
    begin_exchange(std::move(admission_.request));
  }
  turn_away(failure(serving_, exchange_->request().path(), status, text));
}

void Connection::begin_exchange(Request request) {
  request.peer = peer_;
  // Comes from any thread, maybe after this connection and even the server are gone.
  auto wake = [io = serving_.io, weak = weak_from_this()] {
    boost::asio::post(*io, [weak] {
      if (const auto self = weak.lock()) self->pull();
    });
  };
  exchange_ = std::make_shared<Exchange>(std::move(request), serving_.limits.stream_bytes_max,
                                         std::move(wake));
  if (input_ended_) exchange_->cancel();
}

void Connection::pull() {
  // While bytes are on their way the rest waits in the exchange, whose limit slows the handler.
  if (phase_ != Phase::answering || writing_ || ended_) return;
  Exchange::Output output = exchange_->take();
  if (output.head) put_head(std::move(*output.head), output.streamed);
  ended_ = output.ended;
  cut_ = output.cut;
  put_body(output.bytes, ended_ && !cut_);
  flush();
}

void Connection::put_head(Response head, bool streamed) {
  for (const auto& [name, value] : admission_.headers) head.headers.set(name, value);
  status_ = head.status;
  bodiless_ = is_head_method_ || !may_have_body(head.status);
  chunked_ = streamed && !is_http_1_0_;
  Framing framing;
  if (streamed) {
    framing.chunked = chunked_;
    keep_alive_ = keep_alive_ && (chunked_ || bodiless_);
  } else {
    framing.length_bytes = head.body.size();
  }
  framing.keep_alive = keep_alive_;
  output_ = head_bytes(head, framing, exchange_->request().id, std::time(nullptr));
  if (!streamed && !bodiless_) output_ += head.body;
}

void Connection::put_body(std::string_view bytes, bool ended) {
  if (bodiless_) return;
  if (!chunked_) {
    output_ += bytes;
    return;
  }
  if (!bytes.empty()) output_ += chunk_bytes(bytes);
  if (ended) output_ += kLastChunk;
}

void Connection::flush() {
  if (output_.empty()) {
    if (ended_) finish_answer();
    return;
  }
  writing_ = true;
  arm(serving_.limits.write_timeout);
  stream_->write_some(std::string_view(output_).substr(sent_),
                      [self = shared_from_this()](bool ok, size_t bytes) {
                        self->writing_ = false;
                        if (self->phase_ != Phase::closed) self->on_write(ok, bytes);
                      });
}

void Connection::on_write(bool ok, size_t bytes) {
  if (!ok) return close();
  sent_ += bytes;
  sent_bytes_ += bytes;
  if (sent_ < output_.size()) return flush();
  sent_ = 0;
  output_.clear();
  if (output_.capacity() > kOutputKeptBytes) output_.shrink_to_fit();
  if (phase_ == Phase::body) return arm(serving_.limits.body_timeout);
  disarm();
  // Not only when woken: what came while this was being written has woken in vain.
  if (ended_)
    finish_answer();
  else
    pull();
}

void Connection::finish_answer() {
  log(!cut_);
  exchange_.reset();
  if (cut_) return close();
  if (!keep_alive_ || serving_.draining) return begin_closing();
  phase_ = Phase::idle;
  arm(serving_.limits.idle_timeout);
  advance();
  read_more();
}

void Connection::begin_closing() {
  if (input_ended_) return close();
  phase_ = Phase::closing;
  input_.clear();
  arm(kLingerMax);
  stream_->end_writing([self = shared_from_this()](bool ok) {
    if (!ok) self->close();
  });
  read_more();
}

void Connection::log(bool is_complete) {
  if (!serving_.access_log) return;
  const Request& request = exchange_->request();
  serving_.access_log({.method = request.method,
                       .path = request.path(),
                       .peer = peer_,
                       .id = request.id,
                       .caller = request.caller,
                       .status = status_ ? status_ : 499,
                       .sent_bytes = sent_bytes_,
                       .duration = std::chrono::steady_clock::now() - begun_,
                       .is_complete = is_complete});
}

void Connection::arm(milliseconds after) {
  deadline_.expires_after(after);
  deadline_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self || self->phase_ == Phase::closed) return;
    // One that had expired already when it was armed again still comes here.
    if (self->deadline_.expiry() <= std::chrono::steady_clock::now()) self->on_deadline();
  });
}

void Connection::on_deadline() {
  if (phase_ == Phase::head) return refuse(408, "the request's head did not come in time");
  if (phase_ == Phase::body) return refuse(408, "the request's body did not come in time");
  close();
}

}  // namespace hearth::http
