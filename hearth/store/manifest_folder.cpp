#include "hearth/store/manifest_folder.h"

#include <unistd.h>

#include <cerrno>

#include "hearth/base/error.h"
#include "hearth/store/folder_entries.h"
#include "hearth/store/partial_file.h"

namespace hearth::store {
namespace {

constexpr size_t kParts = 4;  // host, namespace, model, tag
constexpr int kRenamesMax = 16;

bool is_hidden(const fs::path& path) { return path.filename().native().starts_with('.'); }

/// Walks the four levels below manifests/ and collects names.
class Walk {
 public:
  Walk(std::vector<ManifestFile>& found, std::vector<BrokenEntry>& broken)
      : found_(found), broken_(broken) {}

  void enter(const fs::path& folder) {
    for (const fs::path& entry : try_entries(folder)) {
      if (is_hidden(entry)) continue;
      parts_[depth_] = entry.filename().string();
      const bool is_last = depth_ + 1 == kParts;
      std::error_code ignored;
      if (is_last && fs::is_regular_file(entry, ignored)) add(entry);
      if (!is_last && fs::is_directory(entry, ignored)) {
        ++depth_;
        enter(entry);
        --depth_;
      }
    }
  }

 private:
  std::vector<fs::path> try_entries(const fs::path& folder) {
    try {
      return entries_of(folder);
    } catch (const Error& error) {
      broken_.push_back({folder, error.what()});
      return {};
    }
  }

  void add(const fs::path& file) {
    try {
      found_.push_back({model_name_of_parts(parts_[0], parts_[1], parts_[2], parts_[3]), file});
    } catch (const Error& error) {
      broken_.push_back({file, error.with_context(file.string()).what()});
    }
  }

  std::vector<ManifestFile>& found_;
  std::vector<BrokenEntry>& broken_;
  std::string parts_[kParts];
  size_t depth_ = 0;
};

void create_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) return;
  const Errc code = error == std::errc::no_such_file_or_directory ? Errc::not_found
                    : error == std::errc::no_space_on_device      ? Errc::resource_exhausted
                                                                  : Errc::io_failure;
  throw Error(code, "{}: cannot be created: {}", folder.string(), error.message());
}

// The entry of `folder` that is `name`, exactly if there is one, else in another case.
std::string stored_part(const fs::path& folder, const std::string& name) {
  std::error_code ignored;
  if (fs::exists(folder / name, ignored)) return name;
  for (const fs::path& entry : entries_of(folder))
    if (equal_ignoring_case(entry.filename().native(), name)) return entry.filename().string();
  return name;
}

}  // namespace

std::vector<ManifestFile> ManifestFolder::list(std::vector<BrokenEntry>& broken) const {
  std::vector<ManifestFile> found;
  Walk(found, broken).enter(folder_);
  return found;
}

ModelName ManifestFolder::stored_name(const ModelName& name) const {
  ModelName stored = name;
  fs::path at = folder_;
  for (std::string* part : {&stored.host, &stored.name_space, &stored.model, &stored.tag}) {
    *part = stored_part(at, *part);
    at /= *part;
  }
  return stored;
}

fs::path ManifestFolder::path(const ModelName& name) const {
  return folder_ / name.host / name.name_space / name.model / name.tag;
}

void ManifestFolder::write(const ModelName& name, std::string_view text) const {
  const fs::path file = path(name);
  // Begun in the uppermost folder: further down its name could be taken for a tag.
  PartialFile partial(folder_);
  partial.write(std::as_bytes(std::span(text.data(), text.size())));
  for (int attempt = 1;; ++attempt) {
    try {
      create_folders(file.parent_path());
      partial.rename_to(file);
      break;
    } catch (const Error& failure) {
      // Somebody who removes the last other model takes the empty folder with it.
      if (failure.code() != Errc::not_found || attempt == kRenamesMax) throw;
    }
  }
  // rename_to() flushed the folder of the tag; those above it may be new as well.
  for (fs::path above = file.parent_path(); above != folder_; above = above.parent_path())
    flush_folder(above.parent_path());
}

bool ManifestFolder::remove(const ModelName& name) const {
  const fs::path file = path(name);
  if (::unlink(file.c_str()) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return false;
    throw_errno(file, "cannot be removed");
  }
  flush_folder(
      file.parent_path());  // blobs may be removed only after the manifest is gone for good
  // rmdir() refuses a folder that holds something, also what came a moment ago.
  for (fs::path above = file.parent_path(); above != folder_; above = above.parent_path())
    if (::rmdir(above.c_str()) != 0) break;
  return true;
}

}  // namespace hearth::store
