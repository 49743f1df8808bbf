#include "hearth/cli/api_connection.h"

#include <cstdlib>
#include <utility>

#include "hearth/cli/serving.h"
#include "hearth/serve/client/local_api.h"
#include "hearth/serve/client/remote_api.h"
#include "hearth/serve/daemon/serve_stack.h"
#include "hearth/store/model_name.h"

namespace hearth::cli {
namespace {

// The stack of a daemon without its server, for as long as one command runs.
class OwnApi final : public serve::Api {
 public:
  explicit OwnApi(const serve::ServeOptions& options) : stack_(options, {}, {}, log_) {}

  const std::string& where() const override { return api_.where(); }
  serve::Json call(std::string_view method, const std::string& target, const serve::Json& body,
                   std::stop_token stop) override {
    return api_.call(method, target, body, std::move(stop));
  }
  void stream(std::string_view method, const std::string& target, const serve::Json& body,
              OnLine on_line, std::stop_token stop) override {
    api_.stream(method, target, body, on_line, std::move(stop));
  }
  void upload(const std::string& target, const fs::path& file,
              FunctionRef<void(uint64_t)> on_progress, std::stop_token stop) override {
    api_.upload(target, file, on_progress, std::move(stop));
  }

 private:
  // What a daemon would write into its log is of no interest to who asked one thing.
  serve::EventLog log_{serve::EventLog::Form::text, [](std::string_view) {}};
  serve::ServeStack stack_;
  serve::LocalApi api_{stack_.router()};
};

serve::DaemonAddress daemon_address() {
  return serve::client_address(serve::daemon_address_from_environment());
}

}  // namespace

std::unique_ptr<serve::Api> try_open_daemon() {
  const serve::DaemonAddress address = daemon_address();
  const char* key = std::getenv("HEARTH_API_KEY");
  auto remote = std::make_unique<serve::RemoteApi>(address, key ? key : "");
  if (remote->is_there()) return remote;
  if (!serve::is_loopback(address))
    throw Error(Errc::unavailable, "{}; without HEARTH_HOST and OLLAMA_HOST this machine is asked",
                no_daemon_text());
  return nullptr;
}

std::string no_daemon_text() {
  return fmt::format("no daemon answers at {}", daemon_address().url());
}

bool is_unknown_model(const Error& error, const std::string& model) {
  if (error.code() == Errc::not_found) return true;
  try {
    store::parse_model_name(model);
    return false;
  } catch (const Error&) {
    return error.code() == Errc::invalid_argument;
  }
}

std::unique_ptr<serve::Api> open_api() {
  if (std::unique_ptr<serve::Api> daemon = try_open_daemon()) return daemon;
  return std::make_unique<OwnApi>(serve_options());
}

}  // namespace hearth::cli
