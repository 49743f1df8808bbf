// Modelfiles: the recipe of a model, in the language of Ollama (docs/modelfile.mdx).
//
// One instruction a line: a word in any case, a blank, a value up to the end of the line. A value
// that begins with """ or " runs until a line ends with the same; so a value has several lines only
// in quotes, and a backslash at the end of a line means nothing. Inside quotes nothing is escaped.
// '#' begins a comment only where an instruction could stand. Control characters other than tabs
// and line ends are dropped.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/store/model_parameters.h"

namespace hearth::store {

struct ModelMessage {
  std::string role;  // "system", "user" or "assistant"
  std::string content;

  bool operator==(const ModelMessage&) const = default;
};

struct Modelfile {
  std::vector<std::string> from;  // names or paths as written; at least one
  ModelParameters parameters;     // a later PARAMETER replaces an earlier one, but stop collects
  std::vector<std::string> retired_parameters;  // given, and without effect
  std::optional<std::string> template_text;
  std::optional<std::string> system;
  std::vector<std::string> adapters;  // paths as written
  std::vector<std::string> licenses;
  std::vector<ModelMessage> messages;
  std::vector<std::string> drafts;  // paths as written
  std::string renderer;             // names one of Ollama's built-in prompt formats
  std::string parser;               // names one of Ollama's built-in output formats
  std::string requires_version;     // of Ollama

  bool operator==(const Modelfile&) const = default;
};

/// Parses a Modelfile in UTF-8. `where` names it in errors, which begin "WHERE:LINE: ". Errors:
/// invalid_argument (unknown instruction, parameter, role; a value of the wrong type; an open
/// quote; no FROM; invalid UTF-8), resource_exhausted (above 16 MiB).
Modelfile parse_modelfile(std::string_view text, std::string_view where);

/// A Modelfile that parse_modelfile() reads back as `file`, instruction by instruction. Errors:
/// unsupported when the language cannot express a text (it holds both ends of quotes) or a role.
std::string print_modelfile(const Modelfile& file);

}  // namespace hearth::store
