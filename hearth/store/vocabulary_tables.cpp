#include "hearth/store/vocabulary_tables.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "hearth/base/error.h"
#include "hearth/store/pre_tokenizer_name.h"
#include "hearth/store/tokenizer_files.h"

namespace hearth::store {
namespace {

using nlohmann::json;

constexpr float kAddedScore =
    -1000;  // of tokens beside a SentencePiece vocabulary, as in llama.cpp
constexpr float kUnusedScore = -10000;
constexpr size_t kVocabularyBytesMax = size_t{64} << 20;  // of files other than JSON

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

constexpr const char* kSpaceMark = "\u2581";

/// Reads what the tokenizer does to a text before it cuts it: `may_stay(stage)` says whether
/// engines do the same. Composing characters (NFC) is left out with a note; anything else is
/// unsupported.
template <class MayStay>
void read_normalizer(const json& stage, const std::string& where, MayStay may_stay,
                     VocabularyTables& out) {
  const std::string type = stage.value("type", "");
  if (type == "Sequence") {
    for (const json& inner : stage.value("normalizers", json::array()))
      read_normalizer(inner, where, may_stay, out);
  } else if (type == "NFC") {
    out.notes.emplace_back(
        "the tokenizer composes characters first (NFC); Hearth takes texts as they are");
  } else if (!may_stay(stage)) {
    throw Error(Errc::unsupported, "{}: 'normalizer': engines do not change texts so: {}", where,
                stage.dump().substr(0, 300));
  }
}

/// Words with marks at their ends or insides are another BPE than byte-level and SentencePiece.
void refuse_marked_words(const JsonObject& model) {
  for (const std::string_view key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (const auto mark = model.try_string(key); mark && !mark->empty())
      throw Error(Errc::unsupported, "{}: '{}' is '{}', only vocabularies without are imported",
                  model.where(), key, *mark);
}

void read_byte_level_bpe(const JsonObject& tokenizer, const JsonObject& model,
                         VocabularyTables& out) {
  out.model = "gpt2";
  if (const json* normalizer = tokenizer.find("normalizer"))
    read_normalizer(
        *normalizer, tokenizer.where(), [](const json&) { return false; }, out);
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

/// Normalisers that mark spaces, as SentencePiece itself does.
bool marks_spaces(const json& stage) {
  const std::string type = stage.value("type", "");
  if (type == "Prepend") return stage.value("prepend", "") == kSpaceMark;
  return type == "Replace" && stage.value("pattern", json::object()).value("String", "") == " " &&
         stage.value("content", "") == kSpaceMark;
}

/// A SentencePiece vocabulary merges over whole texts: a stage may mark spaces, or cut at those
/// that are marked by then, which is nowhere.
void check_cuts_nothing(const json& stage, const std::string& where) {
  const std::string type = stage.value("type", "");
  if (type == "Sequence") {
    for (const json& inner : stage.value("pretokenizers", json::array()))
      check_cuts_nothing(inner, where);
    return;
  }
  const json pattern = stage.value("pattern", json::object());
  const bool splits_at_spaces =
      type == "Split" && (pattern.value("String", "") == " " || pattern.value("Regex", "") == " ");
  if (type != "Metaspace" && !splits_at_spaces)
    throw Error(Errc::unsupported, "{}: 'pre_tokenizer' beside 'byte_fallback': {}", where,
                stage.dump().substr(0, 300));
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
  if (normalizer) read_normalizer(*normalizer, tokenizer.where(), marks_spaces, out);
  if (pre) check_cuts_nothing(*pre, tokenizer.where());
  out.add_space_prefix =
      (normalizer && prepends_space(*normalizer)) || (pre && prepends_space(*pre));
}

/// What GGUF's WordPiece does by itself, whatever is asked; the rest must be told.
void read_bert_normalizer(const JsonObject& tokenizer, VocabularyTables& out) {
  const JsonObject normalizer = tokenizer.object("normalizer");
  const bool is_known = normalizer.string("type") == "BertNormalizer" &&
                        normalizer.try_bool("clean_text").value_or(true) &&
                        normalizer.try_bool("handle_chinese_chars").value_or(true);
  const JsonObject pre = tokenizer.object("pre_tokenizer");
  if (!is_known || pre.string("type") != "BertPreTokenizer")
    throw Error(
        Errc::unsupported,
        "{}: WordPiece is known with BertNormalizer, which cleans and separates ideographs, "
        "and BertPreTokenizer only",
        tokenizer.where());
  out.lowercase = normalizer.try_bool("lowercase").value_or(true);
  out.strip_accents = normalizer.try_bool("strip_accents");
}

/// GGUF marks the beginnings of words where BERT marks what goes on; names in brackets stay.
std::string mark_beginning(const std::string& token, const std::string& prefix) {
  if (token.size() > prefix.size() && token.starts_with(prefix)) return token.substr(prefix.size());
  const bool is_name = token.size() > 1 && token.front() == '[' && token.back() == ']';
  return is_name ? token : kSpaceMark + token;
}

void read_word_piece(const JsonObject& tokenizer, const JsonObject& model, VocabularyTables& out) {
  constexpr uint64_t kWordCharsMax = 100;  // what engines have
  const uint64_t most = model.try_u64("max_input_chars_per_word").value_or(kWordCharsMax);
  if (most != kWordCharsMax)
    throw Error(Errc::unsupported, "{}: 'max_input_chars_per_word' is {}, engines have {}",
                model.where(), most, kWordCharsMax);
  out.model = "bert";
  out.pre = "default";
  read_bert_normalizer(tokenizer, out);
  read_vocab(model, /*has_bytes=*/false, out);
  const std::string prefix = model.try_string("continuing_subword_prefix").value_or("##");
  for (size_t id = 0; id < out.tokens.size(); ++id)
    if (out.kinds[id] != PieceKind::unused) out.tokens[id] = mark_beginning(out.tokens[id], prefix);
}

/// A special token as tokenizer_config.json spells it, text or an object with "content".
std::string special_text(const std::optional<JsonObject>& config, std::string_view key,
                         std::string_view otherwise) {
  const json* field = config ? config->find(key) : nullptr;
  if (field && field->is_object())
    return JsonObject(*field, config->where()).try_string("content").value_or("");
  return field && field->is_string() ? field->get<std::string>() : std::string(otherwise);
}

/// What a BertTokenizer beside a vocab.txt is told (huggingface/transformers,
/// models/bert/tokenization_bert.py), whose defaults count without the file.
void read_bert_settings(const std::optional<JsonObject>& config, VocabularyTables& out) {
  out.lowercase = true;
  if (!config) return;
  const std::string kind = config->try_string("tokenizer_class").value_or("BertTokenizer");
  if (kind != "BertTokenizer" && kind != "BertTokenizerFast")
    throw Error(Errc::unsupported, "{}: 'tokenizer_class' is '{}', vocab.txt is BertTokenizer's",
                config->where(), kind);
  for (const std::string_view key : {"do_basic_tokenize", "tokenize_chinese_chars"})
    if (!config->try_bool(key).value_or(true))
      throw Error(Errc::unsupported, "{}: '{}' is false, engines do so always", config->where(),
                  key);
  out.lowercase = config->try_bool("do_lower_case").value_or(true);
  out.strip_accents = config->try_bool("strip_accents");
}

/// The tokens that stand for no text, as they are spelled.
std::vector<std::string> special_tokens(const std::optional<JsonObject>& config) {
  constexpr std::pair<std::string_view, std::string_view> kSpecial[] = {{"unk_token", "[UNK]"},
                                                                        {"sep_token", "[SEP]"},
                                                                        {"pad_token", "[PAD]"},
                                                                        {"cls_token", "[CLS]"},
                                                                        {"mask_token", "[MASK]"}};
  std::vector<std::string> tokens;
  for (const auto& [key, otherwise] : kSpecial)
    tokens.push_back(special_text(config, key, otherwise));
  return tokens;
}

/// A token a line, its number the id.
void read_vocab_txt(const fs::path& path, const TokenizerFiles& folder, VocabularyTables& out) {
  out.model = "bert";
  out.pre = "default";
  const auto config = folder.config.object();
  read_bert_settings(config, out);
  const std::vector<std::string> special = special_tokens(config);
  const std::string text = read_file(path, kVocabularyBytesMax);
  std::string_view rest = text;
  for (uint64_t id = 0; !rest.empty(); ++id) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string token(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (token.ends_with('\r')) token.pop_back();
    check_id(id, out, path.string(), token);
    if (std::ranges::find(special, token) != special.end())
      out.put(id, std::move(token), PieceKind::control);
    else
      out.put(id, mark_beginning(token, "##"), PieceKind::normal);
  }
}

void read_sentencepiece_model(const fs::path& path, VocabularyTables& out) {
  const std::string bytes = read_file(path, kVocabularyBytesMax);
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
  if (model.has_charsmap || model.remove_extra_whitespaces)
    out.notes.emplace_back(
        "the tokenizer normalises texts first (widths, repeated spaces); Hearth takes them as they "
        "are");
}

void put_added(uint64_t id, const std::string& text, bool is_special, std::string_view where,
               VocabularyTables& out) {
  check_id(id, out, where, text);
  const bool is_new = out.kinds[id] == PieceKind::unused || out.tokens[id] != text;
  if (!is_new && (out.kinds[id] == PieceKind::unknown || out.kinds[id] == PieceKind::byte)) return;
  out.put(id, text, is_special ? PieceKind::control : PieceKind::user_defined,
          is_new && out.model == "llama" ? kAddedScore : out.scores[id]);
}

void read_added_tokens(const TokenizerFiles& folder, VocabularyTables& out) {
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

/// Whether the BPE of tokenizer.json works on bytes (GPT-2) rather than on characters
/// (SentencePiece).
bool is_byte_level(const JsonObject& tokenizer, const JsonObject& model) {
  if (const std::string type = model.try_string("type").value_or("BPE"); type != "BPE")
    throw Error(Errc::unsupported, "{}: model type '{}', only BPE and WordPiece are imported",
                tokenizer.where(), type);
  return !model.try_bool("byte_fallback").value_or(false);
}

}  // namespace

VocabularyTables read_vocabulary(const TokenizerFiles& folder, uint64_t vocab_size) {
  VocabularyTables out = VocabularyTables::unused(vocab_size);
  const fs::path pieces = folder.path / "tokenizer.model";
  const auto tokenizer = folder.tokenizer.object();
  if (!tokenizer && !fs::exists(pieces)) {
    const fs::path words = folder.path / "vocab.txt";
    if (!fs::exists(words))
      throw Error(Errc::not_found, "{}: neither tokenizer.json nor tokenizer.model nor vocab.txt",
                  folder.path.string());
    read_vocab_txt(words, folder, out);
    read_added_tokens(folder, out);
    return out;
  }
  if (tokenizer) {
    const JsonObject model = tokenizer->object("model");
    if (model.try_string("type") == "WordPiece") {
      read_word_piece(*tokenizer, model, out);
      read_added_tokens(folder, out);
      return out;
    }
    refuse_marked_words(model);
    if (is_byte_level(*tokenizer, model)) {
      read_byte_level_bpe(*tokenizer, model, out);
    } else if (!fs::exists(pieces)) {
      read_sentencepiece_json(*tokenizer, model, out);
    }
  }
  // Where both are there, tokenizer.model has the scores that training gave.
  if (out.model.empty()) read_sentencepiece_model(pieces, out);
  read_added_tokens(folder, out);
  return out;
}

VocabularyTables VocabularyTables::unused(uint64_t size) {
  VocabularyTables out;
  out.tokens.reserve(size);
  for (uint64_t id = 0; id < size; ++id) out.tokens.push_back(fmt::format("[PAD{}]", id));
  out.scores.assign(size, kUnusedScore);
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

}  // namespace hearth::store
