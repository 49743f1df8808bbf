#include "hearth/serve/daemon/daemon.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "hearth/base/error.h"
#include "hearth/serve/auth/exposure.h"
#include "hearth/serve/auth/gate.h"
#include "hearth/serve/daemon/access_text.h"
#include "hearth/serve/daemon/pool_metrics.h"
#include "hearth/serve/daemon/serve_stack.h"
#include "hearth/serve/metrics/serve_metrics.h"

namespace hearth::serve {
namespace {

// After a drain that did not suffice: answers have been cancelled and only need to say so.
constexpr auto kCancelTime = std::chrono::seconds(5);

http::Address address_of(const DaemonAddress& address) {
  const bool is_name = address.host == "localhost";
  return {.ip = is_name ? "127.0.0.1" : address.host, .port = address.port};
}

std::vector<http::Address> addresses_of(const ServeOptions& options) {
  std::vector<http::Address> addresses;
  for (const DaemonAddress& address : options.listen) addresses.push_back(address_of(address));
  if (addresses.empty()) addresses.push_back(address_of(DaemonAddress()));
  return addresses;
}

std::optional<http::TlsFiles> tls_of(const ServeOptions& options) {
  if (!options.tls_certificate && !options.tls_key) return {};
  if (!options.tls_certificate || !options.tls_key)
    throw Error(Errc::invalid_argument, "--tls-cert and --tls-key belong together");
  return http::TlsFiles{.certificate_chain = *options.tls_certificate,
                        .private_key = *options.tls_key};
}

int64_t milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

}  // namespace

struct Daemon::State {
  State(const ServeOptions& given, const fs::path& program, std::string version,
        EventLog& event_log)
      : options(given),
        log(event_log),
        key_file(given.state / kKeyFileName),
        usage(given.state / kUsageFileName,
              [this](const Error& error) {
                log.event("usage.unwritten", {{"why", error.what()}});
              }),
        gate(key_file.read(), usage, {.error_form = api_error}),
        metrics(registry, version, [this] { return loads(); }),
        stack(given, {.program = program, .socket_folder = given.state},
              {.metrics = &metrics, .usage = &usage}, event_log) {
    check_exposure(addresses_of(options), !gate.is_open(), options.insecure);
    if (!options.no_prune) stack.prune(log);
    add_pool_metrics(registry, [this] { return stack.models().counters(); });
    stack.router().answer("GET", "/metrics", [this](const http::Request&) {
      http::Response response = http::Response::text(200, registry.text());
      response.headers.set("content-type", std::string(kMetricsContentType));
      return response;
    });
    server = std::make_unique<http::Server>(std::move(stack.router()), server_options());
  }

  std::vector<LoadMeasure> loads() {
    std::vector<LoadMeasure> loads;
    for (const LoadedModel& model : stack.models().loaded())
      loads.push_back({.model = model.name,
                       .running = model.status.running,
                       .waiting = model.status.waiting,
                       .memory_bytes = model.facts.memory_bytes,
                       .device_bytes = model.facts.device_bytes,
                       .pages_free = model.status.pages_free,
                       .pages_total = model.status.pages_total});
    return loads;
  }

  http::ServerOptions server_options() {
    http::ServerOptions http;
    http.listen = addresses_of(options);
    http.policy.check_host = gate.is_open();  // a page of another name holds no key
    http.policy.allowed_hosts = options.hosts;
    http.policy.allowed_origins = options.origins;
    http.policy.admit = gate.hook();
    http.policy.error_form = api_error;
    http.tls = tls_of(options);
    http.access_log = [this](const http::AccessLine& line) { note(line); };
    http.fault = [this](const http::Request& request, std::string_view what) {
      log.event("request.fault", {{"id", request.id}, {"what", what}});
    };
    return http;
  }

  void note(const http::AccessLine& line) {
    metrics.count_request(line.path, line.status, line.duration);
    log.event("request",
              {{"status", int64_t{line.status}},
               {"method", line.method},
               {"path", line.path},
               {"ms", milliseconds(line.duration)},
               {"bytes", int64_t(line.sent_bytes)},
               {"whole", line.is_complete ? "yes" : "no"},
               {"from", line.peer},
               {"key", line.caller.empty() ? "-" : line.caller},
               {"id", line.id}},
              access_text(line));
  }

  const ServeOptions options;
  EventLog& log;
  KeyFile key_file;
  UsageLedger usage;
  Gate gate;
  Registry registry;
  ServeMetrics metrics;
  ServeStack stack;
  std::unique_ptr<http::Server> server;  // last: it stops before what its handlers use goes
};

Daemon::Daemon(const ServeOptions& options, const fs::path& program, std::string version,
               EventLog& log)
    : state_(std::make_unique<State>(options, program, std::move(version), log)) {}
Daemon::~Daemon() = default;

void Daemon::start() {
  try {
    state_->server->start();
  } catch (const Error& error) {
    if (error.code() != Errc::conflict) throw;
    throw Error(Errc::conflict,
                "{}, maybe a hearth or an ollama that serves already: end that one, or listen "
                "elsewhere with --host ADDRESS:PORT",
                error.what());
  }
  state_->stack.models().load_pinned(
      [state = state_.get()](const std::string& model, const Error& error) {
        state->log.event("model.unpinned", {{"model", model}, {"why", error.what()}});
      });
}
std::vector<http::Address> Daemon::addresses() const { return state_->server->addresses(); }
bool Daemon::has_keys() const { return !state_->gate.is_open(); }

void Daemon::reload() {
  try {
    state_->gate.reload(state_->key_file.read());
    state_->log.event("keys.reloaded", {{"file", state_->key_file.path().native()}});
  } catch (const Error& error) {
    state_->log.event("keys.kept", {{"why", error.what()}});
  }
}

void Daemon::stop() {
  const auto end = std::chrono::steady_clock::now() + state_->options.drain;
  // The server goes on meanwhile: who comes now is told when to come back.
  const bool is_done = state_->stack.models().drain(state_->options.drain);
  if (!is_done) state_->log.event("serve.cuts_off");
  // What is no model's answer has the rest of the time: a blob that arrives, a model being made.
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
  state_->server->stop(std::max<std::chrono::milliseconds>(left, kCancelTime));
  state_->usage.flush();
}

}  // namespace hearth::serve
