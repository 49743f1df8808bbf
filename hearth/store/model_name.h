// The names of models: [HOST/][NAMESPACE/]MODEL[:TAG], as Ollama and its registry write them.
//
// "qwen3" is registry.ollama.ai/library/qwen3:latest; "hf.co/USER/REPO:QUANT" has the host hf.co.
// The parts are also folders of the store, so what is no plain file name is refused here.
#pragma once
#include <string>
#include <string_view>

namespace hearth::store {

inline constexpr std::string_view kDefaultHost = "registry.ollama.ai";
inline constexpr std::string_view kDefaultNamespace = "library";
inline constexpr std::string_view kDefaultTag = "latest";

/// A complete name with the case it was written in. Only parse_model_name() and
/// model_name_of_parts() make one, so every part is a valid file name other than "." and "..".
struct ModelName {
  std::string host;
  std::string name_space;
  std::string model;
  std::string tag;

  bool operator==(const ModelName&) const = default;
  /// "HOST/NAMESPACE/MODEL:TAG".
  std::string full() const;
  /// As `list` shows it: without the default host, and then without the default namespace; always
  /// with the tag.
  std::string shown() const;
};

/// Parses a name and fills in the defaults. A scheme ("https://") in front is dropped.
/// Parts: letters, digits and '_' first, then also '-' and '.' (no '.' in a namespace, ':' in a
/// host); a host of at most 350 characters, other parts of at most 80.
/// Errors: invalid_argument naming the part, its value and the limit.
ModelName parse_model_name(std::string_view text);

/// A name of its four parts, each checked as above.
ModelName model_name_of_parts(std::string_view host, std::string_view name_space,
                              std::string_view model, std::string_view tag);

/// Equal but for the case of ASCII letters.
bool equal_ignoring_case(std::string_view a, std::string_view b);
bool is_same_model(const ModelName& a, const ModelName& b);

}  // namespace hearth::store
