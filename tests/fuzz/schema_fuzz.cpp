// Schemas from anyone. Only hearth::Error may come out, within the limits; and where a grammar
// comes out, it begins with something.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "hearth/base/error.h"
#include "hearth/llm/grammar/automaton.h"
#include "hearth/serve/schema/json_schema.h"

namespace {

constexpr hearth::serve::SchemaLimits kLimits = {
    .schema_bytes_max = 16 << 10,
    .nesting_max = 20,
    .alternatives_max = 30,
    .work_max = 2'000,
    .grammar = {.rules_max = 2'000, .positions_max = 50'000, .links_max = 500'000}};
constexpr hearth::llm::AutomatonLimits kReading = {
    .ways_max = 50'000, .work_max = 1'000'000, .memory_bytes_max = 16 << 20};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using hearth::llm::Automaton;
  try {
    Automaton automaton(std::make_shared<hearth::llm::Grammar>(hearth::serve::grammar_of_schema(
                            std::string_view(reinterpret_cast<const char*>(data), size), kLimits)),
                        kReading);
    bool is_stuck = true;
    for (const char first : std::string_view("{[\"-0123456789tfn"))
      is_stuck &=
          automaton.next(automaton.start(), static_cast<uint8_t>(first)) == Automaton::kDead;
    HEARTH_CHECK(!is_stuck);
  } catch (const hearth::Error&) {
    // Refusing a schema is right; crashing on one is what this looks for.
  }
  return 0;
}
