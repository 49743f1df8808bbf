#include "hearth/serve/ollama/create_json.h"

#include <algorithm>

#include "hearth/serve/ollama/limits.h"
#include "hearth/serve/ollama/request_fields.h"

namespace hearth::serve::ollama {
namespace {

// The names become files of a folder when the model is converted.
bool is_plain_relative_path(std::string_view path) {
  if (path.empty() || path.find('\\') != std::string_view::npos ||
      path.find('\0') != std::string_view::npos)
    return false;
  for (bool more = true; more;) {
    const size_t end = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, end);
    if (part.empty() || part == "." || part == "..") return false;
    more = end < path.size();
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return true;
}

std::vector<NamedBlob> read_files(const Fields& body, std::string_view key) {
  std::vector<NamedBlob> files;
  if (!body.try_object(key)) return files;
  const Json& object = *body.find(key);
  if (object.size() > kFilesMax)
    body.wrong(key, fmt::format("has {} files, at most {} are taken", object.size(), kFilesMax));
  for (const auto& [name, value] : object.items()) {
    if (!is_plain_relative_path(name))
      throw Error(Errc::invalid_argument, "file path must be relative");
    const auto digest =
        value.is_string() ? store::try_digest(value.get<std::string>()) : std::nullopt;
    if (!digest) throw Error(Errc::invalid_argument, "invalid digest format");
    files.emplace_back(name, *digest);
  }
  return files;
}

std::vector<store::ModelMessage> read_messages(const Fields& body) {
  std::vector<store::ModelMessage> messages;
  for (const Json* element :
       body.try_list("messages", kMessagesMax).value_or(std::vector<const Json*>{})) {
    const Fields message(*element, fmt::format("messages[{}]", messages.size()));
    refuse_images(message);
    std::string role = message.string("role");
    if (role != "system" && role != "user" && role != "assistant")
      message.wrong("role", "must be one of [\"system\", \"user\", \"assistant\"]");
    messages.push_back({std::move(role), message.try_string("content").value_or("")});
  }
  return messages;
}

std::optional<store::QuantizeRecipe> read_quantize(const Fields& body) {
  std::string name = body.try_string("quantize").value_or("");
  if (name.empty()) name = body.try_string("quantization").value_or("");  // older clients
  if (name.empty()) return std::nullopt;
  auto recipe = store::try_quantize_recipe(name);
  if (!recipe) throw Error(Errc::invalid_argument, "unsupported quantization type {}", name);
  return recipe;
}

void refuse_drafts(const Fields& body) {
  const auto drafts = body.try_object("draft_files");
  if ((drafts && !body.find("draft_files")->empty()) ||
      !body.try_string("draft_quantize").value_or("").empty())
    throw Error(Errc::unsupported, "draft_files: draft models cannot be stored");
}

}  // namespace

CreateCall parse_create(std::string_view text) {
  const Json json = parse_body(text);
  const Fields body(json);
  CreateCall call;
  call.name = store::parse_model_name(read_model_name(body));
  call.stream = read_stream(body);
  refuse_drafts(body);
  call.from = body.try_string("from").value_or("");
  call.files = read_files(body, "files");
  if (call.from.empty() && call.files.empty())
    throw Error(Errc::invalid_argument, "neither 'from' or 'files' was specified");
  if (!call.from.empty() && !call.files.empty())
    throw Error(Errc::invalid_argument, "both 'from' and 'files' were specified");
  // Only a name: a path would be one of this machine, not of the client's.
  if (!call.from.empty()) store::parse_model_name(call.from);
  call.adapters = read_files(body, "adapters");
  call.quantize = read_quantize(body);
  call.changes.template_text = body.try_string("template");
  call.changes.system = body.try_string("system");
  call.changes.parameters = read_options(body, "parameters", call.warnings);
  call.changes.messages = read_messages(body);
  call.changes.licenses =
      body.try_strings("license", kFilesMax).value_or(std::vector<std::string>{});
  call.changes.renderer = body.try_string("renderer").value_or("");
  call.changes.parser = body.try_string("parser").value_or("");
  call.changes.requires_version = body.try_string("requires").value_or("");
  return call;
}

store::Modelfile changed(store::Modelfile base, const store::Modelfile& changes) {
  if (changes.template_text) base.template_text = changes.template_text;
  if (changes.system) base.system = changes.system;
  for (const auto& [name, value] : changes.parameters) base.parameters[name] = value;
  if (!changes.messages.empty()) base.messages = changes.messages;
  base.licenses.insert(base.licenses.end(), changes.licenses.begin(), changes.licenses.end());
  if (!changes.renderer.empty()) base.renderer = changes.renderer;
  if (!changes.parser.empty()) base.parser = changes.parser;
  if (!changes.requires_version.empty()) base.requires_version = changes.requires_version;
  return base;
}

}  // namespace hearth::serve::ollama
