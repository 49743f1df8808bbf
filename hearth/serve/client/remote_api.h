// The API of a running daemon, over HTTP.
#pragma once
#include <memory>
#include <optional>

#include "hearth/serve/client/api.h"
#include "hearth/serve/client/daemon_address.h"

namespace hearth::serve {

/// One request at a time; from one thread.
class RemoteApi final : public Api {
 public:
  /// `key` goes along as a bearer token unless it is empty. Connects when it is first asked.
  explicit RemoteApi(const DaemonAddress& address, std::string key = "");
  ~RemoteApi() override;

  /// True when something answers there as Ollama or Hearth would, within a few seconds. Errors:
  /// unavailable when somebody is there whose certificate nobody vouches for.
  bool is_there();

  const std::string& where() const override { return url_; }
  Json call(std::string_view method, const std::string& target, const Json& body,
            std::stop_token stop) override;
  void stream(std::string_view method, const std::string& target, const Json& body, OnLine on_line,
              std::stop_token stop) override;
  void upload(const std::string& target, const fs::path& file,
              FunctionRef<void(uint64_t sent_bytes)> on_progress, std::stop_token stop) override;

 private:
  struct Transfer;
  int perform(Transfer& transfer, std::stop_token stop);
  void prepare(Transfer& transfer, std::string_view method, const std::string& target);

  struct Curl;
  std::unique_ptr<Curl> curl_;
  std::string url_;
  std::string key_;
};

}  // namespace hearth::serve
