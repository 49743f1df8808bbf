#include "hearth/serve/http/responder.h"

#include <utility>

#include "hearth/base/error.h"
#include "hearth/serve/http/exchange.h"

namespace hearth::http {
namespace {

void end_early(std::shared_ptr<Exchange> exchange) {
  if (!exchange) return;
  if (exchange->is_started())
    exchange->abandon();
  else
    exchange->send(Response::text(500, "the request was dropped without an answer\n"));
}

}  // namespace

Responder::Responder(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
Responder::Responder(Responder&&) noexcept = default;
Responder& Responder::operator=(Responder&& other) noexcept {
  if (this != &other) end_early(std::exchange(exchange_, std::move(other.exchange_)));
  return *this;
}
Responder::~Responder() { end_early(std::move(exchange_)); }

void Responder::send(Response response) {
  HEARTH_CHECK(exchange_);
  exchange_->send(std::move(response));
  exchange_.reset();
}

void Responder::start(Response head) {
  HEARTH_CHECK(exchange_);
  exchange_->start(std::move(head));
}

bool Responder::write(std::string_view bytes) {
  HEARTH_CHECK(exchange_);
  return exchange_->write(bytes);
}

bool Responder::try_write(std::string_view bytes) {
  HEARTH_CHECK(exchange_);
  return exchange_->try_write(bytes);
}

void Responder::finish() {
  HEARTH_CHECK(exchange_);
  exchange_->finish();
  exchange_.reset();
}

void Responder::abandon() {
  HEARTH_CHECK(exchange_);
  exchange_->abandon();
  exchange_.reset();
}

bool Responder::is_started() const { return !exchange_ || exchange_->is_started(); }
bool Responder::is_closed() const { return !exchange_ || exchange_->is_closed(); }

}  // namespace hearth::http
