#include "hearth/llm/tokenizer/small_vocabularies.h"

#include <sstream>
#include <unordered_map>

#include "hearth/base/error.h"
#include "hearth/llm/tokenizer/byte_alphabet.h"
#include "hearth/llm/tokenizer/unicode.h"

namespace hearth::llm {
namespace {

std::string base64_decode(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (char c : text) {
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) break;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>(bits >> count));
  }
  return out;
}

std::string spell_bytes(std::string_view bytes) {
  std::string spelling;
  for (char c : bytes) append_utf8(spelling, spell_byte(static_cast<uint8_t>(c)));
  return spelling;
}

using Ranks = std::unordered_map<std::string, size_t>;

// The two parts from which the token of rank `limit` was merged last.
std::pair<std::string, std::string> take_apart(const std::string& token, const Ranks& ranks,
                                               size_t limit) {
  std::vector<std::string> parts;
  for (char c : token) parts.emplace_back(1, c);
  while (parts.size() > 2) {
    size_t best = 0, best_rank = limit;
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto found = ranks.find(parts[i] + parts[i + 1]);
      if (found != ranks.end() && found->second < best_rank) {
        best_rank = found->second;
        best = i;
      }
    }
    HEARTH_CHECK(best_rank < limit);
    parts[best] += parts[best + 1];
    parts.erase(parts.begin() + static_cast<ptrdiff_t>(best) + 1);
  }
  return {parts[0], parts[1]};
}

}  // namespace

int32_t OwnedSpec::add(std::string token, TokenKind kind, float score) {
  tokens.push_back(std::move(token));
  spec.kinds.push_back(static_cast<int64_t>(kind));
  spec.scores.push_back(score);
  return static_cast<int32_t>(tokens.size()) - 1;
}

void OwnedSpec::merge(const std::string& left, const std::string& right) {
  merges.push_back(left + " " + right);
  add(left + right);
}

std::unique_ptr<Tokenizer> OwnedSpec::make() {
  spec.tokens = tokens;
  spec.merges = merges;
  return Tokenizer::make(spec);
}

OwnedSpec spm_spec(const std::vector<std::pair<std::string, float>>& scored) {
  OwnedSpec owned;
  owned.spec.model = "llama";
  owned.add("<unk>", TokenKind::unknown);
  owned.add("<s>", TokenKind::control);
  owned.add("</s>", TokenKind::control);
  for (int byte = 0; byte < 256; ++byte)
    owned.add(hex_token(static_cast<uint8_t>(byte)), TokenKind::byte);
  for (const auto& [token, score] : scored) owned.add(token, TokenKind::normal, score);
  return owned;
}

OwnedSpec bpe_spec(const std::vector<std::string>& merges, std::string pre) {
  OwnedSpec owned;
  owned.spec.model = "gpt2";
  owned.spec.pre = std::move(pre);
  for (int byte = 0; byte < 256; ++byte) {
    std::string spelling;
    append_utf8(spelling, spell_byte(static_cast<uint8_t>(byte)));
    owned.add(spelling);
  }
  for (const std::string& line : merges) {
    const size_t space = line.find(' ');
    owned.merge(line.substr(0, space), line.substr(space + 1));
  }
  const int32_t end = owned.add("<|end|>", TokenKind::control);
  owned.spec.bos = owned.spec.eos = static_cast<uint64_t>(end);
  return owned;
}

OwnedSpec wpm_spec(const std::vector<std::string>& words) {
  OwnedSpec owned;
  owned.spec.model = "bert";
  for (const char* name : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"})
    owned.add(name, TokenKind::control);
  for (const std::string& word : words) owned.add(word);
  owned.spec.unk = 1;
  owned.spec.bos = 2;
  owned.spec.sep = 3;
  return owned;
}

OwnedSpec tiktoken_spec(std::string_view lines, std::string pre, size_t tokens_max) {
  OwnedSpec owned;
  owned.spec.model = "gpt2";
  owned.spec.pre = std::move(pre);
  Ranks ranks;
  std::istringstream in{std::string(lines)};
  std::string digits;
  for (size_t rank; owned.tokens.size() < tokens_max && in >> digits >> rank;) {
    const std::string token = base64_decode(digits);
    if (token.size() > 1) {
      const auto [left, right] = take_apart(token, ranks, rank);
      owned.merges.push_back(spell_bytes(left) + " " + spell_bytes(right));
    }
    ranks.emplace(token, rank);
    owned.add(spell_bytes(token));
  }
  const int32_t end = owned.add("<|endoftext|>", TokenKind::control);
  owned.spec.bos = owned.spec.eos = static_cast<uint64_t>(end);
  return owned;
}

}  // namespace hearth::llm
