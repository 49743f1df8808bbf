// Text to token ids and back, for every tokenizer a GGUF file can carry.
//
// Vocabularies: SPM (score-driven merges), byte-level BPE (rank-driven merges after a pre-tokeniser), WPM (greedy
// longest match). Immutable after construction; every method may be called from any thread.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/formats/gguf.h"

namespace hearth::llm {

enum class TokenKind : uint8_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

struct EncodeOptions {
  /// Adds BOS/EOS (for WPM [CLS]/[SEP]) where the model's metadata asks for them.
  bool add_special = true;
  /// Text such as "<|im_end|>" becomes its control token; otherwise control tokens' texts are ordinary text.
  bool parse_special = false;
};

class Tokenizer {
 public:
  /// Reads tokenizer.ggml.*. Errors: corrupt_data, unsupported (tokenizer model or pre-tokeniser), naming the key.
  static std::unique_ptr<Tokenizer> load(const formats::Gguf& file);
  virtual ~Tokenizer() = default;

  /// Ids of `text`, any bytes: invalid UTF-8 never fails.
  std::vector<int32_t> encode(std::string_view text, const EncodeOptions& options) const;

  int vocab_size() const;
  /// The token's bytes as they appear in text: "▁the" gives " the", "<0x0A>" a newline. Control tokens give their
  /// name only when `show_special`. `id` in [0, vocab_size).
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
  /// Text of all ids; the leading space that SPM adds to the first word is removed as its encoder added it.
  std::string decode(std::span<const int32_t> ids, bool show_special = false) const;
  /// True when decoding drops one leading space of the first piece (SPM with add_space_prefix).
  bool strips_leading_space() const;
};

/// Turns ids into text as they come, holding back bytes until a UTF-8 character is complete.
class StreamingDecoder {
 public:
  /// `at_start`: the first piece loses the space that the encoder added.
  StreamingDecoder(const Tokenizer& tokenizer, bool at_start, bool show_special = false);
  /// Text that is complete after `id`; may be empty. Bytes that can never become a character come out as U+FFFD.
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
