#include "hearth/formats/safetensors.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <tuple>

#include "hearth/formats/printable.h"
#include "hearth/formats/quantize.h"

namespace hearth::formats {
namespace {

using nlohmann::json;

constexpr size_t kDimsMax = 8;
constexpr int kJsonDepthMax = 8;  // header -> tensor -> array is 3
constexpr size_t kShardsMax = 4096;
constexpr size_t kIndexBytesMax = size_t{64} << 20;

struct TypeRow {
  SafetensorsType type;
  std::string_view name;
  uint32_t elem_bytes;
};
constexpr TypeRow kTypes[] = {
    {SafetensorsType::f64, "F64", 8}, {SafetensorsType::f32, "F32", 4},
    {SafetensorsType::f16, "F16", 2}, {SafetensorsType::bf16, "BF16", 2},
    {SafetensorsType::i64, "I64", 8}, {SafetensorsType::i32, "I32", 4},
    {SafetensorsType::i16, "I16", 2}, {SafetensorsType::i8, "I8", 1},
    {SafetensorsType::u8, "U8", 1},   {SafetensorsType::boolean, "BOOL", 1}};

const TypeRow& row(SafetensorsType type) { return kTypes[static_cast<size_t>(type)]; }

/// Parses JSON whose nesting is bounded and whose object keys are unique. nlohmann-json keeps the
/// last of two equal keys, where another reader may keep the first: such a file means two things,
/// so it is refused.
json parse_json(std::string_view text, std::string_view file, std::string_view what) {
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > kJsonDepthMax)
      throw Error(Errc::corrupt_data, "{}: {}: nested deeper than {}", file, what, kJsonDepthMax);
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
      throw Error(Errc::corrupt_data, "{}: {}: key '{}' stands there twice", file, what,
                  printable(parsed.get<std::string>()));
    return true;
  };
  try {
    return json::parse(text, check);
  } catch (const json::exception& error) {
    throw Error(Errc::corrupt_data, "{}: {}: {}", file, what, printable(error.what()));
  }
}

uint64_t as_u64(const json& value, std::string_view file, std::string_view field,
                std::string_view key) {
  if (!value.is_number_unsigned())
    throw Error(Errc::corrupt_data, "{}: {}: {}: {} is not an integer from 0 to 2^64 - 1", file,
                field, key, printable(value.dump()));
  return value.get<uint64_t>();
}

/// One tensor's entry of the header: {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}.
struct Entry {
  SafeTensor tensor;
  uint64_t begin = 0, end = 0;
};

std::string type_names() {
  std::string names;
  for (const TypeRow& row : kTypes) names += (names.empty() ? "" : ", ") + std::string(row.name);
  return names;
}

SafetensorsType read_type(const json& value, std::string_view file, std::string_view field) {
  const std::string text = value.is_string() ? value.get<std::string>() : "";
  const auto* found = std::ranges::find(kTypes, text, &TypeRow::name);
  if (found == std::end(kTypes))
    throw Error(Errc::unsupported, "{}: {}: dtype '{}' is none of {}", file, field, printable(text),
                type_names());
  return found->type;
}

/// Bytes of the shape; an overflow is an error.
uint64_t shape_bytes(const SafeTensor& tensor, std::string_view file, std::string_view field) {
  uint64_t bytes = elem_bytes(tensor.type);
  for (const uint64_t extent : tensor.shape)
    if (__builtin_mul_overflow(bytes, extent, &bytes))
      throw Error(Errc::corrupt_data, "{}: {}: shape [{}] has more than 2^64 bytes", file, field,
                  fmt::join(tensor.shape, ", "));
  return bytes;
}

Entry read_entry(const std::string& name, const json& value, std::string_view file) {
  const std::string field = fmt::format("tensor '{}'", printable(name));
  if (!value.is_object() || !value.contains("dtype") || !value.contains("shape") ||
      !value.contains("data_offsets"))
    throw Error(Errc::corrupt_data, "{}: {}: needs dtype, shape and data_offsets", file, field);
  Entry entry;
  entry.tensor.name = name;
  entry.tensor.type = read_type(value["dtype"], file, field);
  const json& shape = value["shape"];
  if (!shape.is_array() || shape.size() > kDimsMax)
    throw Error(Errc::corrupt_data, "{}: {}: shape is not a list of at most {} numbers", file,
                field, kDimsMax);
  for (const json& extent : shape)
    entry.tensor.shape.push_back(as_u64(extent, file, field, "shape"));
  const json& offsets = value["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2)
    throw Error(Errc::corrupt_data, "{}: {}: data_offsets is not a list of 2 numbers", file, field);
  entry.begin = as_u64(offsets[0], file, field, "data_offsets");
  entry.end = as_u64(offsets[1], file, field, "data_offsets");
  const uint64_t bytes = shape_bytes(entry.tensor, file, field);
  if (entry.end < entry.begin || entry.end - entry.begin != bytes)
    throw Error(Errc::corrupt_data,
                "{}: {}: data_offsets [{}, {}], but the shape [{}] of {} has {} bytes", file, field,
                entry.begin, entry.end, fmt::join(entry.tensor.shape, ", "),
                formats::name(entry.tensor.type), bytes);
  return entry;
}

/// A shard lies beside its index: a path would let a downloaded folder read any file.
bool is_name_of_a_file(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

std::string_view header_text(std::span<const std::byte> bytes, std::string_view file) {
  uint64_t length = 0;
  if (bytes.size() < sizeof length)
    throw Error(Errc::corrupt_data, "{}: {} bytes are too few for a safetensors file", file,
                bytes.size());
  std::memcpy(&length, bytes.data(), sizeof length);
  if (length > kSafetensorsHeaderBytesMax)
    throw Error(Errc::corrupt_data, "{}: a header of {} bytes, at most {} are read", file, length,
                kSafetensorsHeaderBytesMax);
  if (length > bytes.size() - sizeof length)
    throw Error(Errc::corrupt_data, "{}: a header of {} bytes in a file of {}", file, length,
                bytes.size());
  return {reinterpret_cast<const char*>(bytes.data()) + sizeof length, length};
}

}  // namespace

class SafetensorsParser {
 public:
  static void parse(std::span<const std::byte> bytes, std::string_view name, Safetensors& out) {
    out.name_ = name;
    const std::string_view text = header_text(bytes, name);
    const json header = parse_json(text, name, "header");
    if (!header.is_object()) throw Error(Errc::corrupt_data, "{}: header: not an object", name);
    std::vector<Entry> entries;
    for (const auto& [key, value] : header.items()) {
      if (key == "__metadata__")
        read_metadata(value, name, out);
      else
        entries.push_back(read_entry(key, value, name));
    }
    place(entries, bytes.subspan(sizeof(uint64_t) + text.size()), name);
    for (Entry& entry : entries) add(std::move(entry.tensor), name, out);
  }

  static void open(const fs::path& path, Safetensors& out) {
    MappedFile file = MappedFile::open(path);
    parse(file.bytes(), path.string(), out);
    out.files_.push_back(std::move(file));
  }

  static void open_shards(const fs::path& index_path, Safetensors& out) {
    const std::map<std::string, std::vector<std::string>> shards = read_index(index_path);
    if (shards.size() > kShardsMax)
      throw Error(Errc::corrupt_data, "{}: weight_map: {} shards, at most {} are read",
                  index_path.string(), shards.size(), kShardsMax);
    for (const auto& [shard, expected] : shards) {
      Safetensors part;
      open(index_path.parent_path() / shard, part);
      for (const std::string& tensor : expected)
        if (!part.find(tensor))
          throw Error(Errc::corrupt_data, "{}: tensor '{}' is not in '{}'", index_path.string(),
                      printable(tensor), printable(shard));
      for (SafeTensor& tensor : part.tensors_) add(std::move(tensor), part.name_, out);
      out.files_.push_back(std::move(part.files_.front()));
      if (out.metadata_.empty()) out.metadata_ = std::move(part.metadata_);
    }
  }

  static void rename(std::string name, Safetensors& out) { out.name_ = std::move(name); }

 private:
  static void read_metadata(const json& value, std::string_view file, Safetensors& out) {
    if (!value.is_object())
      throw Error(Errc::corrupt_data, "{}: __metadata__: not an object", file);
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string())
        throw Error(Errc::corrupt_data, "{}: __metadata__: '{}' is not a string", file,
                    printable(key));
      out.metadata_.emplace(key, text.get<std::string>());
    }
  }

  /// Sorts by offset and points each tensor at its bytes. The format allows neither holes nor
  /// overlaps.
  static void place(std::vector<Entry>& entries, std::span<const std::byte> data,
                    std::string_view file) {
    std::ranges::sort(entries, [](const Entry& a, const Entry& b) {
      return std::tie(a.begin, a.end, a.tensor.name) < std::tie(b.begin, b.end, b.tensor.name);
    });
    uint64_t at = 0;
    for (Entry& entry : entries) {
      if (entry.begin != at || entry.end > data.size())
        throw Error(Errc::corrupt_data,
                    "{}: tensor '{}': bytes [{}, {}) of the data, expected to begin at {} of {}",
                    file, printable(entry.tensor.name), entry.begin, entry.end, at, data.size());
      entry.tensor.bytes = data.subspan(entry.begin, entry.end - entry.begin);
      at = entry.end;
    }
    if (at != data.size())
      throw Error(Errc::corrupt_data, "{}: {} bytes of data, the tensors take {}", file,
                  data.size(), at);
  }

  static void add(SafeTensor tensor, std::string_view file, Safetensors& out) {
    if (!out.index_.emplace(tensor.name, out.tensors_.size()).second)
      throw Error(Errc::corrupt_data, "{}: tensor '{}' is in another file too", file,
                  printable(tensor.name));
    out.tensors_.push_back(std::move(tensor));
  }

  /// The names of the shards, and the tensors that each is said to hold.
  static std::map<std::string, std::vector<std::string>> read_index(const fs::path& path) {
    const std::string file = path.string();
    const json index = parse_json(read_file(path, kIndexBytesMax), file, "index");
    if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object())
      throw Error(Errc::corrupt_data, "{}: weight_map: not an object", file);
    std::map<std::string, std::vector<std::string>> shards;
    for (const auto& [tensor, shard] : index["weight_map"].items()) {
      const std::string shard_name = shard.is_string() ? shard.get<std::string>() : "";
      if (!is_name_of_a_file(shard_name))
        throw Error(Errc::corrupt_data,
                    "{}: weight_map: '{}' is not the name of a file in this folder", file,
                    printable(shard_name));
      shards[shard_name].push_back(tensor);
    }
    return shards;
  }
};

std::string_view name(SafetensorsType type) { return row(type).name; }
uint32_t elem_bytes(SafetensorsType type) { return row(type).elem_bytes; }

Safetensors Safetensors::parse(std::span<const std::byte> bytes, std::string_view name) {
  Safetensors out;
  SafetensorsParser::parse(bytes, name, out);
  return out;
}

Safetensors Safetensors::open(const fs::path& path) {
  Safetensors out;
  SafetensorsParser::open(path, out);
  return out;
}

namespace {

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

fs::path only_file_of(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    if (entry->path().extension() == ".safetensors") found.push_back(entry->path());
  if (error)
    throw Error(is_there(folder) ? Errc::io_failure : Errc::not_found, "{}: cannot be listed: {}",
                folder.string(), error.message());
  if (found.size() != 1)
    throw Error(Errc::not_found, "{}: {} *.safetensors files and no model.safetensors.index.json",
                folder.string(), found.size());
  return found.front();
}

}  // namespace

Safetensors Safetensors::open_folder(const fs::path& folder) {
  Safetensors out;
  if (const fs::path index = folder / "model.safetensors.index.json"; is_there(index))
    SafetensorsParser::open_shards(index, out);
  else if (const fs::path single = folder / "model.safetensors"; is_there(single))
    SafetensorsParser::open(single, out);
  else
    SafetensorsParser::open(only_file_of(folder), out);
  SafetensorsParser::rename(folder.string(), out);
  return out;
}

const SafeTensor* Safetensors::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

const SafeTensor& Safetensors::tensor(std::string_view name) const {
  if (const SafeTensor* found = find(name)) return *found;
  throw Error(Errc::not_found, "{}: tensor '{}' is missing", name_, name);
}

namespace {

template <class T>
void widen(const std::byte* from, std::span<float> out) {
  for (size_t i = 0; i < out.size(); ++i) {
    T element;
    std::memcpy(&element, from + i * sizeof element, sizeof element);
    out[i] = static_cast<float>(element);
  }
}

}  // namespace

void read_floats(const SafeTensor& tensor, uint64_t first, std::span<float> out) {
  HEARTH_CHECK(first <= tensor.elems() && out.size() <= tensor.elems() - first);
  const std::byte* from = tensor.bytes.data() + first * elem_bytes(tensor.type);
  switch (tensor.type) {
    case SafetensorsType::f64:
      return widen<double>(from, out);
    case SafetensorsType::f32:
      return dequantize_row(TensorType::f32, from, out);
    case SafetensorsType::f16:
      return dequantize_row(TensorType::f16, from, out);
    case SafetensorsType::bf16:
      return dequantize_row(TensorType::bf16, from, out);
    case SafetensorsType::i64:
      return widen<int64_t>(from, out);
    case SafetensorsType::i32:
      return widen<int32_t>(from, out);
    case SafetensorsType::i16:
      return widen<int16_t>(from, out);
    case SafetensorsType::i8:
      return widen<int8_t>(from, out);
    case SafetensorsType::u8:
    case SafetensorsType::boolean:
      return widen<uint8_t>(from, out);
  }
}

}  // namespace hearth::formats
