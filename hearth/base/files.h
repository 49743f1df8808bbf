// Files: read whole, mapped, and written so that a crash or a full disk leaves the old content.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace hearth {

namespace fs = std::filesystem;

/// A file mapped read-only and shared; pages arrive when touched. Move-only; unmaps when destroyed.
/// Who shortens the file meanwhile ends the program (SIGBUS); a file that AtomicFile replaces stays
/// whole, because the mapping keeps the old one.
class MappedFile {
 public:
  /// Maps the regular file at `path`. Errors: not_found, io_failure, invalid_argument (not a
  /// regular file).
  static MappedFile open(const fs::path& path);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept { swap(other); }
  MappedFile& operator=(MappedFile&& other) noexcept {
    swap(other);
    return *this;
  }
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_bytes_}; }
  size_t size_bytes() const { return size_bytes_; }
  const fs::path& path() const { return path_; }

 private:
  void swap(MappedFile& other) noexcept;

  const std::byte* data_ = nullptr;
  size_t size_bytes_ = 0;
  fs::path path_;
};

/// The whole regular file as bytes. Errors: not_found, io_failure, invalid_argument (not a regular
/// file), resource_exhausted above `size_max_bytes`.
std::string read_file(const fs::path& path, size_t size_max_bytes = size_t{1} << 30);

/// Throws io_failure with `path`, `action` and the text of errno; resource_exhausted when the disk
/// or a quota is full; not_found where the file is not there.
[[noreturn]] void throw_errno(const fs::path& path, std::string_view action);

/// A file that was not there before, open for reading and writing; who takes it closes it.
struct NewFile {
  fs::path path;
  int fd = -1;
};
/// Creates the file `begin`PID-N`end`, N the first number for which there is none: neither threads,
/// nor processes, nor containers that share a folder and process ids get one file twice. Errors: as
/// throw_errno().
NewFile create_new_file(const fs::path& begin, std::string_view end, unsigned mode);
/// Writes all of `bytes` at the file's position; `path` names it in errors. Errors: as
/// throw_errno().
void write_all(int fd, std::span<const std::byte> bytes, const fs::path& path);
/// Flushes the entries of `folder` to the disk: a file made, renamed or removed there is durable
/// only then. A folder that is gone, or may not be read, is passed over. Errors: io_failure.
void flush_folder(const fs::path& folder);

/// Who may read a file that is written.
enum class Readers {
  everyone,  // as the umask has it
  owner,     // mode 0600; written by root, it belongs to whom its folder belongs to
};

/// Writes a file beside its final name and renames it into place on commit(): readers see the old
/// file or the whole new one. Of several that are written at once, the last to commit wins.
/// Destroyed without commit(), it removes what it wrote.
class AtomicFile {
 public:
  /// Errors: io_failure (folder missing, no permission), resource_exhausted (disk full), as for all
  /// below; invalid_argument when `path` is there and not a regular file: a rename would put a file
  /// in the place of /dev/null.
  explicit AtomicFile(const fs::path& path, Readers readers = Readers::everyone);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  uint64_t written_bytes() const { return written_bytes_; }
  /// Flushes to the disk, renames, and flushes the name. Nothing may be written afterwards.
  void commit();

 private:
  fs::path path_;
  NewFile beside_;
  uint64_t written_bytes_ = 0;
};

}  // namespace hearth
