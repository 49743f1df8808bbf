#include "hearth/store/hugging_face_tokenizer.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "hearth/base/error.h"
#include "hearth/store/json_object.h"
#include "hearth/store/pre_tokenizer_name.h"
#include "hearth/store/vocabulary_tables.h"

namespace hearth::store {
namespace {

using formats::GgufArray;
using nlohmann::json;

constexpr float kAddedScore =
    -1000;  // of tokens that stand beside a SentencePiece vocabulary, as in llama.cpp
constexpr size_t kSentencePieceBytesMax = size_t{64} << 20;
constexpr size_t kTemplateBytesMax = size_t{1} << 20;

/// A file of the folder, parsed, when it is there.
struct OptionalJson {
  explicit OptionalJson(fs::path file) : path(std::move(file)) {
    if (fs::exists(path)) value = read_json(path);
  }
  std::optional<JsonObject> object() const {
    if (!value) return std::nullopt;
    return JsonObject(*value, path.string());
  }
  fs::path path;
  std::optional<json> value;
};

struct Folder {
  explicit Folder(const fs::path& folder)
      : path(folder),
        tokenizer(folder / "tokenizer.json"),
        config(folder / "tokenizer_config.json"),
        added(folder / "added_tokens.json"),
        generation(folder / "generation_config.json") {}
  fs::path path;
  OptionalJson tokenizer, config, added, generation;
};

void check_id(uint64_t id, const VocabularyTables& out, std::string_view where,
              std::string_view token) {
  if (id >= out.tokens.size())
    throw Error(Errc::corrupt_data, "{}: token '{}' has id {}, the embedding has {} rows", where,
                token, id, out.tokens.size());
}

bool is_byte_token(std::string_view token) {
  return token.size() == 6 && token.starts_with("<0x") && token.ends_with(">");
}

void read_vocab(const JsonObject& model, bool has_bytes, VocabularyTables& out) {
  const JsonObject vocab = model.object("vocab");
  for (const auto& [token, id] : model.find("vocab")->items()) {
    if (!id.is_number_unsigned())
      throw Error(Errc::corrupt_data, "{}: the id of '{}' is not an integer", vocab.where(), token);
    check_id(id.get<uint64_t>(), out, vocab.where(), token);
    const bool is_byte = has_bytes && is_byte_token(token);
    out.put(id.get<uint64_t>(), token, is_byte ? PieceKind::byte : PieceKind::normal);
  }
}

/// A merge is "a b" in older files and ["a", "b"] in newer ones.
std::pair<std::string, std::string> read_merge(const json& merge, const std::string& where) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
    return {merge[0].get<std::string>(), merge[1].get<std::string>()};
  if (merge.is_string()) {
    const auto& text = merge.get_ref<const std::string&>();
    if (const size_t space = text.find(' ');
        space != std::string::npos && space > 0 && space + 1 < text.size())
      return {text.substr(0, space), text.substr(space + 1)};
  }
  throw Error(Errc::corrupt_data, "{}: 'merges': an entry is not a pair of tokens", where);
}

std::vector<std::pair<std::string, std::string>> read_merges(const JsonObject& model) {
  const json* merges = model.find("merges");
  if (!merges || !merges->is_array())
    throw Error(Errc::corrupt_data, "{}: 'merges': not a list", model.where());
  std::vector<std::pair<std::string, std::string>> out;
  out.reserve(merges->size());
  for (const json& merge : *merges) out.push_back(read_merge(merge, model.where()));
  return out;
}

void read_byte_level_bpe(const JsonObject& tokenizer, const JsonObject& model,
                         VocabularyTables& out) {
  out.model = "gpt2";
  read_vocab(model, /*has_bytes=*/false, out);
  for (const auto& [left, right] : read_merges(model)) {
    // GGUF joins the two with a space; byte-level tokens spell theirs as U+0120.
    if (left.find(' ') != std::string::npos || right.find(' ') != std::string::npos)
      throw Error(Errc::unsupported, "{}: 'merges': '{}' + '{}' holds a space", model.where(), left,
                  right);
    out.merges.push_back(left + " " + right);
  }
  const json* pre = tokenizer.find("pre_tokenizer");
  const bool ignore_merges = model.try_bool("ignore_merges").value_or(false);
  const auto name = try_pre_tokenizer_name(pre ? *pre : json::object(), ignore_merges);
  if (!name)
    throw Error(Errc::unsupported, "{}: 'pre_tokenizer': none of those that have a name: {}",
                tokenizer.where(), (pre ? pre->dump() : "null").substr(0, 300));
  out.pre = *name;
}

/// Merges in order of rank say what scores say: a token's score is minus the rank of the first
/// merge that makes it.
void read_scores_from_merges(const JsonObject& model, VocabularyTables& out) {
  const auto merges = read_merges(model);
  std::unordered_map<std::string, size_t> rank;
  for (size_t i = 0; i < merges.size(); ++i) rank.emplace(merges[i].first + merges[i].second, i);
  const auto unmade =
      -static_cast<float>(merges.size());  // never the best merge while there is another
  for (size_t id = 0; id < out.tokens.size(); ++id) {
    if (out.kinds[id] != PieceKind::normal) continue;
    const auto found = rank.find(out.tokens[id]);
    out.scores[id] = found == rank.end() ? unmade : -static_cast<float>(found->second);
  }
}

/// Whether U+2581 is put before the text: by a Prepend normaliser or a Metaspace stage.
bool prepends_space(const json& stage) {
  if (!stage.is_object()) return false;
  const std::string type = stage.value("type", "");
  if (type == "Prepend") return true;
  if (type == "Metaspace")
    return stage.contains("prepend_scheme") ? stage["prepend_scheme"] != "never"
                                            : stage.value("add_prefix_space", true);
  for (const char* list : {"normalizers", "pretokenizers"})
    if (stage.contains(list) && stage[list].is_array())
      for (const json& inner : stage[list])
        if (prepends_space(inner)) return true;
  return false;
}

void read_sentencepiece_json(const JsonObject& tokenizer, const JsonObject& model,
                             VocabularyTables& out) {
  out.model = "llama";
  out.pre = "default";
  read_vocab(model, /*has_bytes=*/true, out);
  read_scores_from_merges(model, out);
  if (const auto unknown = model.try_string("unk_token"))
    if (const auto id = out.find(*unknown)) out.kinds[*id] = PieceKind::unknown;
  const json* normalizer = tokenizer.find("normalizer");
  const json* pre = tokenizer.find("pre_tokenizer");
  out.add_space_prefix =
      (normalizer && prepends_space(*normalizer)) || (pre && prepends_space(*pre));
}

void read_sentencepiece_model(const fs::path& path, VocabularyTables& out) {
  const std::string bytes = read_file(path, kSentencePieceBytesMax);
  SentencePieceModel model = parse_sentencepiece_model(bytes, path.string());
  if (model.kind != SentencePieceModel::Kind::bpe)
    throw Error(Errc::unsupported, "{}: SentencePiece model type {}, only BPE (2) is imported",
                path.string(), static_cast<int>(model.kind));
  if (model.pieces.size() > out.tokens.size())
    throw Error(Errc::corrupt_data, "{}: {} pieces, the embedding has {} rows", path.string(),
                model.pieces.size(), out.tokens.size());
  out.model = "llama";
  out.pre = "default";
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    SentencePiece& piece = model.pieces[id];
    out.put(id, std::move(piece.text), piece.kind, piece.score);
  }
  out.add_space_prefix = model.add_dummy_prefix;
}

void put_added(uint64_t id, const std::string& text, bool is_special, std::string_view where,
               VocabularyTables& out) {
  check_id(id, out, where, text);
  const bool is_new = out.kinds[id] == PieceKind::unused || out.tokens[id] != text;
  if (!is_new && (out.kinds[id] == PieceKind::unknown || out.kinds[id] == PieceKind::byte)) return;
  out.put(id, text, is_special ? PieceKind::control : PieceKind::user_defined,
          is_new && out.model == "llama" ? kAddedScore : out.scores[id]);
}

void read_added_tokens(const Folder& folder, VocabularyTables& out) {
  if (const auto added = folder.added.object())
    for (const auto& [text, id] : folder.added.value->items())
      if (id.is_number_unsigned()) put_added(id.get<uint64_t>(), text, false, added->where(), out);
  if (const auto tokenizer = folder.tokenizer.object())
    if (const json* list = tokenizer->find("added_tokens"); list && list->is_array())
      for (const json& entry : *list) {
        const JsonObject token(entry, tokenizer->where() + ": 'added_tokens'");
        put_added(token.u64("id"), token.string("content"),
                  token.try_bool("special").value_or(false), token.where(), out);
      }
  const auto config = folder.config.object();
  const json* decoder = config ? config->find("added_tokens_decoder") : nullptr;
  if (!decoder || !decoder->is_object()) return;
  for (const auto& [key, entry] : decoder->items()) {
    const JsonObject token(entry, config->where() + ": 'added_tokens_decoder'");
    uint64_t id = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || end != key.data() + key.size())
      throw Error(Errc::corrupt_data, "{}: '{}' is not a token id", token.where(), key);
    put_added(id, token.string("content"), token.try_bool("special").value_or(false), token.where(),
              out);
  }
}

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

std::optional<bool> adds_token(const Folder& folder, std::string_view flag,
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

std::vector<uint64_t> generation_ends(const Folder& folder) {
  const auto generation = folder.generation.object();
  const json* eos = generation ? generation->find("eos_token_id") : nullptr;
  std::vector<uint64_t> out;
  if (!eos) return out;
  for (const json& id : eos->is_array() ? *eos : json::array({*eos}))
    if (id.is_number_unsigned()) out.push_back(id.get<uint64_t>());
  return out;
}

void add_special_ids(const Folder& folder, const HuggingFaceConfig& config,
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
  std::vector<uint64_t> ends = generation_ends(folder);
  ends.insert(ends.end(), config.eos.begin(), config.eos.end());
  add("bos", id_of("bos_token", config.bos));
  const auto eos =
      add("eos", id_of("eos_token", ends.empty() ? std::nullopt : std::optional(ends.front())));
  add("unknown", id_of("unk_token", std::nullopt));
  add("padding", id_of("pad_token", config.pad));
  // A model may end its turn with another token than the text's end.
  for (const uint64_t id : ends)
    if (id != eos && id < vocabulary.tokens.size()) {
      const bool is_message_end = vocabulary.tokens[id] == "<|eom_id|>";
      if (is_message_end || vocabulary.tokens[id] != "<|end_of_text|>")
        return static_cast<void>(add(is_message_end ? "eom" : "eot", id));
    }
}

void add_chat_templates(const Folder& folder, GgufKeys& out) {
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

/// Whether the BPE of tokenizer.json works on bytes (GPT-2) rather than on characters
/// (SentencePiece).
bool is_byte_level(const JsonObject& tokenizer, const JsonObject& model) {
  if (const std::string type = model.try_string("type").value_or("BPE"); type != "BPE")
    throw Error(Errc::unsupported, "{}: model type '{}', only BPE is imported", tokenizer.where(),
                type);
  return !model.try_bool("byte_fallback").value_or(false);
}

VocabularyTables read_vocabulary(const Folder& folder, uint64_t vocab_size) {
  VocabularyTables out = VocabularyTables::unused(vocab_size);
  const fs::path pieces = folder.path / "tokenizer.model";
  const auto tokenizer = folder.tokenizer.object();
  if (!tokenizer && !fs::exists(pieces))
    throw Error(Errc::not_found, "{}: neither tokenizer.json nor tokenizer.model",
                folder.path.string());
  if (tokenizer) {
    const JsonObject model = tokenizer->object("model");
    if (is_byte_level(*tokenizer, model)) {
      read_byte_level_bpe(*tokenizer, model, out);
    } else if (!fs::exists(pieces)) {
      read_sentencepiece_json(*tokenizer, model, out);
    }
  }
  // Where both are there, tokenizer.model has the scores that training gave.
  if (out.model.empty()) read_sentencepiece_model(pieces, out);
  read_added_tokens(folder, out);
  out.add_bos =
      adds_token(folder, "add_bos_token", special_text(folder.config.object(), "bos_token"), true);
  out.add_eos =
      adds_token(folder, "add_eos_token", special_text(folder.config.object(), "eos_token"), false);
  return out;
}

}  // namespace

VocabularyTables VocabularyTables::unused(uint64_t size) {
  VocabularyTables out;
  out.tokens.reserve(size);
  for (uint64_t id = 0; id < size; ++id) out.tokens.push_back(fmt::format("[PAD{}]", id));
  out.scores.assign(size, -10000);
  out.kinds.assign(size, PieceKind::unused);
  return out;
}

void VocabularyTables::put(uint64_t id, std::string token, PieceKind kind, float score) {
  tokens[id] = std::move(token);
  kinds[id] = kind;
  scores[id] = score;
}

std::optional<uint32_t> VocabularyTables::find(std::string_view token) const {
  const auto found = std::ranges::find(tokens, token);
  if (found == tokens.end()) return std::nullopt;
  return static_cast<uint32_t>(found - tokens.begin());
}

namespace {

GgufKeys read_keys(const Folder& folder, const HuggingFaceConfig& config, uint64_t vocab_size) {
  VocabularyTables vocabulary = read_vocabulary(folder, vocab_size);
  GgufKeys out;
  out.emplace_back("tokenizer.ggml.model", vocabulary.model);
  out.emplace_back("tokenizer.ggml.pre", vocabulary.pre);
  add_special_ids(folder, config, vocabulary, out);
  if (vocabulary.add_bos) out.emplace_back("tokenizer.ggml.add_bos_token", *vocabulary.add_bos);
  if (vocabulary.add_eos) out.emplace_back("tokenizer.ggml.add_eos_token", *vocabulary.add_eos);
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

GgufKeys tokenizer_keys(const fs::path& path, const HuggingFaceConfig& config,
                        uint64_t vocab_size) {
  const Folder folder(path);
  try {
    return read_keys(folder, config, vocab_size);
  } catch (const json::exception& error) {  // a field of another type than any tokenizer has there
    throw Error(Errc::corrupt_data, "{}: tokenizer files: {}", path.string(), error.what());
  }
}

}  // namespace hearth::store
