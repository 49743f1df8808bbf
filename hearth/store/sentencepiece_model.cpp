#include "hearth/store/sentencepiece_model.h"

#include <cstring>

#include "hearth/base/error.h"

namespace hearth::store {
namespace {

// Wire types of protocol buffers (https://protobuf.dev/programming-guides/encoding).
enum class Wire : uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

/// Walks the fields of one message.
class Message {
 public:
  Message(std::string_view bytes, std::string_view file) : rest_(bytes), file_(file) {}

  /// Reads the next field; false at the end. Afterwards number(), and integer(), real() or bytes()
  /// by its wire type.
  bool next() {
    if (rest_.empty()) return false;
    const uint64_t tag = varint();
    number_ = tag >> 3;
    wire_ = static_cast<Wire>(tag & 7);
    switch (wire_) {
      case Wire::varint:
        integer_ = varint();
        return true;
      case Wire::fixed64:
        payload_ = take(8);
        return true;
      case Wire::bytes:
        payload_ = take(varint());
        return true;
      case Wire::fixed32:
        payload_ = take(4);
        return true;
    }
    throw Error(Errc::corrupt_data, "{}: wire type {} in a protocol buffer", file_, tag & 7);
  }

  uint64_t number() const { return number_; }
  uint64_t integer() const {
    expect(Wire::varint);
    return integer_;
  }
  std::string_view bytes() const {
    expect(Wire::bytes);
    return payload_;
  }
  float real() const {
    expect(Wire::fixed32);
    float value;
    std::memcpy(&value, payload_.data(), sizeof value);
    return value;
  }

 private:
  void expect(Wire wire) const {
    if (wire != wire_)
      throw Error(Errc::corrupt_data, "{}: field {} has wire type {}, expected {}", file_, number_,
                  static_cast<int>(wire_), static_cast<int>(wire));
  }

  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<uint8_t>(take(1)[0]);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    throw Error(Errc::corrupt_data, "{}: an integer of more than 10 bytes in a protocol buffer",
                file_);
  }

  std::string_view take(uint64_t n) {
    if (n > rest_.size())
      throw Error(Errc::corrupt_data, "{}: a field needs {} bytes, but {} are left", file_, n,
                  rest_.size());
    const std::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }

  std::string_view rest_, file_, payload_;
  uint64_t number_ = 0, integer_ = 0;
  Wire wire_ = Wire::varint;
};

SentencePiece parse_piece(std::string_view bytes, std::string_view file) {
  SentencePiece piece;
  for (Message m(bytes, file); m.next();) {
    if (m.number() == 1) piece.text = m.bytes();
    if (m.number() == 2) piece.score = m.real();
    if (m.number() == 3) {
      if (m.integer() < 1 || m.integer() > 6)
        throw Error(Errc::corrupt_data, "{}: piece type {}, 1 to 6 are defined", file, m.integer());
      piece.kind = static_cast<PieceKind>(m.integer());
    }
  }
  return piece;
}

void parse_trainer(std::string_view bytes, std::string_view file, SentencePieceModel& model) {
  for (Message m(bytes, file); m.next();) {
    if (m.number() != 3) continue;
    if (m.integer() < 1 || m.integer() > 4)
      throw Error(Errc::corrupt_data, "{}: model type {}, 1 to 4 are defined", file, m.integer());
    model.kind = static_cast<SentencePieceModel::Kind>(m.integer());
  }
}

void parse_normalizer(std::string_view bytes, std::string_view file, SentencePieceModel& model) {
  for (Message m(bytes, file); m.next();) {
    if (m.number() == 2) model.has_charsmap = !m.bytes().empty();
    if (m.number() == 3) model.add_dummy_prefix = m.integer() != 0;
    if (m.number() == 4) model.remove_extra_whitespaces = m.integer() != 0;
  }
}

}  // namespace

SentencePieceModel parse_sentencepiece_model(std::string_view bytes, std::string_view name) {
  SentencePieceModel model;
  for (Message m(bytes, name); m.next();) {
    if (m.number() == 1) model.pieces.push_back(parse_piece(m.bytes(), name));
    if (m.number() == 2) parse_trainer(m.bytes(), name, model);
    if (m.number() == 3) parse_normalizer(m.bytes(), name, model);
  }
  if (model.pieces.empty()) throw Error(Errc::corrupt_data, "{}: has no pieces", name);
  return model;
}

}  // namespace hearth::store
