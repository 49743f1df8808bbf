#include "hearth/store/registry/retry.h"

#include <gtest/gtest.h>

#include "hearth/store/store_folder_for_test.h"

namespace hearth::store {
namespace {

using std::chrono::milliseconds;

HttpAnswer with_status(int status) {
  HttpAnswer answer;
  answer.status = status;
  return answer;
}

TEST(Retry, OnlyWhatTimeMayHealIsWorthIt) {
  for (const int status : {408, 425, 429, 500, 502, 503, 504})
    EXPECT_TRUE(may_pass(with_status(status))) << status;
  for (const int status : {200, 206, 301, 400, 401, 403, 404, 416})
    EXPECT_FALSE(may_pass(with_status(status))) << status;
  HttpAnswer broken = with_status(200);
  broken.failure = "reset";
  EXPECT_TRUE(may_pass(broken));
}

TEST(Retry, WaitsDoubleUpToTheirLimit) {
  TransferLimits limits;
  limits.backoff_first = milliseconds(500);
  limits.backoff_max = milliseconds(3000);
  const HttpAnswer answer = with_status(500);
  EXPECT_EQ(backoff(limits, 1, answer), milliseconds(500));
  EXPECT_EQ(backoff(limits, 2, answer), milliseconds(1000));
  EXPECT_EQ(backoff(limits, 3, answer), milliseconds(2000));
  EXPECT_EQ(backoff(limits, 4, answer), milliseconds(3000));
  EXPECT_EQ(backoff(limits, 1'000'000'000, answer), milliseconds(3000));
}

TEST(Retry, TheServerMayAskForMoreButNotForEver) {
  TransferLimits limits;
  const auto wait = [&](const char* retry_after) {
    HttpAnswer answer = with_status(429);
    answer.headers["retry-after"] = retry_after;
    return backoff(limits, 1, answer);
  };
  EXPECT_EQ(wait("0"), milliseconds(500));
  EXPECT_EQ(wait("7"), milliseconds(7000));
  EXPECT_EQ(wait("4000000000"), milliseconds(30'000));
  for (const char* odd : {"-1", "x", "1.5", "Wed, 21 Oct 2015 07:28:00 GMT", "99999999999999"})
    EXPECT_EQ(wait(odd), milliseconds(500)) << odd;
}

TEST(Retry, AttemptsEndAndProgressBeginsThemAnew) {
  TransferLimits limits;
  limits.attempts_max = 3;
  limits.backoff_first = limits.backoff_max = milliseconds(1);
  Retry retry(limits);
  EXPECT_TRUE(retry.wait_after(with_status(503), {}));
  EXPECT_TRUE(retry.wait_after(with_status(503), {}));
  EXPECT_FALSE(retry.wait_after(with_status(503), {}));
  retry.made_progress();
  EXPECT_TRUE(retry.wait_after(with_status(503), {}));
  EXPECT_FALSE(retry.wait_after(with_status(404), {}));
}

TEST(Retry, ACancelEndsTheWait) {
  TransferLimits limits;
  limits.backoff_first = limits.backoff_max = std::chrono::hours(1);
  Retry retry(limits);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(code_of([&] { retry.wait_after(with_status(503), stop.get_token()); }),
            Errc::unavailable);
}

}  // namespace
}  // namespace hearth::store
