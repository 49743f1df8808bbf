#include "hearth/serve/client/remote_api.h"

#include <curl/curl.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <utility>

#include "hearth/base/error.h"

namespace hearth::serve {
namespace {

constexpr int kStopPollMs = 50;  // how soon a stop is noticed while nothing arrives
constexpr long kConnectTimeoutMs = 5000;
// Where nobody listens the system says so at once; who listens may be busy.
constexpr long kProbeTimeoutMs = 5000;
constexpr size_t kErrorBytesMax = 64 << 10;

// Once per process, before the first handle; never undone, as other handles may live on.
void init_curl() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  HEARTH_CHECK(code == CURLE_OK);
}

// Somebody is there, but not surely the one who was meant.
class Untrusted : public Error {
  using Error::Error;
};

}  // namespace

struct RemoteApi::Curl {
  CURLM* multi = curl_multi_init();
  CURL* easy = curl_easy_init();  // kept: it holds the connection open between requests
  ~Curl() {
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }
};

// One request and what came back. curl is C: no exception may pass through its callbacks, so that
// they are kept here until curl has returned.
struct RemoteApi::Transfer {
  std::string body;                                // to send
  std::FILE* file = nullptr;                       // to send instead
  std::function<void(std::string_view)> on_bytes;  // of a 2xx answer
  std::function<void(uint64_t)> on_sent;
  CURL* easy = nullptr;
  std::string error_body;
  std::exception_ptr thrown;
  curl_slist* headers = nullptr;

  ~Transfer() {
    curl_slist_free_all(headers);
    if (file) std::fclose(file);
  }
  long status() const {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
  }

  static size_t take(char* data, size_t, size_t bytes, void* self);
  static int note_sent(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t sent);
};

size_t RemoteApi::Transfer::take(char* data, size_t, size_t bytes, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const std::string_view piece(data, bytes);
  try {
    if (transfer.status() / 100 == 2)
      transfer.on_bytes(piece);
    else if (transfer.error_body.size() < kErrorBytesMax)
      transfer.error_body += piece;
    return bytes;
  } catch (...) {
    transfer.thrown = std::current_exception();
    return 0;  // not what was given: curl ends the transfer
  }
}

int RemoteApi::Transfer::note_sent(void* self, curl_off_t, curl_off_t, curl_off_t,
                                   curl_off_t sent) {
  auto& transfer = *static_cast<Transfer*>(self);
  try {
    if (transfer.on_sent) transfer.on_sent(static_cast<uint64_t>(sent));
    return 0;
  } catch (...) {
    transfer.thrown = std::current_exception();
    return 1;
  }
}

RemoteApi::RemoteApi(const DaemonAddress& address, std::string key)
    : url_(address.url()), key_(std::move(key)) {
  init_curl();
  curl_ = std::make_unique<Curl>();
}
RemoteApi::~RemoteApi() = default;

void RemoteApi::prepare(Transfer& transfer, std::string_view method, const std::string& target) {
  CURL* easy = transfer.easy = curl_->easy;
  curl_easy_reset(easy);
  curl_easy_setopt(easy, CURLOPT_URL, (url_ + target).c_str());
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, std::string(method).c_str());
  // Its answer tells the length of a body that does not come.
  curl_easy_setopt(easy, CURLOPT_NOBODY, method == "HEAD" ? 1L : 0L);
  // As the program curl does it: who made a certificate says so here.
  if (const char* vouchers = std::getenv("SSL_CERT_FILE"); vouchers && *vouchers)
    curl_easy_setopt(easy, CURLOPT_CAINFO, vouchers);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");  // a box of one's own is asked directly
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::take);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &Transfer::note_sent);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  const bool is_file = transfer.file != nullptr;
  if (is_file || !transfer.body.empty())
    transfer.headers =
        curl_slist_append(transfer.headers, is_file ? "Content-Type: application/octet-stream"
                                                    : "Content-Type: application/json");
  transfer.headers = curl_slist_append(transfer.headers, "Expect:");
  if (!key_.empty())
    transfer.headers =
        curl_slist_append(transfer.headers, ("Authorization: Bearer " + key_).c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers);
  if (is_file || transfer.body.empty()) return;
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer.body.c_str());
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(transfer.body.size()));
}

int RemoteApi::perform(Transfer& transfer, std::stop_token stop) {
  curl_multi_add_handle(curl_->multi, transfer.easy);
  CURLcode code = CURLE_OK;
  for (int running = 1; running && !stop.stop_requested();) {
    curl_multi_perform(curl_->multi, &running);
    if (running) curl_multi_poll(curl_->multi, nullptr, 0, kStopPollMs, nullptr);
  }
  for (int left = 0; const CURLMsg* message = curl_multi_info_read(curl_->multi, &left);)
    if (message->msg == CURLMSG_DONE) code = message->data.result;
  const long status = transfer.status();
  curl_multi_remove_handle(curl_->multi, transfer.easy);

  if (transfer.thrown) std::rethrow_exception(transfer.thrown);
  if (stop.stop_requested()) throw Error(Errc::unavailable, "stopped while {} answered", url_);
  if (code == CURLE_PEER_FAILED_VERIFICATION)
    throw Untrusted(Errc::unavailable,
                    "{}: {}; SSL_CERT_FILE can name a file with the certificate to trust", url_,
                    curl_easy_strerror(code));
  if (code != CURLE_OK) throw Error(Errc::unavailable, "{}: {}", url_, curl_easy_strerror(code));
  if (status / 100 != 2) throw error_of(static_cast<int>(status), transfer.error_body);
  return static_cast<int>(status);
}

bool RemoteApi::is_there() {
  Transfer transfer;
  std::string body;
  transfer.on_bytes = [&](std::string_view bytes) { body += bytes.substr(0, kErrorBytesMax); };
  prepare(transfer, "GET", "/api/version");
  curl_easy_setopt(transfer.easy, CURLOPT_TIMEOUT_MS, kProbeTimeoutMs);
  try {
    perform(transfer, {});
  } catch (const Untrusted&) {
    throw;
  } catch (const Error&) {
    return false;
  }
  return Json::accept(body);
}

Json RemoteApi::call(std::string_view method, const std::string& target, const Json& body,
                     std::stop_token stop) {
  Transfer transfer;
  std::string answer;
  if (!body.is_null()) transfer.body = body.dump();
  transfer.on_bytes = [&](std::string_view bytes) { answer += bytes; };
  prepare(transfer, method, target);
  perform(transfer, std::move(stop));
  if (answer.empty()) return nullptr;
  Json json = Json::parse(answer, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded())
    throw Error(Errc::corrupt_data, "{}{} answered no JSON: {:.80}", url_, target, answer);
  return json;
}

void RemoteApi::stream(std::string_view method, const std::string& target, const Json& body,
                       OnLine on_line, std::stop_token stop) {
  Transfer transfer;
  JsonLines lines;
  if (!body.is_null()) transfer.body = body.dump();
  transfer.on_bytes = [&](std::string_view bytes) { lines.feed(bytes, on_line); };
  prepare(transfer, method, target);
  perform(transfer, std::move(stop));
  lines.finish(on_line);
}

void RemoteApi::upload(const std::string& target, const fs::path& file,
                       FunctionRef<void(uint64_t sent_bytes)> on_progress, std::stop_token stop) {
  Transfer transfer;
  transfer.file = std::fopen(file.c_str(), "rbe");
  if (!transfer.file) throw Error(Errc::not_found, "{}: cannot be read", file.string());
  transfer.on_bytes = [](std::string_view) {};
  transfer.on_sent = [&](uint64_t sent_bytes) { on_progress(sent_bytes); };
  prepare(transfer, "POST", target);
  curl_easy_setopt(transfer.easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(transfer.easy, CURLOPT_CUSTOMREQUEST, "POST");
  curl_easy_setopt(transfer.easy, CURLOPT_READDATA, transfer.file);
  curl_easy_setopt(transfer.easy, CURLOPT_INFILESIZE_LARGE, curl_off_t(fs::file_size(file)));
  perform(transfer, std::move(stop));
}

}  // namespace hearth::serve
