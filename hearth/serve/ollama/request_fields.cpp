#include "hearth/serve/ollama/request_fields.h"

#include <utility>

#include "hearth/serve/api/json_text.h"
#include "hearth/serve/api/keep_alive.h"
#include "hearth/serve/ollama/limits.h"

namespace hearth::serve::ollama {
namespace {

constexpr std::pair<const char*, Thinking> kThinkLevels[] = {{"low", Thinking::low},
                                                             {"medium", Thinking::medium},
                                                             {"high", Thinking::high},
                                                             {"max", Thinking::max}};

[[noreturn]] void fail(std::string_view problem) {
  throw Error(Errc::invalid_argument, "{}", problem);
}

[[noreturn]] void wrong_type(std::string_view option, std::string_view type) {
  throw Error(Errc::invalid_argument, "option \"{}\" must be of type {}", option, type);
}

std::vector<std::string> read_stops(std::string_view name, const Json& value) {
  if (value.is_string()) return {value.get<std::string>()};
  if (!value.is_array()) wrong_type(name, "array");
  if (value.size() > kStopsMax)
    throw Error(Errc::invalid_argument, "option \"{}\" has {} elements, at most {} are taken", name,
                value.size(), kStopsMax);
  std::vector<std::string> stops;
  for (const Json& stop : value) {
    if (!stop.is_string()) wrong_type(name, "array of strings");
    stops.push_back(stop.get<std::string>());
  }
  return stops;
}

store::ParameterValue read_option(const Fields& options, const std::string& name,
                                  store::ParameterType type) {
  try {
    switch (type) {
      case store::ParameterType::boolean:
        return *options.try_bool(name);
      case store::ParameterType::integer:
        return *options.try_integer(name);
      case store::ParameterType::number:
        return *options.try_number(name);
      case store::ParameterType::strings:
        return read_stops(name, *options.find(name));
    }
  } catch (const FieldError&) {
    // Below in Ollama's words.
  }
  wrong_type(name, type == store::ParameterType::boolean   ? "boolean"
                   : type == store::ParameterType::integer ? "integer"
                                                           : "float");
}

int read_logprobs(const Fields& body) {
  const int64_t top = body.try_integer("top_logprobs").value_or(0);
  if (top < 0 || top > kTopLogprobsMax)
    throw Error(Errc::invalid_argument, "top_logprobs must be between 0 and {}", kTopLogprobsMax);
  return body.try_bool("logprobs").value_or(false) ? static_cast<int>(top) : -1;
}

}  // namespace

std::string read_model_name(const Fields& body) {
  std::string name = body.try_string("model").value_or("");
  if (name.empty()) name = body.try_string("name").value_or("");
  if (name.empty()) fail("model is required");
  return name;
}

bool read_stream(const Fields& body) { return body.try_bool("stream").value_or(true); }

store::ModelParameters read_options(const Fields& body, std::string_view key,
                                    std::vector<std::string>& warnings) {
  store::ModelParameters known;
  const std::optional<Fields> options = body.try_object(key);
  if (!options) return known;
  for (const auto& [name, value] : body.find(key)->items()) {
    if (value.is_null()) continue;
    if (const auto type = store::parameter_type(name))
      known[name] = read_option(*options, name, *type);
    else if (warnings.size() < kStopsMax)
      warnings.push_back(store::is_retired_parameter(name)
                             ? fmt::format("option \"{}\" has no effect any more", name)
                             : fmt::format("unknown option \"{}\" is ignored", name));
  }
  return known;
}

AnswerFormat read_format(const Fields& body) {
  const Json* format = body.find("format");
  if (!format || *format == "") return {};
  if (*format == "json") return {.kind = AnswerFormat::Kind::json, .text = {}};
  std::string text = json_text(*format);
  if (!format->is_object())
    throw Error(Errc::invalid_argument,
                "invalid format: {}; expected \"json\" or a valid JSON Schema object",
                text.substr(0, 100));
  if (text.size() > kSchemaBytesMax)
    throw Error(Errc::invalid_argument, "format is a schema of {} bytes, at most {} are taken",
                text.size(), kSchemaBytesMax);
  return {.kind = AnswerFormat::Kind::schema, .text = std::move(text)};
}

std::optional<Thinking> read_think(const Fields& body) {
  const Json* think = body.find("think");
  if (!think) return std::nullopt;
  if (think->is_boolean()) return think->get<bool>() ? Thinking::on : Thinking::off;
  for (const auto& [word, level] : kThinkLevels)
    if (*think == word) return level;
  throw Error(Errc::invalid_argument,
              "invalid think value: {} (must be \"high\", \"medium\", \"low\", \"max\", true, or "
              "false)",
              json_text(*think).substr(0, 100));
}

void refuse_images(const Fields& object) {
  const auto images = object.try_list("images", kImagesMax);
  if (images && !images->empty())
    throw Error(Errc::invalid_argument,
                "{}: images are not supported, because no model here can see",
                object.path("images"));
}

AnswerCall read_answer_call(const Fields& body, const store::ModelParameters& defaults) {
  AnswerCall call;
  call.call.model = body.string("model");
  call.stream = read_stream(body);
  call.call.keep_alive = read_keep_alive(body);
  call.call.options = call.request.options = read_options(body, "options", call.warnings);
  call.request.defaults = defaults;
  call.request.format = read_format(body);
  call.request.logprobs = read_logprobs(body);
  if (!body.try_bool("truncate").value_or(true)) call.request.overflow = Overflow::error;
  call.request.shifts = body.try_bool("shift").value_or(true);
  return call;
}

Purpose purpose_of_nothing(const AnswerCall& call) {
  return call.call.keep_alive == KeepAlive{} ? Purpose::unload : Purpose::load;
}

}  // namespace hearth::serve::ollama
