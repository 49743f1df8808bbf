#include "hearth/store/registry/registry_session.h"

#include <nlohmann/json.hpp>

#include "hearth/base/error.h"
#include "hearth/formats/printable.h"
#include "hearth/store/registry/retry.h"

namespace hearth::store {
namespace {

constexpr int kUnauthorized = 401;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;

constexpr std::string_view kLoginAdvice =
    "; private models need a login, in registries.json or, for Hugging Face, in HF_TOKEN";

WebAddress home_of(const ModelName& name, bool insecure) {
  // The port is not part of the question whether a host is on this machine.
  WebAddress address = parse_web_address("https://" + name.host);
  if (insecure || is_loopback_host(address.host))
    address = parse_web_address("http://" + name.host);
  address.target = fmt::format("/v2/{}/{}/", name.name_space, name.model);
  return address;
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// The body, up to a limit.
class TextBody {
 public:
  explicit TextBody(size_t bytes_max) : bytes_max_(bytes_max) {}

  void add(std::span<const std::byte> bytes) {
    if (bytes.size() > bytes_max_ - text_.size())
      throw Error(Errc::resource_exhausted, "the registry's answer is above {} bytes", bytes_max_);
    text_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  void clear() { text_.clear(); }
  std::string take() { return std::move(text_); }

 private:
  size_t bytes_max_;
  std::string text_;
};

// {"errors":[{"code":"…","message":"…"}]} of registries, {"error":"…"} of others; else nothing.
std::string words_of(const std::string& body) {
  const nlohmann::json json = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return {};
  const auto text = [](const nlohmann::json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const auto errors = json.find("errors");
  if (errors != json.end() && errors->is_array() && !errors->empty() && errors->front().is_object())
    return text(errors->front(), "message");
  return text(json, "error");
}

}  // namespace

RegistrySession::RegistrySession(const ModelName& name, const TransferOptions& options)
    : options_(options),
      home_(home_of(name, options.insecure)),
      login_(find_login(name.host, options.logins_file)) {
  // Nobody has asked for it yet, so it does not cross a network that everybody may read.
  const bool is_readable = home_.scheme != "https" && !is_loopback_host(home_.host);
  if (!login_.bearer.empty() && !is_readable) authorization_ = "Bearer " + login_.bearer;
}

WebAddress RegistrySession::address(std::string_view rest) const {
  WebAddress address = home_;
  address.target += rest;
  return address;
}

WebAddress RegistrySession::follow(const WebAddress& base, const std::string& reference) const {
  try {
    WebAddress address = resolve(base, reference);
    // A registry that is reached over https must not have the rest fetched in the open, or have
    // this machine's own services asked.
    if (address.scheme == "http" && home_.scheme != "http")
      throw Error(Errc::invalid_argument, "address '{}': http, from a registry that speaks https",
                  formats::printable(address.text()));
    return address;
  } catch (const Error& error) {
    throw Error(Errc::corrupt_data, "{} sends an {}", base.host, error.what());
  }
}

std::string RegistrySession::authorization() const {
  const std::lock_guard lock(mutex_);
  return authorization_;
}

void RegistrySession::renew_authorization(const std::string& stale, const HttpAnswer& denied,
                                          HttpConnection& connection) {
  const std::lock_guard renewing(renewing_);
  if (authorization() != stale) return;
  std::string fresh = next_authorization(stale, denied, connection);
  const std::lock_guard lock(mutex_);
  authorization_ = std::move(fresh);
}

std::string RegistrySession::next_authorization(const std::string& stale, const HttpAnswer& denied,
                                                HttpConnection& connection) const {
  const std::string asked = denied.header("www-authenticate");
  if (const auto challenge = try_bearer_challenge(asked))
    return "Bearer " + fetch_token(*challenge, connection);
  std::string basic = "Basic " + login_.basic;
  if (login_.basic.empty() || !has_basic_challenge(asked) || stale == basic)
    throw_answer(home_.host, denied);
  return basic;
}

// A registry may have its tokens made elsewhere, and who speaks for it over https may say where.
// Over http anybody on the way could name a host that collects passwords.
bool RegistrySession::may_know_password(const WebAddress& realm) const {
  return home_.scheme == "https" || realm.host == home_.host;
}

std::string RegistrySession::fetch_token(const AuthChallenge& challenge,
                                         HttpConnection& connection) const {
  WebAddress address = follow(home_, challenge.realm);
  std::vector<std::string> headers{"Accept: application/json"};
  if (!login_.basic.empty() && may_know_password(address))
    headers.push_back("Authorization: Basic " + login_.basic);
  if (!challenge.service.empty()) address = with_parameter(address, "service", challenge.service);
  for (const std::string& scope : challenge.scopes)
    address = with_parameter(address, "scope", scope);
  Retry retry(options_.limits);
  TextBody text(kTokenAnswerBytesMax);
  for (;;) {
    text.clear();
    const HttpAnswer answer = connection.exchange(
        {.method = "GET", .address = address, .headers = headers},
        [&](const HttpAnswer&, std::span<const std::byte> bytes) { text.add(bytes); });
    if (answer.is_ok()) return parse_token(text.take());
    if (!retry.wait_after(answer, connection.cancelled()))
      throw_answer(fmt::format("token from {}", address.host), answer);
  }
}

HttpAnswer RegistryConnection::exchange(HttpRequest request, HttpBodyFn body) {
  return exchange(std::move(request), body, [](uint64_t) {});
}

HttpAnswer RegistryConnection::exchange(HttpRequest request, HttpBodyFn body, HttpSentFn sent) {
  const bool may_move = request.method == "GET" || request.method == "HEAD";
  const std::vector<std::string> headers = request.headers;
  bool is_renewed = false;
  for (int redirects = 0;;) {
    const bool is_home = session_.is_home(request.address);
    const std::string authorization = is_home ? session_.authorization() : std::string();
    request.headers = headers;
    if (!authorization.empty()) request.headers.push_back("Authorization: " + authorization);
    HttpAnswer answer = connection_.exchange(request, body, sent);
    if (!answer.failure.empty()) return answer;
    if (answer.status == kUnauthorized && is_home && !is_renewed) {
      session_.renew_authorization(authorization, answer, connection_);
      is_renewed = true;
    } else if (may_move && is_redirect(answer.status)) {
      if (++redirects > kRedirectsMax)
        throw Error(Errc::corrupt_data, "{} redirects more than {} times", request.address.host,
                    kRedirectsMax);
      request.address = session_.follow(request.address, answer.header("location"));
    } else {
      return answer;
    }
  }
}

RegistryConnection::TextAnswer RegistryConnection::request_text(const HttpRequest& request,
                                                                size_t body_bytes_max) {
  Retry retry(session_.options().limits);
  TextBody text(body_bytes_max);
  for (;;) {
    text.clear();
    HttpAnswer answer = exchange(
        request, [&](const HttpAnswer&, std::span<const std::byte> bytes) { text.add(bytes); });
    if (!retry.wait_after(answer, cancelled())) {
      if (!answer.failure.empty()) throw_answer(request.address.host, answer);
      return {std::move(answer), text.take()};
    }
  }
}

void throw_answer(std::string_view what, const HttpAnswer& answer) {
  if (!answer.failure.empty()) throw Error(Errc::unavailable, "{}: {}", what, answer.failure);
  const bool is_denied = answer.status == kUnauthorized || answer.status == kForbidden;
  const Errc code = answer.status == kNotFound ? Errc::not_found
                    : is_denied                ? Errc::unsupported
                    : may_pass(answer)         ? Errc::unavailable
                                               : Errc::invalid_argument;
  std::string message = fmt::format("{}: the registry answers {}", what, answer.status);
  if (const std::string words = words_of(answer.body); !words.empty())
    message += fmt::format(" ({})", formats::printable(words));
  if (is_denied) message += kLoginAdvice;
  throw Error(code, "{}", message);
}

}  // namespace hearth::store
