#include <algorithm>
#include <cstring>

#include "hearth/formats/gguf.h"
#include "hearth/formats/gguf_parse.h"

namespace hearth::formats {
namespace {

constexpr std::string_view kAlignmentKey = "general.alignment";

template <class T>
void put(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

void put(std::string& out, const std::string& text) {
  put(out, uint64_t{text.size()});
  out += text;
}

/// Values are written as their alternative's index: GgufValue lists them in the order of GgufType.
void put_type(std::string& out, size_t index) { put(out, static_cast<uint32_t>(index)); }

void put_array(std::string& out, const GgufArray& array) {
  // GgufArray's alternatives are GgufValue's without the array itself.
  const size_t index = array.items.index();
  put_type(out, index < static_cast<size_t>(GgufType::array) ? index : index + 1);
  put(out, uint64_t{array.size()});
  std::visit(
      [&](const auto& items) {
        using Item = typename std::remove_cvref_t<decltype(items)>::value_type;
        for (const auto& item : items) {
          if constexpr (std::is_same_v<Item, bool>)
            put(out, static_cast<uint8_t>(item));
          else
            put(out, item);
        }
      },
      array.items);
}

void put_value(std::string& out, const GgufValue& value) {
  put_type(out, value.index());
  std::visit(
      [&](const auto& held) {
        using Held = std::remove_cvref_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, GgufArray>)
          put_array(out, held);
        else if constexpr (std::is_same_v<Held, bool>)
          put(out, static_cast<uint8_t>(held));
        else
          put(out, held);
      },
      value);
}

/// The format wants this one as u32; files that came from elsewhere hold other widths too.
uint32_t checked_alignment(const GgufValue& value) {
  const std::optional<uint64_t> alignment = try_u64(value);
  if (!alignment || !is_gguf_alignment(*alignment))
    throw Error(Errc::invalid_argument, "{}: not a power of two from {} to {}", kAlignmentKey,
                kGgufAlignmentMin, kGgufAlignmentMax);
  return static_cast<uint32_t>(*alignment);
}

uint64_t padding(uint64_t position, uint64_t alignment) {
  return (alignment - position % alignment) % alignment;
}

uint64_t checked_size_bytes(std::string_view name, TensorType type,
                            const std::vector<uint64_t>& shape) {
  if (name.size() > kGgufTensorNameBytesMax)
    throw Error(Errc::invalid_argument, "tensor '{}': a name of {} bytes, at most {} are allowed",
                name, name.size(), kGgufTensorNameBytesMax);
  if (shape.empty() || shape.size() > 4 || std::ranges::count(shape, 0u) > 0)
    throw Error(Errc::invalid_argument,
                "tensor '{}': shape [{}], 1 to 4 dimensions of at least 1 are allowed", name,
                fmt::join(shape, ", "));
  if (shape[0] % info(type).block_elems != 0)
    throw Error(Errc::invalid_argument,
                "tensor '{}': rows of {} elements are not a multiple of the {} of a {} block", name,
                shape[0], info(type).block_elems, info(type).name);
  if (const auto bytes = try_tensor_bytes(type, shape)) return *bytes;
  throw Error(Errc::invalid_argument, "tensor '{}': shape [{}] has more than 2^64 bytes", name,
              fmt::join(shape, ", "));
}

}  // namespace

GgufWriter::GgufWriter(const fs::path& path) : file_(path), alignment_(kGgufAlignmentDefault) {}

void GgufWriter::set(std::string key, GgufValue value) {
  HEARTH_CHECK(!header_written_);
  if (key == kAlignmentKey) value = alignment_ = checked_alignment(value);
  const auto found = std::ranges::find(metadata_, key, &std::pair<std::string, GgufValue>::first);
  if (found != metadata_.end())
    found->second = std::move(value);
  else
    metadata_.emplace_back(std::move(key), std::move(value));
}

void GgufWriter::declare(std::string name, TensorType type, std::vector<uint64_t> shape) {
  HEARTH_CHECK(!header_written_);
  const uint64_t size_bytes = checked_size_bytes(name, type, shape);
  if (!names_.insert(name).second)
    throw Error(Errc::invalid_argument, "tensor '{}' is declared twice", name);
  tensors_.push_back({std::move(name), type, std::move(shape), size_bytes});
}

void GgufWriter::write_header() {
  std::string header = "GGUF";
  put(header, uint32_t{3});
  put(header, uint64_t{tensors_.size()});
  put(header, uint64_t{metadata_.size()});
  for (const auto& [key, value] : metadata_) {
    put(header, key);
    put_value(header, value);
  }
  uint64_t offset = 0;
  for (const Declared& tensor : tensors_) {
    put(header, tensor.name);
    put(header, static_cast<uint32_t>(tensor.shape.size()));
    for (const uint64_t extent : tensor.shape) put(header, extent);
    put(header, static_cast<uint32_t>(tensor.type));
    put(header, offset);
    offset += tensor.size_bytes + padding(tensor.size_bytes, alignment_);
  }
  file_.write(header);
  pad();
  header_written_ = true;
}

void GgufWriter::pad() {
  file_.write(std::string(padding(file_.written_bytes(), alignment_), '\0'));
}

void GgufWriter::write(std::span<const std::byte> bytes) {
  if (!header_written_) write_header();
  HEARTH_CHECK(current_ < tensors_.size());
  HEARTH_CHECK(bytes.size() <= tensors_[current_].size_bytes - current_written_);
  file_.write(bytes);
  current_written_ += bytes.size();
  if (current_written_ < tensors_[current_].size_bytes) return;
  pad();
  ++current_;
  current_written_ = 0;
}

void GgufWriter::finish() {
  if (!header_written_) write_header();
  HEARTH_CHECK(current_ == tensors_.size());
  file_.commit();
}

}  // namespace hearth::formats
