#include "hearth/formats/gguf_parse.h"

#include <bit>
#include <cstring>
#include <limits>

#include "hearth/formats/printable.h"

namespace hearth::formats {
namespace {

static_assert(std::endian::native == std::endian::little,
              "scalars are copied as they lie in the file");

constexpr uint32_t kMagic = 0x46554747;   // "GGUF"
constexpr uint64_t kKeyBytesMax = 65535;  // the specification's limit
constexpr uint32_t kDimsMax = 4;

// A header becomes up to ten times its bytes in memory, and a file with holes can be larger than
// any disk: these bound what is read. A vocabulary of 262144 tokens and twice as many merges, of 20
// bytes each, takes 16 MB; the most tensors are those of files that keep every expert by itself.
constexpr uint64_t kHeaderBytesMax = 256 << 20;
constexpr uint64_t kKeysMax = 1 << 14;
constexpr uint64_t kTensorsMax = 1 << 20;
constexpr uint64_t kArrayItemsMax = 1 << 24;

// The least that one entry takes in a file: bounds the counts of the header before anything is
// allocated.
constexpr uint64_t kMetadataEntryBytesMin = 8 + 4 + 1;  // empty key, type, one byte
constexpr uint64_t kTensorEntryBytesMin =
    8 + 4 + 8 + 4 + 8;  // empty name, dims, one dim, type, offset

// Types that exist but that Hearth does not read, for the message. Ids: ggml.h, enum ggml_type.
struct ForeignType {
  uint32_t id;
  std::string_view name;
};
constexpr ForeignType kForeignTypes[] = {
    {4, "Q4_2"},    {5, "Q4_3"},        {9, "Q8_1"},        {15, "Q8_K"},       {16, "IQ2_XXS"},
    {17, "IQ2_XS"}, {18, "IQ3_XXS"},    {19, "IQ1_S"},      {21, "IQ3_S"},      {22, "IQ2_S"},
    {29, "IQ1_M"},  {31, "Q4_0_4_4"},   {32, "Q4_0_4_8"},   {33, "Q4_0_8_8"},   {34, "TQ1_0"},
    {35, "TQ2_0"},  {36, "IQ4_NL_4_4"}, {37, "IQ4_NL_4_8"}, {38, "IQ4_NL_8_8"}, {40, "NVFP4"},
    {41, "Q1_0"}};

std::string_view foreign_type_name(uint32_t id) {
  for (const ForeignType& row : kForeignTypes)
    if (row.id == id) return row.name;
  return "unknown";
}

/// Reads forward through the bytes; every error names the file and the field that was being read.
class Cursor {
 public:
  Cursor(std::span<const std::byte> bytes, std::string_view file) : bytes_(bytes), file_(file) {}

  /// Names what is read next, for messages.
  void enter(std::string field) { field_ = std::move(field); }
  uint64_t left() const { return bytes_.size() - at_; }
  uint64_t position() const { return at_; }

  template <class... Args>
  [[noreturn]] void fail(Errc code, fmt::format_string<Args...> message, Args&&... args) const {
    throw Error(code, "{}: {}: {}", file_, field_,
                fmt::format(message, std::forward<Args>(args)...));
  }

  template <class T>
  T scalar() {
    T value;
    std::memcpy(&value, take(sizeof value), sizeof value);
    return value;
  }

  bool boolean() {
    const auto byte = scalar<uint8_t>();
    if (byte > 1) fail(Errc::corrupt_data, "a bool is {}, only 0 and 1 are allowed", byte);
    return byte == 1;
  }

  std::string_view text(uint64_t bytes_max = std::numeric_limits<uint64_t>::max()) {
    const auto length = scalar<uint64_t>();
    if (length > bytes_max)
      fail(Errc::corrupt_data, "a name of {} bytes, at most {} are allowed", length, bytes_max);
    return {reinterpret_cast<const char*>(take(length)), length};
  }

  /// A count of entries that take at least `entry_bytes_min` each: more than fit into the rest, or
  /// than `entries_max`, is an error.
  uint64_t count(uint64_t entry_bytes_min, uint64_t entries_max) {
    const auto n = scalar<uint64_t>();
    if (n > entries_max)
      fail(Errc::corrupt_data, "{} entries, at most {} are read", n, entries_max);
    if (n > left() / entry_bytes_min)
      fail(Errc::corrupt_data, "{} entries need at least {} bytes each, but {} bytes are left", n,
           entry_bytes_min, left());
    return n;
  }

  const std::byte* take(uint64_t n) {
    if (n > left()) fail(Errc::corrupt_data, "needs {} bytes, but {} are left", n, left());
    if (n > kHeaderBytesMax - at_)
      fail(Errc::corrupt_data, "ends beyond the first {} bytes, the most that a header may take",
           kHeaderBytesMax);
    const std::byte* at = bytes_.data() + at_;
    at_ += n;
    return at;
  }

 private:
  std::span<const std::byte> bytes_;
  std::string_view file_;
  std::string field_ = "header";
  uint64_t at_ = 0;
};

template <class T>
GgufArray read_scalars(Cursor& cursor) {
  const uint64_t n = cursor.count(sizeof(T), kArrayItemsMax);
  std::vector<T> items(n);
  if (n > 0) std::memcpy(items.data(), cursor.take(n * sizeof(T)), n * sizeof(T));
  return {std::move(items)};
}

GgufArray read_bools(Cursor& cursor) {
  std::vector<bool> items(cursor.count(1, kArrayItemsMax));
  for (size_t i = 0; i < items.size(); ++i) items[i] = cursor.boolean();
  return {std::move(items)};
}

GgufArray read_strings(Cursor& cursor) {
  std::vector<std::string> items(cursor.count(sizeof(uint64_t), kArrayItemsMax));
  for (std::string& item : items) item = cursor.text();
  return {std::move(items)};
}

GgufArray read_array(Cursor& cursor) {
  const auto type = cursor.scalar<uint32_t>();
  switch (static_cast<GgufType>(type)) {
    case GgufType::u8:
      return read_scalars<uint8_t>(cursor);
    case GgufType::i8:
      return read_scalars<int8_t>(cursor);
    case GgufType::u16:
      return read_scalars<uint16_t>(cursor);
    case GgufType::i16:
      return read_scalars<int16_t>(cursor);
    case GgufType::u32:
      return read_scalars<uint32_t>(cursor);
    case GgufType::i32:
      return read_scalars<int32_t>(cursor);
    case GgufType::f32:
      return read_scalars<float>(cursor);
    case GgufType::boolean:
      return read_bools(cursor);
    case GgufType::string:
      return read_strings(cursor);
    case GgufType::u64:
      return read_scalars<uint64_t>(cursor);
    case GgufType::i64:
      return read_scalars<int64_t>(cursor);
    case GgufType::f64:
      return read_scalars<double>(cursor);
    case GgufType::array:
      cursor.fail(Errc::unsupported,
                  "an array of arrays, only numbers, bools and strings are read");
  }
  cursor.fail(Errc::corrupt_data, "array element type {}, 0 to 12 are defined", type);
}

GgufValue read_value(Cursor& cursor) {
  const auto type = cursor.scalar<uint32_t>();
  switch (static_cast<GgufType>(type)) {
    case GgufType::u8:
      return cursor.scalar<uint8_t>();
    case GgufType::i8:
      return cursor.scalar<int8_t>();
    case GgufType::u16:
      return cursor.scalar<uint16_t>();
    case GgufType::i16:
      return cursor.scalar<int16_t>();
    case GgufType::u32:
      return cursor.scalar<uint32_t>();
    case GgufType::i32:
      return cursor.scalar<int32_t>();
    case GgufType::f32:
      return cursor.scalar<float>();
    case GgufType::boolean:
      return cursor.boolean();
    case GgufType::string:
      return std::string(cursor.text());
    case GgufType::array:
      return read_array(cursor);
    case GgufType::u64:
      return cursor.scalar<uint64_t>();
    case GgufType::i64:
      return cursor.scalar<int64_t>();
    case GgufType::f64:
      return cursor.scalar<double>();
  }
  cursor.fail(Errc::corrupt_data, "value type {}, 0 to 12 are defined", type);
}

uint32_t read_version(Cursor& cursor) {
  if (cursor.left() < 8)
    cursor.fail(Errc::corrupt_data, "{} bytes are too few for a GGUF file", cursor.left());
  if (const auto magic = cursor.scalar<uint32_t>(); magic != kMagic)
    cursor.fail(Errc::corrupt_data, "starts with 0x{:08x}, not with \"GGUF\"", magic);
  const auto version = cursor.scalar<uint32_t>();
  if (version != 0 && (version & 0xFFFF) == 0)
    cursor.fail(Errc::unsupported,
                "a big-endian file (version {} byte-swapped); only little-endian ones are read",
                __builtin_bswap32(version));
  if (version != 2 && version != 3)
    cursor.fail(Errc::unsupported, "version {}, only 2 and 3 are read", version);
  return version;
}

std::vector<uint64_t> read_shape(Cursor& cursor) {
  const auto dims = cursor.scalar<uint32_t>();
  if (dims < 1 || dims > kDimsMax)
    cursor.fail(Errc::corrupt_data, "{} dimensions, 1 to {} are allowed", dims, kDimsMax);
  std::vector<uint64_t> shape;
  uint64_t elems = 1;
  while (shape.size() < dims) {
    const auto extent = cursor.scalar<uint64_t>();
    shape.push_back(extent);
    if (extent == 0) cursor.fail(Errc::corrupt_data, "a dimension of 0, at least 1 is allowed");
    if (__builtin_mul_overflow(elems, extent, &elems) || elems > uint64_t{1} << 62)
      cursor.fail(Errc::corrupt_data, "shape [{}] has more than 2^62 elements",
                  fmt::join(shape, ", "));
  }
  return shape;
}

TensorType read_tensor_type(Cursor& cursor) {
  const auto id = cursor.scalar<uint32_t>();
  const std::optional<TensorType> type = try_tensor_type(id);
  if (!type)
    cursor.fail(Errc::unsupported, "tensor type {} ({}) is not one that is read", id,
                foreign_type_name(id));
  return *type;
}

uint64_t tensor_bytes(const Cursor& cursor, TensorType type, const std::vector<uint64_t>& shape) {
  const TensorTypeInfo& row = info(type);
  if (shape[0] % row.block_elems != 0)
    cursor.fail(Errc::corrupt_data,
                "rows of {} elements are not a multiple of the {} of a {} block", shape[0],
                row.block_elems, row.name);
  if (const auto bytes = try_tensor_bytes(type, shape)) return *bytes;
  cursor.fail(Errc::corrupt_data, "shape [{}] has more than 2^64 bytes", fmt::join(shape, ", "));
}

struct TensorEntry {
  GgufTensor tensor;
  uint64_t offset;
  uint64_t size_bytes;
};

TensorEntry read_tensor_entry(Cursor& cursor) {
  cursor.enter("name of a tensor");
  TensorEntry entry{};
  entry.tensor.name = cursor.text(kGgufTensorNameBytesMax);
  cursor.enter(fmt::format("tensor '{}'", printable(entry.tensor.name)));
  entry.tensor.shape = read_shape(cursor);
  entry.tensor.type = read_tensor_type(cursor);
  entry.offset = cursor.scalar<uint64_t>();
  entry.size_bytes = tensor_bytes(cursor, entry.tensor.type, entry.tensor.shape);
  return entry;
}

uint64_t read_alignment(Cursor& cursor, const Gguf& file) {
  cursor.enter("general.alignment");
  const uint64_t alignment = file.try_u64("general.alignment").value_or(kGgufAlignmentDefault);
  if (!is_gguf_alignment(alignment))
    cursor.fail(Errc::corrupt_data, "{} is not a power of two from {} to {}", alignment,
                kGgufAlignmentMin, kGgufAlignmentMax);
  return alignment;
}

/// Points each tensor at its bytes. `data` is what follows the padded header.
void place_tensors(Cursor& cursor, std::vector<TensorEntry>& entries, uint64_t alignment,
                   std::span<const std::byte> data) {
  for (TensorEntry& entry : entries) {
    cursor.enter(fmt::format("tensor '{}'", printable(entry.tensor.name)));
    if (entry.offset % alignment != 0)
      cursor.fail(Errc::corrupt_data, "offset {} is not a multiple of the alignment {}",
                  entry.offset, alignment);
    // Subtract, never add: offset + size can wrap in a hostile file.
    if (entry.offset > data.size() || entry.size_bytes > data.size() - entry.offset)
      cursor.fail(Errc::corrupt_data, "needs bytes [{}, +{}) of the data, which has {}",
                  entry.offset, entry.size_bytes, data.size());
    entry.tensor.bytes = data.subspan(entry.offset, entry.size_bytes);
  }
}

}  // namespace

void GgufParser::parse(std::span<const std::byte> bytes, std::string_view name, Gguf& out) {
  Cursor cursor(bytes, name);
  out.name_ = name;
  out.size_bytes_ = bytes.size();
  out.version_ = read_version(cursor);
  cursor.enter("number of tensors");
  const uint64_t tensor_count = cursor.count(kTensorEntryBytesMin, kTensorsMax);
  cursor.enter("number of metadata keys");
  const uint64_t key_count = cursor.count(kMetadataEntryBytesMin, kKeysMax);

  out.metadata_.reserve(key_count);
  for (uint64_t i = 0; i < key_count; ++i) {
    cursor.enter(fmt::format("name of metadata key {}", i));
    std::string key(cursor.text(kKeyBytesMax));
    cursor.enter(fmt::format("metadata key '{}'", printable(key)));
    if (!out.metadata_index_.emplace(key, i).second)
      cursor.fail(Errc::corrupt_data, "stands there twice");
    out.metadata_.emplace_back(std::move(key), read_value(cursor));
  }

  std::vector<TensorEntry> entries;
  entries.reserve(tensor_count);
  for (uint64_t i = 0; i < tensor_count; ++i) {
    entries.push_back(read_tensor_entry(cursor));
    if (!out.tensor_index_.emplace(entries.back().tensor.name, i).second)
      cursor.fail(Errc::corrupt_data, "stands there twice");
  }

  const uint64_t alignment = read_alignment(cursor, out);
  const uint64_t padding = (alignment - cursor.position() % alignment) % alignment;
  // A file of metadata alone may end without the padding.
  cursor.enter("padding before the tensors");
  if (tensor_count > 0) cursor.take(padding);
  place_tensors(cursor, entries, alignment, bytes.subspan(cursor.position()));
  out.tensors_.reserve(tensor_count);
  for (TensorEntry& entry : entries) out.tensors_.push_back(std::move(entry.tensor));
}

}  // namespace hearth::formats
