#include "hearth/store/registry/blob_download.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <thread>

#include "hearth/base/error.h"
#include "hearth/store/registry/retry.h"

namespace hearth::store {
namespace {

constexpr std::chrono::milliseconds kReportInterval{100};
constexpr int kWhole = 200;
constexpr int kPartial = 206;

/// Thrown by a chunk whose server answers with the whole blob. No Error: nothing is wrong yet.
struct KnowsNoRanges {};

/// Puts the body of an answer into its place, and records what is finished as it goes.
class ChunkWriter {
 public:
  /// `is_ranged`: bytes of the middle are expected, not the whole blob.
  ChunkWriter(PartialBlob& blob, ByteRange chunk, bool is_ranged, uint64_t record_bytes,
              std::atomic<uint64_t>& received_bytes)
      : blob_(blob),
        chunk_(chunk),
        is_ranged_(is_ranged),
        record_bytes_(record_bytes),
        received_bytes_(received_bytes),
        at_(chunk.begin),
        recorded_(chunk.begin) {}

  bool is_done() const { return at_ == chunk_.end; }
  uint64_t at() const { return at_; }

  void begin_answer() { is_head_checked_ = false; }
  /// For an answer that cannot be taken up where it broke off.
  void start_over() {
    received_bytes_ -= at_ - chunk_.begin;
    at_ = recorded_ = chunk_.begin;
  }

  void write(const HttpAnswer& head, std::span<const std::byte> bytes) {
    if (!is_head_checked_) check_head(head);
    is_head_checked_ = true;
    if (bytes.size() > chunk_.end - at_)
      throw Error(Errc::corrupt_data, "{}: the registry sends more than the {} bytes asked for",
                  blob_.digest().text(), chunk_.size());
    blob_.write(at_, bytes);
    at_ += bytes.size();
    received_bytes_ += bytes.size();
    if (at_ - recorded_ >= record_bytes_ || is_done()) record();
  }

  void record() {
    blob_.record({recorded_, at_});
    recorded_ = at_;
  }

  /// For the way out of an error: what cannot be recorded now is fetched again later.
  void try_record() noexcept {
    try {
      record();
    } catch (const std::exception&) {
    }
  }

 private:
  void check_head(const HttpAnswer& head) const {
    if (!is_ranged_) return;
    if (head.status == kWhole && at_ == 0 && chunk_.size() == blob_.size_bytes()) return;
    if (head.status == kWhole) throw KnowsNoRanges();
    const auto content = try_content_range(head.header("content-range"));
    const bool is_right = head.status == kPartial && content && content->range.begin == at_ &&
                          content->total_bytes.value_or(blob_.size_bytes()) == blob_.size_bytes();
    if (!is_right)
      throw Error(Errc::corrupt_data,
                  "{}: the registry answers a request for the bytes from {} of {} with status {} "
                  "and other bytes",
                  blob_.digest().text(), at_, blob_.size_bytes(), head.status);
  }

  PartialBlob& blob_;
  const ByteRange chunk_;
  const bool is_ranged_;
  const uint64_t record_bytes_;
  std::atomic<uint64_t>& received_bytes_;
  uint64_t at_;        // the next byte to come
  uint64_t recorded_;  // up to here in the record
  bool is_head_checked_ = false;
};

class Download {
 public:
  Download(RegistrySession& session, PartialBlob& blob)
      : session_(session),
        blob_(blob),
        on_cancel_(session.options().cancelled, [this] { stop_.request_stop(); }) {
    const FinishedRanges finished = blob.finished();
    received_bytes_ = finished.finished_bytes();
    for (const ByteRange& chunk : finished.missing(session.options().limits.chunk_bytes))
      chunks_.push_back(chunk);
  }

  void run(ReceivedFn received) {
    const size_t connections = std::min(session_.options().limits.connections_max, chunks_.size());
    run_threads(connections, received, &Download::fetch_chunks);
    if (knows_no_ranges_ && !error_) {
      received_bytes_ = 0;
      run_threads(1, received, &Download::fetch_whole);
    }
    if (error_) std::rethrow_exception(error_);
    received(received_bytes_);
  }

 private:
  void run_threads(size_t count, ReceivedFn received, void (Download::*part)()) {
    std::vector<std::jthread> threads;
    running_ = count;
    try {
      while (threads.size() < count) threads.emplace_back([this, part] { run_thread(part); });
      std::unique_lock lock(mutex_);
      while (!ended_.wait_for(lock, kReportInterval, [&] { return running_ == 0; })) {
        lock.unlock();
        received(received_bytes_);
        lock.lock();
      }
    } catch (...) {
      stop_.request_stop();  // the threads are joined by their destructors, on the way out
      throw;
    }
  }

  void run_thread(void (Download::*part)()) {
    try {
      (this->*part)();
    } catch (const KnowsNoRanges&) {
      knows_no_ranges_ = true;
    } catch (...) {
      const std::lock_guard lock(mutex_);
      // The first says what happened; the others were stopped because of it.
      if (!error_) error_ = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    if (error_) stop_.request_stop();
    --running_;
    ended_.notify_all();
  }

  std::optional<ByteRange> next_chunk() {
    const std::lock_guard lock(mutex_);
    if (chunks_.empty() || knows_no_ranges_) return std::nullopt;
    const ByteRange chunk = chunks_.front();
    chunks_.pop_front();
    return chunk;
  }

  void fetch_chunks() {
    RegistryConnection connection(session_, stop_.get_token());
    while (const auto chunk = next_chunk()) {
      ChunkWriter writer(blob_, *chunk, /*is_ranged=*/true, session_.options().limits.record_bytes,
                         received_bytes_);
      fetch(connection, writer, *chunk);
    }
  }

  void fetch_whole() {
    RegistryConnection connection(session_, stop_.get_token());
    const ByteRange whole{0, blob_.size_bytes()};
    ChunkWriter writer(blob_, whole, /*is_ranged=*/false, session_.options().limits.record_bytes,
                       received_bytes_);
    fetch(connection, writer, std::nullopt);
  }

  // Attempts until the chunk is there. Without `chunk` each begins at the first byte, and counts
  // even if something came, or a server that always breaks off would be asked for ever.
  void fetch(RegistryConnection& connection, ChunkWriter& writer, std::optional<ByteRange> chunk) {
    Retry retry(session_.options().limits);
    while (!writer.is_done()) {
      if (!chunk) writer.start_over();
      HttpRequest request{.method = "GET",
                          .address = session_.address("blobs/" + blob_.digest().text())};
      if (chunk)
        request.headers.push_back(fmt::format("Range: bytes={}-{}", writer.at(), chunk->end - 1));
      const uint64_t before = writer.at();
      HttpAnswer answer = attempt(connection, writer, request);
      if (writer.is_done()) return;
      if (chunk && writer.at() > before) retry.made_progress();
      if (answer.is_ok()) answer.failure = "the registry sent fewer bytes than the manifest says";
      if (!retry.wait_after(answer, connection.cancelled()))
        throw_answer(blob_.digest().text(), answer);
    }
  }

  HttpAnswer attempt(RegistryConnection& connection, ChunkWriter& writer,
                     const HttpRequest& request) {
    writer.begin_answer();
    try {
      HttpAnswer answer = connection.exchange(
          request, [&](const HttpAnswer& head, std::span<const std::byte> bytes) {
            writer.write(head, bytes);
          });
      writer.record();
      return answer;
    } catch (...) {
      writer.try_record();
      throw;
    }
  }

  RegistrySession& session_;
  PartialBlob& blob_;
  std::atomic<uint64_t> received_bytes_ = 0;
  std::atomic<bool> knows_no_ranges_ = false;
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> on_cancel_;
  std::mutex mutex_;  // of what follows
  std::condition_variable ended_;
  std::deque<ByteRange> chunks_;
  size_t running_ = 0;
  std::exception_ptr error_;
};

}  // namespace

void download_blob(RegistrySession& session, PartialBlob& blob, ReceivedFn received) {
  Download(session, blob).run(received);
}

}  // namespace hearth::store
