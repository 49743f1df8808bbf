// Running a tree.
#pragma once
#include <optional>
#include <vector>

#include "hearth/llm/tokenizer/gotemplate/function.h"
#include "hearth/llm/tokenizer/gotemplate/syntax.h"

namespace hearth::llm::gotemplate {

class Interpreter {
 public:
  Interpreter(Rendering& rendering, const Tree& tree) : r_(rendering), tree_(tree) {}

  /// Appends to the rendering's `out`. `cuts`: what stands behind Tree::cut_after in the source is
  /// left out. Errors: invalid_argument (a type error), resource_exhausted.
  void run(Value dot, bool cuts);

 private:
  enum class Flow { next, break_, continue_ };
  using Frame = std::vector<Value>;  // the values of a template's variables

  Flow run(const Body& body, Value dot, Frame& frame);
  Flow run(const Statement& statement, Value dot, Frame& frame);
  Flow branch(const Statement& statement, Value dot, Frame& frame);
  Flow range(const Statement& statement, Value dot, Frame& frame);
  bool pass(const Statement& statement, Value key, Value item, Frame& frame);
  void call_template(const Statement& statement, Value dot, Frame& frame);
  void check_output() const;

  Value evaluate(const Pipeline& pipeline, Value dot, Frame& frame);
  Value evaluate(const Command& command, std::optional<Value> piped, Value dot, Frame& frame);
  Value evaluate(const Operand& operand, Value dot, Frame& frame);
  Value either(const Command& command, std::optional<Value> piped, Value dot, Frame& frame);

  Rendering& r_;
  const Tree& tree_;
  uint32_t last_order_ = 0;  // of the statements that run; 0: all
};

}  // namespace hearth::llm::gotemplate
