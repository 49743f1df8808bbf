#include "hearth/formats/gguf.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "hearth/formats/gguf_parse.h"
#include "hearth/formats/printable.h"

namespace hearth::formats {
namespace {

constexpr uint64_t kSplitsMax = 4096;
constexpr std::string_view kSplitTensors = "split.tensors.count";  // of all parts

[[noreturn]] void wrong_type(const std::string& file, std::string_view key,
                             std::string_view wanted) {
  throw Error(Errc::corrupt_data, "{}: metadata key '{}': not {}", file, printable(key), wanted);
}

/// The value as `Int` when it is an integer that fits.
template <class Int>
std::optional<Int> as_integer(const GgufValue& value) {
  return std::visit(
      [](const auto& held) -> std::optional<Int> {
        using Held = std::remove_cvref_t<decltype(held)>;
        if constexpr (std::is_integral_v<Held> && !std::is_same_v<Held, bool>)
          if (std::in_range<Int>(held)) return static_cast<Int>(held);
        return std::nullopt;
      },
      value);
}

/// The items as `Out` where every item is a number; nothing for strings and for numbers that do not
/// fit.
template <class Out>
std::optional<std::vector<Out>> as_numbers(const GgufArray& array) {
  return std::visit(
      [](const auto& items) -> std::optional<std::vector<Out>> {
        using Item = typename std::remove_cvref_t<decltype(items)>::value_type;
        std::vector<Out> out;
        if constexpr (std::is_same_v<Item, std::string>) {
          return std::nullopt;
        } else if constexpr (std::is_integral_v<Out> && std::is_floating_point_v<Item>) {
          return std::nullopt;
        } else {
          out.reserve(items.size());
          for (const Item item : items) {
            if constexpr (std::is_same_v<Item, uint64_t> && std::is_integral_v<Out>)
              if (!std::in_range<Out>(item)) return std::nullopt;
            if constexpr (std::is_same_v<Item, double>)
              if (std::isfinite(item) && std::fabs(item) > std::numeric_limits<Out>::max())
                return std::nullopt;
            out.push_back(static_cast<Out>(item));
          }
          return out;
        }
      },
      array.items);
}

/// X-00002-of-00005.gguf taken apart.
struct SplitName {
  std::string prefix;      // "X"
  uint64_t number, count;  // 2, 5

  fs::path path(const fs::path& folder, uint64_t part) const {
    return folder / fmt::format("{}-{:05}-of-{:05}.gguf", prefix, part, count);
  }
};

std::optional<uint64_t> five_digits(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<SplitName> try_split_name(const fs::path& path) {
  const std::string name = path.filename().string();
  constexpr std::string_view kPattern = "-00001-of-00005.gguf";
  if (name.size() <= kPattern.size() || !name.ends_with(".gguf")) return std::nullopt;
  const std::string_view tail = std::string_view(name).substr(name.size() - kPattern.size());
  const auto number = five_digits(tail.substr(1, 5)), count = five_digits(tail.substr(10, 5));
  if (tail[0] != '-' || tail.substr(6, 4) != "-of-" || !number || !count) return std::nullopt;
  return SplitName{name.substr(0, name.size() - kPattern.size()), *number, *count};
}

}  // namespace

std::optional<uint64_t> try_u64(const GgufValue& value) { return as_integer<uint64_t>(value); }

std::optional<uint64_t> try_tensor_bytes(TensorType type, std::span<const uint64_t> shape) {
  uint64_t bytes = shape[0] / info(type).block_elems;
  bool overflow = __builtin_mul_overflow(bytes, uint64_t{info(type).block_bytes}, &bytes);
  for (const uint64_t extent : shape.subspan(1))
    overflow |= __builtin_mul_overflow(bytes, extent, &bytes);
  if (overflow) return std::nullopt;
  return bytes;
}

size_t GgufArray::size() const {
  return std::visit([](const auto& held) { return held.size(); }, items);
}

uint64_t GgufTensor::elems() const {
  uint64_t product = 1;
  for (const uint64_t extent : shape) product *= extent;
  return product;
}

void GgufParser::open(const fs::path& path, Gguf& out) {
  if (try_split_name(path)) return open_splits(path, out);
  MappedFile file = MappedFile::open(path);
  parse(file.bytes(), path.string(), out);
  out.files_.push_back(std::move(file));
  if (const uint64_t count = out.try_u64("split.count").value_or(1); count > 1)
    throw Error(Errc::invalid_argument,
                "{}: split.count is {}, but the file is not named like X-00001-of-{:05}.gguf, so "
                "the other parts cannot be found",
                path.string(), count, count);
}

void GgufParser::open_splits(const fs::path& path, Gguf& out) {
  const SplitName names = *try_split_name(path);
  if (names.count < 1 || names.count > kSplitsMax)
    throw Error(Errc::invalid_argument, "{}: {} parts, 1 to {} are read", path.string(),
                names.count, kSplitsMax);
  if (names.number < 1 || names.number > names.count)
    throw Error(Errc::invalid_argument, "{}: part {} of {}", path.string(), names.number,
                names.count);
  const fs::path folder = path.parent_path();
  for (uint64_t number = 0; number < names.count; ++number)
    append_split(names.path(folder, number + 1), number, names.count, out);
  out.name_ = path.string();
  const std::optional<uint64_t> wanted = out.try_u64(kSplitTensors);
  if (wanted && *wanted != out.tensors_.size())
    throw Error(Errc::corrupt_data, "{}: {} is {}, but the {} parts hold {} tensors", out.name_,
                kSplitTensors, *wanted, names.count, out.tensors_.size());
}

void GgufParser::append_split(const fs::path& path, uint64_t number, uint64_t count, Gguf& out) {
  MappedFile file = MappedFile::open(path);
  Gguf part;
  parse(file.bytes(), path.string(), part);
  // A whole model that is merely named like a split needs no keys.
  const uint64_t own_number = part.try_u64("split.no").value_or(0);
  const uint64_t own_count = part.try_u64("split.count").value_or(1);
  if (own_number != number || own_count != count)
    throw Error(Errc::corrupt_data,
                "{}: split.no is {} and split.count {}, expected {} and {} by the file's name",
                path.string(), own_number, own_count, number, count);
  const uint64_t size_bytes = out.size_bytes_ + part.size_bytes_;
  if (number == 0)
    out = std::move(part);
  else
    append_tensors(path, part, out);
  out.size_bytes_ = size_bytes;
  out.files_.push_back(std::move(file));
}

void GgufParser::append_tensors(const fs::path& path, Gguf& part, Gguf& out) {
  const auto here = part.try_u64(kSplitTensors), first = out.try_u64(kSplitTensors);
  if (here && first && *here != *first)
    throw Error(Errc::corrupt_data, "{}: {} is {}, but {} in the first part", path.string(),
                kSplitTensors, *here, *first);
  for (GgufTensor& tensor : part.tensors_) {
    if (!out.tensor_index_.emplace(tensor.name, out.tensors_.size()).second)
      throw Error(Errc::corrupt_data, "{}: tensor '{}' is in an earlier part too", path.string(),
                  printable(tensor.name));
    out.tensors_.push_back(std::move(tensor));
  }
}

Gguf Gguf::open(const fs::path& path) {
  Gguf file;
  GgufParser::open(path, file);
  return file;
}

Gguf Gguf::parse(std::span<const std::byte> bytes, std::string_view name) {
  Gguf file;
  GgufParser::parse(bytes, name, file);
  return file;
}

const GgufTensor* Gguf::find_tensor(std::string_view name) const {
  const auto found = tensor_index_.find(name);
  return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
}

const GgufTensor& Gguf::tensor(std::string_view name) const {
  if (const GgufTensor* found = find_tensor(name)) return *found;
  throw Error(Errc::not_found, "{}: tensor '{}' is missing", name_, name);
}

const GgufValue* Gguf::find(std::string_view key) const {
  const auto found = metadata_index_.find(key);
  return found == metadata_index_.end() ? nullptr : &metadata_[found->second].second;
}

std::optional<std::string> Gguf::try_string(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value) return std::nullopt;
  if (const auto* text = std::get_if<std::string>(value)) return *text;
  wrong_type(name_, key, "a string");
}

std::optional<uint64_t> Gguf::try_u64(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value) return std::nullopt;
  if (const auto number = as_integer<uint64_t>(*value)) return number;
  wrong_type(name_, key, "an integer of at least 0");
}

std::optional<int64_t> Gguf::try_i64(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value) return std::nullopt;
  if (const auto number = as_integer<int64_t>(*value)) return number;
  wrong_type(name_, key, "an integer of 64 bits with sign");
}

std::optional<double> Gguf::try_f64(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value) return std::nullopt;
  if (const auto* number = std::get_if<float>(value)) return *number;
  if (const auto* number = std::get_if<double>(value)) return *number;
  if (const auto number = as_integer<int64_t>(*value)) return static_cast<double>(*number);
  if (const auto number = as_integer<uint64_t>(*value)) return static_cast<double>(*number);
  wrong_type(name_, key, "a number");
}

std::optional<bool> Gguf::try_bool(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value) return std::nullopt;
  if (const auto* truth = std::get_if<bool>(value)) return *truth;
  wrong_type(name_, key, "a bool");
}

const std::vector<std::string>* Gguf::try_strings(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value) return nullptr;
  if (const auto* array = std::get_if<GgufArray>(value))
    if (const auto* items = std::get_if<std::vector<std::string>>(&array->items)) return items;
  wrong_type(name_, key, "an array of strings");
}

std::optional<std::vector<float>> Gguf::try_floats(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value) return std::nullopt;
  if (const auto* array = std::get_if<GgufArray>(value))
    if (auto items = as_numbers<float>(*array)) return items;
  wrong_type(name_, key, "an array of numbers");
}

std::optional<std::vector<int64_t>> Gguf::try_ints(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value) return std::nullopt;
  if (const auto* array = std::get_if<GgufArray>(value))
    if (auto items = as_numbers<int64_t>(*array)) return items;
  wrong_type(name_, key, "an array of integers of 64 bits with sign");
}

std::string Gguf::string(std::string_view key) const {
  if (auto value = try_string(key)) return *std::move(value);
  throw Error(Errc::corrupt_data, "{}: metadata key '{}' is missing", name_, key);
}

uint64_t Gguf::u64(std::string_view key) const {
  if (const auto value = try_u64(key)) return *value;
  throw Error(Errc::corrupt_data, "{}: metadata key '{}' is missing", name_, key);
}

double Gguf::f64(std::string_view key) const {
  if (const auto value = try_f64(key)) return *value;
  throw Error(Errc::corrupt_data, "{}: metadata key '{}' is missing", name_, key);
}

}  // namespace hearth::formats
