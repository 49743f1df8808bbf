#include "hearth/cli/api_connection.h"

#include <cstdlib>
#include <utility>

#include "hearth/cli/serving.h"
#include "hearth/serve/client/local_api.h"
#include "hearth/serve/client/remote_api.h"
#include "hearth/serve/daemon/serve_stack.h"

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

}  // namespace

std::unique_ptr<serve::Api> open_api() {
  const serve::DaemonAddress address =
      serve::client_address(serve::daemon_address_from_environment());
  const char* key = std::getenv("HEARTH_API_KEY");
  auto remote = std::make_unique<serve::RemoteApi>(address, key ? key : "");
  if (remote->is_there()) return remote;
  const serve::ServeOptions options = serve_options();
  return std::make_unique<OwnApi>(options);
}

}  // namespace hearth::cli
