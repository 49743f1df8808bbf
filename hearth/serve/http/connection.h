// One client's connection: reads requests, hands them to handlers, sends the answers in order.
//
//        first byte       head read, let in      body read           answer sent, kept alive
//   idle ----------> head ------------------> body ---------> answering ------------------> idle
//                      \_ turned away ________________________/    \_ not kept alive -> closing
//
// A read is always under way, also while a handler works: that is how a client that leaves is
// noticed at once. Everything here happens on the IO thread.
#pragma once
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "hearth/serve/http/access_line.h"
#include "hearth/serve/http/admission.h"
#include "hearth/serve/http/byte_stream.h"
#include "hearth/serve/http/exchange.h"
#include "hearth/serve/http/handler_pool.h"
#include "hearth/serve/http/limits.h"
#include "hearth/serve/http/request_parser.h"
#include "hearth/serve/http/router.h"
#include "hearth/serve/http/upload.h"

namespace hearth::http {

class Connection;

/// What the connections of one server share. Outlives them.
struct Serving {
  // Shared, because a responder may outlive the server and still wake its connection.
  std::shared_ptr<boost::asio::io_context> io = std::make_shared<boost::asio::io_context>(1);
  Router router;
  Policy policy;
  Limits limits;
  AccessLog access_log;                                              // may be empty
  std::function<void(const Request&, std::string_view what)> fault;  // may be empty
  std::unique_ptr<HandlerPool> pool;
  std::set<std::shared_ptr<Connection>> connections;  // open ones
  bool draining = false;
  std::function<void()> on_empty;  // the last connection closed while draining
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  ///   is_refused   one too many: its first request is answered with 503
  Connection(Serving& serving, std::unique_ptr<ByteStream> stream, std::string peer,
             bool is_refused);

  void start();
  /// Finishes the request under way, if any, and closes.
  void drain();
  /// Trips the token of the request under way, if any; its answer can still be sent.
  void cancel();
  /// Closes now; what is under way is lost.
  void close();

 private:
  enum class Phase { idle, head, body, answering, closing, closed };

  // Reading.
  void read_more();
  void on_read(bool ok, size_t bytes);
  void on_input_end();
  void advance();
  bool step();
  bool begin_request();
  bool read_head();
  bool read_body();
  void feed_parser();
  bool is_full() const;
  bool feed_upload();
  void on_stored(std::optional<Response> problem);
  void end_upload();

  // From a request to its answer.
  void on_head();
  void dispatch();
  void turn_away(Response response);
  void refuse(int status, std::string_view text);
  void begin_exchange(Request request);

  // Answering.
  void pull();
  void put_head(Response head, bool streamed);
  void put_body(std::string_view bytes, bool ended);
  void flush();
  void on_write(bool ok, size_t bytes);
  void finish_answer();
  void begin_closing();
  void log(bool is_complete);

  // One deadline at a time; what passing it means depends on the phase.
  void arm(std::chrono::milliseconds after);
  void disarm() { deadline_.cancel(); }
  void on_deadline();

  Serving& serving_;
  const std::unique_ptr<ByteStream> stream_;
  const std::string peer_;
  const bool is_refused_;
  boost::asio::steady_timer deadline_;
  Phase phase_ = Phase::idle;

  std::array<char, 8192> buffer_;
  std::string input_;  // read, not parsed yet
  bool reading_ = false;
  bool input_ended_ = false;

  std::optional<RequestParser> parser_;
  Admission admission_;
  std::chrono::steady_clock::time_point begun_;
  bool is_http_1_0_ = false;
  bool is_head_method_ = false;
  bool keep_alive_ = true;

  std::shared_ptr<Exchange> exchange_;
  std::shared_ptr<Upload> upload_;  // of a route that takes its body while it arrives
  bool storing_ = false;            // upload_ is with a handler thread
  std::string output_;              // being written, from sent_ on
  size_t sent_ = 0;
  uint64_t sent_bytes_ = 0;  // of this answer
  int status_ = 0;
  bool writing_ = false;
  bool chunked_ = false;
  bool bodiless_ = false;
  bool ended_ = false;
  bool cut_ = false;
};

}  // namespace hearth::http
