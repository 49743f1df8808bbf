// `hearth serve`: the daemon in the foreground, until Ctrl-C or SIGTERM.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <vector>

#include "hearth/cli/command_list.h"
#include "hearth/cli/help.h"
#include "hearth/cli/interrupt.h"
#include "hearth/cli/paths.h"
#include "hearth/cli/serving.h"
#include "hearth/cli/terminal.h"
#include "hearth/serve/daemon/daemon.h"

namespace hearth::cli {
namespace {

// The signals that a daemon acts on, blocked in every thread and waited for in one.
class DaemonSignals {
 public:
  DaemonSignals() {
    sigemptyset(&set_);
    for (const int which : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set_, which);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    // A client that closes its connection must not end the server.
    ::signal(SIGPIPE, SIG_IGN);
  }
  int wait() {
    int which = 0;
    sigwait(&set_, &which);
    return which;
  }
  /// From here on Ctrl-C ends the process at once.
  void release_interrupt() {
    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    pthread_sigmask(SIG_UNBLOCK, &interrupt, nullptr);
  }

 private:
  sigset_t set_;
};

std::string url_of(const http::Address& address, bool is_tls) {
  const bool is_ipv6 = address.ip.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", is_tls ? "https" : "http", is_ipv6 ? "[" : "", address.ip,
                     is_ipv6 ? "]" : "", address.port);
}

// What a person wants to know at once: where it listens, where the models are, who may ask.
void print_welcome(const serve::Daemon& daemon, const serve::ServeOptions& options) {
  std::vector<std::string> urls;
  for (const http::Address& address : daemon.addresses())
    urls.push_back(url_of(address, options.tls_certificate.has_value()));
  print_error_text(fmt::format("hearth listens on  {}\n", fmt::join(urls, ", ")));
  print_error_text(fmt::format("models are in      {}\n", options.models.native()));
  print_error_text(fmt::format(
      "keys               {}\n",
      daemon.has_keys() ? "needed (hearth key list)" : "none: everybody who reaches it may ask"));
  print_error_text("Ctrl-C ends it after the answers under way, a second one at once\n");
}

int run_serve(const Args& args) {
  const serve::ServeOptions options = serve_options(args);
  DaemonSignals signals;  // before any thread
  serve::EventLog log(
      stderr_is_terminal() ? serve::EventLog::Form::text : serve::EventLog::Form::json,
      [](std::string_view line) { print_error_text(line); });
  serve::Daemon daemon(options, program_path(), version_text(), log);
  daemon.start();
  if (stderr_is_terminal()) print_welcome(daemon, options);
  for (const http::Address& address : daemon.addresses())
    log.event("serve.listens", {{"url", url_of(address, options.tls_certificate.has_value())},
                                {"models", options.models.native()}});
  while (signals.wait() == SIGHUP) daemon.reload();
  log.event("serve.ends");
  signals.release_interrupt();
  daemon.stop();
  log.event("serve.ended");
  return 0;
}

constexpr std::string_view kExamples[] = {
    "hearth serve",
    "hearth serve --host 0.0.0.0 --tls-cert box.pem --tls-key box.key",
    "hearth serve --models ~/.ollama/models --keep-alive 1h",
    "OLLAMA_HOST=127.0.0.1:8080 hearth serve",
};

}  // namespace

const Command kServeCommand = {
    .name = "serve",
    .summary = "Serve models to the clients of Ollama, OpenAI and Anthropic",
    .details =
        "Listens on this machine only, unless there are keys (hearth key add) or --insecure. "
        "Every option can stand in the environment as HEARTH_NAME; those that Ollama knows also "
        "as OLLAMA_NAME. SIGHUP reads the keys anew; SIGTERM lets the answers under way end.",
    .positionals = {},
    .options = serve_command_options(),
    .examples = kExamples,
    .run = run_serve,
};

}  // namespace hearth::cli
