// Typed values as JSON and a binary tail, and back. A function `describe` lists the fields of each
// struct once, for both ways, so that writer and reader cannot disagree:
//
//   fields("role", message.role);
//   fields("content", message.content);
//
// Vectors of numbers, and texts that are not UTF-8, which JSON cannot hold, lie in the tail one
// behind the other, in the order of the fields; in their place the JSON has their count.
#pragma once
#include <bit>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/serve/output/message.h"

namespace hearth::serve {

/// `Value` or `const Value`: what a describe() takes.
template <class Value, class Struct>
concept Described = std::same_as<std::remove_const_t<Value>, Struct>;

/// The last enumerator of an enum that goes over the wire; they all count from 0.
template <class Enum>
inline constexpr Enum kLast = Enum{};

static_assert(std::endian::native == std::endian::little, "the tail holds numbers as they are");

/// True when JSON can hold `text`: well-formed UTF-8 (RFC 3629).
bool is_utf8(std::string_view text);

class FieldWriter {
 public:
  explicit FieldWriter(std::string& tail) : tail_(tail) {}

  template <class T>
  void operator()(const char* key, const T& value) {
    object_[key] = put(value);
  }
  Json take() { return std::move(object_); }

  Json put(const Json& value) { return value; }
  Json put(bool value) { return value; }
  template <std::integral T>
  Json put(T value) {
    return value;
  }
  template <std::floating_point T>
  Json put(T value) {
    // JSON has no word for these three.
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    return static_cast<double>(value);
  }
  template <class T>
  requires std::is_enum_v<T> Json put(T value) { return static_cast<int>(value); }
  Json put(std::chrono::nanoseconds value) { return static_cast<int64_t>(value.count()); }
  Json put(const std::string& value) {
    if (is_utf8(value)) return value;
    tail_ += value;
    return value.size();
  }
  Json put(const std::filesystem::path& value) { return put(value.native()); }
  Json put(const std::vector<float>& values) { return put_numbers(values); }
  Json put(const std::vector<int32_t>& values) { return put_numbers(values); }
  template <class T>
  Json put(const std::vector<T>& values) {
    Json list = Json::array();
    for (const T& value : values) list.push_back(put(value));
    return list;
  }
  template <class T>
  Json put(const std::optional<T>& value) {
    return value ? Json::array({put(*value)}) : Json();
  }
  template <class First, class Second>
  Json put(const std::pair<First, Second>& value) {
    Json list = Json::array();
    list.push_back(put(value.first));
    list.push_back(put(value.second));
    return list;
  }
  template <class Value>
  Json put(const std::map<std::string, Value, std::less<>>& values) {
    Json list = Json::array();
    for (const auto& [key, value] : values) list.push_back(put(std::pair(key, value)));
    return list;
  }
  template <class... Kinds>
  Json put(const std::variant<Kinds...>& value) {
    Json list = Json::array({value.index()});
    list.push_back(std::visit([this](const auto& held) { return this->put(held); }, value));
    return list;
  }
  template <class Struct>
  requires std::is_class_v<Struct> Json put(const Struct& value) {
    FieldWriter fields(tail_);
    describe(fields, value);
    return fields.take();
  }

 private:
  template <class Number>
  Json put_numbers(const std::vector<Number>& values) {
    tail_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Number));
    return values.size();
  }

  std::string& tail_;
  Json object_ = Json::object();
};

/// Errors of everything: corrupt_data naming the field.
class FieldReader {
 public:
  /// `object` and `tail` must outlive it; what is read is taken from the front of `tail`.
  FieldReader(const Json& object, std::string_view& tail) : object_(object), tail_(tail) {
    if (!object.is_object()) wrong("an object", object);
  }

  template <class T>
  void operator()(const char* key, T& value) {
    const auto found = object_.find(key);
    if (found == object_.end()) throw Error(Errc::corrupt_data, "'{}' is missing", key);
    try {
      get(*found, value);
    } catch (const Error& error) {
      throw error.with_context(key);
    }
  }

  void get(const Json& json, Json& value) { value = json; }
  void get(const Json& json, bool& value) {
    if (!json.is_boolean()) wrong("true or false", json);
    value = json.get<bool>();
  }
  template <std::integral T>
  void get(const Json& json, T& value) {
    if (!json.is_number_integer()) wrong("an integer", json);
    const bool is_right = json.is_number_unsigned() ? std::in_range<T>(json.get<uint64_t>())
                                                    : std::in_range<T>(json.get<int64_t>());
    if (!is_right) wrong("an integer in range", json);
    value = json.get<T>();
  }
  template <std::floating_point T>
  void get(const Json& json, T& value) {
    if (json == "nan")
      value = std::numeric_limits<T>::quiet_NaN();
    else if (json == "inf" || json == "-inf")
      value =
          json == "inf" ? std::numeric_limits<T>::infinity() : -std::numeric_limits<T>::infinity();
    else if (json.is_number())
      value = narrow<T>(json.get<double>());
    else
      wrong("a number", json);
  }
  template <class T>
  requires std::is_enum_v<T>
  void get(const Json& json, T& value) {
    int number = 0;
    get(json, number);
    if (number < 0 || number > static_cast<int>(kLast<T>)) wrong("one of the words known", json);
    value = static_cast<T>(number);
  }
  void get(const Json& json, std::chrono::nanoseconds& value) {
    int64_t count = 0;
    get(json, count);
    value = std::chrono::nanoseconds(count);
  }
  void get(const Json& json, std::string& value) {
    if (json.is_string())
      value = json.get_ref<const std::string&>();
    else
      value = take_tail(json, 1);
  }
  void get(const Json& json, std::filesystem::path& value) {
    std::string text;
    get(json, text);
    value = std::move(text);
  }
  void get(const Json& json, std::vector<float>& values) { get_numbers(json, values); }
  void get(const Json& json, std::vector<int32_t>& values) { get_numbers(json, values); }
  template <class T>
  void get(const Json& json, std::vector<T>& values) {
    if (!json.is_array()) wrong("a list", json);
    values.clear();
    for (const Json& item : json) get(item, values.emplace_back());
  }
  template <class T>
  void get(const Json& json, std::optional<T>& value) {
    value.reset();
    if (!json.is_null()) get(item(json, 0, 1), value.emplace());
  }
  template <class First, class Second>
  void get(const Json& json, std::pair<First, Second>& value) {
    get(item(json, 0, 2), value.first);
    get(item(json, 1, 2), value.second);
  }
  template <class Value>
  void get(const Json& json, std::map<std::string, Value, std::less<>>& values) {
    if (!json.is_array()) wrong("a list", json);
    values.clear();
    for (const Json& entry : json) {
      std::pair<std::string, Value> pair;
      get(entry, pair);
      values.insert_or_assign(std::move(pair.first), std::move(pair.second));
    }
  }
  template <class... Kinds>
  void get(const Json& json, std::variant<Kinds...>& value) {
    size_t index = 0;
    get(item(json, 0, 2), index);
    if (index >= sizeof...(Kinds)) wrong("a kind known", json[0]);
    size_t at = 0;
    const auto try_kind = [&]<class Kind>(std::type_identity<Kind>) {
      if (at++ == index) this->get(json[1], value.template emplace<Kind>());
    };
    (try_kind(std::type_identity<Kinds>{}), ...);
  }
  template <class Struct>
  requires std::is_class_v<Struct>
  void get(const Json& json, Struct& value) {
    FieldReader fields(json, tail_);
    describe(fields, value);
  }

 private:
  [[noreturn]] static void wrong(std::string_view wanted, const Json& json) {
    throw Error(Errc::corrupt_data, "{} is not {}",
                json.is_number() ? json.dump() : std::string(json.type_name()), wanted);
  }
  // A float written as double comes back as it was; a number beyond a float is not one of ours.
  template <class T>
  static T narrow(double number) {
    if (std::abs(number) > static_cast<double>(std::numeric_limits<T>::max()))
      throw Error(Errc::corrupt_data, "{} is beyond its type", number);
    return static_cast<T>(number);
  }
  static const Json& item(const Json& json, size_t index, size_t count) {
    if (!json.is_array() || json.size() != count)
      throw Error(Errc::corrupt_data, "not a list of {}", count);
    return json[index];
  }
  std::string_view take_tail(const Json& json, size_t item_bytes) {
    uint64_t count = 0;
    get(json, count);
    // Divided, not multiplied: the product could wrap.
    if (count > tail_.size() / item_bytes)
      throw Error(Errc::corrupt_data, "{} items of {} bytes, but {} bytes are left", count,
                  item_bytes, tail_.size());
    const std::string_view taken = tail_.substr(0, count * item_bytes);
    tail_.remove_prefix(taken.size());
    return taken;
  }
  template <class Number>
  void get_numbers(const Json& json, std::vector<Number>& values) {
    const std::string_view bytes = take_tail(json, sizeof(Number));
    values.resize(bytes.size() / sizeof(Number));
    if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  }

  const Json& object_;
  std::string_view& tail_;
};

}  // namespace hearth::serve
