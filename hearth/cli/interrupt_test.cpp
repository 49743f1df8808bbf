#include "hearth/cli/interrupt.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <thread>

namespace hearth::cli {
namespace {

bool stops_soon(const std::stop_token& token) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!token.stop_requested() && std::chrono::steady_clock::now() < limit)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return token.stop_requested();
}

TEST(Interrupt, RequestsAStopInsteadOfEndingTheProcess) {
  InterruptWatch watch;
  const std::stop_token token = watch.arm();
  EXPECT_FALSE(watch.interrupted());
  std::raise(SIGINT);
  EXPECT_TRUE(watch.interrupted());
  EXPECT_TRUE(stops_soon(token));
  EXPECT_THROW(watch.check(), Interrupted);
}

TEST(Interrupt, AnEarlierOneDoesNotCountAgainstTheNextPieceOfWork) {
  InterruptWatch watch;
  std::raise(SIGINT);
  const std::stop_token token = watch.arm();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // time for a late stop to show
  EXPECT_FALSE(token.stop_requested());
  EXPECT_NO_THROW(watch.check());
  std::raise(SIGINT);
  EXPECT_TRUE(stops_soon(token));
}

}  // namespace
}  // namespace hearth::cli
