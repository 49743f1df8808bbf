#include "hearth/store/registry/web_address.h"

#include <curl/curl.h>

#include <memory>

#include "hearth/base/error.h"
#include "hearth/formats/printable.h"
#include "hearth/store/registry/transfer_limits.h"

namespace hearth::store {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, FreeUrl>;

[[noreturn]] void throw_invalid(std::string_view text, std::string_view why) {
  throw Error(Errc::invalid_argument, "address '{}': {}", formats::printable(text), why);
}

void set_url(CURLU* url, std::string_view text) {
  if (text.size() > kAddressCharsMax)
    throw Error(Errc::invalid_argument, "address of {} characters, at most {}", text.size(),
                kAddressCharsMax);
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7F)
      throw_invalid(text, "holds more than printable ASCII");
  const CURLUcode code =
      curl_url_set(url, CURLUPART_URL, std::string(text).c_str(), CURLU_DISALLOW_USER);
  if (code != CURLUE_OK) throw_invalid(text, curl_url_strerror(code));
}

std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, flags) != CURLUE_OK) return {};
  std::string out(text);
  curl_free(text);
  return out;
}

WebAddress address_of(CURLU* url, std::string_view text) {
  WebAddress address;
  address.scheme = part(url, CURLUPART_SCHEME);
  if (address.scheme != "http" && address.scheme != "https")
    throw_invalid(text, "neither http nor https");
  for (const char c : part(url, CURLUPART_HOST))
    address.host += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (address.host.empty()) throw_invalid(text, "names no host");
  // libcurl has checked that it is a number of 16 bits.
  address.port =
      static_cast<uint16_t>(std::stoul("0" + part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT)));
  address.target = part(url, CURLUPART_PATH);
  if (!address.target.starts_with('/')) address.target.insert(0, 1, '/');
  if (const std::string query = part(url, CURLUPART_QUERY); !query.empty())
    address.target += "?" + query;
  return address;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

std::string WebAddress::text() const {
  return fmt::format("{}://{}:{}{}", scheme, host, port, target);
}

WebAddress parse_web_address(std::string_view text) {
  const Url url(curl_url());
  HEARTH_CHECK(url != nullptr);
  // Without a scheme libcurl would guess one from the host's name.
  if (text.find("://") == std::string_view::npos) throw_invalid(text, "neither http nor https");
  set_url(url.get(), text);
  return address_of(url.get(), text);
}

WebAddress resolve(const WebAddress& base, std::string_view reference) {
  const Url url(curl_url());
  HEARTH_CHECK(url != nullptr);
  set_url(url.get(), base.text());
  set_url(url.get(), reference);
  return address_of(url.get(), reference);
}

WebAddress with_parameter(WebAddress address, std::string_view name, std::string_view value) {
  address.target += address.target.find('?') == std::string::npos ? '?' : '&';
  address.target += name;
  address.target += '=';
  for (const char c : value)
    if (is_unreserved(c))
      address.target += c;
    else
      address.target += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return address;
}

bool is_same_origin(const WebAddress& a, const WebAddress& b) {
  return a.scheme == b.scheme && a.host == b.host && a.port == b.port;
}

bool is_loopback_host(std::string_view host) {
  if (host == "localhost" || host == "[::1]") return true;
  if (!host.starts_with("127.")) return false;
  // Digits and dots only: "127.0.0.1.example.com" is a name.
  return host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace hearth::store
