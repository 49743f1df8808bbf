#include "hearth/serve/http/router.h"

#include <algorithm>
#include <set>

#include "hearth/base/error.h"

namespace hearth::http {

std::vector<Router::Part> Router::parse_pattern(std::string_view pattern) {
  HEARTH_CHECK(pattern.starts_with('/'));
  std::vector<Part> parts;
  while (!pattern.empty()) {
    pattern.remove_prefix(1);
    const std::string_view text = pattern.substr(0, pattern.find('/'));
    pattern.remove_prefix(text.size());
    if (!text.starts_with('{')) {
      parts.push_back({Kind::literal, std::string(text)});
      continue;
    }
    HEARTH_CHECK(text.ends_with('}'));
    const std::string_view name = text.substr(1, text.size() - 2);
    const bool is_rest = name.ends_with("...");
    HEARTH_CHECK(!is_rest || pattern.empty());
    parts.push_back({is_rest ? Kind::rest : Kind::one,
                     std::string(name.substr(0, name.size() - (is_rest ? 3 : 0)))});
  }
  return parts;
}

bool Router::comes_before(const std::vector<Part>& a, const std::vector<Part>& b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [](const Part& x, const Part& y) { return x.kind < y.kind; });
}

bool Router::same_shape(const std::vector<Part>& a, const std::vector<Part>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Part& x, const Part& y) {
    return x.kind == y.kind && (x.kind != Kind::literal || x.text == y.text);
  });
}

bool Router::fits(const std::vector<Part>& parts, const std::vector<std::string>& segments) {
  const bool has_rest = !parts.empty() && parts.back().kind == Kind::rest;
  if (has_rest ? segments.size() < parts.size() : segments.size() != parts.size()) return false;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].kind == Kind::literal ? parts[i].text != segments[i] : segments[i].empty())
      return false;
  }
  return true;
}

const Router::Route* Router::route_for(const Entry& entry, std::string_view method) {
  const auto find = [&](std::string_view wanted) -> const Route* {
    for (const Route& route : entry.routes)
      if (route.method == wanted) return &route;
    return nullptr;
  };
  const Route* route = find(method);
  return !route && method == "HEAD" ? find("GET") : route;
}

void Router::add(std::string_view pattern, Route route) {
  std::vector<Part> parts = parse_pattern(pattern);
  auto entry = std::find_if(entries_.begin(), entries_.end(),
                            [&](const Entry& e) { return same_shape(e.parts, parts); });
  if (entry == entries_.end()) {
    const auto place = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& e) { return comes_before(parts, e.parts); });
    entry = entries_.insert(place, {std::move(parts), {}});
  }
  for (const Route& other : entry->routes) HEARTH_CHECK(other.method != route.method);
  entry->routes.push_back(std::move(route));
}

void Router::stream(std::string_view method, std::string_view pattern, Handler handler,
                    RouteOptions options) {
  add(pattern, {std::string(method), std::move(handler), {}, std::move(options)});
}

void Router::upload(std::string_view method, std::string_view pattern, OpenSink open_sink,
                    RouteOptions options) {
  add(pattern, {std::string(method), {}, std::move(open_sink), std::move(options)});
}

void Router::answer(std::string_view method, std::string_view pattern, AnswerHandler handler,
                    RouteOptions options) {
  stream(
      method, pattern,
      [handler = std::move(handler)](const Request& request, Responder& responder) {
        responder.send(handler(request));
      },
      std::move(options));
}

Router::Match Router::find(std::string_view method,
                           const std::vector<std::string>& segments) const {
  Match match;
  std::set<std::string> allowed;
  for (const Entry& entry : entries_) {
    if (!fits(entry.parts, segments)) continue;
    for (const Route& route : entry.routes) allowed.insert(route.method);
    if (match.route || !(match.route = route_for(entry, method))) continue;
    for (size_t i = 0; i < entry.parts.size(); ++i) {
      const Part& part = entry.parts[i];
      if (part.kind == Kind::literal) continue;
      std::string value = segments[i];
      for (size_t j = i + 1; part.kind == Kind::rest && j < segments.size(); ++j)
        value += "/" + segments[j];
      match.parameters.emplace_back(part.text, std::move(value));
    }
  }
  if (allowed.count("GET")) allowed.insert("HEAD");
  if (!allowed.empty()) allowed.insert("OPTIONS");
  for (const std::string& name : allowed) match.allow += (match.allow.empty() ? "" : ", ") + name;
  return match;
}

}  // namespace hearth::http
