#include "hearth/serve/client/models.h"

#include <utility>

#include "hearth/base/error.h"

namespace hearth::serve {
namespace {

// The fields of an answer. They are the API's promise, so that another type is the answer's fault.
template <class T>
std::optional<T> try_field(const Json& object, std::string_view key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return {};
  try {
    return found->get<T>();
  } catch (const Json::exception&) {
    throw Error(Errc::corrupt_data, "the server's answer has another kind of value for '{}': {}",
                key, found->dump());
  }
}

std::string text(const Json& object, std::string_view key) {
  return try_field<std::string>(object, key).value_or("");
}
uint64_t number(const Json& object, std::string_view key) {
  return try_field<uint64_t>(object, key).value_or(0);
}

const Json& child(const Json& object, std::string_view key) {
  static const Json kNone = Json::object();
  if (!object.is_object()) return kNone;
  const auto found = object.find(key);
  return found == object.end() ? kNone : *found;
}

ListedModel listed_model(const Json& json) {
  const Json& details = child(json, "details");
  return {.name = text(json, "name"),
          .digest = text(json, "digest"),
          .size_bytes = number(json, "size"),
          .modified = text(json, "modified_at"),
          .family = text(details, "family"),
          .parameter_size = text(details, "parameter_size"),
          .quantization_level = text(details, "quantization_level")};
}

RunningModel running_model(const Json& json) {
  return {.name = text(json, "name"),
          .digest = text(json, "digest"),
          .size_bytes = number(json, "size"),
          .vram_bytes = number(json, "size_vram"),
          .context = static_cast<int>(number(json, "context_length")),
          .expires = text(json, "expires_at")};
}

TransferStep transfer_step(const Json& json) {
  return {.status = text(json, "status"),
          .digest = text(json, "digest"),
          .done_bytes = number(json, "completed"),
          .total_bytes = number(json, "total")};
}

}  // namespace

void run_transfer(Api& api, const std::string& target, const Json& body, OnStep on_step,
                  std::stop_token stop) {
  std::string last;
  const auto on_line = [&](const Json& line) {
    const TransferStep step = transfer_step(line);
    last = step.status;
    on_step(step);
  };
  api.stream("POST", target, body, on_line, std::move(stop));
  // A stream that just ends is one whose server died.
  if (last != "success")
    throw Error(Errc::unavailable, "{}: the answer ended before the work was done", api.where());
}

std::vector<ListedModel> list_models(Api& api) {
  std::vector<ListedModel> models;
  const Json answer = api.call("GET", "/api/tags", nullptr, {});
  for (const Json& model : child(answer, "models")) models.push_back(listed_model(model));
  return models;
}

std::vector<RunningModel> running_models(Api& api) {
  std::vector<RunningModel> models;
  const Json answer = api.call("GET", "/api/ps", nullptr, {});
  for (const Json& model : child(answer, "models")) models.push_back(running_model(model));
  return models;
}

ShownModel show_model(Api& api, const std::string& model, bool verbose) {
  const Json json = api.call("POST", "/api/show", {{"model", model}, {"verbose", verbose}}, {});
  const Json& details = child(json, "details");
  const Json& info = child(json, "model_info");
  const std::string architecture = text(info, "general.architecture");
  return {.modelfile = text(json, "modelfile"),
          .parameters = text(json, "parameters"),
          .template_text = text(json, "template"),
          .system = text(json, "system"),
          .license = text(json, "license"),
          .family = text(details, "family"),
          .parameter_size = text(details, "parameter_size"),
          .quantization_level = text(details, "quantization_level"),
          .context_length = try_field<uint64_t>(info, architecture + ".context_length"),
          .embedding_length = try_field<uint64_t>(info, architecture + ".embedding_length"),
          .capabilities = try_field<std::vector<std::string>>(json, "capabilities")
                              .value_or(std::vector<std::string>{}),
          .json = json.dump()};
}

void copy_model(Api& api, const std::string& source, const std::string& destination) {
  api.call("POST", "/api/copy", {{"source", source}, {"destination", destination}}, {});
}

void remove_model(Api& api, const std::string& model) {
  api.call("DELETE", "/api/delete", {{"model", model}}, {});
}

void stop_model(Api& api, const std::string& model) {
  api.call("POST", "/api/generate", {{"model", model}, {"keep_alive", 0}, {"stream", false}}, {});
}

void pull_model(Api& api, const std::string& model, bool insecure, OnStep on_step,
                std::stop_token stop) {
  run_transfer(api, "/api/pull", {{"model", model}, {"insecure", insecure}}, on_step,
               std::move(stop));
}

void push_model(Api& api, const std::string& model, bool insecure, OnStep on_step,
                std::stop_token stop) {
  run_transfer(api, "/api/push", {{"model", model}, {"insecure", insecure}}, on_step,
               std::move(stop));
}

}  // namespace hearth::serve
