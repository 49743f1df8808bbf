#include "hearth/llm/tokenizer/gotemplate/interpreter.h"

#include "hearth/llm/tokenizer/gotemplate/lookup.h"
#include "hearth/llm/tokenizer/gotemplate/printing.h"

namespace hearth::llm::gotemplate {

using Kind = Statement::Kind;

void Interpreter::run(Value dot, bool cuts) {
  last_order_ = cuts ? tree_.cut_after : 0;
  Frame frame(tree_.main.slots, &kNil);
  frame[0] = dot;
  run(*tree_.main.body, dot, frame);
}

Interpreter::Flow Interpreter::run(const Body& body, Value dot, Frame& frame) {
  const jinja::Runtime::Depth depth(r_.rt);
  for (const Statement& statement : body.statements) {
    if (last_order_ > 0 && statement.order > last_order_) break;
    const Flow flow = run(statement, dot, frame);
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

Interpreter::Flow Interpreter::run(const Statement& statement, Value dot, Frame& frame) {
  r_.rt.at = statement.at;
  r_.rt.step();
  switch (statement.kind) {
    case Kind::text:
      r_.rt.append(r_.out, statement.text);
      check_output();
      return Flow::next;
    case Kind::output:
      append_text(r_, r_.out, evaluate(*statement.pipeline, dot, frame));
      check_output();
      return Flow::next;
    case Kind::set:
      frame[statement.pipeline->slots[0]] = evaluate(*statement.pipeline, dot, frame);
      return Flow::next;
    case Kind::if_:
    case Kind::with:
      return branch(statement, dot, frame);
    case Kind::range:
      return range(statement, dot, frame);
    case Kind::break_:
      return Flow::break_;
    case Kind::continue_:
      return Flow::continue_;
    case Kind::template_:
      call_template(statement, dot, frame);
  }
  return Flow::next;
}

void Interpreter::check_output() const {
  if (r_.out.size() > r_.rt.limits().output_bytes_max)
    r_.rt.fail_with(Errc::resource_exhausted,
                    fmt::format("more than {} bytes of output (output_bytes_max)",
                                r_.rt.limits().output_bytes_max));
}

Interpreter::Flow Interpreter::branch(const Statement& statement, Value dot, Frame& frame) {
  const Pipeline& pipeline = *statement.pipeline;
  const Value value = evaluate(pipeline, dot, frame);
  if (!pipeline.slots.empty()) frame[pipeline.slots[0]] = value;
  if (is_true(value))
    return run(*statement.body, statement.kind == Kind::with ? value : dot, frame);
  return statement.otherwise ? run(*statement.otherwise, dot, frame) : Flow::next;
}

// One pass of a loop; false ends it.
bool Interpreter::pass(const Statement& statement, Value key, Value item, Frame& frame) {
  const std::vector<size_t>& slots = statement.pipeline->slots;
  if (!slots.empty()) frame[slots.back()] = item;
  if (slots.size() > 1) frame[slots.front()] = key;
  r_.rt.step();
  return run(*statement.body, item, frame) != Flow::break_;
}

Interpreter::Flow Interpreter::range(const Statement& statement, Value dot, Frame& frame) {
  const Value over = evaluate(*statement.pipeline, dot, frame);
  if (!is_true(over) && statement.otherwise) return run(*statement.otherwise, dot, frame);
  const bool wants_key = statement.pipeline->slots.size() > 1;
  if (over.is_list()) {
    int64_t index = 0;
    for (const TemplateValue& item : over.items())
      if (!pass(statement, wants_key ? r_.keep(index++) : Value(&kNil), &item, frame)) break;
  } else if (const auto* dict = std::get_if<TemplateValue::Dict>(&over->data)) {
    for (const auto& [key, item] : *dict)
      if (!pass(statement, wants_key ? r_.keep_text(key) : Value(&kNil), &item, frame)) break;
  } else if (const auto* count = std::get_if<int64_t>(&over->data)) {
    for (int64_t index = 0; index < *count; ++index) {
      const Value number = r_.keep(index);
      if (!pass(statement, number, number, frame)) break;
    }
  } else if (!std::holds_alternative<std::monostate>(over->data)) {
    r_.rt.at = statement.at;
    r_.rt.fail("range over a {}", kind_name(over));
  }
  return Flow::next;
}

void Interpreter::call_template(const Statement& statement, Value dot, Frame& frame) {
  const auto called = tree_.definitions.find(statement.text);
  if (called == tree_.definitions.end())
    r_.rt.fail("template \"{}\" is not defined", statement.text);
  const Value argument =
      statement.pipeline ? evaluate(*statement.pipeline, dot, frame) : Value(&kNil);
  Frame own(called->second.slots, &kNil);
  r_.rt.step(own.size());
  own[0] = argument;
  run(*called->second.body, argument, own);
}

Value Interpreter::evaluate(const Pipeline& pipeline, Value dot, Frame& frame) {
  std::optional<Value> value;
  for (const Command& command : pipeline.commands) value = evaluate(command, value, dot, frame);
  return *value;
}

// `piped`: the value of the command before, where there is one.
Value Interpreter::evaluate(const Command& command, std::optional<Value> piped, Value dot,
                            Frame& frame) {
  const Operand& first = command.front();
  if (first.kind != Operand::Kind::function) return evaluate(first, dot, frame);
  if (first.function->kind != Function::Kind::plain) return either(command, piped, dot, frame);
  std::vector<Value> arguments;
  for (size_t i = 1; i < command.size(); ++i) arguments.push_back(evaluate(command[i], dot, frame));
  if (piped) arguments.push_back(*piped);
  r_.rt.at = first.at;
  r_.rt.step(1 + arguments.size());
  return first.function->call(r_, arguments);
}

// The first argument that decides, or the last; those behind it are not looked at.
Value Interpreter::either(const Command& command, std::optional<Value> piped, Value dot,
                          Frame& frame) {
  const bool decides = command.front().function->kind == Function::Kind::or_;
  Value value = piped.value_or(&kNil);
  for (size_t i = 1; i < command.size(); ++i) {
    value = evaluate(command[i], dot, frame);
    if (is_true(value) == decides) return value;
  }
  return piped.value_or(value);
}

Value Interpreter::evaluate(const Operand& operand, Value dot, Frame& frame) {
  r_.rt.step();
  Value value = dot;
  switch (operand.kind) {
    case Operand::Kind::dot:
      break;
    case Operand::Kind::variable:
      value = frame[operand.slot];
      break;
    case Operand::Kind::literal:
      value = &operand.literal;
      break;
    case Operand::Kind::pipeline:
      value = evaluate(*operand.pipeline, dot, frame);
      break;
    case Operand::Kind::function:
      value = operand.function->call(r_, {});
  }
  r_.rt.at = operand.at;
  for (const std::string& field : operand.fields) value = find_field(r_, value, field);
  return value;
}

}  // namespace hearth::llm::gotemplate
