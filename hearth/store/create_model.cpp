#include "hearth/store/create_model.h"

#include <algorithm>
#include <cstdlib>

#include "hearth/base/error.h"
#include "hearth/formats/gguf.h"
#include "hearth/store/adapter_import.h"
#include "hearth/store/model_texts.h"
#include "hearth/store/partial_file.h"

namespace hearth::store {
namespace {

// Of a file or folder; none of a blob, whose name says nothing.
std::string adapter_name(const fs::path& path) {
  const fs::path named = path.has_filename() ? path : path.parent_path();
  if (try_digest(named.filename().string())) return {};
  return named.extension() == ".gguf" ? named.stem().string() : named.filename().string();
}

/// What a GGUF file is as a layer.
LayerKind kind_of(const formats::Gguf& file) {
  const std::string type = file.try_string("general.type").value_or("model");
  if (type == "adapter") return LayerKind::adapter;
  const bool is_projector =
      type == "mmproj" || type == "projector" || file.try_string("general.architecture") == "clip";
  return is_projector ? LayerKind::projector : LayerKind::model;
}

/// Writes a model of several parts as one file: parts are found by their names, and blobs have
/// none.
void join_parts(const formats::Gguf& parts, const fs::path& out_path, BlobProgressFn progress) {
  formats::GgufWriter out(out_path);
  for (const auto& [key, value] : parts.metadata())
    if (!key.starts_with("split.")) out.set(key, value);
  uint64_t total_bytes = 0, done_bytes = 0;
  for (const formats::GgufTensor& tensor : parts.tensors()) {
    out.declare(tensor.name, tensor.type, tensor.shape);
    total_bytes += tensor.bytes.size();
  }
  for (const formats::GgufTensor& tensor : parts.tensors()) {
    out.write(tensor.bytes);
    progress(done_bytes += tensor.bytes.size(), total_bytes);
  }
  out.finish();
}

class Creation {
 public:
  Creation(const ModelStore& store, const CreateOptions& options, CreateProgressFn progress)
      : store_(store), options_(options), progress_(progress), writer_(store) {}

  void take_from(const std::string& from) {
    const fs::path path = modelfile_path(from, options_.folder);
    std::error_code ignored;
    if (fs::is_regular_file(path, ignored)) return take_gguf(path, "FROM");
    if (const auto base = try_stored(from)) return take_model(*base);
    if (fs::is_directory(path, ignored))
      throw Error(Errc::unsupported, "FROM {}: a folder; import it as one GGUF file first", from);
    throw Error(Errc::not_found, "FROM {}: no such file, and model '{}' not found", from, from);
  }

  void take_adapter(const std::string& written) {
    const fs::path path = modelfile_path(written, options_.folder);
    std::error_code ignored;
    const std::string name = free_adapter_name(written, path);
    if (fs::is_directory(path, ignored))
      convert_adapter(path);
    else
      take_gguf(path, "ADAPTER");
    manifest_.layers.back().name = name;
  }

  void apply(const Modelfile& file) {
    if (file.template_text) replace(LayerKind::template_, *file.template_text);
    if (file.system) replace(LayerKind::system, *file.system);
    for (const std::string& license : file.licenses) add_text(LayerKind::license, license);
    if (!file.parameters.empty()) merge_parameters(file.parameters);
    if (!file.messages.empty()) replace(LayerKind::messages, print_messages(file.messages));
    if (!file.renderer.empty()) config_.renderer = file.renderer;
    if (!file.parser.empty()) config_.parser = file.parser;
    if (!file.requires_version.empty()) config_.requires_version = file.requires_version;
  }

  StoredModel finish(const ModelName& name) {
    if (!has_model())
      throw Error(Errc::invalid_argument, "FROM names no model, only a projector or an adapter");
    std::vector<Digest> digests;
    for (const Layer& layer : manifest_.layers) digests.push_back(layer.digest);
    manifest_.config = writer_.add_config(print_model_config(config_, digests));
    say("writing manifest");
    StoredModel created = writer_.commit(name, manifest_);
    say("success");
    return created;
  }

 private:
  void say(std::string_view status) { progress_({.status = status}); }

  bool has_model() const { return manifest_.find(LayerKind::model) != nullptr; }

  void require_first_model(std::string_view what) const {
    if (has_model()) throw Error(Errc::invalid_argument, "FROM {}: a model was named before", what);
  }

  std::optional<StoredModel> try_stored(const std::string& from) const {
    try {
      return store_.find(from);
    } catch (const Error& error) {
      // A path that leads nowhere is no valid name either.
      if (error.code() != Errc::not_found && error.code() != Errc::invalid_argument) throw;
      return std::nullopt;
    }
  }

  void take_model(const StoredModel& base) {
    require_first_model(base.name.shown());
    for (Layer layer : base.manifest.layers) {
      if (layer.from.empty()) layer.from = base.name.full();
      say(fmt::format("using existing layer {}", layer.digest.text()));
      manifest_.layers.push_back(std::move(layer));
    }
    const std::vector<std::string> own_families = std::move(config_.model_families);
    config_ = parse_model_config(store_.read(base.manifest.config),
                                 store_.blobs().path(base.manifest.config.digest).string());
    add_families(own_families);
  }

  void take_gguf(const fs::path& path, std::string_view instruction) {
    say("parsing GGUF");
    const formats::Gguf file = formats::Gguf::open(path);
    const LayerKind kind = kind_of(file);
    if ((kind == LayerKind::adapter) != (instruction == "ADAPTER"))
      throw Error(
          Errc::invalid_argument, "{} {}: {}", instruction, path.string(),
          kind == LayerKind::adapter ? "an adapter, which ADAPTER takes" : "not an adapter");
    const ModelConfig facts = config_of(file);
    if (kind == LayerKind::model) {
      require_first_model(path.string());
      const std::vector<std::string> own_families = std::move(config_.model_families);
      config_ = facts;
      add_families(own_families);
    } else if (kind == LayerKind::projector) {
      add_families(facts.model_families);
    }
    if (file.try_u64("split.count").value_or(1) > 1)
      add_parts(kind, file);
    else
      add_file(kind, path, options_.take);
  }

  void add_parts(LayerKind kind, const formats::Gguf& parts) {
    const PartialFile place(writer_.blobs().folder());  // its name only: the output replaces it
    join_parts(parts, place.path(), [&](uint64_t done_bytes, uint64_t total_bytes) {
      progress_({.status = "joining parts", .done_bytes = done_bytes, .total_bytes = total_bytes});
    });
    add_file(kind, place.path(), TakeFile::hard_link);
  }

  // Empty where another adapter has the name: the engine then calls it by its digest.
  std::string free_adapter_name(const std::string& written, const fs::path& path) const {
    const auto given = options_.adapter_names.find(written);
    const std::string name =
        given != options_.adapter_names.end() ? given->second : adapter_name(path);
    const auto has_it = [&](const Layer& layer) {
      return layer.kind() == LayerKind::adapter && layer.name == name;
    };
    return std::ranges::any_of(manifest_.layers, has_it) ? std::string() : name;
  }

  void convert_adapter(const fs::path& folder) {
    const Layer* weights = manifest_.find(LayerKind::model);
    if (!weights)
      throw Error(Errc::invalid_argument, "ADAPTER {}: a folder needs FROM to name its model",
                  folder.string());
    say("converting adapter");
    const PartialFile place(writer_.blobs().folder());  // its name only: the output replaces it
    import_adapter(folder, formats::Gguf::open(writer_.blobs().path(weights->digest)),
                   place.path());
    add_file(LayerKind::adapter, place.path(), TakeFile::hard_link);
  }

  void add_families(const std::vector<std::string>& families) {
    for (const std::string& family : families)
      if (std::find(config_.model_families.begin(), config_.model_families.end(), family) ==
          config_.model_families.end())
        config_.model_families.push_back(family);
  }

  // A file that is a blob of this store already, as uploaded ones are.
  bool try_own_blob(LayerKind kind, const fs::path& path) {
    const auto digest = try_digest(path.filename().string());
    if (!digest || writer_.blobs().path(*digest) != path) return false;
    const auto size_bytes = writer_.blobs().try_size(*digest);
    if (!size_bytes) return false;
    say(fmt::format("using existing layer {}", digest->text()));
    manifest_.layers.push_back(
        {.media_type = media_type(kind), .digest = *digest, .size_bytes = *size_bytes});
    return true;
  }

  void add_file(LayerKind kind, const fs::path& path, TakeFile how) {
    if (try_own_blob(kind, path)) return;
    const auto copying = [&](uint64_t done_bytes, uint64_t total_bytes) {
      progress_({.status = "copying file", .done_bytes = done_bytes, .total_bytes = total_bytes});
    };
    const Layer layer = writer_.add_file(kind, path, how, copying);
    say(fmt::format("creating new layer {}", layer.digest.text()));
    manifest_.layers.push_back(layer);
  }

  void add_text(LayerKind kind, std::string_view text) {
    const Layer layer = writer_.add_text(kind, text);
    const auto is_same = [&](const Layer& other) {
      return other.media_type == layer.media_type && other.digest == layer.digest;
    };
    // A licence that the base has too.
    if (std::any_of(manifest_.layers.begin(), manifest_.layers.end(), is_same)) return;
    say(fmt::format("creating new layer {}", layer.digest.text()));
    manifest_.layers.push_back(layer);
  }

  void replace(LayerKind kind, std::string_view text) {
    std::erase_if(manifest_.layers, [&](const Layer& layer) { return layer.kind() == kind; });
    if (!text.empty()) add_text(kind, text);
  }

  void merge_parameters(ModelParameters parameters) {
    if (const Layer* base = manifest_.find(LayerKind::params))
      // insert() keeps what the Modelfile says.
      for (auto& entry :
           parse_parameters(store_.read(*base), store_.blobs().path(base->digest).string()))
        parameters.insert(std::move(entry));
    replace(LayerKind::params, print_parameters(parameters));
  }

  const ModelStore& store_;
  const CreateOptions& options_;
  CreateProgressFn progress_;
  StoreWriter writer_;
  Manifest manifest_;
  ModelConfig config_;
};

}  // namespace

fs::path modelfile_path(const std::string& written, const fs::path& folder) {
  const char* home = std::getenv("HOME");
  if (home && (written == "~" || written.starts_with("~/"))) return home + written.substr(1);
  return folder / written;  // an absolute path replaces the folder
}

StoredModel create_model(const ModelStore& store, const ModelName& name, const Modelfile& file,
                         const CreateOptions& options, CreateProgressFn progress) {
  if (!file.drafts.empty())
    throw Error(Errc::unsupported, "DRAFT {}: draft models cannot be stored", file.drafts.front());
  Creation creation(store, options, progress);
  for (const std::string& from : file.from) creation.take_from(from);
  for (const std::string& adapter : file.adapters) creation.take_adapter(adapter);
  creation.apply(file);
  return creation.finish(name);
}

}  // namespace hearth::store
