#include "hearth/store/registry/http_exchange.h"

#include <curl/curl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <exception>

#include "hearth/base/error.h"
#include "hearth/formats/printable.h"

namespace hearth::store {
namespace {

constexpr const char* kUserAgent = "hearth/0.1";
constexpr int kPollMs = 500;  // a cancel wakes the poll at once; this is for libcurl's own timers

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

void add_header(HeaderList& list, const std::string& header) {
  curl_slist* longer = curl_slist_append(list.get(), header.c_str());
  HEARTH_CHECK(longer != nullptr);
  static_cast<void>(list.release());  // now part of `longer`
  list.reset(longer);
}

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
  HEARTH_CHECK(curl_easy_setopt(easy, option, value) == CURLE_OK);
}

/// OpenSSL writes to sockets in a way that raises SIGPIPE when the peer is gone. The signal goes to
/// the thread that writes, so it is held back here and forgotten, whatever the program does with it
/// elsewhere.
class NoBrokenPipeSignal {
 public:
  NoBrokenPipeSignal() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    was_pending_ = is_pending();
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoBrokenPipeSignal() {
    const timespec at_once{};
    if (!was_pending_ && is_pending()) ::sigtimedwait(&pipe_, nullptr, &at_once);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoBrokenPipeSignal(const NoBrokenPipeSignal&) = delete;
  NoBrokenPipeSignal& operator=(const NoBrokenPipeSignal&) = delete;

 private:
  static bool is_pending() {
    sigset_t pending;
    sigemptyset(&pending);
    ::sigpending(&pending);
    return sigismember(&pending, SIGPIPE) == 1;
  }

  sigset_t pipe_{}, before_{};
  bool was_pending_ = false;
};

/// What libcurl's callbacks share during one exchange. Exceptions may not pass through C, so they
/// wait in `error`.
struct Exchange {
  const HttpRequest& request;
  HttpBodyFn body;
  HttpSentFn sent;
  HttpAnswer answer;
  size_t head_bytes = 0;
  uint64_t sent_bytes = 0;
  bool is_cut = false;  // the text of an error went on beyond what is kept
  std::exception_ptr error;
};

/// The result of `call`, or `failed` with the exception kept.
template <class Result, class Call>
Result guarded(Exchange& exchange, Result failed, Call call) {
  try {
    return call();
  } catch (...) {
    exchange.error = std::current_exception();
    return failed;
  }
}

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

void take_header(Exchange& exchange, std::string_view line) {
  exchange.head_bytes += line.size();
  if (exchange.head_bytes > kAnswerHeadBytesMax)
    throw Error(Errc::corrupt_data, "{}: the answer's head is above {} bytes",
                exchange.request.address.host, kAnswerHeadBytesMax);
  if (line.starts_with("HTTP/")) {  // also after "100 Continue"
    exchange.answer.headers.clear();
    exchange.answer.status = 0;
    return;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  std::string name(trim(line.substr(0, colon)));
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  exchange.answer.headers[name] = trim(line.substr(colon + 1));
}

size_t on_header(char* data, size_t, size_t size, void* user) {
  Exchange& exchange = *static_cast<Exchange*>(user);
  return guarded(exchange, size_t{0}, [&] {
    take_header(exchange, {data, size});
    return size;
  });
}

struct BodyTarget {
  Exchange& exchange;
  CURL* easy;
};

size_t on_body(char* data, size_t, size_t size, void* user) {
  const BodyTarget& target = *static_cast<BodyTarget*>(user);
  Exchange& exchange = target.exchange;
  HttpAnswer& answer = exchange.answer;
  long status = 0;
  curl_easy_getinfo(target.easy, CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  return guarded(exchange, size_t{0}, [&] {
    if (status >= 200 && status < 300) {
      exchange.body(answer, std::as_bytes(std::span(data, size)));
      return size;
    }
    answer.body.append(data, std::min(size, kAnswerTextBytesMax - answer.body.size()));
    exchange.is_cut = answer.body.size() == kAnswerTextBytesMax;
    return exchange.is_cut ? size_t{0} : size;
  });
}

size_t on_read(char* data, size_t, size_t size, void* user) {
  Exchange& exchange = *static_cast<Exchange*>(user);
  return guarded(exchange, size_t{CURL_READFUNC_ABORT}, [&]() -> size_t {
    const FileBody& file = *exchange.request.file;
    const size_t want =
        static_cast<size_t>(std::min<uint64_t>(size, file.size_bytes - exchange.sent_bytes));
    const ssize_t got =
        ::pread(file.fd, data, want, static_cast<off_t>(file.offset_bytes + exchange.sent_bytes));
    if (got < 0 || (got == 0 && want > 0))
      throw Error(Errc::io_failure, "a blob that is being sent cannot be read, or became shorter");
    exchange.sent_bytes += static_cast<uint64_t>(got);
    exchange.sent(exchange.sent_bytes);
    return static_cast<size_t>(got);
  });
}

// libcurl begins a body again when a connection that was kept open turns out to be closed.
int on_seek(void* user, curl_off_t offset, int origin) {
  Exchange& exchange = *static_cast<Exchange*>(user);
  if (origin != SEEK_SET) return CURL_SEEKFUNC_FAIL;
  exchange.sent_bytes = static_cast<uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}

// Everything else may be a bad moment of the network or the server.
bool is_permanent(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_UNSUPPORTED_PROTOCOL ||
         code == CURLE_URL_MALFORMAT || code == CURLE_SSL_CACERT_BADFILE ||
         code == CURLE_OUT_OF_MEMORY;
}

void set_method(CURL* easy, const HttpRequest& request) {
  if (request.file) {
    set(easy, CURLOPT_UPLOAD, 1L);
    set(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.file->size_bytes));
    set(easy, CURLOPT_READFUNCTION, on_read);
    set(easy, CURLOPT_SEEKFUNCTION, on_seek);
  } else if (request.method == "HEAD") {
    set(easy, CURLOPT_NOBODY, 1L);
  } else if (request.method != "GET") {
    set(easy, CURLOPT_POST, 1L);
    set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(easy, CURLOPT_POSTFIELDS, request.body.c_str());
  }
  set(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

HeaderList header_list(const HttpRequest& request) {
  HeaderList list;
  add_header(list, "Expect:");  // no round trip before a body
  if (request.method == "POST" && request.body.empty()) add_header(list, "Content-Type:");
  for (const std::string& header : request.headers) add_header(list, header);
  return list;
}

}  // namespace

struct HttpConnection::Handles {
  CURL* easy = nullptr;
  CURLM* multi = nullptr;

  Handles() {
    static const CURLcode is_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    HEARTH_CHECK(is_ready == CURLE_OK);
    easy = curl_easy_init();
    multi = curl_multi_init();
    HEARTH_CHECK(easy && multi);
  }
  ~Handles() {
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;

  void set_up(const TransferLimits& limits, Exchange& exchange, BodyTarget& target,
              curl_slist* headers) {
    const HttpRequest& request = exchange.request;
    curl_easy_reset(easy);
    set(easy, CURLOPT_URL, request.address.text().c_str());
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set(easy, CURLOPT_HTTP_VERSION,
        long{CURL_HTTP_VERSION_1_1});  // chunks on their own connections
    set(easy, CURLOPT_USERAGENT, kUserAgent);
    set(easy, CURLOPT_HTTPHEADER, headers);
    set(easy, CURLOPT_NOSIGNAL, 1L);
    set(easy, CURLOPT_QUICK_EXIT, 1L);  // a cancel does not wait for a name server
    set(easy, CURLOPT_CONNECTTIMEOUT, static_cast<long>(limits.connect_timeout.count()));
    set(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(limits.stall_timeout.count()));
    // A proxy for the world is none for this machine.
    if (is_loopback_host(request.address.host)) set(easy, CURLOPT_PROXY, "");
    set_method(easy, request);
    set(easy, CURLOPT_HEADERFUNCTION, on_header);
    set(easy, CURLOPT_HEADERDATA, static_cast<void*>(&exchange));
    set(easy, CURLOPT_WRITEFUNCTION, on_body);
    set(easy, CURLOPT_WRITEDATA, static_cast<void*>(&target));
    set(easy, CURLOPT_READDATA, static_cast<void*>(&exchange));
    set(easy, CURLOPT_SEEKDATA, static_cast<void*>(&exchange));
  }

  /// Nothing when it was cancelled.
  std::optional<CURLcode> perform(const std::stop_token& cancelled) {
    HEARTH_CHECK(curl_multi_add_handle(multi, easy) == CURLM_OK);
    const std::stop_callback wake(cancelled, [this] { curl_multi_wakeup(multi); });
    std::optional<CURLcode> result;
    while (!result && !cancelled.stop_requested()) {
      int running = 0, queued = 0;
      HEARTH_CHECK(curl_multi_perform(multi, &running) == CURLM_OK);
      while (const CURLMsg* message = curl_multi_info_read(multi, &queued))
        if (message->msg == CURLMSG_DONE) result = message->data.result;
      if (!result) curl_multi_poll(multi, nullptr, 0, kPollMs, nullptr);
    }
    curl_multi_remove_handle(multi, easy);
    return result;
  }
};

std::string HttpAnswer::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

HttpConnection::HttpConnection(const TransferLimits& limits, std::stop_token cancelled)
    : limits_(limits), cancelled_(std::move(cancelled)), handles_(std::make_unique<Handles>()) {}

HttpConnection::~HttpConnection() = default;

HttpAnswer HttpConnection::exchange(const HttpRequest& request, HttpBodyFn body) {
  return exchange(request, body, [](uint64_t) {});
}

HttpAnswer HttpConnection::exchange(const HttpRequest& request, HttpBodyFn body, HttpSentFn sent) {
  const NoBrokenPipeSignal no_signal;
  Exchange exchange{.request = request, .body = body, .sent = sent};
  BodyTarget target{exchange, handles_->easy};
  const HeaderList headers = header_list(request);
  handles_->set_up(limits_, exchange, target, headers.get());
  const std::optional<CURLcode> result = handles_->perform(cancelled_);
  if (exchange.error) std::rethrow_exception(exchange.error);
  if (!result) throw_cancelled();
  long status = 0;
  curl_easy_getinfo(handles_->easy, CURLINFO_RESPONSE_CODE, &status);
  exchange.answer.status = static_cast<int>(status);
  if (*result == CURLE_OK || exchange.is_cut) return std::move(exchange.answer);
  const std::string failure =
      fmt::format("{}: {}", request.address.host, curl_easy_strerror(*result));
  if (is_permanent(*result)) throw Error(Errc::unavailable, "{}", failure);
  exchange.answer.failure = failure;
  return std::move(exchange.answer);
}

void throw_cancelled() { throw Error(Errc::unavailable, "the transfer was cancelled"); }

}  // namespace hearth::store
