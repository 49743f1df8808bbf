// The values a template computes with, and the objects they point to.
//
// A Value is a small copyable handle: text and containers live in the Runtime of one rendering (or
// in the parsed template, or in the caller's globals) and stay until it ends. So values never own,
// cycles between lists cannot leak, and a slice of a text is a view.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::llm::jinja {

enum class Kind : uint8_t {
  undefined,
  none,
  boolean,
  integer,
  real,
  text,
  sequence,
  mapping,
  name_space,
  loop,
  macro,
  function,
  method
};

/// Why a value is undefined; with the name it was looked up by, this gives the message when it is
/// used.
enum class Missing : uint8_t { variable, attribute, element, argument, item };

struct Sequence;
struct Mapping;
struct LoopState;
struct Macro;
struct MacroDefinition;
struct BoundMethod;
struct Builtin;
struct Scope;

class Value {
 public:
  Value() = default;  // None

  static Value none() { return {}; }
  static Value boolean(bool b) {
    return make(Kind::boolean, [&](Value& v) { v.integer_ = b; });
  }
  static Value integer(int64_t i) {
    return make(Kind::integer, [&](Value& v) { v.integer_ = i; });
  }
  static Value real(double d) {
    return make(Kind::real, [&](Value& v) { v.real_ = d; });
  }
  /// Views `s`, which must outlive the rendering. `safe`: HTML escaping has been done or waived.
  static Value text(std::string_view s, bool safe = false) {
    Value v = make(Kind::text, [&](Value& t) { t.chars_ = s.data(); });
    v.length_ = static_cast<uint32_t>(s.size());
    v.safe_ = safe;
    return v;
  }
  /// `name` must outlive the rendering; `owner` is the kind of the object that lacks it.
  static Value undefined(Missing why, std::string_view name, Kind owner = Kind::undefined) {
    Value v = text(name);
    v.kind_ = Kind::undefined;
    v.missing_ = why;
    v.owner_ = owner;
    return v;
  }
  static Value sequence(Sequence* s) {
    return make(Kind::sequence, [&](Value& v) { v.object_ = s; });
  }
  static Value mapping(Mapping* m) {
    return make(Kind::mapping, [&](Value& v) { v.object_ = m; });
  }
  static Value name_space(Mapping* m) {
    return make(Kind::name_space, [&](Value& v) { v.object_ = m; });
  }
  static Value loop(LoopState* l) {
    return make(Kind::loop, [&](Value& v) { v.object_ = l; });
  }
  static Value macro(Macro* m) {
    return make(Kind::macro, [&](Value& v) { v.object_ = m; });
  }
  static Value method(BoundMethod* m) {
    return make(Kind::method, [&](Value& v) { v.object_ = m; });
  }
  static Value function(const Builtin* b) {
    return make(Kind::function, [&](Value& v) { v.builtin_ = b; });
  }

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_undefined() const { return kind_ == Kind::undefined; }
  bool is_none() const { return kind_ == Kind::none; }
  bool is_text() const { return kind_ == Kind::text; }
  /// Python's bool is an int.
  bool is_integral() const { return kind_ == Kind::integer || kind_ == Kind::boolean; }
  bool is_number() const { return is_integral() || kind_ == Kind::real; }

  /// Of a boolean or integer.
  int64_t as_integer() const { return integer_; }
  /// Of any number.
  double as_real() const { return kind_ == Kind::real ? real_ : static_cast<double>(integer_); }
  /// Of a text; of an undefined value, the name that was looked up.
  std::string_view as_text() const { return {chars_, length_}; }
  bool is_safe() const { return safe_; }
  Missing missing() const { return missing_; }
  Kind owner() const { return owner_; }
  Sequence& as_sequence() const { return *static_cast<Sequence*>(object_); }
  /// Of a mapping or a namespace.
  Mapping& as_mapping() const { return *static_cast<Mapping*>(object_); }
  LoopState& as_loop() const { return *static_cast<LoopState*>(object_); }
  Macro& as_macro() const { return *static_cast<Macro*>(object_); }
  BoundMethod& as_method() const { return *static_cast<BoundMethod*>(object_); }
  const Builtin& as_builtin() const { return *builtin_; }
  /// True when both are the same object in memory, or equal scalars of one kind.
  bool is_same(const Value& other) const {
    return kind_ == other.kind_ && integer_ == other.integer_ &&
           (!is_text() || length_ == other.length_);
  }

 private:
  template <class Fill>
  static Value make(Kind kind, Fill fill) {
    Value v;
    v.kind_ = kind;
    fill(v);
    return v;
  }

  Kind kind_ = Kind::none;
  bool safe_ = false;
  Missing missing_ = Missing::variable;
  Kind owner_ = Kind::undefined;
  uint32_t length_ = 0;  // bytes; texts are limited far below 4 GiB
  union {
    int64_t integer_ = 0;
    double real_;
    const char* chars_;
    void* object_;
    const Builtin* builtin_;
  };
};
static_assert(sizeof(Value) == 16);

/// What Python would call the thing; they print, index and test differently.
enum class SequenceKind : uint8_t { list, tuple, group, range, generator, keys, values, items };

struct Sequence {
  SequenceKind kind = SequenceKind::list;
  std::vector<Value> items;
  size_t consumed = 0;  // a generator gives each item once
};

/// In order of insertion. Lookup is linear and pays steps for its length: chat data has tens of
/// keys, not thousands.
struct Mapping {
  std::vector<std::pair<Value, Value>> entries;
};

/// The `loop` variable. It outlives its loop when a template stores it in a namespace.
struct LoopState {
  std::vector<Value> items;
  size_t index0 = 0;
  bool has_changed = false;  // loop.changed() was called at least once
  std::vector<Value> changed_last;
};

struct BoundMethod {
  const Builtin* builtin;
  Value self;
};

/// A macro and the variables around its definition, which it sees as they are when it is called.
struct Macro {
  const MacroDefinition* definition;
  Scope* scope;
};

}  // namespace hearth::llm::jinja
