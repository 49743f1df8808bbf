// Hostile text, and hostile vocabularies. Text that a byte-complete vocabulary encodes must decode
// to itself.
#include <cstdint>
#include <string>
#include <string_view>

#include "hearth/base/error.h"
#include "hearth/llm/tokenizer/pre_tokenizer.h"
#include "hearth/llm/tokenizer/small_vocabularies.h"
#include "hearth/llm/tokenizer/tokenizer.h"

using namespace hearth;
using namespace hearth::llm;

namespace {

std::unique_ptr<Tokenizer> make_spm_fixture() {
  OwnedSpec spec = spm_spec(
      {{"▁", -1}, {"▁▁", -1.5f}, {"a", -2}, {"▁a", -3}, {"aa", -3}, {"é", -4}, {"aé", -4}});
  spec.add("  ", TokenKind::user_defined);
  spec.add("<x>", TokenKind::user_defined);
  return spec.make();
}

std::unique_ptr<Tokenizer> make_bpe_fixture(std::string_view pre) {
  OwnedSpec spec = bpe_spec({"a a", "aa aa", "Ġ a", "Ã ©", "Ġ Ġ", "ĠĠ ĠĠ", "Ċ Ċ", "1 2", "12 3"},
                            std::string(pre));
  spec.add("<x>", TokenKind::user_defined);
  return spec.make();
}

void check_round_trip(const Tokenizer& tokenizer, std::string_view text) {
  const EncodeOptions options = {.add_special = false, .parse_special = false};
  const std::vector<int32_t> ids = tokenizer.encode(text, options);
  HEARTH_CHECK(tokenizer.decode(ids, /*show_special=*/true) == text);
  HEARTH_CHECK(tokenizer.encode(text, options) == ids);  // words known by now
  tokenizer.encode(text, {.add_special = true, .parse_special = true});
  StreamingDecoder decoder(tokenizer, /*at_start=*/true);
  for (int32_t id : ids) decoder.push(id);
  decoder.finish();
}

// A vocabulary from the input: one token a line, its first byte the kind, its second the score;
// every fourth line a merge. Errors are what hostile vocabularies end in; anything else must work.
void try_vocabulary(std::string_view input, std::string_view text) {
  OwnedSpec spec;
  const std::string_view models[] = {"llama", "gpt2", "bert", "gemma4"};
  const auto byte = [&](size_t i) {
    return i < input.size() ? static_cast<uint8_t>(input[i]) : uint8_t{0};
  };
  const auto pres = pre_tokenizers();
  spec.spec.model = models[byte(0) % 4];
  spec.spec.pre = pres[byte(1) % pres.size()].name;
  spec.spec.bos = byte(2);
  spec.spec.eos = byte(3);
  spec.spec.unk = byte(4);
  spec.spec.sep = byte(5);
  spec.spec.add_eos = byte(6) & 1;
  spec.spec.add_space_prefix = byte(6) & 2;
  if (byte(6) & 4) spec.spec.model_name = "phi-3";
  input.remove_prefix(std::min<size_t>(input.size(), 7));
  for (int line_number = 0; !input.empty(); ++line_number) {
    const size_t size = std::min(input.find('\n'), input.size());
    const std::string_view line = input.substr(0, size);
    input.remove_prefix(std::min(size + 1, input.size()));
    if (line_number % 4 == 3)
      spec.merges.emplace_back(line);
    else if (line.size() >= 2)
      spec.add(std::string(line.substr(2)), static_cast<TokenKind>(line[0] % 7),
               static_cast<float>(line[1]));
  }
  const std::unique_ptr<Tokenizer> tokenizer = spec.make();
  const std::vector<int32_t> ids =
      tokenizer->encode(text, {.add_special = true, .parse_special = true});
  tokenizer->decode(ids, true);
  for (int32_t id = 0; id < tokenizer->vocab_size(); ++id) {
    tokenizer->piece(id, true);
    tokenizer->is_end_of_generation(id);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view text = input.substr(1);
  static const std::unique_ptr<Tokenizer> spm = make_spm_fixture();
  static const std::vector<std::unique_ptr<Tokenizer>> byte_level = [] {
    std::vector<std::unique_ptr<Tokenizer>> all;
    for (const PreTokenizer& pre : pre_tokenizers())
      if (!pre.has(kIsRaw)) all.push_back(make_bpe_fixture(pre.name));
    return all;
  }();
  // U+2581 in a text is a space to SPM, as in SentencePiece: such texts do not come back.
  if (text.find("\xe2\x96\x81") == std::string_view::npos) check_round_trip(*spm, text);
  check_round_trip(*byte_level[data[0] % byte_level.size()], text);
  try {
    try_vocabulary(text, text.substr(0, 256));
  } catch (const Error&) {
  }
  return 0;
}
