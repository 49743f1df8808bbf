#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "hearth/serve/http/byte_stream.h"

namespace hearth::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

class PlainStream final : public ByteStream {
 public:
  explicit PlainStream(asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}

  void handshake(Done done) override {
    asio::post(socket_.get_executor(), [done = std::move(done)] { done(true); });
  }
  void read_some(char* buffer, size_t size, Moved moved) override {
    socket_.async_read_some(
        asio::buffer(buffer, size),
        [moved = std::move(moved)](const error_code& error, size_t n) { moved(!error, n); });
  }
  void write_some(std::string_view bytes, Moved moved) override {
    socket_.async_write_some(
        asio::buffer(bytes.data(), bytes.size()),
        [moved = std::move(moved)](const error_code& error, size_t n) { moved(!error, n); });
  }
  void end_writing(Done done) override {
    error_code error;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, error);
    asio::post(socket_.get_executor(), [done = std::move(done), ok = !error] { done(ok); });
  }
  void close() override {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  asio::ip::tcp::socket socket_;
};

}  // namespace

std::unique_ptr<ByteStream> make_plain_stream(asio::ip::tcp::socket socket) {
  return std::make_unique<PlainStream>(std::move(socket));
}

}  // namespace hearth::http
