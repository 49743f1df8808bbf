// The vocabulary of a SentencePiece model (tokenizer.model), a protocol buffer.
//
// Fields: google/sentencepiece, src/sentencepiece_model.proto. Only what a GGUF file carries is
// kept.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::store {

/// Kinds as in the .proto, whose numbers GGUF's token_type shares.
enum class PieceKind : int32_t {
  normal = 1,
  unknown = 2,
  control = 3,
  user_defined = 4,
  unused = 5,
  byte = 6
};

struct SentencePiece {
  std::string text;
  float score = 0;
  PieceKind kind = PieceKind::normal;
};

struct SentencePieceModel {
  enum class Kind : uint8_t { unigram = 1, bpe = 2, word = 3, character = 4 };
  Kind kind = Kind::unigram;  // the .proto's default
  std::vector<SentencePiece> pieces;
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool has_charsmap = false;  // a table that replaces characters in texts
};

/// Reads a model that is in memory; `name` goes into messages. Errors: corrupt_data.
SentencePieceModel parse_sentencepiece_model(std::string_view bytes, std::string_view name);

}  // namespace hearth::store
