#include "hearth/llm/stop_strings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/base/error.h"
#include "hearth/base/rng.h"

namespace hearth::llm {
namespace {

TEST(StopStrings, WithoutStopsEverythingPasses) {
  StopStrings stops({});
  EXPECT_EQ(stops.push("as it is"), "as it is");
  EXPECT_EQ(stops.finish(), "");
  EXPECT_FALSE(stops.is_matched());
}

TEST(StopStrings, HoldsBackOnlyWhatCouldBeABeginning) {
  StopStrings stops({"\nUser:"});
  EXPECT_EQ(stops.push("Hello\nU"), "Hello");
  EXPECT_EQ(stops.push("p we go"), "\nUp we go");
  EXPECT_EQ(stops.push("\nUs"), "");
  EXPECT_EQ(stops.finish(), "\nUs");
}

TEST(StopStrings, AMatchAcrossThreePiecesEndsTheText) {
  StopStrings stops({"</end>"});
  EXPECT_EQ(stops.push("one <"), "one ");
  EXPECT_EQ(stops.push("/en"), "");
  EXPECT_EQ(stops.push("d> two"), "");
  EXPECT_TRUE(stops.is_matched());
  EXPECT_EQ(stops.matched(), "</end>");
  EXPECT_EQ(stops.push("more"), "");
  EXPECT_EQ(stops.finish(), "");
}

TEST(StopStrings, ABeginningThatRepeatsItselfIsFound) {
  StopStrings stops({"aab"});
  EXPECT_EQ(stops.push("aa"), "");
  EXPECT_EQ(stops.push("a"), "a");
  EXPECT_EQ(stops.push("b"), "");
  EXPECT_TRUE(stops.is_matched());
}

TEST(StopStrings, TheOneThatIsCompleteFirstWins) {
  StopStrings stops({"abcde", "cd"});
  EXPECT_EQ(stops.push("xabcde"), "xab");
  EXPECT_TRUE(stops.is_matched());
}

TEST(StopStrings, OfSeveralCompleteAtOnceTheLongestWins) {
  StopStrings stops({"c", "abc"});
  EXPECT_EQ(stops.push("xabc"), "x");
}

TEST(StopStrings, CharactersAreNeverCut) {
  // "é" is C3 A9, "è" C3 A8: the stop string shares its first byte with the text.
  StopStrings stops({"\xC3\xA8"});
  EXPECT_EQ(stops.push("caf\xC3\xA9"), "caf\xC3\xA9");
}

TEST(StopStrings, RefusesWhatItCannotHonour) {
  const auto message_of = [](std::vector<std::string> list) -> std::string {
    try {
      StopStrings stops(std::move(list));
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Errc::invalid_argument);
      return e.what();
    }
    return "accepted";
  };
  EXPECT_EQ(message_of({"a", ""}), "stop[1] is empty");
  EXPECT_EQ(message_of({"\xA9"}), "stop[0] begins inside a UTF-8 character");
  EXPECT_EQ(message_of(std::vector<std::string>(65, "x")),
            "stop: 65 strings, at most 64 are allowed");
  EXPECT_EQ(message_of({std::string(1025, 'x')}),
            "stop[0] has 1025 bytes, at most 1024 are allowed");
}

// What the class promises, found byte by byte: the text before the first stop string to be
// complete.
std::string expected_text(const std::string& text, const std::vector<std::string>& stops) {
  for (size_t end = 1; end <= text.size(); ++end) {
    size_t longest = 0;
    for (const std::string& stop : stops)
      if (stop.size() <= end && text.compare(end - stop.size(), stop.size(), stop) == 0)
        longest = std::max(longest, stop.size());
    if (longest > 0) return text.substr(0, end - longest);
  }
  return text;
}

std::string random_text(Rng& rng, int length) {
  std::string text;
  for (int i = 0; i < length; ++i) text += static_cast<char>('a' + rng.below(3));
  return text;
}

TEST(StopStrings, HowTheTextIsCutChangesNothing) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    Rng rng(seed);
    std::vector<std::string> list;
    for (uint64_t i = rng.below(4); i > 0; --i)
      list.push_back(random_text(rng, 1 + static_cast<int>(rng.below(5))));
    const std::string text = random_text(rng, static_cast<int>(rng.below(40)));
    StopStrings stops(list);
    std::string shown;
    for (size_t at = 0; at < text.size();) {
      const size_t n = 1 + rng.below(6);
      shown += stops.push(text.substr(at, n));
      at += n;
    }
    shown += stops.finish();
    EXPECT_EQ(shown, expected_text(text, list)) << "seed " << seed << ", text " << text;
  }
}

}  // namespace
}  // namespace hearth::llm
