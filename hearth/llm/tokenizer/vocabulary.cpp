// Names and rules here are those of llama.cpp (src/llama-vocab.cpp, llama_vocab::impl::load): files
// carry no attribute for "ends a generation" or "eats the space before it", so engines recognise
// such tokens by name.
#include "hearth/llm/tokenizer/vocabulary.h"

#include <algorithm>
#include <cmath>

#include "hearth/base/error.h"

namespace hearth::llm {
namespace {

constexpr std::string_view kEndNames[] = {"<|eot_id|>",
                                          "<|im_end|>",
                                          "<|end|>",
                                          "<|return|>",
                                          "<|call|>",
                                          "<|flush|>",
                                          "<|calls|>",
                                          "<end_of_turn>",
                                          "<|endoftext|>",
                                          "</s>",
                                          "<|eom_id|>",
                                          "<EOT>",
                                          "_<EOT>",
                                          "[EOT]",
                                          "[EOS]",
                                          "<|end_of_text|>",
                                          "<end_of_utterance>",
                                          "<eos>",
                                          "<turn|>",
                                          "<|tool_response>",
                                          "<｜end▁of▁sentence｜>",
                                          "[e~["};

// Fill-in-the-middle tokens that end a generation: padding, repository, file separator.
constexpr std::string_view kFimPadNames[] = {"<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>",
                                             "[PAD]"};
constexpr std::string_view kFimRepNames[] = {"<|fim_repo|>", "<|repo_name|>", "<fim-repo>",
                                             "<REPO>", "<reponame>"};
constexpr std::string_view kFimSepNames[] = {"<|file_sep|>"};
// Those that do not end one, but are control tokens even where the file forgot to say so.
constexpr std::string_view kFimPreNames[] = {"<|fim_prefix|>",  "<fim-prefix>", "<fim_prefix>",
                                             "<｜fim▁begin｜>", "<PRE>",        "▁<PRE>",
                                             "<|code_prefix|>", "<|prefix|>"};
constexpr std::string_view kFimSufNames[] = {"<|fim_suffix|>",  "<fim-suffix>", "<fim_suffix>",
                                             "<｜fim▁hole｜>",  "<SUF>",        "▁<SUF>",
                                             "<|code_suffix|>", "<|suffix|>"};
constexpr std::string_view kFimMidNames[] = {"<|fim_middle|>",  "<fim-middle>", "<fim_middle>",
                                             "<｜fim▁end｜>",   "<MID>",        "▁<MID>",
                                             "<|code_middle|>", "<|middle|>"};
TokenKind kind_of(int64_t value) {
  return value >= 1 && value <= 6 ? static_cast<TokenKind>(value) : TokenKind::normal;
}

// Tags of a template, which no text may spell, whatever their file calls them: DeepSeek's
// <｜User｜> is an ordinary added token there, Gemma 4's <|tool_call> is user-defined so that
// answers show it. llama.cpp's converter goes by a like look. <think> and <tool_call> are words.
bool looks_like_control(std::string_view spelling) {
  const auto stands_between = [&](std::string_view first, std::string_view last) {
    return spelling.size() > first.size() + last.size() && spelling.starts_with(first) &&
           spelling.ends_with(last);
  };
  for (const std::string_view bar : {"|", "｜"}) {
    const std::string open = "<" + std::string(bar), close = std::string(bar) + ">";
    if (stands_between(open, ">") || stands_between("<", close)) return true;
  }
  return spelling == "<start_of_turn>";  // of Gemma 2, in older files
}

size_t total_bytes(std::span<const std::string> strings) {
  size_t total = 0;
  for (const std::string& s : strings) total += s.size();
  return total;
}

std::string lower_ascii(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

}  // namespace

Vocabulary::Vocabulary(const TokenizerSpec& spec, const TokenizerDefaults& defaults)
    : spellings_(spec.tokens.begin(), spec.tokens.end()),
      index_(spec.tokens.size(), total_bytes(spec.tokens)),
      scores_(spec.scores) {
  if (spellings_.empty()) throw Error(Errc::corrupt_data, "tokenizer.ggml.tokens is empty");
  if (!scores_.empty() && scores_.size() < spellings_.size())
    throw Error(Errc::corrupt_data, "tokenizer.ggml.scores has {} entries for {} tokens",
                scores_.size(), spellings_.size());
  // Merges go by order of score, in which not-a-number has no place.
  if (const auto bad = std::ranges::find_if(scores_, [](float score) { return std::isnan(score); });
      bad != scores_.end())
    throw Error(Errc::corrupt_data, "tokenizer.ggml.scores[{}] is not a number",
                bad - scores_.begin());
  for (const std::string& spelling : spellings_) index_.add(spelling);
  read_kinds(spec);
  choose_special_ids(spec, defaults);
  find_ends_of_generation(spec);
  take_back_wrong_ends();
  find_strips(spec);
}

void Vocabulary::read_kinds(const TokenizerSpec& spec) {
  kinds_.assign(spellings_.size(), TokenKind::normal);
  if (spec.kinds.empty()) return;
  if (spec.kinds.size() < spellings_.size())
    throw Error(Errc::corrupt_data, "tokenizer.ggml.token_type has {} entries for {} tokens",
                spec.kinds.size(), spellings_.size());
  for (size_t i = 0; i < kinds_.size(); ++i) {
    kinds_[i] = kind_of(spec.kinds[i]);
    if (kinds_[i] == TokenKind::user_defined && looks_like_control(spellings_[i]))
      kinds_[i] = TokenKind::control;
  }
}

std::optional<int32_t> Vocabulary::inside(std::optional<uint64_t> id) const {
  if (!id || *id >= spellings_.size()) return std::nullopt;
  return static_cast<int32_t>(*id);
}

std::optional<int32_t> Vocabulary::lowest_of(std::span<const std::string_view> spellings) const {
  std::optional<int32_t> lowest;
  for (std::string_view spelling : spellings) {
    const int32_t id = find(spelling);
    if (id >= 0 && (!lowest || id < *lowest)) lowest = id;
  }
  return lowest;
}

void Vocabulary::choose_special_ids(const TokenizerSpec& spec, const TokenizerDefaults& defaults) {
  const auto choose = [&](std::optional<uint64_t> given, std::optional<int32_t> otherwise) {
    return inside(given) ? inside(given) : inside(otherwise);
  };
  bos = choose(spec.bos, defaults.bos);
  eos = choose(spec.eos, defaults.eos);
  unk = choose(spec.unk, defaults.unk);
  sep = choose(spec.sep, defaults.sep);
  adds_bos = spec.add_bos.value_or(defaults.add_bos);
  adds_eos = spec.add_eos.value_or(false);
  adds_space_prefix = spec.add_space_prefix.value_or(defaults.add_space_prefix);
  if (adds_bos && !bos)
    throw Error(Errc::corrupt_data,
                "tokenizer.ggml.add_bos_token is true, but bos_token_id names none of {} tokens",
                size());
  if (adds_eos && !eos)
    throw Error(Errc::corrupt_data,
                "tokenizer.ggml.add_eos_token is true, but eos_token_id names none of {} tokens",
                size());
}

void Vocabulary::mark_end(std::optional<int32_t> id) {
  if (id) ends_generation_[*id] = true;
}

void Vocabulary::find_ends_of_generation(const TokenizerSpec& spec) {
  ends_generation_.assign(spellings_.size(), false);
  const auto make_control = [&](std::optional<int32_t> id) {
    if (id) kinds_[*id] = TokenKind::control;
    return id;
  };
  const auto given_or_named = [&](std::optional<uint64_t> given,
                                  std::span<const std::string_view> names) {
    return inside(given) ? inside(given) : make_control(lowest_of(names));
  };
  for (std::span<const std::string_view> names : {std::span<const std::string_view>(kFimPreNames),
                                                  std::span<const std::string_view>(kFimSufNames),
                                                  std::span<const std::string_view>(kFimMidNames)})
    make_control(lowest_of(names));
  mark_end(given_or_named(spec.fim_pad, kFimPadNames));
  mark_end(given_or_named(spec.fim_rep, kFimRepNames));
  mark_end(given_or_named(spec.fim_sep, kFimSepNames));
  for (std::string_view name : kEndNames)
    if (const int32_t id = find(name); id >= 0) mark_end(make_control(id));
  mark_end(eos);
  mark_end(inside(spec.eot));
  mark_end(inside(spec.eom));
}

void Vocabulary::take_back_wrong_ends() {
  const auto is_end = [&](std::string_view name) {
    const int32_t id = find(name);
    return id >= 0 && ends_generation_[id];
  };
  // gpt-oss and solar-open end a message with <|end|> and the turn with another token. Unlike
  // llama.cpp, which makes <|start|>, <|end|> and the like user-defined to see them in answers,
  // they stay control tokens here: every text could spell user-defined ones, and so messages.
  const bool is_harmony = is_end("<|return|>") && is_end("<|call|>");
  const bool is_solar = is_end("<|flush|>") && (is_end("<|call|>") || is_end("<|calls|>"));
  if (is_end("<|end|>") && (is_harmony || is_solar)) ends_generation_[find("<|end|>")] = false;
  // gemma4 writes </s> as HTML.
  if (is_end("<|tool_response>") && is_end("</s>")) {
    ends_generation_[find("</s>")] = false;
    kinds_[find("</s>")] = TokenKind::normal;
  }
}

void Vocabulary::find_strips(const TokenizerSpec& spec) {
  const auto name_has = [](const std::string& name, std::initializer_list<std::string_view> parts) {
    return std::any_of(parts.begin(), parts.end(),
                       [&](std::string_view part) { return name.find(part) != std::string::npos; });
  };
  const auto set = [&](std::vector<bool>& flags, std::string_view spelling, bool value) {
    flags.resize(spellings_.size());
    if (const int32_t id = find(spelling); id >= 0) flags[id] = value;
  };
  const std::string name = lower_ascii(spec.model_name);
  if (name_has(spec.pre, {"jina-v2-de", "jina-v2-es", "jina-v2-code"}) ||
      name_has(spec.architecture, {"nomic-bert-moe", "jina-bert-v3"})) {
    set(strips_left_, "<mask>", true);
  } else if (name_has(name, {"phi-3", "phi3"})) {
    strips_right_.resize(spellings_.size());
    for (size_t i = 0; i < kinds_.size(); ++i)
      strips_right_[i] = kinds_[i] == TokenKind::control || kinds_[i] == TokenKind::user_defined ||
                         kinds_[i] == TokenKind::unknown;
    set(strips_right_, "</s>", true);
    for (std::string_view kept : {"<unk>", "<s>", "<|endoftext|>"}) set(strips_right_, kept, false);
  } else if (name_has(name, {"modern-bert"})) {
    set(strips_left_, "[MASK]", true);
  }
}

}  // namespace hearth::llm
