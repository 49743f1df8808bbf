#include "hearth/store/registry/blob_upload.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "hearth/base/error.h"
#include "hearth/store/registry/retry.h"

namespace hearth::store {
namespace {

constexpr int kNotFound = 404;
constexpr int kRangeNotSatisfiable = 416;
constexpr uint64_t kReportsPerBlob = 100;

const auto ignore_body = [](const HttpAnswer&, std::span<const std::byte>) {};

/// The blob's file, open.
class BlobFile {
 public:
  BlobFile(const BlobFolder& blobs, const Layer& layer) {
    const fs::path path = blobs.path(layer.digest);
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd_ < 0) throw_errno(path, "cannot be opened");
    struct stat status {};
    const bool is_right = ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode) &&
                          static_cast<uint64_t>(status.st_size) == layer.size_bytes;
    if (is_right) return;
    ::close(fd_);
    throw Error(Errc::corrupt_data, "{}: damaged: not the {} bytes that its manifest says",
                path.string(), layer.size_bytes);
  }
  ~BlobFile() { ::close(fd_); }
  BlobFile(const BlobFile&) = delete;
  BlobFile& operator=(const BlobFile&) = delete;

  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

class Upload {
 public:
  Upload(RegistryConnection& connection, const BlobFolder& blobs, const Layer& layer,
         UploadedFn uploaded)
      : connection_(connection), layer_(layer), file_(blobs, layer), uploaded_(uploaded) {}

  void run() {
    Retry retry(limits());
    start();
    uint64_t furthest = 0;  // a registry that loses uploads again and again makes no progress
    while (!is_finished_) {
      HttpAnswer answer = at_ < layer_.size_bytes ? send_chunk() : finish();
      if (at_ > furthest) retry.made_progress();
      furthest = std::max(furthest, at_);
      if (answer.is_ok()) continue;
      // 416: the registry has other bytes than we think; 404: it has forgotten the upload.
      if (answer.status == kRangeNotSatisfiable || answer.status == kNotFound)
        answer.failure = "the registry lost the upload";
      if (!retry.wait_after(answer, connection_.cancelled()))
        throw_answer("push " + layer_.digest.text(), answer);
      take_up();
    }
    uploaded_(layer_.size_bytes);
  }

 private:
  const TransferLimits& limits() { return connection_.session().options().limits; }

  void start() {
    const auto [answer, text] = connection_.request_text(
        {.method = "POST", .address = connection_.session().address("blobs/uploads/")},
        kAnswerTextBytesMax);
    if (!answer.is_ok()) throw_answer("push " + layer_.digest.text(), answer);
    location_ = connection_.session().address("blobs/uploads/");
    take_location(answer);
    at_ = 0;
    report(0);
  }

  void take_location(const HttpAnswer& answer) {
    const std::string location = answer.header("location");
    if (location.empty())
      throw Error(Errc::corrupt_data, "{}: the registry does not say where to upload to",
                  layer_.digest.text());
    location_ = connection_.session().follow(location_, location);
  }

  HttpAnswer send_chunk() {
    const uint64_t size = std::min(limits().chunk_bytes, layer_.size_bytes - at_);
    const HttpAnswer answer = connection_.exchange(
        {.method = "PATCH",
         .address = location_,
         .headers = {"Content-Type: application/octet-stream",
                     fmt::format("Content-Range: {}-{}", at_, at_ + size - 1)},
         .file = FileBody{.fd = file_.fd(), .offset_bytes = at_, .size_bytes = size}},
        ignore_body, [&](uint64_t sent_bytes) { report(at_ + sent_bytes); });
    if (!answer.is_ok()) return answer;
    take_location(answer);
    at_ += size;
    return answer;
  }

  HttpAnswer finish() {
    const HttpAnswer answer =
        connection_.exchange({.method = "PUT",
                              .address = with_parameter(location_, "digest", layer_.digest.text()),
                              .headers = {"Content-Type: application/octet-stream"}},
                             ignore_body);
    is_finished_ = answer.is_ok();
    return answer;
  }

  // After a failure: where the registry is, or a new upload where it does not know this one.
  void take_up() {
    const auto [answer, text] =
        connection_.request_text({.method = "GET", .address = location_}, kAnswerTextBytesMax);
    if (answer.status == kNotFound && has_blob(connection_, layer_.digest)) {
      is_finished_ = true;  // only the answer to the last request was lost
      return;
    }
    const auto received = answer.is_ok() ? received_bytes(answer.header("range")) : std::nullopt;
    if (!received) return start();
    if (!answer.header("location").empty()) take_location(answer);
    at_ = *received;
  }

  /// Of "0-1023"; nothing where it is no such range of this blob. Registries write "0-0" for an
  /// upload without a byte, so one byte is sent again.
  std::optional<uint64_t> received_bytes(std::string_view range) const {
    if (range.starts_with("bytes=")) range.remove_prefix(6);
    if (!range.starts_with("0-")) return std::nullopt;
    range.remove_prefix(2);
    uint64_t last = 0;
    const auto [end, error] = std::from_chars(range.data(), range.data() + range.size(), last);
    if (error != std::errc() || end != range.data() + range.size() || last >= layer_.size_bytes)
      return std::nullopt;
    return last == 0 ? 0 : last + 1;
  }

  void report(uint64_t uploaded_bytes) {
    const uint64_t step = std::max<uint64_t>(1, layer_.size_bytes / kReportsPerBlob);
    if (uploaded_bytes != 0 && uploaded_bytes < reported_bytes_ + step) return;
    reported_bytes_ = uploaded_bytes;
    uploaded_(uploaded_bytes);
  }

  RegistryConnection& connection_;
  const Layer& layer_;
  BlobFile file_;
  UploadedFn uploaded_;
  WebAddress location_;
  uint64_t at_ = 0;  // the next byte that the registry wants
  uint64_t reported_bytes_ = 0;
  bool is_finished_ = false;
};

}  // namespace

bool has_blob(RegistryConnection& connection, const Digest& digest) {
  const auto [answer, text] = connection.request_text(
      {.method = "HEAD", .address = connection.session().address("blobs/" + digest.text())},
      kAnswerTextBytesMax);
  if (answer.is_ok()) return true;
  if (answer.status == kNotFound) return false;
  throw_answer("push " + digest.text(), answer);
}

void upload_blob(RegistryConnection& connection, const BlobFolder& blobs, const Layer& layer,
                 UploadedFn uploaded) {
  Upload(connection, blobs, layer, uploaded).run();
}

}  // namespace hearth::store
