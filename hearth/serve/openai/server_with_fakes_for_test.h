// The endpoints of this folder on a real server, before models that a test has scripted.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hearth/serve/api/fake_models_for_test.h"
#include "hearth/serve/http/client_for_test.h"
#include "hearth/serve/http/server.h"
#include "hearth/store/store_folder_for_test.h"

namespace hearth::serve::openai {

struct SentEvent {
  std::string name;  // of "event: ", else empty
  std::string data;
};

class ServerWithFakes {
 public:
  /// `name` tells its temporary folder from others'.
  explicit ServerWithFakes(std::string_view name);

  uint16_t port() const { return server.addresses().at(0).port; }
  /// The whole answer, head and body.
  std::string get(std::string_view path) const;
  std::string post(std::string_view path, std::string_view body) const;
  /// The body of an answer, which must be JSON and have this status.
  Json get_json(std::string_view path, int status = 200) const;
  Json post_json(std::string_view path, std::string_view body, int status = 200) const;
  /// The events of an answer, which must be a stream.
  std::vector<SentEvent> post_stream(std::string_view path, std::string_view body) const;

  store::StoreFolder folder;
  store::ModelStore store;
  FakeModels models;

 private:
  std::string ask(std::string_view request) const;

 public:
  http::Server server;  // last: it stops before what its handlers use goes
};

/// `text` with ID for 24 random letters and digits, and 0 for seconds since 1970.
std::string without_ids(const std::string& text);
/// Of every event, its data, scrubbed as above.
std::vector<std::string> data_of(const std::vector<SentEvent>& events);

/// The message of the Error that `call` throws; empty when it throws none.
template <class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace hearth::serve::openai
