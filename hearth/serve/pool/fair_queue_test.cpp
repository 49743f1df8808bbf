#include "hearth/serve/pool/fair_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::serve {
namespace {

using std::chrono::seconds;
using Ticket = FairQueue::Ticket;

constexpr Priority kInteractive = Priority::interactive, kBatch = Priority::batch;

QueueTime at(double s) {
  return QueueTime(
      std::chrono::duration_cast<QueueTime::duration>(std::chrono::duration<double>(s)));
}

/// Starts and at once ends turns of one second until none waits; the tickets in that order.
std::vector<Ticket> order_of(FairQueue& queue, double from_s) {
  std::vector<Ticket> order;
  for (double t = from_s;; t += 1) {
    const std::optional<Ticket> ticket = queue.try_start(at(t));
    if (!ticket) return order;
    order.push_back(*ticket);
    queue.finish(*ticket, at(t + 1));
  }
}

/// The Refusal of a submission.
Refusal refusal_of(FairQueue& queue, const std::string& caller, QueueTime now) {
  try {
    queue.submit(caller, kInteractive, now);
  } catch (const Refusal& refusal) {
    return refusal;
  }
  ADD_FAILURE() << "was not refused";
  return {seconds(0), 0, ""};
}

TEST(FairQueue, StartsNothingBeforeTheModelIsLoadedAndNoMoreThanTurnsMax) {
  FairQueue queue({});
  const Ticket a = queue.submit("k", kInteractive, at(0));
  const Ticket b = queue.submit("k", kInteractive, at(0));
  queue.submit("k", kInteractive, at(0));
  EXPECT_EQ(queue.try_start(at(0)), std::nullopt);
  queue.set_turns_max(2);
  EXPECT_EQ(queue.try_start(at(0)), a);
  EXPECT_EQ(queue.try_start(at(0)), b);
  EXPECT_EQ(queue.try_start(at(0)), std::nullopt);
  EXPECT_EQ(queue.running(), 2);
  EXPECT_EQ(queue.waiting(), 1);
}

TEST(FairQueue, CallersTakeTurnsHoweverManyRequestsOneHasQueued) {
  FairQueue queue({});
  queue.set_turns_max(1);
  std::vector<Ticket> a, b;
  for (int i = 0; i < 4; ++i) a.push_back(queue.submit("a", kInteractive, at(0)));
  for (int i = 0; i < 2; ++i) b.push_back(queue.submit("b", kInteractive, at(0.5)));
  EXPECT_THAT(order_of(queue, 1), testing::ElementsAre(a[0], b[0], a[1], b[1], a[2], a[3]));
}

TEST(FairQueue, LongTurnsCountMoreThanShortOnes) {
  FairQueue queue({});
  queue.set_turns_max(1);
  const Ticket long_one = queue.submit("a", kInteractive, at(0));
  EXPECT_EQ(queue.try_start(at(0)), long_one);
  const Ticket a = queue.submit("a", kInteractive, at(1));
  std::vector<Ticket> b;
  for (int i = 0; i < 4; ++i) b.push_back(queue.submit("b", kInteractive, at(1)));
  queue.finish(long_one, at(2.5));
  // a has used 2.5 s; b catches up in turns of one second: after three of them it has used 3 s.
  EXPECT_THAT(order_of(queue, 3), testing::ElementsAre(b[0], b[1], b[2], a, b[3]));
}

TEST(FairQueue, APauseGivesNoCredit) {
  FairQueue queue({});
  queue.set_turns_max(1);
  for (int i = 0; i < 3; ++i) queue.submit("a", kInteractive, at(0));
  order_of(queue, 0);
  queue.submit("b", kInteractive, at(100));  // b is new
  std::vector<Ticket> a, b;
  order_of(queue, 100);
  for (int i = 0; i < 3; ++i) b.push_back(queue.submit("b", kInteractive, at(200)));
  for (int i = 0; i < 3; ++i) a.push_back(queue.submit("a", kInteractive, at(200)));
  // Where the 3 s that a had used before counted, b would go three times first.
  const std::vector<Ticket> order = order_of(queue, 200);
  EXPECT_THAT(order, testing::ElementsAre(b[0], a[0], b[1], a[1], b[2], a[2]));
}

TEST(FairQueue, OldUseIsForgivenBeyondLeadMax) {
  FairQueue queue({.lead_max = seconds(2)});
  queue.set_turns_max(1);
  const Ticket endless = queue.submit("a", kInteractive, at(0));
  queue.try_start(at(0));
  const Ticket a = queue.submit("a", kInteractive, at(1));
  std::vector<Ticket> b;
  for (int i = 0; i < 5; ++i) b.push_back(queue.submit("b", kInteractive, at(1)));
  queue.finish(endless, at(1000));
  const std::vector<Ticket> order = order_of(queue, 1000);
  // Its lead counts from the level of the caller who goes, which b raises by 1 s each turn: b goes
  // at 0, 1 and 2 s, level with a at the last, who has not gone for longer.
  EXPECT_THAT(order, testing::ElementsAre(b[0], b[1], a, b[2], b[3], b[4]));
}

TEST(FairQueue, InteractiveGoesBeforeBatchUntilBatchHasAged) {
  FairQueue queue({.batch_ages = seconds(60)});
  queue.set_turns_max(1);
  const Ticket batch = queue.submit("a", kBatch, at(0));
  const Ticket x = queue.submit("b", kInteractive, at(1));
  const Ticket y = queue.submit("b", kInteractive, at(1));
  EXPECT_EQ(queue.try_start(at(59.9)), x);
  queue.finish(x, at(59.95));
  // Aged: now it is a's turn as between equals.
  EXPECT_EQ(queue.try_start(at(60)), batch);
  queue.finish(batch, at(61));
  EXPECT_EQ(queue.try_start(at(61)), y);
}

TEST(FairQueue, OwnBatchRequestsAgeAgainstOwnInteractiveOnes) {
  FairQueue queue({.batch_ages = seconds(60)});
  queue.set_turns_max(1);
  const Ticket batch = queue.submit("a", kBatch, at(0));
  const Ticket before = queue.submit("a", kInteractive, at(59));
  const Ticket after = queue.submit("a", kInteractive, at(61));
  EXPECT_THAT(order_of(queue, 62), testing::ElementsAre(before, batch, after));
}

TEST(FairQueue, OneCallerCannotFillTheQueueAndIsToldSo) {
  FairQueue queue({.waiting_max = 3, .waiting_per_caller_max = 2});
  queue.submit("a", kInteractive, at(0));
  queue.submit("a", kBatch, at(0));
  const Refusal own = refusal_of(queue, "a", at(0));
  EXPECT_EQ(own.status(), 429);
  EXPECT_STREQ(own.what(), "too many requests: 2 of this key wait, waiting_per_caller_max is 2");
  queue.submit("b", kInteractive, at(0));
  const Refusal full = refusal_of(queue, "c", at(0));
  EXPECT_EQ(full.status(), 503);
  EXPECT_STREQ(full.what(),
               "server busy, please try again.  maximum pending requests exceeded: 3 wait for this "
               "model, waiting_max is 3");
  EXPECT_EQ(queue.waiting(), 3);
}

TEST(FairQueue, EachRefusalIsToldThePlaceAfterTheLast) {
  FairQueue queue({.waiting_max = 1});
  queue.set_turns_max(2);
  const Ticket first = queue.submit("a", kInteractive, at(0));
  queue.try_start(at(0));
  queue.finish(first, at(6));  // turns last 6 s: a place every 3 s
  EXPECT_DOUBLE_EQ(queue.turn_estimate().count(), 6);
  queue.submit("a", kInteractive, at(10));
  EXPECT_EQ(refusal_of(queue, "b", at(10)).retry_after(), seconds(3));
  EXPECT_EQ(refusal_of(queue, "b", at(10)).retry_after(), seconds(6));
  EXPECT_EQ(refusal_of(queue, "c", at(11)).retry_after(), seconds(8));  // at 19
  EXPECT_EQ(refusal_of(queue, "c", at(60)).retry_after(), seconds(3));  // those are over
  for (int i = 0; i < 1000; ++i) queue.promise_place(at(60));
  EXPECT_EQ(queue.promise_place(at(60)), seconds(600));
}

TEST(FairQueue, TheEstimateFollowsTheTurnsThatEnded) {
  FairQueue queue({});
  queue.set_turns_max(1);
  EXPECT_DOUBLE_EQ(queue.turn_estimate().count(), 10);  // nothing measured
  for (int i = 0; i < 2; ++i) queue.submit("a", kInteractive, at(0));
  queue.finish(*queue.try_start(at(0)), at(2));
  EXPECT_DOUBLE_EQ(queue.turn_estimate().count(), 2);
  queue.finish(*queue.try_start(at(2)), at(12));
  EXPECT_DOUBLE_EQ(queue.turn_estimate().count(), 3);  // 2 + (10 - 2) / 8
  for (int i = 0; i < 4; ++i) queue.submit("a", kInteractive, at(20));
  EXPECT_EQ(queue.wait_estimate(), seconds(15));  // four and itself
}

TEST(FairQueue, WhoLeavesIsNotServed) {
  FairQueue queue({});
  queue.set_turns_max(1);
  const Ticket a = queue.submit("a", kInteractive, at(0));
  const Ticket b = queue.submit("a", kBatch, at(0));
  EXPECT_TRUE(queue.cancel(a));
  EXPECT_FALSE(queue.cancel(a));
  EXPECT_EQ(queue.try_start(at(1)), b);
  EXPECT_FALSE(queue.cancel(b));  // it runs
  EXPECT_EQ(queue.waiting(), 0);
}

TEST(FairQueue, NobodyWaitsLongerThanWaitMax) {
  FairQueue queue({.wait_max = seconds(30)});
  const Ticket a = queue.submit("a", kInteractive, at(0));
  const Ticket b = queue.submit("b", kBatch, at(1));
  queue.submit("a", kInteractive, at(2));
  EXPECT_EQ(queue.oldest(), at(0));
  EXPECT_THAT(queue.take_expired(at(29.9)), testing::IsEmpty());
  EXPECT_THAT(queue.take_expired(at(31)), testing::ElementsAre(a, b));
  EXPECT_EQ(queue.waiting(), 1);
  EXPECT_EQ(queue.oldest(), at(2));
}

}  // namespace
}  // namespace hearth::serve
