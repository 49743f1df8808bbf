// From a file's metadata to a TokenizerSpec: names of keys and nothing else.
#include "hearth/formats/gguf.h"
#include "hearth/llm/tokenizer/vocabulary.h"

namespace hearth::llm {
namespace {

// An id that is negative or not a number at all marks "none" in some files.
std::optional<uint64_t> try_id(const formats::Gguf& file, std::string_view key) {
  const auto value = file.try_i64(key);
  if (!value || *value < 0) return std::nullopt;
  return static_cast<uint64_t>(*value);
}

std::span<const std::string> try_strings(const formats::Gguf& file, std::string_view key) {
  const std::vector<std::string>* strings = file.try_strings(key);
  return strings ? std::span<const std::string>(*strings) : std::span<const std::string>();
}

}  // namespace

TokenizerSpec read_tokenizer_spec(const formats::Gguf& file) {
  TokenizerSpec spec;
  spec.model = file.string("tokenizer.ggml.model");
  spec.pre = file.try_string("tokenizer.ggml.pre").value_or("");
  spec.tokens = try_strings(file, "tokenizer.ggml.tokens");
  spec.merges = try_strings(file, "tokenizer.ggml.merges");
  spec.scores = file.try_floats("tokenizer.ggml.scores").value_or(std::vector<float>());
  spec.kinds = file.try_ints("tokenizer.ggml.token_type").value_or(std::vector<int64_t>());
  spec.bos = try_id(file, "tokenizer.ggml.bos_token_id");
  spec.eos = try_id(file, "tokenizer.ggml.eos_token_id");
  spec.eot = try_id(file, "tokenizer.ggml.eot_token_id");
  spec.eom = try_id(file, "tokenizer.ggml.eom_token_id");
  spec.unk = try_id(file, "tokenizer.ggml.unknown_token_id");
  spec.sep = try_id(file, "tokenizer.ggml.seperator_token_id");  // spelled so in the format
  spec.fim_pad = try_id(file, "tokenizer.ggml.fim_pad_token_id");
  spec.fim_rep = try_id(file, "tokenizer.ggml.fim_rep_token_id");
  spec.fim_sep = try_id(file, "tokenizer.ggml.fim_sep_token_id");
  spec.add_bos = file.try_bool("tokenizer.ggml.add_bos_token");
  spec.add_eos = file.try_bool("tokenizer.ggml.add_eos_token");
  spec.add_space_prefix = file.try_bool("tokenizer.ggml.add_space_prefix");
  spec.lowercase = file.try_bool("tokenizer.ggml.normalizer.lowercase");
  spec.strip_accents = file.try_bool("tokenizer.ggml.normalizer.strip_accents");
  spec.model_name = file.try_string("general.name").value_or("");
  spec.architecture = file.try_string("general.architecture").value_or("");
  return spec;
}

}  // namespace hearth::llm
