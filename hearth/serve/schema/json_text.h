// The parts of JSON's own grammar (RFC 8259) that every schema's grammar is made of.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/llm/grammar/grammar.h"

namespace hearth::serve {

using Expr = llm::GrammarBuilder::Expr;
using Rule = llm::GrammarBuilder::Rule;

/// How often something may come.
struct Counts {
  int64_t min = 0;
  std::optional<int64_t> max;  // nothing: any number
};

/// Makes each part once, as a rule. `builder` must outlive it.
class JsonText {
 public:
  explicit JsonText(llm::GrammarBuilder& builder) : builder_(builder) {}

  /// None, one space, or one or two newlines with up to 32 blanks.
  Expr space();
  /// One character of a string, as itself or escaped.
  Expr character();
  /// One character in (`negated`: outside) `ranges`, escaped exactly where JSON asks for it.
  /// Control characters other than \b \f \n \r \t only where a range names them. Nothing when no
  /// character is left.
  std::optional<Expr> character_in(std::vector<llm::CodeRange> ranges, bool negated);
  /// `content` in quotes.
  Expr string(Expr content);
  /// Any string of so many characters.
  Expr string(const Counts& length);
  /// The name of a property other than `names`, without escapes. Errors: resource_exhausted (one of
  /// more than 1,000 characters).
  Expr name_but(const std::vector<std::string>& names);
  /// `part`, which matches no empty text, so often. At most 1,000,000 are counted: more never come.
  /// Errors: resource_exhausted (a minimum beyond that).
  Expr repeat(Expr part, const Counts& counts);
  /// `open` items `close`, with commas and space.
  Expr list(std::string_view open, Expr item, const Counts& counts, std::string_view close);
  /// NAME: VALUE
  Expr member(Expr name, Expr value);

  Expr any_value() { return any_value(kAnyValueDepth); }
  Expr any_array() { return any_array(kAnyValueDepth); }
  Expr any_object() { return any_object(kAnyValueDepth); }
  /// Any number that JSON can write and a double can hold.
  Expr any_number();
  Expr any_integer();

 private:
  static constexpr int kAnyValueDepth = 16;

  Expr rule(const std::string& name, Expr body);
  template <class Make>
  Expr once(const std::string& name, Make make);
  Expr any_value(int depth);
  Expr any_array(int depth);
  Expr any_object(int depth);
  Expr plain_characters(int64_t min);
  Expr rest_of_name_but(std::span<const std::u32string> names, size_t at);
  Expr digit();

  llm::GrammarBuilder& builder_;
  std::map<std::string, Expr> made_;  // by name
};

}  // namespace hearth::serve
