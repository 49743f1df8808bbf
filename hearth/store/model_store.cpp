#include "hearth/store/model_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "hearth/base/error.h"
#include "hearth/formats/printable.h"
#include "hearth/store/folder_entries.h"
#include "hearth/store/store_lock.h"
#include "hearth/store/store_writer.h"

namespace hearth::store {
namespace {

constexpr size_t kManifestBytesMax = size_t{16} << 20;
constexpr size_t kTextLayerBytesMax = size_t{64} << 20;
constexpr size_t kDigestDigitsMin = 4;
// Long enough for another removal to end, short enough not to be felt during a download.
constexpr std::chrono::milliseconds kLockWait{250};

std::chrono::system_clock::time_point modification_time(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) throw_errno(file, "cannot be looked at");
  return std::chrono::system_clock::time_point(
      std::chrono::seconds(status.st_mtim.tv_sec) +
      std::chrono::microseconds(status.st_mtim.tv_nsec / 1000));
}

void create_folder(const fs::path& folder) {
  std::error_code error;
  const bool is_new = fs::create_directories(folder, error);
  if (error)
    throw Error(Errc::io_failure, "{}: cannot be created: {}", folder.string(), error.message());
  // Without its folder a blob is lost, however durable it is itself. The store's own may be new
  // too.
  if (!is_new) return;
  flush_folder(folder.parent_path());
  flush_folder(folder.parent_path().parent_path());
}

[[noreturn]] void throw_not_found(std::string_view name) {
  throw Error(Errc::not_found, "model '{}' not found", formats::printable(name));
}

/// Every digest that the manifests name.
std::set<Digest> named_digests(const std::vector<StoredModel>& models) {
  std::set<Digest> named;
  for (const StoredModel& model : models)
    for (const Digest& digest : model.manifest.digests()) named.insert(digest);
  return named;
}

void remove_file(const fs::path& file, RemoveReport& report) {
  struct stat status {};
  if (::lstat(file.c_str(), &status) != 0) return;  // gone already, or named but never there
  // A link to a blob on another disk goes, what it leads to stays; a folder is none of ours.
  if (!S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode)) return;
  if (::unlink(file.c_str()) != 0) throw_errno(file, "cannot be removed");
  ++report.files_removed;
  // A blob that is also a file elsewhere frees nothing.
  if (S_ISREG(status.st_mode) && status.st_nlink == 1)
    report.freed_bytes += static_cast<uint64_t>(status.st_size);
}

// What an interrupted writer left: a file, or a folder of files it was working on.
void remove_partial(const fs::path& path, RemoveReport& report) {
  if (!fs::is_directory(fs::symlink_status(path))) return remove_file(path, report);
  for (const fs::path& entry : entries_of(path)) remove_partial(entry, report);
  if (::rmdir(path.c_str()) != 0) throw_errno(path, "cannot be removed");
}

// By the time of the last change of the entry, not of the content: a hard link or a file that was
// moved here may be young with old content.
bool is_younger(const fs::path& file, std::chrono::seconds age) {
  struct stat status {};
  if (::lstat(file.c_str(), &status) != 0) return false;  // gone already
  const auto changed = std::chrono::system_clock::from_time_t(status.st_ctim.tv_sec);
  return changed > std::chrono::system_clock::now() - age;
}

// "sha256-HEX-partial" and "sha256-HEX-partial-N", as Ollama names a download.
bool is_download_name(std::string_view name) {
  constexpr size_t kBlobNameChars = 71;
  return try_digest(name.substr(0, kBlobNameChars)) &&
         name.substr(std::min(name.size(), kBlobNameChars)).starts_with("-partial");
}

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

}  // namespace

ModelStore::ModelStore(const fs::path& folder, StoreAccess access)
    : folder_(folder),
      access_(access),
      blobs_(folder / "blobs"),
      manifests_(folder / "manifests") {}

ModelStore ModelStore::open(const fs::path& folder, StoreAccess access) {
  std::error_code ignored;
  if (access == StoreAccess::read_only && !fs::is_directory(folder, ignored))
    throw Error(Errc::not_found, "{}: no such folder of models", folder.string());
  ModelStore store(folder, access);
  if (access == StoreAccess::read_write) {
    create_folder(store.blobs_.folder());
    create_folder(store.manifests_.folder());
  }
  return store;
}

fs::path ModelStore::lock_file() const {
  if (access_ == StoreAccess::read_only)
    throw Error(Errc::invalid_argument, "{}: the folder of models was opened read-only",
                folder_.string());
  return folder_ / ".hearth.lock";
}

StoredModel ModelStore::read_manifest(const ManifestFile& file) const {
  const std::string text = read_file(file.file, kManifestBytesMax);
  StoredModel model{.name = file.name,
                    .digest = sha256(text),
                    .size_bytes = 0,
                    .modified = modification_time(file.file),
                    .manifest = parse_manifest(text, file.file.string())};
  model.size_bytes = model.manifest.size_bytes();
  return model;
}

StoreListing ModelStore::list() const {
  StoreListing listing;
  for (const ManifestFile& file : manifests_.list(listing.broken)) {
    try {
      listing.models.push_back(read_manifest(file));
    } catch (const Error& error) {
      // Removed between the listing and now: not there, which is no defect.
      if (error.code() != Errc::not_found) listing.broken.push_back({file.file, error.what()});
    }
  }
  std::stable_sort(
      listing.models.begin(), listing.models.end(),
      [](const StoredModel& a, const StoredModel& b) { return a.modified > b.modified; });
  return listing;
}

std::optional<StoredModel> ModelStore::try_find(const ModelName& name) const {
  const ModelName stored = manifests_.stored_name(name);
  const fs::path file = manifests_.path(stored);
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) return std::nullopt;
  try {
    return read_manifest({stored, file});
  } catch (const Error& error) {
    if (error.code() == Errc::not_found) return std::nullopt;  // removed a moment ago
    throw;
  }
}

StoredModel ModelStore::find(std::string_view text) const {
  const bool is_digest = text.starts_with("sha256:");
  const std::string_view digits = is_digest ? text.substr(7) : text;
  if (!is_digest)
    if (auto model = try_find(parse_model_name(text))) return *std::move(model);
  if (digits.size() < kDigestDigitsMin || !is_hex(digits)) throw_not_found(text);
  return find_digest(digits);
}

StoredModel ModelStore::find_digest(std::string_view digits) const {
  std::optional<StoredModel> found;
  for (StoredModel& model : list().models) {
    const std::string hex = model.digest.hex();
    if (!equal_ignoring_case(std::string_view(hex).substr(0, digits.size()), digits)) continue;
    // Copies have one digest; any of them is the model.
    if (found && found->digest != model.digest)
      throw Error(Errc::invalid_argument, "'{}' begins the digests of {} and {}", digits,
                  found->name.shown(), model.name.shown());
    if (!found) found = std::move(model);
  }
  if (!found) throw_not_found(digits);
  return *std::move(found);
}

std::string ModelStore::read(const Layer& layer) const {
  return blobs_.read(layer.digest, kTextLayerBytesMax);
}

std::string ModelStore::manifest_text(const ModelName& name) const {
  const fs::path file = manifests_.path(manifests_.stored_name(name));
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) throw_not_found(name.shown());
  return read_file(file, kManifestBytesMax);
}

StoredModel ModelStore::copy(const ModelName& from, const ModelName& to) const {
  const StoreWriter writer(*this);
  return writer.commit_text(to, manifest_text(from));
}

RemoveReport ModelStore::remove(const ModelName& name) const {
  const auto lock = StoreLock::try_exclusive(lock_file(), kLockWait);
  const ModelName stored = manifests_.stored_name(name);
  std::vector<Digest> own;
  std::string unread;
  try {
    if (const auto model = try_find(stored)) own = model->manifest.digests();
  } catch (const Error&) {
    unread = "its manifest could not be read";
  }
  if (!manifests_.remove(stored)) throw_not_found(name.shown());
  if (!unread.empty()) return {.kept_because = std::move(unread)};
  return remove_unnamed(own, lock.has_value());
}

RemoveReport ModelStore::remove_unnamed(std::span<const Digest> digests) const {
  const auto lock = StoreLock::try_exclusive(lock_file(), kLockWait);
  return remove_unnamed(digests, lock.has_value());
}

RemoveReport ModelStore::remove_unnamed(std::span<const Digest> digests, bool is_alone) const {
  if (!is_alone) return {.kept_because = "a model is being added"};
  const StoreListing listing = list();
  if (!listing.broken.empty())
    return {.kept_because = "another manifest is broken: " + listing.broken.front().message};
  const std::set<Digest> named = named_digests(listing.models);
  RemoveReport report;
  for (const Digest& digest : digests)
    if (!named.count(digest)) remove_file(blobs_.path(digest), report);
  return report;
}

RemoveReport ModelStore::prune(const PruneOptions& options) const {
  const auto lock = StoreLock::try_exclusive(lock_file(), kLockWait);
  if (!lock)
    throw Error(Errc::unavailable, "{}: a model is being added, nothing was removed",
                folder_.string());
  const StoreListing listing = list();
  if (!listing.broken.empty())
    throw Error(Errc::conflict, "nothing was removed, as a broken manifest may name any blob: {}",
                listing.broken.front().message);
  const std::set<Digest> named = named_digests(listing.models);
  RemoveReport report;
  for (const Digest& digest : blobs_.list())
    if (!named.count(digest) && !is_younger(blobs_.path(digest), options.young))
      remove_file(blobs_.path(digest), report);
  // A folder of manifests may have any name; one among the blobs is a writer's.
  for (const fs::path& file : entries_of(manifests_.folder()))
    if (is_partial_file_name(file.filename().string())) remove_file(file, report);
  for (const fs::path& file : entries_of(blobs_.folder())) {
    const std::string entry = file.filename().string();
    if (is_partial_file_name(entry) || (options.downloads && is_download_name(entry)))
      remove_partial(file, report);
  }
  return report;
}

std::vector<DamagedBlob> ModelStore::verify(const StoredModel& model,
                                            BlobProgressFn progress) const {
  std::vector<DamagedBlob> damaged;
  uint64_t before_bytes = 0;
  bool is_cancelled = false;
  const auto check = [&](const Layer& layer) {
    const auto within = [&](uint64_t done_bytes, uint64_t) {
      is_cancelled = true;
      progress(before_bytes + done_bytes, model.size_bytes);
      is_cancelled = false;
    };
    try {
      blobs_.verify(layer.digest, layer.size_bytes, within);
    } catch (const Error& error) {
      if (is_cancelled) throw;  // the caller's own error, not the blob's
      damaged.push_back({layer, error.what()});
    }
    before_bytes += layer.size_bytes;
  };
  check(model.manifest.config);
  for (const Layer& layer : model.manifest.layers) check(layer);
  return damaged;
}

}  // namespace hearth::store
