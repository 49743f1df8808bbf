// POST /api/create: a model from uploaded files, or from another model.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <utility>

#include "hearth/serve/ollama/create_json.h"
#include "hearth/serve/ollama/errors.h"
#include "hearth/serve/ollama/handlers.h"
#include "hearth/serve/ollama/progress_lines.h"
#include "hearth/store/create_model.h"
#include "hearth/store/hugging_face_import.h"
#include "hearth/store/model_texts.h"

namespace hearth::serve::ollama {
namespace {

using store::LayerKind;

constexpr std::string_view kFullTypes[] = {"F16", "BF16", "F32"};

bool has_safetensors(const std::vector<NamedBlob>& files) {
  return std::ranges::any_of(
      files, [](const NamedBlob& blob) { return blob.first.ends_with(".safetensors"); });
}

// "X-00001-of-00003.gguf": parts are found by their names, which blobs do not have.
std::optional<std::string> first_of_parts(const std::vector<NamedBlob>& files) {
  constexpr std::string_view kFirst = "-00001-of-", kPattern = "-00001-of-00003.gguf";
  for (const auto& [name, digest] : files)
    if (name.size() > kPattern.size() && name.ends_with(".gguf") &&
        name.substr(name.size() - kPattern.size(), kFirst.size()) == kFirst)
      return name;
  return std::nullopt;
}

// A place for a file or folder among the blobs, under a name that prune() takes away after a kill.
class Scratch {
 public:
  explicit Scratch(const store::ModelStore& store) {
    static std::atomic<int> count{0};
    path_ = store.blobs().folder() / fmt::format("partial-create-{}-{}", ::getpid(), ++count);
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

class Creation {
 public:
  Creation(const Deps& deps, const CreateCall& call, std::stop_token closed, ProgressLines& lines)
      : deps_(deps),
        call_(call),
        closed_(std::move(closed)),
        lines_(lines),
        writer_(deps.store),
        converted_(deps.store),
        adapter_(deps.store),
        quantized_(deps.store) {}

  void run() {
    store::Modelfile file = call_.from.empty() ? from_files() : from_model();
    add_adapters(file);
    const auto say = [&](const store::CreateProgress& progress) {
      if (progress.status != "success")
        this->say(progress.status, progress.done_bytes, progress.total_bytes);
    };
    // A name must never be looked for as a file, so they are relative to a folder that is not
    // there.
    const store::CreateOptions options{.folder = deps_.store.folder() / ".none",
                                       .take = store::TakeFile::hard_link,
                                       .adapter_names = adapter_names_};
    store::create_model(deps_.store, call_.name, file, options, say);
    // What is loaded under this name is another model now.
    deps_.models.unload(call_.name.shown());
  }

 private:
  void say(std::string_view status, uint64_t done_bytes = 0, uint64_t total_bytes = 0) {
    // Nobody hears of it where only the last line is sent.
    if (closed_.stop_requested()) throw Error(Errc::unavailable, "the client has left");
    lines_.say({.status = std::string(status),
                .digest = {},
                .done_bytes = done_bytes,
                .total_bytes = total_bytes});
  }

  fs::path blob_path(const std::string& name, const store::Digest& digest) const {
    if (!writer_.blobs().try_size(digest))
      throw Error(Errc::invalid_argument, "{}: blob {} was not uploaded", name, digest.text());
    return writer_.blobs().path(digest);
  }

  store::Modelfile from_files() {
    store::Modelfile file = call_.changes;
    if (has_safetensors(call_.files)) {
      file.from.push_back(convert().string());
    } else if (const auto first = first_of_parts(call_.files)) {
      link_files(call_.files, converted_.path());
      file.from.push_back(fs::absolute(converted_.path() / *first).string());
    } else {
      for (const auto& [name, digest] : call_.files)
        file.from.push_back(blob_path(name, digest).string());
    }
    if (call_.quantize) file.from.front() = quantize(file.from.front()).string();
    return file;
  }

  store::Modelfile from_model() {
    const store::StoredModel base = find_or_pull();
    if (!call_.quantize) {
      store::Modelfile file = call_.changes;
      file.from.push_back(base.name.full());
      return file;
    }
    const store::Layer* weights = base.manifest.find(LayerKind::model);
    if (!weights)
      throw Error(Errc::invalid_argument, "model '{}' has no weights to quantize", call_.from);
    const fs::path small = quantize(writer_.blobs().path(weights->digest));
    store::Modelfile file = changed(
        store::modelfile_of(store::read_texts(deps_.store, base), small.string()), call_.changes);
    for (const store::Layer& layer : base.manifest.layers) {
      const std::string path = writer_.blobs().path(layer.digest).string();
      if (layer.kind() == LayerKind::projector) file.from.push_back(path);
      if (layer.kind() != LayerKind::adapter) continue;
      file.adapters.push_back(path);
      adapter_names_[path] = layer.name;
    }
    return file;
  }

  store::StoredModel find_or_pull() {
    const store::ModelName name = store::parse_model_name(call_.from);
    if (auto found = deps_.store.try_find(name)) return *std::move(found);
    if (deps_.pull)
      deps_.pull(
          call_.from, false, [&](const TransferProgress& progress) { lines_.say(progress); },
          closed_);
    return find_model(deps_, call_.from);
  }

  // The uploaded files under their names.
  void link_files(const std::vector<NamedBlob>& files, const fs::path& folder) const {
    for (const auto& [name, digest] : files) {
      const fs::path blob = blob_path(name, digest), link = folder / name;
      fs::create_directories(link.parent_path());
      fs::create_symlink(fs::absolute(blob), link);
    }
  }

  // GGUF files, each an adapter; or the files of one that PEFT saved.
  void add_adapters(store::Modelfile& file) {
    if (has_safetensors(call_.adapters)) {
      link_files(call_.adapters, adapter_.path() / "adapter");
      file.adapters.push_back(fs::absolute(adapter_.path() / "adapter").string());
      return;
    }
    for (const auto& [name, digest] : call_.adapters) {
      file.adapters.push_back(blob_path(name, digest).string());
      adapter_names_[file.adapters.back()] = fs::path(name).stem().string();
    }
  }

  // The uploaded files, made one GGUF file.
  fs::path convert() {
    say("converting model");
    const fs::path folder = converted_.path() / "files", out = converted_.path() / "model.gguf";
    link_files(call_.files, folder);
    store::import_hugging_face(folder, out, {}, [&](const store::RewriteProgress& progress) {
      say("converting model", progress.done_bytes, progress.total_bytes);
    });
    return out;
  }

  fs::path quantize(const fs::path& path) {
    say("parsing GGUF");
    const formats::Gguf in = formats::Gguf::open(path);
    const std::string type = store::config_of(in).file_type;
    if (std::find(std::begin(kFullTypes), std::end(kFullTypes), type) == std::end(kFullTypes))
      throw Error(Errc::invalid_argument,
                  "quantization is only supported for F16, BF16 and F32 models, not for {}",
                  type.empty() ? "a mix of types" : type);
    const std::string status = fmt::format("quantizing {} model to {}", type, call_.quantize->name);
    fs::create_directories(quantized_.path());
    const fs::path out = quantized_.path() / "model.gguf";
    store::quantize_model(in, out, *call_.quantize, {},
                          [&](const store::RewriteProgress& progress) {
                            say(status, progress.done_bytes, progress.total_bytes);
                          });
    return out;
  }

  const Deps& deps_;
  const CreateCall& call_;
  const std::stop_token closed_;
  ProgressLines& lines_;
  const store::StoreWriter writer_;  // no blob goes while the model is being made
  const Scratch converted_, adapter_, quantized_;
  std::map<std::string, std::string> adapter_names_;  // by path
};

// Of the model that is about to be replaced; none where it cannot be read.
std::vector<store::Digest> digests_before(const Deps& deps, const store::ModelName& name) {
  try {
    if (const auto model = deps.store.try_find(name)) return model->manifest.digests();
  } catch (const Error&) {
  }
  return {};
}

void remove_unnamed(const Deps& deps, const std::vector<store::Digest>& digests) {
  try {
    deps.store.remove_unnamed(digests);
  } catch (const Error& error) {  // the model is there: what stays is the next start's to prune
    if (deps.warn) deps.warn(error.what());
  }
}

void create(const Deps& deps, LongWork& work, const http::Request& request,
            http::Responder& responder) {
  const CreateCall call = parse_create(request.body);
  warn_all(deps, call.warnings);
  const LongWork::Place place(work);
  ProgressLines lines(call.stream, std::move(responder));
  try {
    const std::vector<store::Digest> before = digests_before(deps, call.name);
    Creation(deps, call, request.closed, lines).run();
    remove_unnamed(deps, before);  // now that Creation no longer keeps every blob in its place
    lines.succeed();
  } catch (const Error& error) {
    lines.fail(error);
  } catch (const fs::filesystem_error& error) {
    lines.fail(Error(Errc::io_failure, "{}", error.what()));
  }
}

}  // namespace

void add_create_routes(http::Router& router, const SharedDeps& deps, const SharedWork& work) {
  router.stream(
      "POST", "/api/create",
      [deps, work](const http::Request& request, http::Responder& responder) {
        create(*deps, *work, request, responder);
      },
      route_options());
}

}  // namespace hearth::serve::ollama
