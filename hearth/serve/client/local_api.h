// The API without a daemon: the same handlers, called in this process without a socket.
#pragma once
#include "hearth/serve/client/api.h"
#include "hearth/serve/http/router.h"

namespace hearth::serve {

/// From one thread. Asks exactly what a daemon would be asked, so that a verb of the command line
/// is written once. Nobody is turned away here: whoever may start this process may read the store.
class LocalApi final : public Api {
 public:
  /// `router` must outlive this.
  explicit LocalApi(const http::Router& router) : router_(router) {}

  const std::string& where() const override { return where_; }
  Json call(std::string_view method, const std::string& target, const Json& body,
            std::stop_token stop) override;
  void stream(std::string_view method, const std::string& target, const Json& body, OnLine on_line,
              std::stop_token stop) override;
  void upload(const std::string& target, const fs::path& file,
              FunctionRef<void(uint64_t sent_bytes)> on_progress, std::stop_token stop) override;

 private:
  using OnBytes = FunctionRef<void(std::string_view)>;
  void ask(std::string_view method, const std::string& target, const Json& body, OnBytes on_bytes,
           std::stop_token stop);

  const http::Router& router_;
  std::string where_ = "this process";
};

}  // namespace hearth::serve
