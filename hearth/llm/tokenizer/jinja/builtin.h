// The functions, filters, tests and methods that templates may call, as tables.
#pragma once
#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "hearth/llm/tokenizer/jinja/runtime.h"
#include "hearth/llm/tokenizer/jinja/value.h"

namespace hearth::llm::jinja {

/// Evaluated arguments in the order they were written. Names view the template's source or
/// dictionary keys.
struct ArgumentValues {
  std::vector<Value> positional;
  std::vector<std::pair<std::string_view, Value>> named;
};

constexpr int kParametersMax = 5;

/// One call of a builtin: what it is applied to, and its arguments bound to parameters.
class Call {
 public:
  Call(Runtime& runtime, const Builtin& callee, const Value& target,
       const ArgumentValues& arguments);

  Runtime& rt;
  const Builtin& builtin;
  Value subject;  // the filtered or tested value, the method's object; None for functions
  const ArgumentValues& raw;  // what a variadic builtin reads

  bool has(int i) const { return has_[static_cast<size_t>(i)]; }
  /// None when absent.
  const Value& arg(int i) const { return bound_[static_cast<size_t>(i)]; }
  /// Errors: invalid_argument when the argument is of another type.
  std::string_view text(int i) const;
  int64_t integer(int i, int64_t otherwise) const;
  bool flag(int i, bool otherwise) const;
  /// Absent and None both mean "not given".
  std::optional<std::string_view> optional_text(int i) const;

 private:
  std::array<Value, kParametersMax> bound_;
  std::array<bool, kParametersMax> has_{};
};

struct Builtin {
  std::string_view name;
  Value (*run)(Call& call);
  std::array<std::string_view, kParametersMax> parameters{};
  int required = 0;
  bool variadic = false;  // takes any arguments; `parameters` is not used
};

/// Binds and runs. Errors: invalid_argument for missing, surplus or unknown arguments.
Value invoke(Runtime& rt, const Builtin& builtin, const Value& subject,
             const ArgumentValues& arguments);

/// Each finds an entry by its name in templates; null when there is none.
const Builtin* find_filter(std::string_view name);
const Builtin* find_test(std::string_view name);
const Builtin* find_method(const Value& object, std::string_view name);
/// The functions every template sees (range, namespace, raise_exception …).
std::span<const Builtin> functions();

// The tables behind find_filter(), one file each.
std::span<const Builtin> text_filters();
std::span<const Builtin> number_filters();
std::span<const Builtin> sequence_filters();
std::span<const Builtin> selection_filters();
// The tables behind find_method().
std::span<const Builtin> text_methods();
std::span<const Builtin> list_methods();
std::span<const Builtin> tuple_methods();
std::span<const Builtin> mapping_methods();
std::span<const Builtin> loop_methods();

}  // namespace hearth::llm::jinja
