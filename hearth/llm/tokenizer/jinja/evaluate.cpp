// The interpreter's expressions and calls.
#include <algorithm>

#include "hearth/llm/tokenizer/jinja/interpreter.h"
#include "hearth/llm/tokenizer/jinja/operations.h"
#include "hearth/llm/tokenizer/jinja/printing.h"

namespace hearth::llm::jinja {

Value Interpreter::evaluate(const Expression& expression) {
  const Runtime::Depth depth(rt_);
  rt_.step();
  return std::visit([&](const auto& form) { return evaluate(form, expression.at); },
                    expression.form);
}

Value Interpreter::evaluate(const Attribute& form, const Position& at) {
  const Value object = evaluate(*form.object);
  rt_.at = at;
  return get_attribute(rt_, object, form.name);
}

Value Interpreter::evaluate(const Item& form, const Position& at) {
  const Value object = evaluate(*form.object);
  const Value index = evaluate(*form.index);
  rt_.at = at;
  return get_item(rt_, object, index);
}

Value Interpreter::evaluate(const Slice& form, const Position& at) {
  const Value object = evaluate(*form.object);
  const Value start = evaluate_or_none(form.start), stop = evaluate_or_none(form.stop);
  const Value step = evaluate_or_none(form.step);
  rt_.at = at;
  return get_slice(rt_, object, start, stop, step);
}

Value Interpreter::evaluate(const Invocation& form, const Position& at) {
  const Value callee = evaluate(*form.callee);
  const ArgumentValues arguments = evaluate(form.arguments);
  rt_.at = at;
  return call(callee, arguments);
}

Value Interpreter::evaluate(const Filter& form, const Position& at) {
  return apply_filter(form, evaluate(*form.subject), at);
}

Value Interpreter::apply_filter(const Filter& filter, const Value& subject, const Position& at) {
  const ArgumentValues arguments = evaluate(filter.arguments);
  rt_.at = at;
  if (filter.builtin == nullptr)
    rt_.fail_with(Errc::unsupported, fmt::format("no filter named '{}'", filter.name));
  return invoke(rt_, *filter.builtin, subject, arguments);
}

Value Interpreter::evaluate(const Test& form, const Position& at) {
  const Value subject = evaluate(*form.subject);
  const ArgumentValues arguments = evaluate(form.arguments);
  rt_.at = at;
  if (form.builtin == nullptr)
    rt_.fail_with(Errc::unsupported, fmt::format("no test named '{}'", form.name));
  return invoke(rt_, *form.builtin, subject, arguments);
}

Value Interpreter::evaluate(const Not& form, const Position&) {
  return Value::boolean(!is_true(evaluate(*form.operand)));
}

Value Interpreter::evaluate(const Sign& form, const Position& at) {
  const Value operand = evaluate(*form.operand);
  rt_.at = at;
  if (form.is_minus) return negate(rt_, operand);
  if (operand.is_undefined()) fail_undefined(rt_, operand);
  if (!operand.is_number()) rt_.fail("bad operand type for unary +: '{}'", type_name(operand));
  return operand.is(Kind::boolean) ? Value::integer(operand.as_integer()) : operand;
}

Value Interpreter::evaluate(const Arithmetic& form, const Position&) {
  Value result = evaluate(*form.first);
  for (size_t i = 0; i < form.rest.size(); ++i) {
    const Value operand = evaluate(*form.rest[i].second);
    rt_.at = form.positions[i];
    result = calculate(rt_, form.rest[i].first, result, operand);
  }
  return result;
}

Value Interpreter::evaluate(const Concatenation& form, const Position& at) {
  // The first apart from the rest, which is not stored, so that a text which grows by `x ~ more`
  // can grow in place.
  std::string_view first;
  std::string rest;
  for (const Expression* part : form.parts) {
    const Value value = evaluate(*part);
    rt_.at = at;
    if (part == form.parts.front())
      first = to_text(rt_, value);
    else
      append_text(rt_, rest, value);
  }
  return Value::text(first.empty() ? rt_.store(rest) : rt_.concatenate(first, rest));
}

Value Interpreter::evaluate(const Logic& form, const Position&) {
  Value value;
  for (const Expression* part : form.parts) {
    value = evaluate(*part);
    if (is_true(value) != form.is_and) return value;
  }
  return value;
}

bool Interpreter::holds(Relation relation, const Value& a, const Value& b) {
  switch (relation) {
    case Relation::equal:
      return is_equal(rt_, a, b);
    case Relation::unequal:
      return !is_equal(rt_, a, b);
    case Relation::less:
      return compare(rt_, a, b, "<") < 0;
    case Relation::at_most:
      return compare(rt_, a, b, "<=") <= 0;
    case Relation::greater:
      return compare(rt_, a, b, ">") > 0;
    case Relation::at_least:
      return compare(rt_, a, b, ">=") >= 0;
    case Relation::in:
      return contains(rt_, b, a);
    case Relation::not_in:
      return !contains(rt_, b, a);
  }
  return false;
}

Value Interpreter::evaluate(const Comparison& form, const Position& at) {
  Value left = evaluate(*form.first);
  for (const auto& [relation, expression] : form.rest) {
    const Value right = evaluate(*expression);
    rt_.at = at;
    if (!holds(relation, left, right)) return Value::boolean(false);
    left = right;
  }
  return Value::boolean(true);
}

Value Interpreter::evaluate(const Conditional& form, const Position&) {
  if (is_true(evaluate(*form.condition))) return evaluate(*form.then);
  if (form.otherwise != nullptr) return evaluate(*form.otherwise);
  return Value::undefined(
      Missing::item, "the inline if-expression evaluated to false and no else section was defined");
}

Value Interpreter::evaluate(const SequenceDisplay& form, const Position&) {
  std::vector<Value> items;
  items.reserve(form.items.size());
  for (const Expression* item : form.items) rt_.push(items, evaluate(*item));
  return rt_.sequence(form.kind, std::move(items));
}

Value Interpreter::evaluate(const MappingDisplay& form, const Position& at) {
  Mapping* mapping = rt_.mapping();
  for (const auto& [key_expression, value_expression] : form.entries) {
    const Value key = evaluate(*key_expression);
    const Value value = evaluate(*value_expression);
    rt_.at = at;
    put(rt_, *mapping, key, value);
  }
  return Value::mapping(mapping);
}

ArgumentValues Interpreter::evaluate(const Arguments& arguments) {
  ArgumentValues values;
  const auto add_named = [&](std::string_view name, const Value& value) {
    rt_.step(1 + values.named.size() / 16);  // names are compared one by one
    for (const NamedValue& given : values.named)
      if (given.first == name) rt_.fail("got multiple values for keyword argument '{}'", name);
    rt_.charge(sizeof(NamedValue));
    values.named.emplace_back(name, value);
  };
  for (const Expression* argument : arguments.positional)
    rt_.push(values.positional, evaluate(*argument));
  for (const auto& [name, argument] : arguments.named) add_named(name, evaluate(*argument));
  if (arguments.positional_rest != nullptr)
    for (const Value& value : iterate(rt_, evaluate(*arguments.positional_rest)))
      rt_.push(values.positional, value);
  if (arguments.named_rest != nullptr) {
    const Value rest = evaluate(*arguments.named_rest);
    if (!rest.is(Kind::mapping))
      rt_.fail("argument after ** must be a mapping, not {}", type_name(rest));
    for (const auto& [key, value] : rest.as_mapping().entries) {
      if (!key.is_text()) rt_.fail("keywords must be strings");
      add_named(key.as_text(), value);
    }
  }
  return values;
}

Value Interpreter::call(const Value& callee, const ArgumentValues& arguments) {
  switch (callee.kind()) {
    case Kind::function:
      return invoke(rt_, callee.as_builtin(), Value::none(), arguments);
    case Kind::method:
      return invoke(rt_, *callee.as_method().builtin, callee.as_method().self, arguments);
    case Kind::macro:
      return call_macro(callee.as_macro(), arguments);
    case Kind::undefined:
      fail_undefined(rt_, callee);
    default:
      rt_.fail("'{}' object is not callable", type_name(callee));
  }
}

Value Interpreter::call_macro(const Macro& macro, const ArgumentValues& arguments) {
  const Runtime::Depth depth(rt_);
  const MacroDefinition& definition = *macro.definition;
  const ScopeGuard guard(*this, macro.scope);
  bind_parameters(definition, arguments, *guard);
  bind_surplus(definition, arguments, *guard);
  const size_t begin = output_.size();
  execute(definition.body);
  return take_output(begin);
}

void Interpreter::bind_parameters(const MacroDefinition& definition,
                                  const ArgumentValues& arguments, Scope& scope) {
  for (size_t i = 0; i < definition.parameters.size(); ++i) {
    const MacroParameter& parameter = definition.parameters[i];
    rt_.step(1 + (arguments.named.size() + i) / 16);  // names are compared one by one
    const auto named =
        std::find_if(arguments.named.begin(), arguments.named.end(),
                     [&](const NamedValue& value) { return value.first == parameter.name; });
    const bool is_named = named != arguments.named.end(),
               is_positional = i < arguments.positional.size();
    if (is_named && is_positional)
      rt_.fail("macro '{}' got multiple values for argument '{}'", definition.name, parameter.name);
    Value value = Value::undefined(Missing::argument, parameter.name);
    if (is_positional)
      value = arguments.positional[i];
    else if (is_named)
      value = named->second;
    else if (parameter.default_value != nullptr)
      value = evaluate(*parameter.default_value);
    scope.set(parameter.symbol, value);
  }
}

// varargs, kwargs and caller: given to the macros that mention them, refused by the others. A
// parameter named caller has its value already.
void Interpreter::bind_surplus(const MacroDefinition& definition, const ArgumentValues& arguments,
                               Scope& scope) {
  const size_t count = definition.parameters.size();
  std::vector<Value> positional;
  for (size_t i = count; i < arguments.positional.size(); ++i)
    rt_.push(positional, arguments.positional[i]);
  if (!positional.empty() && !definition.uses_varargs)
    rt_.fail("macro '{}' takes not more than {} argument(s)", definition.name, count);
  if (definition.uses_varargs) scope.set(kVarargs, rt_.tuple(std::move(positional)));

  Mapping* surplus = rt_.mapping();
  if (definition.uses_caller && scope.find(kCaller) == nullptr)
    scope.set(kCaller, Value::undefined(Missing::variable, "caller"));
  for (const NamedValue& given : arguments.named) {
    rt_.step(1 + count / 16);
    const bool is_parameter =
        std::any_of(definition.parameters.begin(), definition.parameters.end(),
                    [&](const MacroParameter& p) { return p.name == given.first; });
    if (is_parameter) continue;
    if (given.first == "caller" && definition.uses_caller)
      scope.set(kCaller, given.second);
    else if (definition.uses_kwargs)
      put(rt_, *surplus, Value::text(given.first), given.second);
    else
      rt_.fail("macro '{}' takes no keyword argument '{}'", definition.name, given.first);
  }
  if (definition.uses_kwargs) scope.set(kKwargs, Value::mapping(surplus));
}

}  // namespace hearth::llm::jinja
