// Statements, scopes and output. Expressions and calls are in evaluate.cpp.
#include "hearth/llm/tokenizer/jinja/interpreter.h"

#include <algorithm>

#include "hearth/llm/tokenizer/jinja/operations.h"
#include "hearth/llm/tokenizer/jinja/printing.h"

namespace hearth::llm::jinja {

Interpreter::Interpreter(Runtime& rt, const Template& parsed)
    : rt_(rt),
      template_(parsed),
      globals_(parsed.symbols.size()),
      has_global_(parsed.symbols.size()) {
  for (const Builtin& function : functions()) set_global(function.name, Value::function(&function));
}

void Interpreter::set_global(std::string_view name, const Value& value) {
  const auto found = std::find(template_.symbols.begin(), template_.symbols.end(), name);
  if (found == template_.symbols.end()) return;
  const auto id = static_cast<size_t>(found - template_.symbols.begin());
  globals_[id] = value;
  has_global_[id] = true;
}

std::string Interpreter::run() {
  execute(template_.body);
  return std::move(output_);
}

Interpreter::ScopeGuard::ScopeGuard(Interpreter& interpreter, Scope* outer)
    : interpreter_(interpreter), previous_(interpreter.scope_) {
  if (interpreter_.free_scopes_.empty()) {
    interpreter_.rt_.charge(sizeof(Scope));
    scope_ = &interpreter_.scopes_.emplace_back();
  } else {
    scope_ = interpreter_.free_scopes_.back();
    interpreter_.free_scopes_.pop_back();
  }
  scope_->outer = outer;
  interpreter_.scope_ = scope_;
}

Interpreter::ScopeGuard::~ScopeGuard() {
  interpreter_.scope_ = previous_;
  if (scope_->is_captured) return;
  scope_->variables.clear();
  interpreter_.free_scopes_.push_back(scope_);
}

Value Interpreter::lookup(SymbolId symbol) {
  for (const Scope* scope = scope_; scope != nullptr; scope = scope->outer) {
    rt_.step(1 + scope->variables.size() / 16);
    if (const Value* found = scope->find(symbol)) return *found;
  }
  const auto id = static_cast<size_t>(symbol);
  if (has_global_[id]) return globals_[id];
  return Value::undefined(Missing::variable, template_.symbols[id]);
}

void Interpreter::assign(const Target& target, const Value& value) {
  if (target.is_tuple) {
    rt_.at = target.at;
    const auto items = iterate(rt_, value);
    if (items.size() > target.parts.size())
      rt_.fail("too many values to unpack (expected {})", target.parts.size());
    if (items.size() < target.parts.size())
      rt_.fail("not enough values to unpack (expected {}, got {})", target.parts.size(),
               items.size());
    for (size_t i = 0; i < items.size(); ++i) assign(target.parts[i], items[i]);
    return;
  }
  if (!target.attribute.empty()) {
    rt_.at = target.at;
    const Value object = lookup(target.symbol);
    if (!object.is(Kind::name_space)) rt_.fail("cannot assign attribute on non-namespace object");
    return put(rt_, object.as_mapping(), Value::text(target.attribute), value);
  }
  if (scope_ != nullptr) {
    rt_.charge(sizeof(Value));
    return scope_->set(target.symbol, value);
  }
  globals_[static_cast<size_t>(target.symbol)] = value;
  has_global_[static_cast<size_t>(target.symbol)] = true;
}

void Interpreter::write(std::string_view text) {
  rt_.scan(text.size());
  const size_t limit = rt_.limits().output_bytes_max;
  if (text.size() > limit || output_.size() > limit - text.size())
    rt_.fail_with(Errc::resource_exhausted,
                  fmt::format("more than {} bytes of output (output_bytes_max)", limit));
  output_ += text;
}

Value Interpreter::take_output(size_t begin) {
  const Value taken = rt_.text(std::string_view(output_).substr(begin));
  output_.resize(begin);
  return taken;
}

std::optional<Value> Interpreter::capture(const Body& body,
                                          const std::vector<const Expression*>& filters,
                                          Flow& flow) {
  const size_t begin = output_.size();
  const ScopeGuard guard(*this, scope_);
  flow = execute(body);
  Value text = take_output(begin);
  if (flow != Flow::next) return std::nullopt;
  for (const Expression* filter : filters)
    text = apply_filter(std::get<Filter>(filter->form), text, filter->at);
  return text;
}

Interpreter::Flow Interpreter::execute(const Body& body) {
  const Runtime::Depth depth(rt_);
  for (const Statement& statement : body) {
    rt_.at = statement.at;
    rt_.step();
    const Flow flow = std::visit([&](const auto& form) { return execute(form); }, statement.form);
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

Interpreter::Flow Interpreter::execute(const Text& form) {
  write(form.text);
  return Flow::next;
}

Interpreter::Flow Interpreter::execute(const Output& form) {
  const Value value = evaluate(*form.value);
  write(to_text(rt_, value));
  return Flow::next;
}

Interpreter::Flow Interpreter::execute(const If& form) {
  for (const auto& [condition, body] : form.branches)
    if (is_true(evaluate(*condition))) return execute(body);
  return execute(form.otherwise);
}

// What the loop runs over: all items, or those that pass its `if`, which sees the target but not
// `loop`.
std::vector<Value> Interpreter::loop_items(const For& form) {
  const Value iterable = evaluate(*form.items);
  rt_.at = form.items->at;
  auto items = iterate(rt_, iterable);
  if (form.condition == nullptr) return items;
  std::vector<Value> kept;
  for (const Value& item : items) {
    const ScopeGuard guard(*this, scope_);
    assign(form.target, item);
    if (is_true(evaluate(*form.condition))) rt_.push(kept, item);
  }
  return kept;
}

Interpreter::Flow Interpreter::execute(const For& form) {
  LoopState& loop = *rt_.loop(loop_items(form));
  if (loop.items.empty()) {
    const ScopeGuard guard(*this, scope_);
    return execute(form.otherwise);
  }
  for (; loop.index0 < loop.items.size(); ++loop.index0) {
    const ScopeGuard guard(*this, scope_);
    (*guard).set(kLoop, Value::loop(&loop));
    assign(form.target, loop.items[loop.index0]);
    if (execute(form.body) == Flow::leave_loop) break;
  }
  return Flow::next;
}

Interpreter::Flow Interpreter::execute(const SetValue& form) {
  assign(form.target, evaluate(*form.value));
  return Flow::next;
}

Interpreter::Flow Interpreter::execute(const SetBlock& form) {
  Flow flow{};
  if (const auto text = capture(form.body, form.filters, flow)) assign(form.target, *text);
  return flow;
}

Interpreter::Flow Interpreter::execute(const FilterBlock& form) {
  Flow flow{};
  if (const auto text = capture(form.body, form.filters, flow)) write(to_text(rt_, *text));
  return flow;
}

Interpreter::Flow Interpreter::execute(const With& form) {
  std::vector<Value> values;  // all evaluated before any of the names is visible
  for (const auto& entry : form.values) values.push_back(evaluate(*entry.second));
  const ScopeGuard guard(*this, scope_);
  for (size_t i = 0; i < values.size(); ++i) assign(form.values[i].first, values[i]);
  return execute(form.body);
}

Interpreter::Flow Interpreter::execute(const Scoped& form) {
  const ScopeGuard guard(*this, scope_);
  return execute(form.body);
}

Interpreter::Flow Interpreter::execute(const DefineMacro& form) {
  for (Scope* scope = scope_; scope != nullptr && !scope->is_captured; scope = scope->outer)
    scope->is_captured = true;
  Target target;
  target.symbol = form.symbol;
  assign(target, rt_.macro({&form.definition, scope_}));
  return Flow::next;
}

Interpreter::Flow Interpreter::execute(const CallBlock& form) {
  for (Scope* scope = scope_; scope != nullptr && !scope->is_captured; scope = scope->outer)
    scope->is_captured = true;
  const auto& invocation = std::get<Invocation>(form.call->form);
  const Position at = rt_.at;
  const Value callee = evaluate(*invocation.callee);
  ArgumentValues arguments = evaluate(invocation.arguments);
  arguments.named.emplace_back("caller", rt_.macro({&form.caller, scope_}));
  rt_.at = at;
  write(to_text(rt_, call(callee, arguments)));
  return Flow::next;
}

}  // namespace hearth::llm::jinja
