#include "hearth/serve/schema/schema_validator_for_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <regex>
#include <set>

namespace hearth::serve {
namespace {

using Json = nlohmann::ordered_json;

bool is_type(const Json& v, const std::string& type) {
  if (type == "null") return v.is_null();
  if (type == "boolean") return v.is_boolean();
  if (type == "string") return v.is_string();
  if (type == "array") return v.is_array();
  if (type == "object") return v.is_object();
  if (!v.is_number()) return false;
  return type == "number" || v.get<double>() == std::floor(v.get<double>());
}

bool is_date(const std::string& text) {
  static const std::regex form(R"((\d{4})-(\d\d)-(\d\d))");
  std::smatch m;
  if (!std::regex_match(text, m, form)) return false;
  const int year = std::stoi(m[1]), month = std::stoi(m[2]), day = std::stoi(m[3]);
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  const std::array<int, 12> days = {31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

bool is_time(const std::string& text) {
  static const std::regex form(R"((\d\d):(\d\d):(\d\d)(\.\d+)?(Z|[+-](\d\d):(\d\d)))");
  std::smatch m;
  if (!std::regex_match(text, m, form)) return false;
  const bool has_zone = m[6].matched;
  return std::stoi(m[1]) < 24 && std::stoi(m[2]) < 60 && std::stoi(m[3]) < 60 &&
         (!has_zone || (std::stoi(m[6]) < 24 && std::stoi(m[7]) < 60));
}

bool is_ipv4(const std::string& text) {
  int numbers = 0;
  for (size_t at = 0; at <= text.size(); ++numbers) {
    const size_t end = std::min(text.find('.', at), text.size());
    const std::string number = text.substr(at, end - at);
    if (number.empty() || number.size() > 3 || (number.size() > 1 && number[0] == '0'))
      return false;
    if (number.find_first_not_of("0123456789") != std::string::npos || std::stoi(number) > 255)
      return false;
    at = end + 1;
  }
  return numbers == 4;
}

// Eight groups, of which one or more may hide behind "::".
bool is_ipv6(const std::string& text) {
  const size_t gap = text.find("::");
  if (gap != std::string::npos && text.find("::", gap + 1) != std::string::npos) return false;
  const auto groups = [](const std::string& part) {
    if (part.empty()) return 0;
    static const std::regex form("[0-9a-fA-F]{1,4}(:[0-9a-fA-F]{1,4})*");
    return std::regex_match(part, form)
               ? 1 + static_cast<int>(std::count(part.begin(), part.end(), ':'))
               : 99;
  };
  if (gap == std::string::npos) return groups(text) == 8;
  return groups(text.substr(0, gap)) + groups(text.substr(gap + 2)) <= 7;
}

bool is_format(const std::string& text, const std::string& format) {
  const auto matches = [&](const char* form) { return std::regex_match(text, std::regex(form)); };
  if (format == "date") return is_date(text);
  if (format == "time") return is_time(text);
  if (format == "date-time")
    return text.size() > 11 && (text[10] == 'T' || text[10] == 't') &&
           is_date(text.substr(0, 10)) && is_time(text.substr(11));
  if (format == "ipv4") return is_ipv4(text);
  if (format == "ipv6") return is_ipv6(text);
  if (format == "uuid") return matches("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");
  if (format == "email")
    return text.size() <= 254 && matches(R"([^@\s.]+(\.[^@\s.]+)*@[A-Za-z0-9.-]+)");
  if (format == "hostname")
    return text.size() <= 253 && matches(
                                     "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\\.[A-Za-z0-9](["
                                     "A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*");
  if (format == "uri")
    return matches(R"([A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]*)");
  if (format == "duration")
    return text.size() > 1 && text.back() != 'T' && text.back() != 'P' &&
           matches("P(\\d+W|(\\d+Y)?(\\d+M)?(\\d+D)?(T(\\d+H)?(\\d+M)?(\\d+S)?)?)");
  return true;
}

double length_of(const std::string& utf8) {
  return static_cast<double>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

class Validator {
 public:
  explicit Validator(const Json& root) : root_(root) {}

  std::string check(const Json& schema, const Json& v, const std::string& at) {
    if (schema.is_boolean()) return schema.get<bool>() ? "" : at + ": nothing is valid";
    for (const auto part :
         {&Validator::applicators, &Validator::scalars, &Validator::array, &Validator::object})
      if (std::string why = (this->*part)(schema, v, at); !why.empty()) return why;
    return "";
  }

 private:
  std::string applicators(const Json& schema, const Json& v, const std::string& at) {
    if (schema.contains("$ref")) {
      std::string pointer = schema["$ref"].get<std::string>().substr(1);
      for (const auto& [code, plain] : {std::pair("%20", " "), std::pair("%25", "%")})
        while (pointer.find(code) != std::string::npos)
          pointer.replace(pointer.find(code), 3, plain);
      if (std::string why = check(root_.at(Json::json_pointer(pointer)), v, at); !why.empty())
        return why;
    }
    for (const Json& part : schema.value("allOf", Json::array()))
      if (std::string why = check(part, v, at); !why.empty()) return why;
    for (const char* keyword : {"anyOf", "oneOf"}) {
      if (!schema.contains(keyword)) continue;
      int valid = 0;
      for (const Json& part : schema[keyword]) valid += check(part, v, at).empty();
      if (valid == 0 || (valid > 1 && std::string(keyword) == "oneOf"))
        return fmt::format("{}: {} of {}", at, valid, keyword);
    }
    return "";
  }

  std::string scalars(const Json& schema, const Json& v, const std::string& at) {
    const bool allows_null = schema.value("nullable", false) && v.is_null();
    if (schema.contains("type") && !allows_null) {
      const Json types = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
      if (std::none_of(types.begin(), types.end(), [&](const Json& t) { return is_type(v, t); }))
        return at + ": type";
    }
    if (schema.contains("const") && schema["const"] != v) return at + ": const";
    if (schema.contains("enum") && !allows_null &&
        std::find(schema["enum"].begin(), schema["enum"].end(), v) == schema["enum"].end())
      return at + ": enum";
    if (v.is_number()) return number(schema, v.get<double>(), at);
    return v.is_string() ? string(schema, v.get<std::string>(), at) : "";
  }

  std::string number(const Json& schema, double v, const std::string& at) {
    const auto is = [&](const char* k) { return schema.contains(k) && schema[k].is_number(); };
    const auto old = [&](const char* k) { return schema.contains(k) && schema[k] == true; };
    if (is("minimum") &&
        (v < schema["minimum"] || (old("exclusiveMinimum") && v == schema["minimum"])))
      return at + ": minimum";
    if (is("maximum") &&
        (v > schema["maximum"] || (old("exclusiveMaximum") && v == schema["maximum"])))
      return at + ": maximum";
    if (is("exclusiveMinimum") && v <= schema["exclusiveMinimum"]) return at + ": exclusiveMinimum";
    if (is("exclusiveMaximum") && v >= schema["exclusiveMaximum"]) return at + ": exclusiveMaximum";
    if (!is("multipleOf")) return "";
    const double steps = v / schema["multipleOf"].get<double>();
    // Both were rounded to doubles, so the quotient may be off by its last bits.
    return std::fabs(steps - std::round(steps)) <= 1e-12 * std::max(1.0, std::fabs(steps))
               ? ""
               : at + ": multipleOf";
  }

  std::string string(const Json& schema, const std::string& v, const std::string& at) {
    if (length_of(v) < schema.value("minLength", 0.0)) return at + ": minLength";
    if (length_of(v) > schema.value("maxLength", 1e9)) return at + ": maxLength";
    // Characters beyond ASCII are several to std::regex: nothing that it could say would count.
    const std::string pattern = schema.value("pattern", "");
    const bool is_ascii = std::all_of(v.begin(), v.end(), [](char c) { return (c & 0x80) == 0; });
    if (is_ascii && pattern.find("\\u") == std::string::npos && v.size() < 2000 &&
        !std::regex_search(v, std::regex(pattern)))
      return at + ": pattern";
    return is_format(v, schema.value("format", "")) ? "" : at + ": format";
  }

  std::string array(const Json& schema, const Json& v, const std::string& at) {
    if (!v.is_array()) return "";
    const auto size = static_cast<double>(v.size());
    if (size < schema.value("minItems", 0.0)) return at + ": minItems";
    if (size > schema.value("maxItems", 1e9)) return at + ": maxItems";
    const bool is_old = schema.contains("items") && schema["items"].is_array();
    const Json leading = is_old ? schema["items"] : schema.value("prefixItems", Json::array());
    const char* others = is_old ? "additionalItems" : "items";
    for (size_t i = 0; i < v.size(); ++i) {
      const Json& item = i < leading.size()        ? leading[i]
                         : schema.contains(others) ? schema[others]
                                                   : Json(true);
      if (std::string why = check(Json(item), v[i], fmt::format("{}[{}]", at, i)); !why.empty())
        return why;
    }
    return "";
  }

  std::string object(const Json& schema, const Json& v, const std::string& at) {
    if (!v.is_object()) return "";
    if (static_cast<double>(v.size()) < schema.value("minProperties", 0.0))
      return at + ": minProperties";
    if (static_cast<double>(v.size()) > schema.value("maxProperties", 1e9))
      return at + ": maxProperties";
    for (const Json& name : schema.value("required", Json::array()))
      if (!v.contains(name.get<std::string>()))
        return fmt::format("{}: required {}", at, name.dump());
    for (const auto& [name, value] : v.items())
      if (std::string why = property(schema, name, value, at + "." + name); !why.empty())
        return why;
    return "";
  }

  std::string property(const Json& schema, const std::string& name, const Json& v,
                       const std::string& at) {
    bool is_known = false;
    std::string why;
    const auto apply = [&](const Json& part) {
      is_known = true;
      if (why.empty()) why = check(part, v, at);
    };
    if (schema.contains("propertyNames"))
      why = check(schema["propertyNames"], name, at + " (name)");
    if (schema.contains("properties") && schema["properties"].contains(name))
      apply(schema["properties"][name]);
    const Json patterns = schema.value("patternProperties", Json::object());
    for (const auto& [pattern, part] : patterns.items())
      if (std::regex_search(name, std::regex(pattern))) apply(part);
    for (const char* rest : {"additionalProperties", "unevaluatedProperties"})
      if (!is_known && schema.contains(rest)) apply(schema[rest]);
    return why;
  }

  const Json& root_;
};

}  // namespace

std::string violation(const Json& schema, const Json& document) {
  return Validator(schema).check(schema, document, "$");
}

}  // namespace hearth::serve
