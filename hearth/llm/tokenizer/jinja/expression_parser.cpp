#include "hearth/llm/tokenizer/jinja/expression_parser.h"

#include <algorithm>

namespace hearth::llm::jinja {

ExpressionParser::ExpressionParser(TokenStream& tokens, Template& result,
                                   const ChatTemplateLimits& limits)
    : tokens_(tokens), result_(result), nesting_max_(limits.nesting_max) {
  for (const std::string_view fixed : {"loop", "caller", "varargs", "kwargs"}) symbol(fixed);
}

ExpressionParser::Nesting::Nesting(ExpressionParser& parser) : parser_(parser) {
  if (parser_.depth_ >= parser_.nesting_max_)
    parser_.tokens_.fail(
        Errc::resource_exhausted, parser_.tokens_.current().at,
        fmt::format("nested deeper than {} levels (nesting_max)", parser_.nesting_max_));
  ++parser_.depth_;
}

SymbolId ExpressionParser::symbol(std::string_view name) {
  const auto found = ids_.find(name);
  if (found != ids_.end()) return found->second;
  const std::string_view kept = keep(std::string(name));
  const auto id = static_cast<SymbolId>(result_.symbols.size());
  result_.symbols.push_back(kept);
  ids_.emplace(kept, id);
  return id;
}

std::string_view ExpressionParser::keep(std::string text) {
  return result_.strings.emplace_back(std::move(text));
}

const Expression* ExpressionParser::expression(bool with_conditional) {
  const Nesting nesting(*this);
  const Position at = tokens_.current().at;
  const Expression* value = disjunction();
  while (with_conditional && tokens_.take_name("if")) {
    ++conditional_depth;
    const Expression* condition = disjunction();
    const Expression* otherwise = tokens_.take_name("else") ? expression() : nullptr;
    --conditional_depth;
    value = make(at, Conditional{condition, value, otherwise});
  }
  return value;
}

bool ExpressionParser::is_tuple_end() const {
  return tokens_.is(TokenType::variable_end) || tokens_.is(TokenType::block_end) ||
         tokens_.is_symbol(")");
}

const Expression* ExpressionParser::expression_or_tuple(bool with_conditional) {
  const Position at = tokens_.current().at;
  SequenceDisplay tuple{SequenceKind::tuple, {}};
  bool has_comma = false;
  while (true) {
    if (!tuple.items.empty() && !has_comma) break;
    if (is_tuple_end() || tokens_.is_name("recursive")) break;
    tuple.items.push_back(expression(with_conditional));
    has_comma = tokens_.take_symbol(",");
    if (tuple.items.size() == 1 && !has_comma) return tuple.items[0];
  }
  if (tuple.items.empty()) tokens_.fail_expected("expression");
  return make(at, std::move(tuple));
}

const Expression* ExpressionParser::logic(bool is_and) {
  const Position at = tokens_.current().at;
  Logic form{is_and, {}};
  do {
    form.parts.push_back(is_and ? negation() : conjunction());
  } while (tokens_.take_name(is_and ? "and" : "or"));
  return form.parts.size() == 1 ? form.parts[0] : make(at, std::move(form));
}

const Expression* ExpressionParser::negation() {
  const Position at = tokens_.current().at;
  if (!tokens_.take_name("not")) return comparison();
  const Nesting nesting(*this);
  return make(at, Not{negation()});
}

const Expression* ExpressionParser::comparison() {
  constexpr std::pair<std::string_view, Relation> kSymbols[] = {
      {"==", Relation::equal},   {"!=", Relation::unequal}, {"<", Relation::less},
      {"<=", Relation::at_most}, {">", Relation::greater},  {">=", Relation::at_least}};
  const Position at = tokens_.current().at;
  Comparison form{sum(), {}};
  while (true) {
    const auto* symbol =
        std::find_if(std::begin(kSymbols), std::end(kSymbols),
                     [&](const auto& entry) { return tokens_.is_symbol(entry.first); });
    Relation relation{};
    if (symbol != std::end(kSymbols)) {
      relation = symbol->second;
    } else if (tokens_.is_name("in")) {
      relation = Relation::in;
    } else if (tokens_.is_name("not") && tokens_.ahead().type == TokenType::name &&
               tokens_.ahead().text == "in") {
      relation = Relation::not_in;
      tokens_.next();
    } else {
      break;
    }
    tokens_.next();
    form.rest.emplace_back(relation, sum());
  }
  return form.rest.empty() ? form.first : make(at, std::move(form));
}

const Expression* ExpressionParser::arithmetic(
    Level next_level, std::initializer_list<std::pair<std::string_view, Operator>> operators) {
  const Position at = tokens_.current().at;
  Arithmetic form{(this->*next_level)(), {}, {}};
  while (true) {
    const auto* found = std::find_if(operators.begin(), operators.end(), [&](const auto& entry) {
      return tokens_.is_symbol(entry.first);
    });
    if (found == operators.end()) break;
    form.positions.push_back(tokens_.next().at);
    form.rest.emplace_back(found->second, (this->*next_level)());
  }
  return form.rest.empty() ? form.first : make(at, std::move(form));
}

const Expression* ExpressionParser::sum() {
  return arithmetic(&ExpressionParser::concatenation,
                    {{"+", Operator::add}, {"-", Operator::subtract}});
}

const Expression* ExpressionParser::concatenation() {
  const Position at = tokens_.current().at;
  Concatenation form;
  do {
    form.parts.push_back(product());
  } while (tokens_.take_symbol("~"));
  return form.parts.size() == 1 ? form.parts[0] : make(at, std::move(form));
}

const Expression* ExpressionParser::product() {
  return arithmetic(&ExpressionParser::power, {{"*", Operator::multiply},
                                               {"/", Operator::divide},
                                               {"//", Operator::floor_divide},
                                               {"%", Operator::modulo}});
}

const Expression* ExpressionParser::power() {
  return arithmetic(&ExpressionParser::operand, {{"**", Operator::power}});
}

const Expression* ExpressionParser::unary(bool with_filters) {
  const Nesting nesting(*this);
  const Position at = tokens_.current().at;
  const Expression* value = nullptr;
  if (tokens_.is_symbol("-") || tokens_.is_symbol("+")) {
    const bool is_minus = tokens_.next().text == "-";
    value = make(at, Sign{is_minus, unary(false)});
  } else {
    value = primary();
  }
  value = postfix(value);
  return with_filters ? filters(value) : value;
}

const Expression* ExpressionParser::primary() {
  const Token& token = tokens_.current();
  switch (token.type) {
    case TokenType::name:
      return name();
    case TokenType::string: {
      std::string text;
      while (tokens_.is(TokenType::string)) text += tokens_.next().text;
      return make(token.at, Literal{Value::text(keep(std::move(text)))});
    }
    case TokenType::integer:
      return make(token.at, Literal{Value::integer(tokens_.next().integer)});
    case TokenType::real:
      return make(token.at, Literal{Value::real(tokens_.next().real)});
    default:
      break;
  }
  if (tokens_.is_symbol("(")) return parenthesised();
  if (tokens_.is_symbol("[")) return list();
  if (tokens_.is_symbol("{")) return mapping();
  tokens_.fail(Errc::corrupt_data, token.at,
               fmt::format("unexpected {}", TokenStream::describe(token)));
}

const Expression* ExpressionParser::name() {
  const Token& token = tokens_.next();
  const std::string_view text = token.text;
  if (text == "true" || text == "True") return make(token.at, Literal{Value::boolean(true)});
  if (text == "false" || text == "False") return make(token.at, Literal{Value::boolean(false)});
  if (text == "none" || text == "None") return make(token.at, Literal{Value::none()});
  const SymbolId id = symbol(text);
  if (macro != nullptr) {
    macro->uses_caller = macro->uses_caller || id == kCaller;
    macro->uses_varargs = macro->uses_varargs || id == kVarargs;
    macro->uses_kwargs = macro->uses_kwargs || id == kKwargs;
  }
  return make(token.at, Name{id});
}

// "()" is the empty tuple, "(x)" is x, "(x,)" a tuple of one.
const Expression* ExpressionParser::parenthesised() {
  const Position at = tokens_.next().at;
  if (tokens_.take_symbol(")")) return make(at, SequenceDisplay{SequenceKind::tuple, {}});
  const Expression* value = expression_or_tuple();
  tokens_.expect_symbol(")");
  return value;
}

const Expression* ExpressionParser::list() {
  const Position at = tokens_.next().at;
  SequenceDisplay form{SequenceKind::list, {}};
  while (!tokens_.is_symbol("]")) {
    if (!form.items.empty()) tokens_.expect_symbol(",");
    if (tokens_.is_symbol("]")) break;
    form.items.push_back(expression());
  }
  tokens_.next();
  return make(at, std::move(form));
}

const Expression* ExpressionParser::mapping() {
  const Position at = tokens_.next().at;
  MappingDisplay form;
  while (!tokens_.is_symbol("}")) {
    if (!form.entries.empty()) tokens_.expect_symbol(",");
    if (tokens_.is_symbol("}")) break;
    const Expression* key = expression();
    tokens_.expect_symbol(":");
    form.entries.emplace_back(key, expression());
  }
  tokens_.next();
  return make(at, std::move(form));
}

const Expression* ExpressionParser::postfix(const Expression* object) {
  while (true) {
    if (tokens_.is_symbol("."))
      object = dotted(object);
    else if (tokens_.is_symbol("["))
      object = subscript(object);
    else if (tokens_.is_symbol("("))
      object = make(tokens_.current().at, Invocation{object, arguments()});
    else
      return object;
  }
}

const Expression* ExpressionParser::filters(const Expression* subject) {
  while (true) {
    if (tokens_.take_symbol("|"))
      subject = filter(subject);
    else if (tokens_.is_name("is"))
      subject = test(subject);
    else if (tokens_.is_symbol("("))
      subject = make(tokens_.current().at, Invocation{subject, arguments()});
    else
      return subject;
  }
}

const Expression* ExpressionParser::dotted(const Expression* object) {
  tokens_.next();
  const Token& token = tokens_.current();
  if (token.type == TokenType::integer) {
    const Expression* index = make(token.at, Literal{Value::integer(tokens_.next().integer)});
    return make(token.at, Item{object, index});
  }
  const std::string_view attribute = keep(tokens_.expect(TokenType::name, "name").text);
  return make(token.at, Attribute{object, attribute});
}

const Expression* ExpressionParser::subscript(const Expression* object) {
  const Position at = tokens_.next().at;
  const bool is_slice_start = tokens_.is_symbol(":");
  const Expression* first = is_slice_start ? nullptr : expression();
  if (tokens_.is_symbol(":")) {
    const Expression* sliced = slice(object, at);
    const auto& form = std::get<Slice>(sliced->form);
    return make(at, Slice{form.object, first, form.stop, form.step});
  }
  if (tokens_.is_symbol(",")) {
    SequenceDisplay tuple{SequenceKind::tuple, {first}};
    while (tokens_.take_symbol(",") && !tokens_.is_symbol("]")) tuple.items.push_back(expression());
    first = make(at, std::move(tuple));
  }
  tokens_.expect_symbol("]");
  return make(at, Item{object, first});
}

// From the first ":" on.
const Expression* ExpressionParser::slice(const Expression* object, const Position& at) {
  Slice form{object, nullptr, nullptr, nullptr};
  const auto part = [&]() -> const Expression* {
    return tokens_.is_symbol(":") || tokens_.is_symbol("]") ? nullptr : expression();
  };
  tokens_.expect_symbol(":");
  form.stop = part();
  if (tokens_.take_symbol(":")) form.step = part();
  tokens_.expect_symbol("]");
  return make(at, form);
}

std::string ExpressionParser::dotted_name() {
  std::string full = tokens_.expect(TokenType::name, "name").text;
  while (tokens_.take_symbol(".")) full += "." + tokens_.expect(TokenType::name, "name").text;
  return full;
}

void ExpressionParser::check_known(const Builtin* builtin, std::string_view what,
                                   std::string_view name, const Position& at) {
  if (builtin == nullptr && conditional_depth == 0)
    tokens_.fail(Errc::unsupported, at, fmt::format("no {} named '{}'", what, name));
}

const Expression* ExpressionParser::filter(const Expression* subject) {
  const Position at = tokens_.current().at;
  const std::string_view filter_name = keep(dotted_name());
  const Builtin* builtin = find_filter(filter_name);
  check_known(builtin, "filter", filter_name, at);
  return make(at, Filter{subject, builtin, filter_name,
                         tokens_.is_symbol("(") ? arguments() : Arguments{}});
}

const Expression* ExpressionParser::test(const Expression* subject) {
  tokens_.next();
  const bool is_negated = tokens_.take_name("not");
  const Position at = tokens_.current().at;
  const std::string_view test_name = keep(dotted_name());
  const Builtin* builtin = find_test(test_name);
  check_known(builtin, "test", test_name, at);
  Arguments given;
  const bool is_word = tokens_.is(TokenType::name) && !tokens_.is_name("else") &&
                       !tokens_.is_name("or") && !tokens_.is_name("and");
  if (tokens_.is_symbol("(")) {
    given = arguments();
  } else if (is_word || tokens_.is(TokenType::string) || tokens_.is(TokenType::integer) ||
             tokens_.is(TokenType::real) || tokens_.is_symbol("[") || tokens_.is_symbol("{")) {
    if (tokens_.is_name("is"))
      tokens_.fail(Errc::corrupt_data, tokens_.current().at, "tests cannot be chained with 'is'");
    const Nesting nesting(*this);
    given.positional.push_back(postfix(primary()));
  }
  const Expression* value = make(at, Test{subject, builtin, test_name, std::move(given)});
  return is_negated ? make(at, Not{value}) : value;
}

// One of x, name=x, *x and **x. After **x comes nothing, after *x and name=x no x.
void ExpressionParser::argument(Arguments& given) {
  const Position at = tokens_.current().at;
  const auto require = [&](bool is_in_order, std::string_view what) {
    if (!is_in_order)
      tokens_.fail(Errc::corrupt_data, at, fmt::format("{} stands too late in the call", what));
  };
  require(given.named_rest == nullptr, "an argument");
  if (tokens_.take_symbol("**")) {
    given.named_rest = expression();
  } else if (tokens_.take_symbol("*")) {
    require(given.positional_rest == nullptr, "a second *");
    given.positional_rest = expression();
  } else if (tokens_.is(TokenType::name) && tokens_.ahead().type == TokenType::symbol &&
             tokens_.ahead().text == "=") {
    const std::string_view key = keep(tokens_.next().text);
    tokens_.next();
    given.named.emplace_back(key, expression());
  } else {
    require(given.named.empty() && given.positional_rest == nullptr, "a positional argument");
    given.positional.push_back(expression());
  }
}

Arguments ExpressionParser::arguments() {
  Arguments given;
  tokens_.expect_symbol("(");
  bool is_first = true;
  while (!tokens_.is_symbol(")")) {
    if (!is_first) tokens_.expect_symbol(",");
    is_first = false;
    if (tokens_.is_symbol(")")) break;
    argument(given);
  }
  tokens_.next();
  return given;
}

std::vector<const Expression*> ExpressionParser::block_filters() {
  std::vector<const Expression*> chain;
  while (tokens_.take_symbol("|")) chain.push_back(filter(nullptr));
  return chain;
}

std::vector<const Expression*> ExpressionParser::first_block_filters() {
  std::vector<const Expression*> chain;
  do {
    chain.push_back(filter(nullptr));
  } while (tokens_.take_symbol("|"));
  return chain;
}

Target ExpressionParser::target(bool with_attributes) {
  const Nesting nesting(*this);
  std::vector<Target> parts;
  const Position at = tokens_.current().at;
  bool is_tuple = false;
  do {
    if (!parts.empty() && (tokens_.is_name("in") || tokens_.is_symbol("=") || is_tuple_end()))
      break;
    Target part;
    part.at = tokens_.current().at;
    if (tokens_.take_symbol("(")) {
      part = target(with_attributes);
      tokens_.expect_symbol(")");
    } else {
      const std::string& text = tokens_.expect(TokenType::name, "name").text;
      for (const std::string_view constant : {"true", "false", "none", "True", "False", "None"})
        if (text == constant)
          tokens_.fail(Errc::corrupt_data, part.at, fmt::format("cannot assign to '{}'", text));
      part.symbol = symbol(text);
      if (with_attributes && tokens_.take_symbol("."))
        part.attribute = keep(tokens_.expect(TokenType::name, "name").text);
    }
    parts.push_back(std::move(part));
    is_tuple = is_tuple || tokens_.is_symbol(",");
  } while (tokens_.take_symbol(","));
  if (!is_tuple) return std::move(parts[0]);
  Target tuple;
  tuple.at = at;
  tuple.is_tuple = true;
  tuple.parts = std::move(parts);
  return tuple;
}

}  // namespace hearth::llm::jinja
