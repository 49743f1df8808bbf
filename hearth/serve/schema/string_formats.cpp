#include "hearth/serve/schema/string_formats.h"

#include <fmt/format.h>

#include <string>
#include <vector>

namespace hearth::serve {
namespace {

struct Format {
  std::string_view name;
  std::string pattern;
};

// RFC 3339. February has its 29th in leap years: those of a century only where 400 divides them.
std::string date() {
  return R"((?:[1-9]\d{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01]))"
         R"(|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8])))"
         R"(|(?:[1-9]\d(?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[13579][26])00)-02-29))";
}

std::string time() {
  return R"((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d))";
}

// RFC 3339, appendix A: units in order and without gaps, or weeks alone.
std::string duration() {
  const std::string days = R"((?:N?Y(?:N?M(?:N?D)?)?|N?M(?:N?D)?|N?D))";
  const std::string hours = R"(T(?:N?H(?:N?M(?:N?S)?)?|N?M(?:N?S)?|N?S))";
  std::string pattern = fmt::format("P(?:N?W|{}(?:{})?|{})", days, hours, hours);
  for (size_t at; (at = pattern.find("N?")) != std::string::npos;)
    pattern.replace(at, 2, R"(\d{1,6})");
  return pattern;
}

std::vector<Format> make_formats() {
  const std::string label = "[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?";
  const std::string byte = R"((?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d))";
  const std::string hex = "[0-9a-f]{1,4}";
  const std::string local = "[A-Za-z0-9_+-]{1,20}";
  const std::string domain = "(?:" + label + R"(\.){1,3}[a-z]{2,12})";
  std::vector<Format> formats = {
      {"date", date()},
      {"time", time()},
      {"date-time", date() + "T" + time()},
      {"duration", duration()},
      {"uuid", "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"},
      {"email", local + R"((?:\.)" + local + "){0,2}@" + domain},
      {"hostname", label + R"((?:\.)" + label + "){0,4}"},
      {"ipv4", "(?:" + byte + R"(\.){3})" + byte},
      {"ipv6", "(?:(?:" + hex + ":){7}" + hex + "|::|(?:" + hex + ":){1,3}(?::" + hex +
                   "){1,4}|::(?:" + hex + ":){0,5}" + hex + ")"},
      {"uri", "(?:https?|ftp)://" + domain +
                  R"((?::[1-9]\d{1,3})?(?:/[A-Za-z0-9._~-]{0,60}){0,8})"
                  R"((?:\?[A-Za-z0-9._~=&-]{0,100})?(?:#[A-Za-z0-9._~-]{0,60})?)"},
  };
  for (Format& format : formats) format.pattern = "^(?:" + format.pattern + ")$";
  return formats;
}

}  // namespace

std::optional<std::string_view> pattern_of_format(std::string_view format) {
  static const std::vector<Format> formats = make_formats();
  for (const Format& f : formats)
    if (f.name == format) return f.pattern;
  return std::nullopt;
}

}  // namespace hearth::serve
