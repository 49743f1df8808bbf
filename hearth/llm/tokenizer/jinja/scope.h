// Variables: a chain of scopes, from the innermost loop or macro out to the template's globals.
#pragma once
#include <utility>
#include <vector>

#include "hearth/llm/tokenizer/jinja/syntax.h"
#include "hearth/llm/tokenizer/jinja/value.h"

namespace hearth::llm::jinja {

struct Scope {
  Scope* outer = nullptr;
  std::vector<std::pair<SymbolId, Value>> variables;  // few: searched one by one
  bool is_captured = false;  // a macro was defined here and may outlive the block

  const Value* find(SymbolId symbol) const {
    for (const auto& [id, value] : variables)
      if (id == symbol) return &value;
    return nullptr;
  }
  void set(SymbolId symbol, const Value& value) {
    for (auto& [id, old] : variables)
      if (id == symbol) {
        old = value;
        return;
      }
    variables.emplace_back(symbol, value);
  }
};

}  // namespace hearth::llm::jinja
