// Grammars from anyone, reading texts from anyone. Only hearth::Error may come out, within the
// limits.
//
// Input: the grammar; then, behind a byte 0xFF that no grammar contains, a text to read.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "hearth/base/error.h"
#include "hearth/llm/grammar/automaton.h"
#include "hearth/llm/grammar/gbnf.h"

namespace {

constexpr hearth::llm::GbnfLimits kLimits = {
    .source_bytes_max = 16 << 10,
    .group_depth_max = 20,
    .grammar = {.repetitions_max = 500, .positions_max = 10'000, .links_max = 100'000}};
constexpr hearth::llm::AutomatonLimits kReading = {
    .ways_max = 5'000, .depth_max = 1'000'000, .work_max = 200'000, .memory_bytes_max = 16 << 20};

// Follows `text` as far as it goes; in every state on the way all bytes are tried.
void read(hearth::llm::Automaton& automaton, std::string_view text) {
  using hearth::llm::Automaton;
  Automaton::State state = automaton.start();
  HEARTH_CHECK(state != Automaton::kDead);  // every rule can end, so some text is in the language
  for (const char c : text) {
    bool is_stuck = !automaton.is_complete(state);
    for (int byte = 0; byte < 256; ++byte)
      is_stuck &= automaton.next(state, static_cast<uint8_t>(byte)) == Automaton::kDead;
    HEARTH_CHECK(!is_stuck);  // every live state can be completed
    state = automaton.next(state, static_cast<uint8_t>(c));
    if (state == Automaton::kDead) return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(input.find('\xFF'), size);
  try {
    hearth::llm::Automaton automaton(std::make_shared<hearth::llm::Grammar>(
                                         hearth::llm::parse_gbnf(input.substr(0, end), kLimits)),
                                     kReading);
    read(automaton, input.substr(std::min(end + 1, size)));
  } catch (const hearth::Error&) {
    // Refusing a grammar is right; crashing on one is what this looks for.
  }
  return 0;
}
