// A server of raw sockets for tests: it answers with whatever bytes a test wants, right or wrong.
#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace hearth::store {

struct SeenRequest {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
  }
  bool has(std::string_view part) const { return target.find(part) != std::string::npos; }
};

/// The server's side of one connection.
class ServerSocket {
 public:
  explicit ServerSocket(int fd) : fd_(fd) {}

  /// False when the client is gone or the server ends.
  bool send(std::string_view bytes);
  /// A whole answer with its length. `headers`: "Name: value\r\n…".
  void answer(int status, std::string_view body, std::string_view headers = "");
  /// Closes so that the client sees a reset.
  void reset();
  /// Blocks until the client has closed or the server ends.
  void wait_for_close();

 private:
  int fd_;
};

/// Listens on 127.0.0.1; each connection has one request and a thread of its own.
class HttpServerForTest {
 public:
  using Handler = std::function<void(const SeenRequest&, ServerSocket&)>;

  explicit HttpServerForTest(Handler handler);
  ~HttpServerForTest();
  HttpServerForTest(const HttpServerForTest&) = delete;
  HttpServerForTest& operator=(const HttpServerForTest&) = delete;

  /// "127.0.0.1:PORT".
  const std::string& host() const { return host_; }
  std::vector<SeenRequest> seen() const;

 private:
  void accept_all();
  void serve(int fd);

  Handler handler_;
  int listener_ = -1;
  std::string host_;
  mutable std::mutex mutex_;  // of the three below
  std::vector<SeenRequest> seen_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::atomic<bool> is_ending_ = false;
  std::thread acceptor_;
};

}  // namespace hearth::store
