#include "hearth/store/model_name.h"

#include <algorithm>

#include "hearth/base/error.h"
#include "hearth/formats/printable.h"

namespace hearth::store {
namespace {

constexpr size_t kHostCharsMax = 350;
constexpr size_t kPartCharsMax = 80;
constexpr size_t kNameCharsMax = kHostCharsMax + 3 * (kPartCharsMax + 1);
constexpr size_t kSchemeCharsMax = 8;  // "https://"

/// What may stand in one part of a name.
struct PartRule {
  std::string_view part;
  size_t chars_max;
  std::string_view also;  // besides letters, digits and '_', but not as the first character
};

constexpr PartRule kHostRule{"host", kHostCharsMax, "-.:"};
constexpr PartRule kNamespaceRule{"namespace", kPartCharsMax, "-"};
constexpr PartRule kModelRule{"model", kPartCharsMax, "-."};
constexpr PartRule kTagRule{"tag", kPartCharsMax, "-."};

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string checked(const PartRule& rule, std::string_view value) {
  if (value.empty()) throw Error(Errc::invalid_argument, "invalid model name: no {}", rule.part);
  if (value.size() > rule.chars_max)
    throw Error(Errc::invalid_argument, "invalid model name: {} of {} characters, at most {}",
                rule.part, value.size(), rule.chars_max);
  if (!is_word_char(value.front()))
    throw Error(Errc::invalid_argument,
                "invalid model name: {} '{}' does not begin with a letter, digit or '_'", rule.part,
                formats::printable(value));
  for (const char c : value)
    if (!is_word_char(c) && rule.also.find(c) == std::string_view::npos)
      throw Error(Errc::invalid_argument,
                  "invalid model name: {} '{}' holds more than letters, digits, '_' and '{}'",
                  rule.part, formats::printable(value), rule.also);
  return std::string(value);
}

/// Cuts off what follows the last `separator`; all of the text where there is none.
std::string_view cut_last(std::string_view& text, char separator) {
  const size_t at = text.rfind(separator);
  const std::string_view last = at == std::string_view::npos ? text : text.substr(at + 1);
  text = at == std::string_view::npos ? std::string_view() : text.substr(0, at);
  return last;
}

}  // namespace

std::string ModelName::full() const {
  return fmt::format("{}/{}/{}:{}", host, name_space, model, tag);
}

std::string ModelName::shown() const {
  if (!equal_ignoring_case(host, kDefaultHost)) return full();
  if (!equal_ignoring_case(name_space, kDefaultNamespace))
    return fmt::format("{}/{}:{}", name_space, model, tag);
  return fmt::format("{}:{}", model, tag);
}

ModelName model_name_of_parts(std::string_view host, std::string_view name_space,
                              std::string_view model, std::string_view tag) {
  return {.host = checked(kHostRule, host),
          .name_space = checked(kNamespaceRule, name_space),
          .model = checked(kModelRule, model),
          .tag = checked(kTagRule, tag)};
}

ModelName parse_model_name(std::string_view text) {
  if (text.size() > kNameCharsMax + kSchemeCharsMax)
    throw Error(Errc::invalid_argument, "invalid model name: {} characters, at most {}",
                text.size(), kNameCharsMax);
  for (const std::string_view scheme : {"https://", "http://"})
    if (text.starts_with(scheme)) text.remove_prefix(scheme.size());

  // A ':' before the last '/' belongs to the port of a host.
  std::string_view tag = kDefaultTag, host = kDefaultHost, name_space = kDefaultNamespace;
  const size_t colon = text.rfind(':'), slash = text.rfind('/');
  if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash))
    tag = cut_last(text, ':');
  const bool has_namespace = text.find('/') != std::string_view::npos;
  const std::string_view model = cut_last(text, '/');
  if (has_namespace) {
    const bool has_host = text.find('/') != std::string_view::npos;
    name_space = cut_last(text, '/');
    if (has_host) host = text;
  }
  return model_name_of_parts(host, name_space, model, tag);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

bool is_same_model(const ModelName& a, const ModelName& b) {
  return equal_ignoring_case(a.host, b.host) && equal_ignoring_case(a.name_space, b.name_space) &&
         equal_ignoring_case(a.model, b.model) && equal_ignoring_case(a.tag, b.tag);
}

}  // namespace hearth::store
