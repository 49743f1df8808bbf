#include "hearth/serve/http/packed_body.h"

#include <zlib.h>
#include <zstd.h>

#include <limits>
#include <memory>
#include <new>

#include "hearth/base/error.h"
#include "hearth/serve/http/headers.h"

namespace hearth::http {
namespace {

constexpr size_t kStepBytes = 64 << 10;
constexpr int kZstdWindowLog = 23;
constexpr int kGzipOnly = 15 + 16;  // the largest window, and gzip's header: zlib.h, inflateInit2

// What came out so far.
class Unpacked {
 public:
  Unpacked(std::string_view coding, size_t bytes_max) : coding_(coding), bytes_max_(bytes_max) {}

  /// Room for the next step's bytes.
  char* step() { return step_; }
  void take(size_t count) {
    if (count > bytes_max_ - bytes_.size())
      throw Error(Errc::resource_exhausted, "the body unpacked from {} passes {} bytes", coding_,
                  bytes_max_);
    bytes_.append(step_, count);
  }
  [[noreturn]] void fail(std::string_view why) const {
    throw Error(Errc::invalid_argument, "the body is not valid {}: {}", coding_, why);
  }
  std::string bytes() && { return std::move(bytes_); }

 private:
  std::string_view coding_;
  size_t bytes_max_;
  std::string bytes_;
  char step_[kStepBytes];
};

std::string unpack_gzip(std::string_view packed, size_t bytes_max) {
  auto out = std::make_unique<Unpacked>("gzip", bytes_max);
  z_stream stream{};
  if (inflateInit2(&stream, kGzipOnly) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, &inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  HEARTH_CHECK(packed.size() <= std::numeric_limits<uInt>::max());  // bodies have a limit far below
  stream.avail_in = static_cast<uInt>(packed.size());
  for (int status = Z_OK; status != Z_STREAM_END;) {
    stream.next_out = reinterpret_cast<Bytef*>(out->step());
    stream.avail_out = kStepBytes;
    status = inflate(&stream, Z_NO_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END)
      out->fail(status == Z_BUF_ERROR ? "it is cut off" : "its bytes do not fit together");
    out->take(kStepBytes - stream.avail_out);
  }
  if (stream.avail_in > 0) out->fail("something follows its end");
  return std::move(*out).bytes();
}

std::string unpack_zstd(std::string_view packed, size_t bytes_max) {
  auto out = std::make_unique<Unpacked>("zstd", bytes_max);
  const std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(),
                                                                   &ZSTD_freeDCtx);
  if (!context) throw std::bad_alloc();
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kZstdWindowLog);
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  size_t left = 1;  // 0: a frame has ended
  for (bool is_full = false; in.pos < in.size || is_full;) {
    ZSTD_outBuffer step{out->step(), kStepBytes, 0};
    left = ZSTD_decompressStream(context.get(), &step, &in);
    if (ZSTD_isError(left)) out->fail(ZSTD_getErrorName(left));
    out->take(step.pos);
    is_full = step.pos == kStepBytes && left != 0;  // there may be more inside
  }
  if (left != 0) out->fail("it is cut off");
  return std::move(*out).bytes();
}

}  // namespace

bool is_known_packing(std::string_view coding) {
  return equal_ignoring_case(coding, "gzip") || equal_ignoring_case(coding, "zstd");
}

std::string unpack_body(std::string_view packed, std::string_view coding, size_t bytes_max) {
  HEARTH_CHECK(is_known_packing(coding));
  return equal_ignoring_case(coding, "gzip") ? unpack_gzip(packed, bytes_max)
                                             : unpack_zstd(packed, bytes_max);
}

}  // namespace hearth::http
