#include "hearth/serve/http/exchange.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "hearth/serve/http/responder.h"

namespace hearth::http {
namespace {

struct Fixture {
  std::atomic<int> wakes{0};
  std::shared_ptr<Exchange> exchange =
      std::make_shared<Exchange>(Request{}, /*stream_bytes_max=*/10, [this] { ++wakes; });
};

TEST(HttpExchange, AWholeAnswerComesOutOnce) {
  Fixture f;
  Responder(f.exchange).send(Response::text(201, "x"));
  const auto output = f.exchange->take();
  EXPECT_EQ(output.head->status, 201);
  EXPECT_TRUE(output.ended && !output.streamed && !output.cut);
  EXPECT_FALSE(f.exchange->take().head);
  EXPECT_EQ(f.wakes, 1);
}

TEST(HttpExchange, AResponderThatIsDroppedAnswersOrBreaksOff) {
  Fixture unanswered;
  { Responder dropped(unanswered.exchange); }
  EXPECT_EQ(unanswered.exchange->take().head->status, 500);
  Fixture begun;
  {
    Responder dropped(begun.exchange);
    dropped.start({});
    dropped.write("part");
  }
  const auto output = begun.exchange->take();
  EXPECT_EQ(output.bytes, "part");
  EXPECT_TRUE(output.ended && output.cut);
}

TEST(HttpExchange, TryWriteTakesNothingWithoutRoom) {
  Fixture f;
  Responder responder(f.exchange);
  responder.start({});
  EXPECT_TRUE(responder.try_write("0123456"));
  EXPECT_FALSE(responder.try_write("789a"));
  EXPECT_TRUE(responder.try_write("789"));
  EXPECT_EQ(f.exchange->take().bytes, "0123456789");
  EXPECT_TRUE(responder.try_write("larger than all the room there is")) << "or it could never go";
  responder.finish();
  EXPECT_TRUE(f.exchange->take().ended);
}

TEST(HttpExchange, WriteWaitsForRoomAndForNothingWhenTheClientIsGone) {
  Fixture f;
  Responder responder(f.exchange);
  responder.start({});
  std::atomic<int> written{0};
  bool last = true;
  std::thread writer([&] {
    while ((last = responder.write("0123456789"))) ++written;
  });
  std::string read;
  while (read.size() < 100) read += f.exchange->take().bytes;
  // Ten pieces were read; one more has room, the next waits.
  EXPECT_LE(written, 11 + 1);
  f.exchange->close();
  writer.join();
  EXPECT_FALSE(last);
  EXPECT_TRUE(responder.is_closed());
  EXPECT_TRUE(f.exchange->request().closed.stop_requested());
}

TEST(HttpExchange, CancelTripsTheTokenButStillTakesTheAnswer) {
  Fixture f;
  f.exchange->cancel();
  EXPECT_TRUE(f.exchange->request().closed.stop_requested());
  Responder responder(f.exchange);
  EXPECT_FALSE(responder.is_closed());
  responder.send(Response::text(200, "still"));
  EXPECT_EQ(f.exchange->take().head->body, "still");
}

TEST(HttpExchangeDeathTest, TwoAnswersAreABug) {
  Fixture f;
  Responder responder(f.exchange);
  responder.send({});
  EXPECT_DEATH(responder.send({}), "exchange_");
}

}  // namespace
}  // namespace hearth::http
