#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <utility>

#include "hearth/serve/http/byte_stream.h"

namespace hearth::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

class TlsStream final : public ByteStream {
 public:
  TlsStream(asio::ip::tcp::socket socket, asio::ssl::context& context)
      : stream_(std::move(socket), context) {}

  void handshake(Done done) override {
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [done = std::move(done)](const error_code& error) { done(!error); });
  }
  void read_some(char* buffer, size_t size, Moved moved) override {
    stream_.async_read_some(
        asio::buffer(buffer, size),
        [moved = std::move(moved)](const error_code& error, size_t n) { moved(!error, n); });
  }
  void write_some(std::string_view bytes, Moved moved) override {
    stream_.async_write_some(
        asio::buffer(bytes.data(), bytes.size()),
        [moved = std::move(moved)](const error_code& error, size_t n) { moved(!error, n); });
  }
  void end_writing(Done done) override {
    // Sends close_notify and waits for the client's; the connection's deadline bounds the wait.
    stream_.async_shutdown([done = std::move(done)](const error_code&) { done(false); });
  }
  void close() override {
    error_code ignored;
    stream_.next_layer().close(ignored);
  }

 private:
  asio::ssl::stream<asio::ip::tcp::socket> stream_;
};

}  // namespace

std::unique_ptr<ByteStream> make_tls_stream(asio::ip::tcp::socket socket,
                                            asio::ssl::context& context) {
  return std::make_unique<TlsStream>(std::move(socket), context);
}

}  // namespace hearth::http
