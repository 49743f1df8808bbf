#include "hearth/base/units.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hearth {
namespace {

TEST(Units, BytesUseBinarySteps) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes((1ull << 30) - 1), "1.0 GiB");
  EXPECT_EQ(format_bytes(44238650573ull), "41.2 GiB");
}

TEST(Units, CountsUseDecimalSteps) {
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(5812480), "5.8 M");
  EXPECT_EQ(format_count(1100048384), "1.1 B");
}

TEST(Units, SecondsPickTheUnitThatReadsBest) {
  EXPECT_EQ(format_seconds(0.5e-6), "0.5 us");
  EXPECT_EQ(format_seconds(0.0123), "12.3 ms");
  EXPECT_EQ(format_seconds(2.5), "2.5 s");
  EXPECT_EQ(format_seconds(75), "1 min 15 s");
  EXPECT_EQ(format_seconds(3 * 3600 + 5 * 60), "3 h 5 min");
  EXPECT_EQ(format_seconds(-1), "-");
  EXPECT_EQ(format_seconds(std::nan("")), "-");
}

TEST(Units, WhatRoundsToAWholeUnitIsShownInIt) {
  EXPECT_EQ(format_seconds(0.99994e-3), "999.9 us");
  EXPECT_EQ(format_seconds(0.99996e-3), "1.0 ms");
  EXPECT_EQ(format_seconds(0.99996), "1.0 s");
  EXPECT_EQ(format_seconds(59.96), "1 min 0 s");
  EXPECT_EQ(format_seconds(3599.6), "1 h 0 min");
  EXPECT_EQ(format_count(999'960), "1.0 M");
}

}  // namespace
}  // namespace hearth
