// A context-free grammar over bytes, ready for matching: what a constrained answer may look like.
//
// Made by GrammarBuilder from code, or by parse_gbnf from text. Characters are compiled to the
// byte sequences of their UTF-8 (RFC 3629), repetitions to copies, so that a matcher knows nothing
// but bytes, positions and calls. Immutable: any number of matchers in any threads may share one.
#pragma once
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::llm {

/// What a grammar may cost. Passing one is Errc::resource_exhausted naming it.
struct GrammarLimits {
  int rules_max = 4096;
  int nesting_max = 128;             // expressions inside expressions
  int repetitions_max = 10'000;      // m and n of x{m,n}
  size_t expressions_max = 500'000;  // as written
  size_t positions_max = 250'000;    // after repetitions are copied and characters made bytes
  size_t links_max = 4'000'000;      // what can be reached from all positions together
};

using ByteSet = std::bitset<256>;

/// First and last character of a range, both included; Unicode scalar values.
struct CodeRange {
  char32_t first, last;
};

class Grammar {
 public:
  /// Reads one byte of a set and goes on at position `next`.
  struct Terminal {
    uint32_t byte_set;
    uint32_t next;
  };
  /// Reads what `rule` matches and goes on at position `back`.
  struct Call {
    uint32_t rule;
    uint32_t back;
  };
  /// All that can come next at a place in a rule. Rules that can be empty are seen through: what
  /// stands behind them is listed too.
  struct Position {
    std::span<const uint32_t> terminals;
    std::span<const Call> calls;
    bool may_end;  // the rule may end here
    bool is_end() const { return may_end && terminals.empty() && calls.empty(); }
  };

  uint32_t root() const { return root_; }
  size_t rule_count() const { return starts_.size(); }
  size_t position_count() const { return positions_.size(); }
  /// The position where rule `rule` begins.
  uint32_t start_of(uint32_t rule) const { return starts_[rule]; }
  /// A place in the order of rules in which a rule that begins with a call stands before the rule
  /// that it calls. It exists, because no rule is left-recursive.
  uint32_t rank_of(uint32_t rule) const { return ranks_[rule]; }
  Position position(uint32_t index) const {
    const Links& l = positions_[index];
    return {{terminal_links_.data() + l.terminals_begin, l.terminals_end - l.terminals_begin},
            {call_links_.data() + l.calls_begin, l.calls_end - l.calls_begin},
            l.may_end};
  }
  const Terminal& terminal(uint32_t index) const { return terminals_[index]; }

  /// Bytes that no set of the grammar tells apart share a class, 0 to class_count() - 1.
  uint8_t class_of(uint8_t byte) const { return class_of_[byte]; }
  size_t class_count() const { return class_bytes_.size(); }
  /// True when the terminal reads the bytes of class `byte_class`.
  bool reads(uint32_t terminal, size_t byte_class) const {
    return byte_sets_[terminals_[terminal].byte_set][class_bytes_[byte_class]];
  }

 private:
  friend class GrammarCompiler;
  struct Links {
    uint32_t terminals_begin, terminals_end;
    uint32_t calls_begin, calls_end;
    bool may_end;
  };

  uint32_t root_ = 0;
  std::vector<uint32_t> starts_;          // [rules]
  std::vector<uint32_t> ranks_;           // [rules]
  std::vector<Links> positions_;          // into the two below
  std::vector<uint32_t> terminal_links_;  // indices of terminals_
  std::vector<Call> call_links_;
  std::vector<Terminal> terminals_;
  std::vector<ByteSet> byte_sets_;
  std::array<uint8_t, 256> class_of_{};
  std::vector<uint8_t> class_bytes_;  // [classes] one byte of each
};

/// Builds a grammar from the inside out: expressions are made of earlier ones, rules are named
/// first, so that they can be used before they are defined.
class GrammarBuilder {
 public:
  using Expr = uint32_t;
  using Rule = uint32_t;

  explicit GrammarBuilder(GrammarLimits limits = {});

  /// Exactly these bytes; none matches the empty text.
  Expr text(std::string_view bytes);
  /// One byte from `first` to `last`, whether or not the text around it is UTF-8.
  Expr byte_range(uint8_t first, uint8_t last);
  /// One character in (`negated`: outside) the ranges, which may overlap. Surrogates are never
  /// matched. Errors: invalid_argument (a range that is reversed or passes U+10FFFF; a set that
  /// matches nothing).
  Expr characters(std::vector<CodeRange> ranges, bool negated = false);
  /// One character.
  Expr any_character();
  /// All in order; none matches the empty text.
  Expr sequence(std::vector<Expr> parts);
  /// Any one. Errors: invalid_argument without alternatives.
  Expr choice(std::vector<Expr> alternatives);
  /// At least `min` and at most `max` times, kUnbounded for any number.
  static constexpr int kUnbounded = -1;
  Expr repeat(Expr part, int min, int max);
  Expr use(Rule rule);

  /// A rule to be defined later. Names are for messages and need not differ.
  Rule declare(std::string name);
  /// Errors: invalid_argument when `rule` has a definition.
  void define(Rule rule, Expr body);

  /// The grammar of all texts that `root` matches. Errors: invalid_argument naming the rule that
  /// has no definition, is left-recursive (can begin with itself) or can never end;
  /// resource_exhausted naming the limit.
  Grammar build(Rule root) const;

 private:
  friend class GrammarCompiler;
  enum class Kind : uint8_t { text, bytes, characters, sequence, choice, repeat, use };
  struct Expression {
    Kind kind;
    int depth = 1;
    int min = 0, max = 0;                // repeat
    Rule rule = 0;                       // use
    std::string text = {};               // text
    ByteSet bytes = {};                  // bytes
    std::vector<CodeRange> ranges = {};  // characters: sorted, apart, without surrogates
    std::vector<Expr> parts = {};        // sequence, choice, repeat
  };
  struct NamedRule {
    std::string name;
    Expr body;
    bool is_defined = false;
  };
  Expr add(Expression expression);

  GrammarLimits limits_;
  std::vector<Expression> expressions_;
  std::vector<NamedRule> rules_;
};

}  // namespace hearth::llm
