#include "hearth/serve/client/create.h"

#include <algorithm>
#include <fstream>
#include <regex>
#include <utility>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/store/create_model.h"
#include "hearth/store/digest.h"
#include "hearth/store/model_parameters.h"

namespace hearth::serve {
namespace {

constexpr size_t kPieceBytes = 1 << 20;  // of a file that is hashed

// What can be no model's name, so that a typing error is told as a missing file.
bool looks_like_path(const std::string& written) {
  return written.starts_with('/') || written.starts_with("./") || written.starts_with("../") ||
         written.starts_with('~') || written.ends_with(".gguf") ||
         written.ends_with(".safetensors");
}

// All parts of a model from the name of one, X-00002-of-00003.gguf; the file alone without parts.
std::vector<fs::path> parts_of(const fs::path& file) {
  static const std::regex kPart(R"((.+)-\d{5}-of-(\d{5})\.gguf)");
  const std::string name = file.filename().string();
  std::smatch match;
  if (!std::regex_match(name, match, kPart)) return {file};
  const int count = std::stoi(match[2]);
  std::vector<fs::path> parts;
  for (int part = 1; part <= count; ++part) {
    parts.push_back(file.parent_path() /
                    fmt::format("{}-{:05}-of-{:05}.gguf", match[1].str(), part, count));
    if (!fs::is_regular_file(parts.back()))
      throw Error(Errc::not_found, "{}: no such file, part {} of {}", parts.back().string(), part,
                  count);
  }
  return parts.empty() ? std::vector<fs::path>{file} : parts;
}

// The files of a model folder that make a model: weights, configuration, tokenizer.
std::vector<fs::path> files_of_folder(const fs::path& folder) {
  std::vector<fs::path> files;
  bool has_safetensors = false, has_gguf = false;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string extension = entry.path().extension();
    // How sentence-transformers is told to pool stands in a folder of its own.
    const fs::path inner = entry.path() / "config.json";
    if (entry.is_directory() && fs::is_regular_file(inner)) files.push_back(inner);
    if (!entry.is_regular_file()) continue;
    has_safetensors |= extension == ".safetensors";
    has_gguf |= extension == ".gguf";
    if (extension == ".safetensors" || extension == ".json" || extension == ".model" ||
        extension == ".txt" || extension == ".gguf" || extension == ".jinja")
      files.push_back(entry.path());
  }
  if (!has_safetensors && !has_gguf)
    throw Error(Errc::invalid_argument, "{}: holds no safetensors and no GGUF file",
                folder.string());
  // A GGUF file stands for itself; beside a checkpoint it is the same model once more.
  std::erase_if(files, [&](const fs::path& file) {
    return (file.extension() == ".gguf") == has_safetensors;
  });
  std::sort(files.begin(), files.end());
  return files;
}

class Upload {
 public:
  Upload(Api& api, OnStep on_step, std::stop_token stop)
      : api_(api), on_step_(on_step), stop_(std::move(stop)) {}

  /// The files behind a FROM or ADAPTER as {name: digest}, there when this returns; nothing when
  /// `written` names no file.
  std::optional<Json> try_files(const std::string& written, const fs::path& folder) {
    const fs::path path = store::modelfile_path(written, folder);
    std::error_code ignored;
    Json files = Json::object();
    if (fs::is_regular_file(path, ignored)) {
      for (const fs::path& part : parts_of(path)) files[part.filename().string()] = upload(part);
      return files;
    }
    if (!fs::is_directory(path, ignored)) {
      if (looks_like_path(written)) throw Error(Errc::not_found, "{}: no such file", path.string());
      return {};
    }
    for (const fs::path& file : files_of_folder(path))
      files[file.lexically_relative(path).string()] = upload(file);
    return files;
  }

 private:
  std::string upload(const fs::path& file) {
    const std::string digest = hash(file).text();
    const std::string target = "/api/blobs/" + digest;
    try {
      api_.call("HEAD", target, nullptr, stop_);
      return digest;
    } catch (const Error& error) {
      if (error.code() != Errc::not_found) throw;
    }
    const uint64_t size = fs::file_size(file);
    const std::string status = fmt::format("uploading {}", file.filename().string());
    const auto progress = [&](uint64_t sent_bytes) { step(status, digest, sent_bytes, size); };
    api_.upload(target, file, progress, stop_);
    return digest;
  }

  store::Digest hash(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) throw Error(Errc::io_failure, "{}: cannot be read", file.string());
    const uint64_t size = fs::file_size(file);
    const std::string status = fmt::format("hashing {}", file.filename().string());
    store::Sha256 sha;
    std::string piece(kPieceBytes, '\0');
    for (uint64_t done = 0; in.read(piece.data(), piece.size()), in.gcount() > 0;) {
      const auto count = static_cast<size_t>(in.gcount());
      sha.update(std::as_bytes(std::span(piece.data(), count)));
      step(status, "", done += count, size);
    }
    if (in.bad()) throw Error(Errc::io_failure, "{}: cannot be read to its end", file.string());
    return sha.finish();
  }

  void step(const std::string& status, const std::string& digest, uint64_t done, uint64_t total) {
    if (stop_.stop_requested()) throw Error(Errc::unavailable, "stopped");
    on_step_({.status = status, .digest = digest, .done_bytes = done, .total_bytes = total});
  }

  Api& api_;
  OnStep on_step_;
  std::stop_token stop_;
};

void add_texts(Json& body, const store::Modelfile& file) {
  if (file.template_text) body["template"] = *file.template_text;
  if (file.system) body["system"] = *file.system;
  if (!file.licenses.empty()) body["license"] = file.licenses;
  if (!file.parameters.empty())
    body["parameters"] = Json::parse(store::print_parameters(file.parameters));
  for (const store::ModelMessage& message : file.messages)
    body["messages"].push_back({{"role", message.role}, {"content", message.content}});
  if (!file.renderer.empty()) body["renderer"] = file.renderer;
  if (!file.parser.empty()) body["parser"] = file.parser;
  if (!file.requires_version.empty()) body["requires"] = file.requires_version;
}

// The API knows files by their names alone.
void add_files(Json& body, const char* field, const Json& files, const std::string& command) {
  for (const auto& [file, digest] : files.items()) {
    if (body.contains(field) && body[field].contains(file))
      throw Error(Errc::unsupported, "{}: a file '{}' was named before", command, file);
    body[field][file] = digest;
  }
}

}  // namespace

void create_model(Api& api, const std::string& name, const CreateFrom& from, OnStep on_step,
                  std::stop_token stop) {
  if (!from.file.drafts.empty())
    throw Error(Errc::unsupported, "DRAFT: draft models are not supported");
  Json body = {{"model", name}};
  Upload upload(api, on_step, stop);
  for (const std::string& written : from.file.from) {
    const std::optional<Json> files = upload.try_files(written, from.folder);
    if (files)
      add_files(body, "files", *files, fmt::format("FROM {}", written));
    else if (!body.contains("from"))
      body["from"] = written;
    else
      throw Error(Errc::invalid_argument, "FROM {}: a model was named before", written);
  }
  for (const std::string& written : from.file.adapters) {
    const std::optional<Json> files = upload.try_files(written, from.folder);
    if (!files) throw Error(Errc::not_found, "ADAPTER {}: no such file", written);
    add_files(body, "adapters", *files, fmt::format("ADAPTER {}", written));
  }
  add_texts(body, from.file);
  if (!from.quantize.empty()) body["quantize"] = from.quantize;
  run_transfer(api, "/api/create", body, on_step, std::move(stop));
}

}  // namespace hearth::serve
