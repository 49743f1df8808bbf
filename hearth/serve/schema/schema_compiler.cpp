#include "hearth/serve/schema/schema_compiler.h"

#include <algorithm>

#include "hearth/serve/schema/code_points.h"
#include "hearth/serve/schema/pattern.h"
#include "hearth/serve/schema/string_formats.h"

namespace hearth::serve {

llm::Grammar SchemaCompiler::compile() {
  const Json& root = document_.root();
  const MaybeExpr value = this->value({&root}, root);
  if (!value) document_.fail(Errc::invalid_argument, root, "schema", "is false: no value fits");
  const Rule rule = builder_.declare("root");
  builder_.define(rule, *value);
  while (!pending_.empty()) {
    const Pending next = std::move(pending_.back());
    pending_.pop_back();
    define(next);
  }
  return builder_.build(rule);
}

// Nothing when no value meets all of `schemas`, as far as booleans tell.
SchemaCompiler::MaybeExpr SchemaCompiler::value(const Conjunction& schemas, const Json& parent) {
  Conjunction key = schemas;
  std::sort(key.begin(), key.end(), std::less<const Json*>());
  key.erase(std::unique(key.begin(), key.end()), key.end());
  const auto [known, is_new] = rules_.emplace(std::move(key), std::nullopt);
  if (is_new) {
    std::vector<Conjunction> ways = document_.ways(schemas);
    const Json& place = schemas.empty() ? parent : *schemas.front();
    if (!ways.empty()) {
      known->second = builder_.declare(document_.path_of(place));
      pending_.push_back({*known->second, std::move(ways), &place});
    }
  }
  return known->second ? MaybeExpr(builder_.use(*known->second)) : std::nullopt;
}

void SchemaCompiler::define(const Pending& pending) {
  std::vector<Expr> choices;
  for (const Conjunction& way : pending.ways)
    add_shape(shape_of(document_, way), *pending.place, choices);
  if (choices.empty())
    document_.fail(Errc::invalid_argument, *pending.place, "schema", "fits no value");
  builder_.define(pending.rule, builder_.choice(std::move(choices)));
}

void SchemaCompiler::add_shape(const Shape& shape, const Json& place, std::vector<Expr>& choices) {
  if (shape.values) {
    for (const Json& value : *shape.values) choices.push_back(builder_.text(value.dump()));
    return;
  }
  const bool asks_nothing = shape.types == kAnyType && shape.array.is_free &&
                            shape.object.is_free && shape.string.is_free() && !shape.is_bounded;
  if (asks_nothing) return choices.push_back(json_.any_value());
  const auto add = [&](const MaybeExpr& expr) {
    if (expr) choices.push_back(*expr);
  };
  if (shape.types & kObject) add(object_of(shape.object, place));
  if (shape.types & kArray) add(array_of(shape.array, place));
  if (shape.types & kString) add(string_of(shape.string));
  if (shape.types & (kNumber | kInteger)) add(number_of(shape));
  if (shape.types & kBoolean) {
    choices.push_back(builder_.text("true"));
    choices.push_back(builder_.text("false"));
  }
  if (shape.types & kNull) choices.push_back(builder_.text("null"));
}

SchemaCompiler::MaybeExpr SchemaCompiler::string_of(const StringShape& shape) {
  if (shape.length.max && *shape.length.max < shape.length.min) return std::nullopt;
  const auto of_pattern = [&](std::string_view pattern) {
    return strings_of_pattern(builder_, json_, pattern, shape.length,
                              document_.path_of(*shape.place));
  };
  if (shape.pattern) return of_pattern(*shape.pattern);
  const auto pattern = shape.format ? pattern_of_format(*shape.format) : std::nullopt;
  if (pattern) return of_pattern(*pattern);
  return json_.string(shape.length);
}

SchemaCompiler::MaybeExpr SchemaCompiler::number_of(const Shape& shape) {
  const bool is_whole = !(shape.types & kNumber);
  if (!shape.is_bounded) return is_whole ? json_.any_integer() : json_.any_number();
  NumberRange range = shape.number;
  if (is_whole) range.fraction_digits_max = 0;
  return number_in(builder_, range);
}

SchemaCompiler::MaybeExpr SchemaCompiler::array_of(const ArrayShape& shape, const Json& place) {
  if (shape.is_free) return json_.any_array();
  if (shape.count.max && *shape.count.max < shape.count.min) return std::nullopt;
  const auto leading = static_cast<int64_t>(
      std::min<uint64_t>(shape.leading.size(), shape.count.max.value_or(INT64_MAX)));
  Counts others{.min = std::max<int64_t>(shape.count.min - leading, 0)};
  if (shape.count.max) others.max = *shape.count.max - leading;
  const MaybeExpr other =
      others.max && *others.max == 0 ? std::nullopt : value(shape.others, place);
  if (!other && others.min > 0) return std::nullopt;
  if (leading == 0)
    return other ? json_.list("[", *other, others, "]")
                 : json_.list("[", builder_.text(""), {.min = 0, .max = 0}, "]");
  std::vector<Expr> parts = {builder_.text("[")};
  for (int64_t i = 0; i < leading; ++i) {
    const MaybeExpr item = value(shape.leading[i], place);
    if (!item) return std::nullopt;
    if (i > 0) parts.push_back(builder_.text(","));
    parts.insert(parts.end(), {json_.space(), *item});
  }
  if (other)
    parts.push_back(
        json_.repeat(builder_.sequence({builder_.text(","), json_.space(), *other}), others));
  parts.insert(parts.end(), {json_.space(), builder_.text("]")});
  return builder_.sequence(std::move(parts));
}

Expr SchemaCompiler::name_of(const Property& property) {
  return builder_.text(Json(property.name).dump());
}

// A property of a name that is not declared.
SchemaCompiler::MaybeExpr SchemaCompiler::other_member(const ObjectShape& shape,
                                                       const Json& place) {
  if (!shape.is_open) return std::nullopt;
  const MaybeExpr content = value(shape.others, place);
  if (!content) return std::nullopt;
  if (shape.name_pattern)
    return json_.member(
        strings_of_pattern(builder_, json_, *shape.name_pattern, {}, document_.path_of(place)),
        *content);
  if (!shape.names.empty()) {
    std::vector<Expr> names;
    for (const Conjunction& way : document_.ways(shape.names)) {
      Shape name = shape_of(document_, way);
      name.types &= kString;
      if (name.values) std::erase_if(*name.values, [](const Json& v) { return !v.is_string(); });
      add_shape(name, place, names);
    }
    if (names.empty()) return std::nullopt;
    return json_.member(builder_.choice(std::move(names)), *content);
  }
  std::vector<std::string> taken;
  for (const Property& property : shape.properties) taken.push_back(property.name);
  return json_.member(json_.name_but(taken), *content);
}

// What a grammar of declared properties cannot count.
void SchemaCompiler::check_counts(const ObjectShape& shape, const Json& place) const {
  const auto required = std::count_if(shape.properties.begin(), shape.properties.end(),
                                      [](const Property& p) { return p.is_required; });
  const int64_t declared = static_cast<int64_t>(shape.properties.size());
  if (shape.count.min > std::max<int64_t>(required, 1))
    document_.fail(Errc::unsupported, place, "minProperties",
                   "above the number of required properties is not supported");
  if (shape.count.max && declared > 0 && (shape.is_open || *shape.count.max < declared))
    document_.fail(Errc::unsupported, place, "maxProperties",
                   "below the number of possible properties is not supported");
}

// Properties in order. A rule for each says what may still follow once something stands before it;
// what comes first is one of those up to the first that is required.
SchemaCompiler::MaybeExpr SchemaCompiler::object_of(const ObjectShape& shape, const Json& place) {
  if (shape.is_free) return json_.any_object();
  check_counts(shape, place);
  const MaybeExpr other = other_member(shape, place);
  if (shape.properties.empty()) {
    const bool has_room = other && shape.count.max.value_or(1) > 0;
    if (!has_room && shape.count.min > 0) return std::nullopt;
    const Counts none{.min = 0, .max = 0};
    return json_.list("{", other.value_or(builder_.text("")), other ? shape.count : none, "}");
  }
  const auto after_comma = [&](Expr member) {
    return builder_.sequence({builder_.text(","), json_.space(), member});
  };
  const auto as_rule = [&](Expr body) {
    const Rule rule = builder_.declare("rest of " + document_.path_of(place));
    builder_.define(rule, body);
    return builder_.use(rule);
  };
  Expr rest = other ? as_rule(builder_.repeat(after_comma(*other), 0, -1)) : builder_.text("");
  std::vector<Expr> firsts;
  if (other) firsts.push_back(builder_.sequence({*other, rest}));
  bool may_be_empty = shape.count.min == 0;
  for (size_t i = shape.properties.size(); i-- > 0;) {
    const Property& property = shape.properties[i];
    const MaybeExpr content = value(property.schemas, place);
    if (!content && property.is_required)
      document_.fail(Errc::invalid_argument, place, "required",
                     fmt::format("'{}' can have no value", shortened(property.name)));
    if (!content) continue;
    const Expr member = json_.member(name_of(property), *content);
    const Expr first = builder_.sequence({member, rest});
    if (property.is_required) firsts.clear(), may_be_empty = false;
    firsts.push_back(first);
    const Expr next = after_comma(member);
    rest = as_rule(
        builder_.sequence({property.is_required ? next : builder_.repeat(next, 0, 1), rest}));
  }
  std::vector<Expr> bodies;
  if (!firsts.empty())
    bodies.push_back(builder_.sequence({builder_.choice(std::move(firsts)), json_.space()}));
  if (may_be_empty) bodies.push_back(builder_.text(""));
  if (bodies.empty()) return std::nullopt;
  return builder_.sequence(
      {builder_.text("{"), json_.space(), builder_.choice(std::move(bodies)), builder_.text("}")});
}

}  // namespace hearth::serve
