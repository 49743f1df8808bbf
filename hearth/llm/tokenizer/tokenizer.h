// Text to token ids and back, for every tokenizer a GGUF file can carry.
//
// Vocabularies: SPM (score-driven merges), byte-level BPE (rank-driven merges after a
// pre-tokeniser), WPM (greedy longest match). Immutable after construction; every method may be
// called from any thread.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/formats/gguf.h"
#include "hearth/llm/tokenizer/special_tokens.h"
#include "hearth/llm/tokenizer/token_table.h"
#include "hearth/llm/tokenizer/vocabulary.h"

namespace hearth::llm {

struct EncodeOptions {
  /// Adds BOS/EOS (for WPM [CLS]/[SEP]) where the model's metadata asks for them.
  bool add_special = true;
  /// Text such as "<|im_end|>" becomes its control token; otherwise control tokens' texts are
  /// ordinary text.
  bool parse_special = false;
  /// Offsets in the text, ascending: no control or user-defined token covers the byte before one of
  /// them. For text that strangers wrote, inside a text where control tokens are meant.
  std::span<const size_t> fences = {};
};

class Tokenizer {
 public:
  /// Reads tokenizer.ggml.*. Errors: corrupt_data, unsupported (tokenizer model or pre-tokeniser),
  /// naming file and key.
  static std::unique_ptr<Tokenizer> load(const formats::Gguf& file);
  /// The same from what was read elsewhere. `spec` is not needed afterwards.
  static std::unique_ptr<Tokenizer> make(const TokenizerSpec& spec);
  virtual ~Tokenizer() = default;

  /// Ids of `text`, any bytes: invalid UTF-8 never fails.
  std::vector<int32_t> encode(std::string_view text, const EncodeOptions& options) const;

  int vocab_size() const;
  /// The token's bytes as they appear in text: "▁the" gives " the", "<0x0A>" a newline. Control
  /// tokens give their name only when `show_special`. `id` in [0, vocab_size).
  std::string piece(int32_t id, bool show_special = false) const;
  /// The token as the vocabulary spells it.
  const std::string& spelling(int32_t id) const;
  TokenKind kind(int32_t id) const;
  /// The id spelled exactly so; nothing when absent.
  std::optional<int32_t> find(std::string_view spelling) const;

  std::optional<int32_t> bos() const;
  std::optional<int32_t> eos() const;
  bool adds_bos() const;
  /// True for every token after which a generation ends (EOS, EOT, EOM and their known names).
  bool is_end_of_generation(int32_t id) const;
  /// Text of all ids; the leading space that SPM adds to the first word is removed as its encoder
  /// added it.
  std::string decode(std::span<const int32_t> ids, bool show_special = false) const;
  /// True when decoding drops one leading space of the first piece (SPM with add_space_prefix).
  bool strips_leading_space() const;

 protected:
  explicit Tokenizer(Vocabulary vocabulary);
  /// Appends the ids of text without special tokens. `after_special`: nothing or a special token
  /// stands before it.
  virtual void encode_text(std::string_view text, bool after_special,
                           std::vector<int32_t>& ids) const = 0;
  virtual void add_start(std::vector<int32_t>& ids) const;
  virtual void add_end(std::vector<int32_t>& ids) const;
  /// A token's bytes as they appear in text, and whether pieces_.find may find it.
  struct Piece {
    std::string bytes;
    bool is_findable = false;
  };
  /// The piece of a vocabulary that spells characters, with U+2581 for spaces and <0xNN> for bytes.
  static Piece marked_piece(const Vocabulary& vocabulary, int32_t id);
  /// Fills pieces_ with read(id) for every id.
  template <class Read>
  void set_pieces(Read read) {
    // A piece is never longer than its spelling.
    pieces_ = TokenTable(static_cast<size_t>(vocabulary_.size()), vocabulary_.spelled_bytes());
    for (int32_t id = 0; id < vocabulary_.size(); ++id) {
      const Piece piece = read(id);
      pieces_.add(piece.bytes, piece.is_findable);
    }
  }

  const Vocabulary vocabulary_;
  TokenTable pieces_;  // each token's bytes as they appear in text; control tokens' names

 private:
  const SpecialTokens special_tokens_;
};

/// Turns ids into text as they come, holding back bytes until a UTF-8 character is complete.
class StreamingDecoder {
 public:
  /// `at_start`: the first piece loses the space that the encoder added.
  StreamingDecoder(const Tokenizer& tokenizer, bool at_start, bool show_special = false);
  /// Text that is complete after `id`; may be empty. Bytes that can never become a character come
  /// out as U+FFFD.
  std::string push(int32_t id);
  /// What was held back, incomplete bytes as U+FFFD.
  std::string finish();

 private:
  const Tokenizer* tokenizer_;
  bool strip_space_;
  bool show_special_;
  std::string held_;
};

}  // namespace hearth::llm
