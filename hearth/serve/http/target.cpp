#include "hearth/serve/http/target.h"

#include <algorithm>

#include "hearth/serve/http/headers.h"

namespace hearth::http {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool has_only_visible_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7F'; });
}

// Takes "http://AUTHORITY" off the front of `text`; a proxy's form that servers must accept.
std::optional<std::string> take_authority(std::string_view& text) {
  for (std::string_view scheme : {"http://", "https://"}) {
    if (!equal_ignoring_case(text.substr(0, scheme.size()), scheme)) continue;
    text.remove_prefix(scheme.size());
    const size_t end = std::min(text.find_first_of("/?"), text.size());
    std::string authority(text.substr(0, end));
    text.remove_prefix(end);
    if (authority.empty()) return std::nullopt;
    return authority;
  }
  return std::nullopt;
}

// Splits before decoding, so that an encoded '/' stays inside its segment.
bool split_path(std::string_view raw, Target& target) {
  target.path.clear();
  while (!raw.empty()) {
    raw.remove_prefix(1);  // the '/'
    const size_t end = std::min(raw.find('/'), raw.size());
    std::optional<std::string> segment = decode_percent(raw.substr(0, end));
    if (!segment || *segment == "." || *segment == "..") return false;
    target.path += '/';
    target.path += *segment;
    target.segments.push_back(std::move(*segment));
    raw.remove_prefix(end);
  }
  return true;
}

}  // namespace

std::optional<std::string> decode_percent(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && plus_is_space) c = ' ';
    if (c == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0') return std::nullopt;
    out += c;
  }
  return out;
}

std::optional<Query> Query::parse(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    const auto name = decode_percent(pair.substr(0, equals), true);
    const auto value = decode_percent(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value) return std::nullopt;
    query.pairs_.emplace_back(*name, *value);
  }
  return query;
}

const std::string* Query::find(std::string_view name) const {
  for (const auto& [key, value] : pairs_)
    if (key == name) return &value;
  return nullptr;
}

std::optional<Target> parse_target(std::string_view text) {
  if (!has_only_visible_ascii(text)) return std::nullopt;
  Target target;
  if (text == "*") {
    target.path = "*";
    return target;
  }
  if (!text.starts_with('/')) {
    std::optional<std::string> authority = take_authority(text);
    if (!authority) return std::nullopt;
    target.authority = std::move(*authority);
  }
  text = text.substr(0, text.find('#'));  // a fragment is the client's own affair
  const size_t question = std::min(text.find('?'), text.size());
  const std::string_view path = text.substr(0, question);
  if (!split_path(path.empty() ? "/" : path, target)) return std::nullopt;
  std::optional<Query> query = Query::parse(text.substr(std::min(question + 1, text.size())));
  if (!query) return std::nullopt;
  target.query = std::move(*query);
  return target;
}

}  // namespace hearth::http
