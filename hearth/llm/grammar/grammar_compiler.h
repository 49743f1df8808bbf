// From expressions to positions: how GrammarBuilder makes a Grammar.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "hearth/llm/grammar/grammar.h"

namespace hearth::llm {

/// Used once. First each rule becomes a graph of places (Thompson's construction, built from its
/// end so that no patching is needed), then what is reachable from a place without reading becomes
/// its position's links.
class GrammarCompiler {
 public:
  explicit GrammarCompiler(const GrammarBuilder& source) : source_(source) {}
  Grammar compile(uint32_t root);

 private:
  using Expr = GrammarBuilder::Expr;
  enum class PlaceKind : uint8_t { end, fork, read, call };
  struct Place {
    PlaceKind kind;
    uint32_t what = 0;                // read: byte set; call: rule
    uint32_t next = 0;                // read, call: place
    std::vector<uint32_t> ways = {};  // fork: places
  };

  std::vector<bool> holds_for(bool (*always)(const GrammarBuilder::Expression&)) const;
  void check_rules();
  uint32_t add_place(Place place);
  uint32_t read(const ByteSet& bytes, uint32_t next);
  uint32_t place(Expr expr, uint32_t next);
  uint32_t place_characters(const std::vector<CodeRange>& ranges, uint32_t next);
  uint32_t place_repeat(const GrammarBuilder::Expression& e, uint32_t next);
  uint32_t position_at(uint32_t place);
  void link_position(uint32_t place);
  void link(uint32_t place);
  void rank_rules();
  void visit_rule(uint32_t rule, std::vector<uint32_t>& path);
  void find_byte_classes();

  const GrammarBuilder& source_;
  Grammar grammar_;
  std::vector<bool> is_nullable_;  // [expressions]
  std::vector<Place> places_;
  size_t steps_ = 0;
  std::map<std::string, uint32_t> byte_set_ids_;  // by the set's 256 digits
  std::vector<uint32_t> position_of_place_;       // or kNone
  std::vector<uint32_t> places_of_positions_;
  std::vector<uint32_t> terminal_of_place_;  // or kNone
  std::vector<uint32_t> seen_by_;            // [places] the last position that reached it
  enum class Visit : uint8_t { unseen, open, done };
  std::vector<Visit> visits_;  // [rules]
  uint32_t ranks_left_ = 0;
};

}  // namespace hearth::llm
