#include "hearth/store/pre_tokenizer_name.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace hearth::store {
namespace {

using nlohmann::json;

// A pre-tokeniser of tokenizer.json is a list of stages. Each is written here as one line: a Split
// as its regex, the others as "@Name" with those of their settings that change the cut.
constexpr std::string_view kByteLevelCuts = "@ByteLevel";  // with GPT-2's regex
constexpr std::string_view kByteLevelMaps = "@ByteLevel that only maps bytes to characters";
constexpr std::string_view kDigits = "@Digits one by one";
// Of DeepSeek's first models.
constexpr std::string_view kCjkAndHangul = "[一-龥\u0800-一가-\uD7FF]+";

struct NamedStages {
  std::string_view name;
  std::vector<std::string_view> stages;
};

// Regexes as the models' tokenizer.json files spell them; names as llama.cpp's converter gives
// them.
const std::vector<NamedStages>& named_stages() {
  static const std::vector<NamedStages> kTable = {
      {"gpt-2", {kByteLevelCuts}},
      {"smollm", {kDigits, kByteLevelCuts}},
      {"falcon", {"@Punctuation Contiguous", kByteLevelCuts, "@Digits", "[0-9][0-9][0-9]"}},
      {"llama-bpe",
       {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3})"
        R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
        kByteLevelMaps}},
      {"qwen2",
       {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})"
        R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
        kByteLevelMaps}},
      {"seed-coder",
       {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1})"
        R"(| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)",
        kByteLevelMaps}},
      {"qwen35",
       {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N})"
        R"(| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
        kByteLevelMaps}},
      {"tekken",
       {R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
        R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N})"
        R"(| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
        kByteLevelMaps}},
      {"gpt-4o",
       {R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
        R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
        R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
        R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
        R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
        kByteLevelMaps}},
      {"deepseek-v3",
       {R"(\p{N}{1,3})", "[一-龥\u3040-ゟ゠-ヿ]+",
        R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)"
        R"(| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
        kByteLevelMaps}},
      {"deepseek-coder",
       {R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)", kCjkAndHangul, kDigits, kByteLevelMaps}},
  };
  return kTable;
}

/// A carriage return or line feed that stands in the regex itself, as its escape: models write
/// both.
std::string with_escapes(std::string_view regex) {
  std::string out;
  for (const char c : regex) {
    if (c == '\r')
      out += "\\r";
    else if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

std::string describe_split(const json& stage) {
  const json pattern = stage.value("pattern", json::object());
  const std::string behavior = stage.value("behavior", "");
  const bool inverted = stage.value("invert", false);
  // "Removed" of what does not match keeps every match, as "Isolated" does: these regexes match all
  // of a text.
  const bool keeps_matches =
      (behavior == "Isolated" && !inverted) || (behavior == "Removed" && inverted);
  if (!keeps_matches || !pattern.is_object() || !pattern.contains("Regex") ||
      !pattern["Regex"].is_string())
    return "@Split " + stage.dump();
  return with_escapes(pattern["Regex"].get<std::string>());
}

/// Appends the stages of `stage`, which may be a Sequence of them. json::exception when a field has
/// another type.
void flatten(const json& stage, std::vector<std::string>& out) {
  const std::string type = stage.value("type", "");
  if (type == "Sequence") {
    for (const json& inner : stage.value("pretokenizers", json::array())) flatten(inner, out);
  } else if (type == "Split") {
    out.push_back(describe_split(stage));
  } else if (type == "ByteLevel") {
    if (stage.value("add_prefix_space", true))
      out.emplace_back("@ByteLevel with a space before the text");
    else
      out.emplace_back(stage.value("use_regex", true) ? kByteLevelCuts : kByteLevelMaps);
  } else if (type == "Digits") {
    out.emplace_back(stage.value("individual_digits", false) ? kDigits : "@Digits");
  } else {
    out.push_back("@" + type + " " + stage.value("behavior", ""));
  }
}

/// DeepSeek's first model lists every range of letters with case: its start and end are
/// distinctive.
bool is_deepseek_llm(const std::vector<std::string>& stages) {
  return stages.size() == 7 && stages[0] == R"([\r\n])" &&
         stages[1].starts_with("\\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿ") &&
         stages[1].ends_with("𑢠-𑣟𞤀-𞥃]+") &&
         stages[2] == "\\s?[!-/:-~！-／：-～‘-‟\u3000-。]+" && stages[3] == "\\s+$" &&
         stages[4] == kCjkAndHangul && stages[5] == kDigits && stages[6] == kByteLevelMaps;
}

}  // namespace

std::optional<std::string_view> try_pre_tokenizer_name(const json& pre_tokenizer,
                                                       bool ignore_merges) {
  std::vector<std::string> stages;
  try {
    flatten(pre_tokenizer, stages);
  } catch (const json::exception&) {
    return std::nullopt;  // not the shape of a pre-tokeniser: nothing we know
  }
  if (is_deepseek_llm(stages)) return "deepseek-llm";
  for (const NamedStages& row : named_stages()) {
    if (!std::ranges::equal(stages, row.stages)) continue;
    // The same regex with merges obeyed even for words that are tokens has another name.
    return row.name == "llama-bpe" && !ignore_merges ? "dbrx" : row.name;
  }
  return std::nullopt;
}

}  // namespace hearth::store
