#include "hearth/serve/ollama/ollama_for_test.h"

#include <regex>

#include "hearth/store/create_model.h"

namespace hearth::serve::ollama {
namespace {

std::string without_chunks(std::string_view body) {
  std::string whole;
  while (!body.empty()) {
    const size_t size = std::stoul(std::string(body.substr(0, body.find('\r'))), nullptr, 16);
    whole += body.substr(body.find('\n') + 1, size);
    body.remove_prefix(std::min(body.size(), body.find('\n') + 1 + size + 2));
  }
  return whole;
}

}  // namespace

OllamaForTest::OllamaForTest(std::string_view name)
    : folder(name), store(folder.open()), server(make_router(), {.listen = {{"127.0.0.1", 0}}}) {
  server.start();
}

http::Router OllamaForTest::make_router() {
  http::Router router;
  // The test sets pull and push later.
  const auto late = [](const Transfer& transfer) -> Transfer {
    return [&transfer](const std::string& model, bool insecure, const TransferProgressFn& progress,
                       std::stop_token stop) {
      if (!transfer) throw Error(Errc::not_found, "no registry here");
      transfer(model, insecure, progress, std::move(stop));
    };
  };
  add_routes(router, {.models = models,
                      .store = store,
                      .pull = late(pull),
                      .push = late(push),
                      .version = "0.33.7",
                      .defaults = {{"top_k", int64_t{3}}},
                      .warn = [this](std::string_view warning) {
                        std::lock_guard lock(mutex_);
                        warnings_.emplace_back(warning);
                      }});
  return router;
}

Seen OllamaForTest::ask(std::string_view method, std::string_view path,
                        std::string_view body) const {
  http::RawClient client(port());
  client.send(request_text(method, path, body));
  return seen(client.read_to_end());
}

store::StoredModel OllamaForTest::add(std::string_view model, std::string_view more) const {
  folder.write_gguf("weights.gguf", "qwen3");
  const store::Modelfile file =
      store::parse_modelfile(fmt::format("FROM weights.gguf\n{}", more), "Modelfile");
  return store::create_model(store, store::parse_model_name(model), file, {.folder = folder.path()},
                             [](const store::CreateProgress&) {});
}

std::vector<std::string> OllamaForTest::warnings() const {
  std::lock_guard lock(mutex_);
  return warnings_;
}

std::string request_text(std::string_view method, std::string_view path, std::string_view body) {
  return fmt::format(
      "{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}",
      method, path, body.size(), body);
}

Seen seen(const std::string& answer) {
  static const std::regex stamp(R"re("\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")re"),
      total(R"re("total_duration":\d+)re");
  Seen seen{.status = http::status_in(answer),
            .type = http::header_in(answer, "content-type"),
            .body = http::body_in(answer),
            .head = answer.substr(0, answer.find("\r\n\r\n"))};
  if (http::header_in(answer, "transfer-encoding") == "chunked")
    seen.body = without_chunks(seen.body);
  seen.body = std::regex_replace(seen.body, stamp, "\"T\"");
  seen.body = std::regex_replace(seen.body, total, "\"total_duration\":9");
  return seen;
}

}  // namespace hearth::serve::ollama
