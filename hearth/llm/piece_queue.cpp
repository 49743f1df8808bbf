#include "hearth/llm/piece_queue.h"

#include <utility>

namespace hearth::llm {

bool EngineDoor::try_enter(int places) {
  int inside = inside_.load(std::memory_order_acquire);
  do {
    if (inside >= places) return false;
  } while (!inside_.compare_exchange_weak(inside, inside + 1, std::memory_order_acq_rel));
  return true;
}

PieceStream::Shared::Shared(std::shared_ptr<EngineDoor> door, std::stop_token cancelled)
    : door_(std::move(door)), ring_(kPiecesMax), on_stop_(std::move(cancelled), CancelNow{this}) {}

PieceStream::Shared::~Shared() {
  if (entered_ && !done_) door_->leave();
}

void PieceStream::Shared::push(Piece piece) {
  const std::lock_guard lock(mutex_);
  HEARTH_CHECK(count_ < kPiecesMax && !done_);
  ring_[(first_ + count_) % kPiecesMax] = std::move(piece);
  if (++count_ == kPiecesMax) stalled_.store(true, std::memory_order_release);
  changed_.notify_one();
}

void PieceStream::Shared::finish(const GenerateResult& result, std::optional<Error> error) {
  // First the place, then the news: a reader that submits again at once must find it free.
  door_->leave();
  const std::lock_guard lock(mutex_);
  HEARTH_CHECK(!done_);
  result_ = result;
  error_ = std::move(error);
  done_ = true;
  changed_.notify_all();
}

std::optional<Piece> PieceStream::Shared::next() {
  std::unique_lock lock(mutex_);
  // A cancelled answer shows nothing more, but its result is valid only once the engine has let go
  // of it.
  const auto has_piece = [&] { return count_ > 0 && !is_cancelled(); };
  changed_.wait(lock, [&] { return has_piece() || done_; });
  if (!has_piece()) {
    if (error_) throw Error(*error_);
    return std::nullopt;
  }
  Piece piece = std::move(ring_[first_]);
  first_ = (first_ + 1) % kPiecesMax;
  --count_;
  if (is_stalled() && count_ <= kPiecesMax / 2) {
    stalled_.store(false, std::memory_order_release);
    door_->ring();
  }
  return piece;
}

void PieceStream::Shared::cancel() {
  // No lock: a stop callback may run inside anything.
  cancelled_.store(true, std::memory_order_release);
  door_->ring();
}

int PieceStream::Shared::unread() const {
  const std::lock_guard lock(mutex_);
  return is_cancelled() ? 0 : count_;
}

bool PieceStream::Shared::is_done() const {
  const std::lock_guard lock(mutex_);
  return done_;
}

const GenerateResult& PieceStream::Shared::result() const {
  const std::lock_guard lock(mutex_);
  HEARTH_CHECK(done_);  // call it after next() has given nothing
  return result_;
}

PieceStream::PieceStream(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
PieceStream::PieceStream(PieceStream&&) noexcept = default;

PieceStream& PieceStream::operator=(PieceStream&& other) noexcept {
  if (this != &other && shared_) shared_->cancel();
  shared_ = std::move(other.shared_);
  return *this;
}

PieceStream::~PieceStream() {
  if (shared_) shared_->cancel();
}

std::optional<Piece> PieceStream::next() { return shared_->next(); }
void PieceStream::cancel() { shared_->cancel(); }
const GenerateResult& PieceStream::result() const { return shared_->result(); }

}  // namespace hearth::llm
