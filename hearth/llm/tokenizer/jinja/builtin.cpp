#include "hearth/llm/tokenizer/jinja/builtin.h"

#include <algorithm>

#include "hearth/llm/tokenizer/jinja/operations.h"

namespace hearth::llm::jinja {
namespace {

const Builtin* find_in(std::span<const Builtin> table, std::string_view name) {
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const Builtin& b) { return b.name == name; });
  return found == table.end() ? nullptr : &*found;
}

int parameter_count(const Builtin& builtin) {
  return static_cast<int>(
      std::find(builtin.parameters.begin(), builtin.parameters.end(), std::string_view()) -
      builtin.parameters.begin());
}

}  // namespace

Call::Call(Runtime& runtime, const Builtin& callee, const Value& target,
           const ArgumentValues& arguments)
    : rt(runtime), builtin(callee), subject(target), raw(arguments) {
  if (callee.variadic) return;
  const auto count = static_cast<size_t>(parameter_count(callee));
  if (arguments.positional.size() > count)
    rt.fail("{}() takes at most {} arguments but {} were given", callee.name, count,
            arguments.positional.size());
  for (size_t i = 0; i < arguments.positional.size(); ++i) {
    bound_[i] = arguments.positional[i];
    has_[i] = true;
  }
  for (const auto& [name, value] : arguments.named) {
    const auto slot = static_cast<size_t>(
        std::find(callee.parameters.begin(),
                  callee.parameters.begin() + static_cast<ptrdiff_t>(count), name) -
        callee.parameters.begin());
    if (slot == count) rt.fail("{}() got an unexpected keyword argument '{}'", callee.name, name);
    if (has_[slot]) rt.fail("{}() got multiple values for argument '{}'", callee.name, name);
    bound_[slot] = value;
    has_[slot] = true;
  }
  for (int i = 0; i < callee.required; ++i)
    if (!has(i))
      rt.fail("{}() missing required argument '{}'", callee.name,
              callee.parameters[static_cast<size_t>(i)]);
}

std::string_view Call::text(int i) const {
  if (arg(i).is_undefined()) fail_undefined(rt, arg(i));
  if (!arg(i).is_text())
    rt.fail("{}() argument '{}' must be str, not {}", builtin.name,
            builtin.parameters[static_cast<size_t>(i)], type_name(arg(i)));
  return arg(i).as_text();
}

int64_t Call::integer(int i, int64_t otherwise) const {
  return has(i) ? to_index(rt, arg(i)) : otherwise;
}

bool Call::flag(int i, bool otherwise) const { return has(i) ? is_true(arg(i)) : otherwise; }

std::optional<std::string_view> Call::optional_text(int i) const {
  if (!has(i) || arg(i).is_none()) return std::nullopt;
  return text(i);
}

Value invoke(Runtime& rt, const Builtin& builtin, const Value& subject,
             const ArgumentValues& arguments) {
  rt.step();
  Call call(rt, builtin, subject, arguments);
  return builtin.run(call);
}

const Builtin* find_filter(std::string_view name) {
  for (const auto table :
       {text_filters(), sequence_filters(), selection_filters(), number_filters()})
    if (const Builtin* found = find_in(table, name)) return found;
  return nullptr;
}

const Builtin* find_method(const Value& object, std::string_view name) {
  switch (object.kind()) {
    case Kind::text:
      return find_in(text_methods(), name);
    case Kind::mapping:
      return find_in(mapping_methods(), name);
    case Kind::loop:
      return find_in(loop_methods(), name);
    case Kind::sequence:
      switch (object.as_sequence().kind) {
        case SequenceKind::list:
          return find_in(list_methods(), name);
        case SequenceKind::tuple:
        case SequenceKind::group:
        case SequenceKind::range:
          return find_in(tuple_methods(), name);
        default:
          return nullptr;
      }
    default:
      return nullptr;
  }
}

}  // namespace hearth::llm::jinja
