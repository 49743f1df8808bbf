// A model store in a temporary folder, for the tests of the store.
#pragma once
#include <unistd.h>

#include <string>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/formats/gguf.h"
#include "hearth/store/store_writer.h"

namespace hearth::store {

inline const auto kNoProgress = [](uint64_t, uint64_t) {};

/// A folder that is removed with its object, and a store inside.
class StoreFolder {
 public:
  explicit StoreFolder(std::string_view name)
      : path_(fs::temp_directory_path() / fmt::format("hearth-store-{}-{}", ::getpid(), name)) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~StoreFolder() { fs::remove_all(path_); }
  StoreFolder(const StoreFolder&) = delete;
  StoreFolder& operator=(const StoreFolder&) = delete;

  const fs::path& path() const { return path_; }
  fs::path models() const { return path_ / "models"; }
  ModelStore open(StoreAccess access = StoreAccess::read_write) const {
    return ModelStore::open(models(), access);
  }
  /// Writes a file, with the folders above it.
  fs::path write(const fs::path& file, std::string_view text) const {
    fs::create_directories((path_ / file).parent_path());
    AtomicFile out(path_ / file);
    out.write(text);
    out.commit();
    return path_ / file;
  }
  /// A GGUF file of one matrix of zeros [2, 32] and the given general.type.
  fs::path write_gguf(const std::string& file, const std::string& architecture,
                      const std::string& type = "model") const {
    formats::GgufWriter out(path_ / file);
    out.set("general.architecture", architecture);
    out.set("general.type", type);
    out.set("general.file_type", uint32_t{0});
    out.declare("token_embd.weight", formats::TensorType::f32, {32, 2});
    out.write(std::vector<std::byte>(256));
    out.finish();
    return path_ / file;
  }

 private:
  fs::path path_;
};

/// A model of a config and text layers, one for each of `texts`, all of kind `license`.
inline StoredModel add_model(const ModelStore& store, std::string_view name,
                             const std::vector<std::string>& texts) {
  const StoreWriter writer(store);
  Manifest manifest;
  manifest.config = writer.add_config("{}");
  for (const std::string& text : texts)
    manifest.layers.push_back(writer.add_text(LayerKind::license, text));
  return writer.commit(parse_model_name(name), manifest);
}

/// The names of files below `folder`, relative and sorted by the file system's whim.
inline std::vector<std::string> files_below(const fs::path& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(fs::relative(entry.path(), folder).string());
  return files;
}

/// The code of the Error that `call` throws; nothing when it throws none.
template <class Call>
std::optional<Errc> code_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return std::nullopt;
}

/// The message of the Error that `call` throws; empty when it throws none.
template <class Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace hearth::store
