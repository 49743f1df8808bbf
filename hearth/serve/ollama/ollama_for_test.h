// Ollama's API on loopback over models that a test scripts and a store in a temporary folder.
#pragma once
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/serve/api/fake_models_for_test.h"
#include "hearth/serve/http/client_for_test.h"
#include "hearth/serve/http/server.h"
#include "hearth/serve/ollama/routes.h"
#include "hearth/store/store_folder_for_test.h"

namespace hearth::serve::ollama {

/// An answer as its client sees it, without what changes from run to run: times of day are "T",
/// durations of whole requests 9.
struct Seen {
  int status = 0;
  std::string type;  // content-type
  std::string body;  // chunks put together
  std::string head;

  bool operator==(const Seen&) const = default;
};

class OllamaForTest {
 public:
  explicit OllamaForTest(std::string_view name);
  ~OllamaForTest() { server.stop(std::chrono::seconds(0)); }

  uint16_t port() const { return server.addresses().at(0).port; }
  Seen get(std::string_view path) const { return ask("GET", path, ""); }
  Seen post(std::string_view path, std::string_view body) const { return ask("POST", path, body); }
  Seen ask(std::string_view method, std::string_view path, std::string_view body) const;
  /// A model of one small GGUF file, made from the Modelfile "FROM weights.gguf" and `more`.
  store::StoredModel add(std::string_view model, std::string_view more = "") const;
  std::vector<std::string> warnings() const;

  store::StoreFolder folder;
  store::ModelStore store;
  FakeModels models;
  Transfer pull, push;  // set before the first request

 private:
  http::Router make_router();

  mutable std::mutex mutex_;
  std::vector<std::string> warnings_;

 public:
  http::Server server;  // last: it stops before what its handlers use goes
};

/// "METHOD path HTTP/1.1" with a Host header and a body, on a connection that closes.
std::string request_text(std::string_view method, std::string_view path, std::string_view body);
/// What came from the server as a Seen.
Seen seen(const std::string& answer);

}  // namespace hearth::serve::ollama
