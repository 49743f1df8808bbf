// The only file with Boost.Beast.
#include "hearth/serve/http/request_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <limits>
#include <utility>

#include "hearth/serve/http/packed_body.h"

namespace hearth::http {
namespace {

namespace beast = boost::beast;

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

class RequestParser::Machine final : public beast::http::basic_parser<true> {
 public:
  explicit Machine(size_t header_bytes_max) : header_bytes_max_(header_bytes_max) {
    // Beast checks the limit for the request line and for the fields, each alone.
    header_limit(static_cast<uint32_t>(std::min<size_t>(header_bytes_max, 1u << 30)));
    // Ours depends on the route, which the head names. Not boost::none: Beast 1.74 takes that for 0
    // when it looks at a Content-Length.
    body_limit(std::numeric_limits<uint64_t>::max());
    eager(false);
  }

  size_t feed(std::string_view bytes) {
    size_t taken = 0;
    while (state != State::done && state != State::failed) {
      const State before = state;
      beast::error_code error;
      const size_t count =
          put(boost::asio::buffer(bytes.data() + taken, bytes.size() - taken), error);
      taken += count;
      if (before == State::head) header_bytes_ += count;
      if (error && error != beast::http::error::need_more) fail_with(error);
      if (state == State::failed) break;
      if (header_bytes_ > header_bytes_max_) fail(431, too_long());
      if (state == State::body && is_done()) state = State::done;
      if (before == State::head && state == State::body) break;
      if (count == 0 || taken == bytes.size()) break;
    }
    return taken;
  }

  State state = State::head;
  RequestHead request_head;
  std::string body;
  uint64_t body_bytes_max = std::numeric_limits<uint64_t>::max();
  int error_status = 0;
  std::string error_text;

 private:
  using string_view = beast::string_view;
  using error_code = beast::error_code;

  std::string too_long() const {
    return "the request line and headers pass " + std::to_string(header_bytes_max_) + " bytes";
  }

  void fail(int status, std::string text) {
    state = State::failed;
    error_status = status;
    error_text = std::move(text);
  }

  void fail_with(const error_code& code) {
    using beast::http::error;
    if (state == State::failed) return;  // a callback below said why already
    if (code == error::header_limit) return fail(431, too_long());
    if (code == error::bad_version) return fail(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    fail(400, "malformed request: " + code.message());
  }

  void on_request_impl(beast::http::verb, string_view method, string_view target, int version,
                       error_code&) override {
    request_head.method = view(method);
    request_head.target = view(target);
    request_head.is_http_1_0 = version == 10;
  }
  void on_response_impl(int, string_view, int, error_code&) override {}

  void on_field_impl(beast::http::field, string_view name, string_view value,
                     error_code& error) override {
    // Trailers of a chunked body come here too; nothing that was decided by the head may change.
    if (state != State::head) return;
    try {
      request_head.headers.add(std::string(view(name)), std::string(view(value)));
    } catch (const std::exception&) {
      error = beast::http::error::bad_value;
    }
  }

  void on_header_impl(error_code& error) override {
    // Whoever stands in front of us might understand another coding, and see another end.
    for (const auto& [name, value] : request_head.headers)
      if (equal_ignoring_case(name, "transfer-encoding") &&
          !equal_ignoring_case(value, "chunked")) {
        fail(501, "no transfer coding but chunked is known here");
        error = beast::http::error::bad_transfer_encoding;
        return;
      }
    const size_t codings = request_head.headers.count("transfer-encoding");
    // RFC 9112, 6.1: HTTP/1.0 knew none, so what stands in front of us may not have either.
    if (codings > 1 || (codings == 1 && request_head.is_http_1_0)) {
      fail(400, "malformed request: where its body ends is in doubt");
      error = beast::http::error::bad_transfer_encoding;
      return;
    }
    request_head.has_body = codings == 1;
    if (const std::string* length = request_head.headers.find("content-length")) {
      // Beast has checked that it is a number that fits 64 bits.
      request_head.content_length_bytes = std::stoull(*length);
      request_head.has_body |= request_head.content_length_bytes > 0;
    }
    if (request_head.has_body && !is_packing_known()) {
      fail(415, "bodies may be packed with one Content-Encoding: gzip or zstd");
      error = beast::http::error::bad_value;
      return;
    }
    request_head.keep_alive = is_kept_alive();
    state = State::body;
  }

  bool is_packing_known() const {
    const std::string* coding = request_head.headers.find("content-encoding");
    if (!coding) return true;
    return request_head.headers.count("content-encoding") == 1 &&
           (is_known_packing(*coding) || equal_ignoring_case(*coding, "identity"));
  }

  bool is_kept_alive() const {
    const Headers& headers = request_head.headers;
    if (headers.lists("connection", "close")) return false;
    return !request_head.is_http_1_0 || headers.lists("connection", "keep-alive");
  }

  size_t append(string_view bytes, error_code& error) {
    if (bytes.size() > body_bytes_max - std::min(body_bytes_max, body_bytes_)) {
      fail(413, "the body passes " + std::to_string(body_bytes_max) + " bytes");
      error = beast::http::error::body_limit;
      return 0;
    }
    body.append(bytes.data(), bytes.size());
    body_bytes_ += bytes.size();
    return bytes.size();
  }

  void on_body_init_impl(const boost::optional<uint64_t>& length, error_code&) override {
    // A length is only a claim: reserve no more than a small one.
    body.reserve(std::min<uint64_t>(length.value_or(0), 1 << 20));
  }
  size_t on_body_impl(string_view bytes, error_code& error) override {
    return append(bytes, error);
  }
  void on_chunk_header_impl(uint64_t, string_view, error_code&) override {}
  size_t on_chunk_body_impl(uint64_t, string_view bytes, error_code& error) override {
    return append(bytes, error);
  }
  void on_finish_impl(error_code&) override {}

  const size_t header_bytes_max_;
  size_t header_bytes_ = 0;
  uint64_t body_bytes_ = 0;  // of the whole body so far
};

RequestParser::RequestParser(size_t header_bytes_max)
    : machine_(std::make_unique<Machine>(header_bytes_max)) {}
RequestParser::~RequestParser() = default;
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;

size_t RequestParser::put(std::string_view bytes) { return machine_->feed(bytes); }
RequestParser::State RequestParser::state() const { return machine_->state; }
RequestHead& RequestParser::head() { return machine_->request_head; }
void RequestParser::body_bytes_max(uint64_t max) { machine_->body_bytes_max = max; }
std::string RequestParser::take_body() { return std::exchange(machine_->body, {}); }
size_t RequestParser::body_bytes() const { return machine_->body.size(); }
int RequestParser::error_status() const { return machine_->error_status; }
const std::string& RequestParser::error_text() const { return machine_->error_text; }

}  // namespace hearth::http
