#include "hearth/serve/http/server.h"

#include <openssl/err.h>
#include <openssl/x509err.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <future>
#include <thread>
#include <utility>

#include "hearth/base/error.h"
#include "hearth/serve/http/connection.h"
#include "hearth/serve/http/host_check.h"

namespace hearth::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// Beyond connections_max this many are still told so with a 503; more are closed without a word.
constexpr size_t kRefusalsMax = 64;
// How long handlers whose tokens have tripped may take to say so to their clients.
constexpr std::chrono::seconds kFarewell{1};
// When the process is out of file descriptors, accepting again at once would only spin.
constexpr std::chrono::milliseconds kAcceptPause{100};

std::string text_of(const tcp::endpoint& endpoint) {
  const std::string ip = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", ip, endpoint.port())
                                    : fmt::format("{}:{}", ip, endpoint.port());
}

tcp::acceptor open_acceptor(asio::io_context& io, const Address& address) {
  error_code error;
  const auto ip = asio::ip::make_address(address.ip, error);
  if (error) throw Error(Errc::invalid_argument, "'{}' is no IP address to listen on", address.ip);
  const tcp::endpoint endpoint(ip, address.port);
  tcp::acceptor acceptor(io);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  // Else "::" would also take IPv4, and both together would not open.
  if (!error && ip.is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (error == asio::error::address_in_use)
    throw Error(Errc::conflict, "address {} is in use by another program", text_of(endpoint));
  if (error)
    throw Error(Errc::io_failure, "listening on {}: {}", text_of(endpoint), error.message());
  return acceptor;
}

// OpenSSL says of a file that is not there only that something went wrong.
void check_readable(const std::filesystem::path& file) {
  if (::access(file.c_str(), R_OK) != 0)
    throw Error(Errc::invalid_argument, "TLS file '{}': {}", file.string(), std::strerror(errno));
}

bool is_mismatch(const error_code& error) {
  const auto code = static_cast<unsigned long>(error.value());
  return ERR_GET_LIB(code) == ERR_LIB_X509 && (ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH ||
                                               ERR_GET_REASON(code) == X509_R_KEY_TYPE_MISMATCH);
}

std::unique_ptr<asio::ssl::context> open_tls(const TlsFiles& files) {
  auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  context->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                       asio::ssl::context::no_tlsv1_1);
  const std::string certificate = files.certificate_chain.string(),
                    key = files.private_key.string();
  check_readable(files.certificate_chain);
  check_readable(files.private_key);
  error_code error;
  context->use_certificate_chain_file(certificate, error);
  if (error)
    throw Error(Errc::invalid_argument, "TLS file '{}' holds no PEM certificate: {}", certificate,
                error.message());
  context->use_private_key_file(key, asio::ssl::context::pem, error);
  if (error && is_mismatch(error))
    throw Error(Errc::invalid_argument, "TLS key '{}' does not belong to the certificate '{}'", key,
                certificate);
  if (error)
    throw Error(Errc::invalid_argument, "TLS file '{}' holds no PEM private key: {}", key,
                error.message());
  return context;
}

}  // namespace

struct Server::State {
  struct Door {
    tcp::acceptor acceptor;
    asio::steady_timer pause;
  };

  Serving serving;
  ServerOptions options;
  std::unique_ptr<asio::ssl::context> tls;
  std::vector<std::unique_ptr<Door>> doors;
  std::vector<Address> addresses;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work;
  std::promise<void> empty;
  std::thread io_thread;

  void accept(Door& door);
  void welcome(tcp::socket socket);
  void begin_drain();
  void cancel_all();
  void close_all();
};

void Server::State::accept(Door& door) {
  door.acceptor.async_accept([this, &door](const error_code& error, tcp::socket socket) {
    if (!door.acceptor.is_open()) return;
    if (!error) {
      welcome(std::move(socket));
      return accept(door);
    }
    door.pause.expires_after(kAcceptPause);
    door.pause.async_wait([this, &door](const error_code& cancelled) {
      if (!cancelled && door.acceptor.is_open()) accept(door);
    });
  });
}

void Server::State::welcome(tcp::socket socket) {
  const size_t open = serving.connections.size(), max = serving.limits.connections_max;
  if (open >= max + kRefusalsMax) return;  // closed by its destructor
  error_code error;
  const tcp::endpoint peer = socket.remote_endpoint(error);
  if (error) return;                              // gone already
  socket.set_option(tcp::no_delay(true), error);  // a token is worth a packet
  // Finds clients that vanished without a word while a long prompt is worked on.
  socket.set_option(asio::socket_base::keep_alive(true), error);
  auto stream =
      tls ? make_tls_stream(std::move(socket), *tls) : make_plain_stream(std::move(socket));
  const auto connection =
      std::make_shared<Connection>(serving, std::move(stream), text_of(peer), open >= max);
  serving.connections.insert(connection);
  connection->start();
}

void Server::State::begin_drain() {
  serving.draining = true;
  for (const auto& door : doors) {
    error_code ignored;
    door->acceptor.close(ignored);
    door->pause.cancel();
  }
  if (serving.connections.empty()) return serving.on_empty();
  const auto open = serving.connections;  // a copy: draining removes
  for (const auto& connection : open) connection->drain();
}

void Server::State::cancel_all() {
  for (const auto& connection : serving.connections) connection->cancel();
}

void Server::State::close_all() {
  const auto open = serving.connections;
  for (const auto& connection : open) connection->close();
}

Server::Server(Router router, ServerOptions options) : state_(std::make_unique<State>()) {
  Serving& serving = state_->serving;
  serving.router = std::move(router);
  serving.policy = std::move(options.policy);
  serving.policy.body_bytes_max = options.limits.body_bytes_max;
  if (serving.policy.own_name.empty()) serving.policy.own_name = own_host_name();
  serving.limits = options.limits;
  serving.access_log = std::move(options.access_log);
  serving.fault = std::move(options.fault);
  serving.on_empty = [state = state_.get(), told = false]() mutable {
    if (!std::exchange(told, true)) state->empty.set_value();
  };
  state_->options = std::move(options);
}

Server::~Server() { stop(std::chrono::milliseconds(0)); }

void Server::start() {
  State& state = *state_;
  HEARTH_CHECK(!state.io_thread.joinable());
  if (state.options.listen.empty()) throw Error(Errc::invalid_argument, "no address to listen on");
  if (state.options.tls) state.tls = open_tls(*state.options.tls);
  std::vector<std::unique_ptr<State::Door>> doors;  // all or none
  state.addresses.clear();
  for (const Address& address : state.options.listen) {
    asio::io_context& io = *state.serving.io;
    doors.push_back(std::make_unique<State::Door>(
        State::Door{open_acceptor(io, address), asio::steady_timer(io)}));
    state.addresses.push_back({address.ip, doors.back()->acceptor.local_endpoint().port()});
  }
  state.doors = std::move(doors);
  state.serving.pool = std::make_unique<HandlerPool>(state.options.handler_threads,
                                                     state.serving.limits.waiting_requests_max);
  for (const auto& door : state.doors) state.accept(*door);
  state.work.emplace(state.serving.io->get_executor());
  state.io_thread = std::thread([io = state.serving.io] { io->run(); });
}

std::vector<Address> Server::addresses() const { return state_->addresses; }

void Server::stop(std::chrono::milliseconds drain) {
  State& state = *state_;
  if (!state.io_thread.joinable()) return;
  asio::post(*state.serving.io, [&] { state.begin_drain(); });
  auto empty = state.empty.get_future();
  if (empty.wait_for(drain) == std::future_status::timeout && drain.count() > 0) {
    asio::post(*state.serving.io, [&] { state.cancel_all(); });
    empty.wait_for(kFarewell);
  }
  std::promise<void> closed;
  asio::post(*state.serving.io, [&] {
    state.close_all();
    closed.set_value();
  });
  closed.get_future().wait();
  state.serving.pool.reset();  // no connection is left to hand it anything
  state.work.reset();
  state.io_thread.join();
}

}  // namespace hearth::http
