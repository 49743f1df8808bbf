// A running server with routes that show every way to answer.
#pragma once
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "hearth/serve/http/client_for_test.h"
#include "hearth/serve/http/server.h"

namespace hearth::http {

/// Routes: GET /hello, POST /echo, POST /small (bodies up to 10 bytes), GET /lines/{count}
/// (NDJSON), GET /later (answers from another thread), GET /forever (streams until the client
/// leaves), GET /wait (streams one line, then waits for the client to leave), GET
/// /goodbye (the same, and then says so), GET /hold (waits for release()), GET /cut (breaks off),
/// GET /throw/{what}.
class ServerForTest {
 public:
  explicit ServerForTest(ServerOptions options = {});
  ~ServerForTest();

  uint16_t port() const { return server.addresses().at(0).port; }
  void release();  // lets GET /hold answer
  /// Waits until `count` handlers wait in /hold or /wait; false after 30 s.
  bool wait_for_waiting(int count);
  /// Waits until `count` tokens have tripped in /forever, /goodbye or /wait; false after 30 s.
  bool wait_for_gone(int count);
  /// Waits until `count` requests are over; what was logged of them.
  std::vector<AccessLine> wait_for_lines(size_t count);

 private:
  Router make_router();
  void hold();
  void wait_for_leaving(const Request& request, Responder& responder);

  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0, gone_ = 0;
  bool released_ = false;
  std::vector<AccessLine> lines_;
  std::vector<std::thread> threads_;

 public:
  Server server;  // last: it stops before what its handlers use goes
};

/// "GET /path HTTP/1.1" with a Host header and `more` headers ("X: y\r\n").
std::string get(std::string_view path, std::string_view more = "");
std::string post(std::string_view path, std::string_view body, std::string_view more = "");

}  // namespace hearth::http
