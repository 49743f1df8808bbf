// The options that a model may carry: PARAMETER in a Modelfile, a JSON object in the store.
//
// Names, types and meaning are those of Ollama's options.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hearth::store {

enum class ParameterType { boolean, integer, number, strings };

/// In the order of ParameterType.
using ParameterValue = std::variant<bool, int64_t, double, std::vector<std::string>>;
using ModelParameters = std::map<std::string, ParameterValue, std::less<>>;

/// The type of a known parameter; nothing for any other name.
std::optional<ParameterType> parameter_type(std::string_view name);
/// True for a parameter that Ollama once knew: it is accepted and does nothing.
bool is_retired_parameter(std::string_view name);

/// Sets `name` from the text of a Modelfile; a list ("stop") grows by one item. Errors:
/// invalid_argument (no such parameter, text of another type) naming the parameter.
void set_parameter(ModelParameters& parameters, std::string_view name, std::string_view text);
/// The texts that set_parameter() reads back as `value`: one, or one for each item of a list.
std::vector<std::string> parameter_texts(const ParameterValue& value);

/// Reads the JSON object of a params layer; `where` names it in errors. Unknown fields are passed
/// over, null counts as absent. Errors: corrupt_data naming the field.
ModelParameters parse_parameters(std::string_view json, std::string_view where);
/// Errors: invalid_argument (an item of "stop" is not UTF-8).
std::string print_parameters(const ModelParameters& parameters);

}  // namespace hearth::store
