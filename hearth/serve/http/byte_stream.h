// The bytes of one connection, plain or under TLS. Asio stays behind this header.
#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

namespace boost::asio::ssl {
class context;
}

namespace hearth::http {

/// All calls from the IO thread. One read and one write may be under way at a time. Callbacks come
/// from the IO thread, later, also after close() (then with `ok` false).
class ByteStream {
 public:
  using Done = std::function<void(bool ok)>;
  using Moved = std::function<void(bool ok, size_t bytes)>;  // `ok` false: the end, or an error

  virtual ~ByteStream() = default;
  virtual void handshake(Done done) = 0;
  /// Reads at least one byte into [buffer, buffer + size).
  virtual void read_some(char* buffer, size_t size, Moved moved) = 0;
  /// Writes at least one of `bytes`, which must live until then.
  virtual void write_some(std::string_view bytes, Moved moved) = 0;
  /// Says that no more will be written.
  virtual void end_writing(Done done) = 0;
  virtual void close() = 0;
};

std::unique_ptr<ByteStream> make_plain_stream(boost::asio::ip::tcp::socket socket);
/// `context` must outlive the stream.
std::unique_ptr<ByteStream> make_tls_stream(boost::asio::ip::tcp::socket socket,
                                            boost::asio::ssl::context& context);

}  // namespace hearth::http
