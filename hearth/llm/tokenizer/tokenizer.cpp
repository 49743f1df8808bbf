#include "hearth/llm/tokenizer/tokenizer.h"

#include "hearth/llm/tokenizer/bpe.h"
#include "hearth/llm/tokenizer/byte_alphabet.h"
#include "hearth/llm/tokenizer/spm.h"
#include "hearth/llm/tokenizer/wpm.h"

namespace hearth::llm {
namespace {

/// Refuses what would need gigabytes of ids before it is tried.
constexpr size_t kTextBytesMax = size_t{1} << 30;

}  // namespace

Tokenizer::Tokenizer(Vocabulary vocabulary)
    : vocabulary_(std::move(vocabulary)), special_tokens_(vocabulary_) {}

std::unique_ptr<Tokenizer> Tokenizer::load(const formats::Gguf& file) {
  const TokenizerSpec spec = read_tokenizer_spec(file);
  try {
    return make(spec);
  } catch (const Error& error) {  // a spec does not know where it comes from
    throw error.with_context(file.name());
  }
}

std::unique_ptr<Tokenizer> Tokenizer::make(const TokenizerSpec& spec) {
  if (spec.model == "llama") return make_spm(spec);
  if (spec.model == "gpt2" || spec.model == "gemma4") return make_bpe(spec);
  if (spec.model == "bert") return make_wpm(spec);
  throw Error(Errc::unsupported, "tokenizer.ggml.model '{}' is none of llama, gpt2, gemma4, bert",
              spec.model);
}

Tokenizer::Piece Tokenizer::marked_piece(const Vocabulary& vocabulary, int32_t id) {
  const std::string& spelling = vocabulary.spelling(id);
  switch (vocabulary.kind(id)) {
    case TokenKind::byte:
      if (const auto byte = byte_of_hex_token(spelling))
        return {std::string(1, static_cast<char>(*byte))};
      return {spelling};
    case TokenKind::normal:
    case TokenKind::unused:
      return {without_space_marks(spelling)};
    default:
      return {spelling};
  }
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  if (text.size() > kTextBytesMax)
    throw Error(Errc::resource_exhausted, "text of {} bytes exceeds the limit of {}", text.size(),
                kTextBytesMax);
  std::vector<int32_t> ids;
  ids.reserve(text.size() / 4 + 2);
  if (options.add_special) add_start(ids);
  bool after_special = true;
  for (const TextFragment& fragment :
       special_tokens_.split(text, options.parse_special, options.fences)) {
    if (fragment.token >= 0)
      ids.push_back(fragment.token);
    else
      encode_text(fragment.text, after_special, ids);
    after_special = fragment.token >= 0;
  }
  if (options.add_special) add_end(ids);
  return ids;
}

void Tokenizer::add_start(std::vector<int32_t>& ids) const {
  if (vocabulary_.adds_bos) ids.push_back(*vocabulary_.bos);
}

void Tokenizer::add_end(std::vector<int32_t>& ids) const {
  if (vocabulary_.adds_eos) ids.push_back(*vocabulary_.eos);
}

int Tokenizer::vocab_size() const { return vocabulary_.size(); }

std::string Tokenizer::piece(int32_t id, bool show_special) const {
  HEARTH_CHECK(id >= 0 && id < vocab_size());
  const TokenKind kind = vocabulary_.kind(id);
  if (!show_special && (kind == TokenKind::control || kind == TokenKind::unknown)) return {};
  return std::string(pieces_[id]);
}

const std::string& Tokenizer::spelling(int32_t id) const {
  HEARTH_CHECK(id >= 0 && id < vocab_size());
  return vocabulary_.spelling(id);
}

TokenKind Tokenizer::kind(int32_t id) const {
  HEARTH_CHECK(id >= 0 && id < vocab_size());
  return vocabulary_.kind(id);
}

std::optional<int32_t> Tokenizer::find(std::string_view spelling) const {
  const int32_t id = vocabulary_.find(spelling);
  return id >= 0 ? std::optional<int32_t>(id) : std::nullopt;
}

std::optional<int32_t> Tokenizer::bos() const { return vocabulary_.bos; }
std::optional<int32_t> Tokenizer::eos() const { return vocabulary_.eos; }
bool Tokenizer::adds_bos() const { return vocabulary_.adds_bos; }

bool Tokenizer::is_end_of_generation(int32_t id) const {
  return id >= 0 && id < vocab_size() && vocabulary_.is_end_of_generation(id);
}

bool Tokenizer::strips_leading_space() const { return vocabulary_.adds_space_prefix; }

std::string Tokenizer::decode(std::span<const int32_t> ids, bool show_special) const {
  std::string text;
  for (int32_t id : ids) HEARTH_CHECK(id >= 0 && id < vocab_size());
  // The encoder put a space before the first word and before each word after a special token.
  bool after_special = true;
  for (int32_t id : ids) {
    std::string_view bytes = pieces_[id];
    const TokenKind kind = vocabulary_.kind(id);
    const bool is_special =
        kind == TokenKind::control || kind == TokenKind::unknown || kind == TokenKind::user_defined;
    if (kind != TokenKind::user_defined && is_special && !show_special) bytes = {};
    if (strips_leading_space() && after_special && !is_special && bytes.starts_with(' '))
      bytes.remove_prefix(1);
    after_special = is_special;
    text += bytes;
  }
  return text;
}

}  // namespace hearth::llm
