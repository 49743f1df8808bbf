// Where something stands in a template's source.
#pragma once
#include <cstdint>

namespace hearth::llm::jinja {

/// Both count from 1; a column is a Unicode character.
struct Position {
  uint32_t line = 1;
  uint32_t column = 1;
};

}  // namespace hearth::llm::jinja
