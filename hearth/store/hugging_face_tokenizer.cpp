#include "hearth/store/hugging_face_tokenizer.h"

#include <algorithm>

#include "hearth/base/error.h"
#include "hearth/store/tokenizer_files.h"
#include "hearth/store/vocabulary_tables.h"

namespace hearth::store {
namespace {

using formats::GgufArray;
using nlohmann::json;

constexpr size_t kTemplateBytesMax = size_t{1} << 20;

/// A special token of tokenizer_config.json: its text, or an object with "content".
std::optional<std::string> special_text(const std::optional<JsonObject>& config,
                                        std::string_view key) {
  const json* field = config ? config->find(key) : nullptr;
  if (!field) return std::nullopt;
  if (field->is_string()) return field->get<std::string>();
  if (field->is_object()) return JsonObject(*field, config->where()).try_string("content");
  return std::nullopt;
}

/// What a TemplateProcessing post-processor puts before or behind a single text.
bool template_has_token(const json& processor, const std::string& token, bool at_front) {
  if (!processor.is_object()) return false;
  if (processor.contains("processors") && processor["processors"].is_array())
    return std::ranges::any_of(processor["processors"], [&](const json& inner) {
      return template_has_token(inner, token, at_front);
    });
  if (!processor.contains("single") || !processor["single"].is_array() ||
      processor["single"].empty())
    return false;
  const json& end = at_front ? processor["single"].front() : processor["single"].back();
  return end.is_object() && end.contains("SpecialToken") && end["SpecialToken"].is_object() &&
         end["SpecialToken"].value("id", "") == token;
}

std::optional<bool> adds_token(const TokenizerFiles& folder, std::string_view flag,
                               const std::optional<std::string>& token, bool at_front) {
  const auto tokenizer = folder.tokenizer.object();
  // The post-processor is what runs; the flag of tokenizer_config.json is what slow tokenizers
  // obey.
  if (const json* processor = tokenizer ? tokenizer->find("post_processor") : nullptr;
      processor && token)
    if (template_has_token(*processor, *token, at_front)) return true;
  if (const auto config = folder.config.object())
    if (const auto value = config->try_bool(flag)) return value;
  return tokenizer ? std::optional(false) : std::nullopt;
}

void add_special_ids(const TokenizerFiles& folder, const HuggingFaceConfig& config,
                     const VocabularyTables& vocabulary, GgufKeys& out) {
  const auto names = folder.config.object();
  const auto add = [&](std::string_view key, std::optional<uint64_t> id) {
    if (id && *id < vocabulary.tokens.size())
      out.emplace_back(fmt::format("tokenizer.ggml.{}_token_id", key), static_cast<uint32_t>(*id));
    return id;
  };
  const auto id_of = [&](std::string_view field,
                         std::optional<uint64_t> fallback) -> std::optional<uint64_t> {
    if (const auto text = special_text(names, field))
      if (const auto id = vocabulary.find(*text)) return *id;
    return fallback;
  };
  std::vector<uint64_t> ends;
  if (const auto generation = folder.generation.object()) ends = generation->ids("eos_token_id");
  ends.insert(ends.end(), config.eos.begin(), config.eos.end());
  if (vocabulary.model == "bert") {
    // [CLS] opens a text and [SEP] closes it; "seperator" is how the format spells it.
    add("bos", id_of("cls_token", vocabulary.find("[CLS]")));
    add("cls", id_of("cls_token", vocabulary.find("[CLS]")));
    add("seperator", id_of("sep_token", vocabulary.find("[SEP]")));
    add("unknown", id_of("unk_token", vocabulary.find("[UNK]")));
    add("mask", id_of("mask_token", vocabulary.find("[MASK]")));
    add("padding", id_of("pad_token", config.pad));
    return;
  }
  add("bos", id_of("bos_token", config.bos));
  const auto eos =
      add("eos", id_of("eos_token", ends.empty() ? std::nullopt : std::optional(ends.front())));
  add("unknown", id_of("unk_token", std::nullopt));
  add("padding", id_of("pad_token", config.pad));
  // A model may end its turn or its message with other tokens than the text's end.
  bool has_eot = false;
  for (const uint64_t id : ends) {
    if (id == eos || id >= vocabulary.tokens.size()) continue;
    if (vocabulary.tokens[id] == "<|eom_id|>") {
      add("eom", id);
    } else if (vocabulary.tokens[id] != "<|end_of_text|>" && !has_eot) {
      add("eot", id);
      has_eot = true;
    }
  }
}

void add_chat_templates(const TokenizerFiles& folder, GgufKeys& out) {
  constexpr std::string_view kKey = "tokenizer.chat_template";
  if (const fs::path file = folder.path / "chat_template.jinja"; fs::exists(file)) {
    out.emplace_back(kKey, read_file(file, kTemplateBytesMax));
    return;
  }
  const auto config = folder.config.object();
  const json* chat = config ? config->find("chat_template") : nullptr;
  if (!chat) return;
  if (chat->is_string()) {
    out.emplace_back(kKey, chat->get<std::string>());
    return;
  }
  if (!chat->is_array())
    throw Error(Errc::corrupt_data, "{}: 'chat_template': not text", config->where());
  std::vector<std::string> names;
  for (const json& entry : *chat) {
    const JsonObject named(entry, config->where() + ": 'chat_template'");
    const std::string name = named.string("name");
    if (name == "default") {
      out.emplace_back(kKey, named.string("template"));
    } else {
      out.emplace_back(fmt::format("{}.{}", kKey, name), named.string("template"));
      names.push_back(name);
    }
  }
  if (!names.empty()) out.emplace_back("tokenizer.chat_templates", GgufArray{std::move(names)});
}

GgufKeys read_keys(const TokenizerFiles& folder, const HuggingFaceConfig& config,
                   uint64_t vocab_size, std::vector<std::string>& notes) {
  VocabularyTables vocabulary = read_vocabulary(folder, vocab_size);
  notes.insert(notes.end(), vocabulary.notes.begin(), vocabulary.notes.end());
  const bool is_bert = vocabulary.model == "bert";  // which always adds its own
  const std::optional<bool> add_bos =
      is_bert ? std::nullopt
              : adds_token(folder, "add_bos_token",
                           special_text(folder.config.object(), "bos_token"), true);
  const std::optional<bool> add_eos =
      is_bert ? std::nullopt
              : adds_token(folder, "add_eos_token",
                           special_text(folder.config.object(), "eos_token"), false);
  GgufKeys out;
  out.emplace_back("tokenizer.ggml.model", vocabulary.model);
  out.emplace_back("tokenizer.ggml.pre", vocabulary.pre);
  add_special_ids(folder, config, vocabulary, out);
  if (config.token_types > 0)
    out.emplace_back("tokenizer.ggml.token_type_count", static_cast<uint32_t>(config.token_types));
  if (vocabulary.lowercase)
    out.emplace_back("tokenizer.ggml.normalizer.lowercase", *vocabulary.lowercase);
  if (vocabulary.strip_accents)
    out.emplace_back("tokenizer.ggml.normalizer.strip_accents", *vocabulary.strip_accents);
  if (add_bos) out.emplace_back("tokenizer.ggml.add_bos_token", *add_bos);
  if (add_eos) out.emplace_back("tokenizer.ggml.add_eos_token", *add_eos);
  if (vocabulary.add_space_prefix)
    out.emplace_back("tokenizer.ggml.add_space_prefix", *vocabulary.add_space_prefix);
  std::vector<int32_t> kinds;
  for (const PieceKind kind : vocabulary.kinds) kinds.push_back(static_cast<int32_t>(kind));
  out.emplace_back("tokenizer.ggml.token_type", GgufArray{std::move(kinds)});
  if (vocabulary.model == "llama")
    out.emplace_back("tokenizer.ggml.scores", GgufArray{std::move(vocabulary.scores)});
  out.emplace_back("tokenizer.ggml.tokens", GgufArray{std::move(vocabulary.tokens)});
  if (!vocabulary.merges.empty())
    out.emplace_back("tokenizer.ggml.merges", GgufArray{std::move(vocabulary.merges)});
  add_chat_templates(folder, out);
  return out;
}

}  // namespace

GgufKeys tokenizer_keys(const fs::path& path, const HuggingFaceConfig& config, uint64_t vocab_size,
                        std::vector<std::string>& notes) {
  const TokenizerFiles folder(path);
  try {
    return read_keys(folder, config, vocab_size, notes);
  } catch (const json::exception& error) {  // a field of another type than any tokenizer has there
    throw Error(Errc::corrupt_data, "{}: tokenizer files: {}", path.string(), error.what());
  }
}

}  // namespace hearth::store
