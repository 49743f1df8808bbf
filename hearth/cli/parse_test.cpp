#include "hearth/cli/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/base/error.h"
#include "hearth/cli/numbers.h"

namespace hearth::cli {
namespace {

using testing::ElementsAre;

constexpr Positional kPositionals[] = {
    {.name = "FILE", .help = "a file"},
    {.name = "TEXT", .help = "words", .required = false, .rest = true},
};
constexpr Option kOptions[] = {
    {"--seed", "N", "a number"},
    {"--stop", "TEXT", "may be repeated"},
    {"--json", "", "a flag"},
};
const Command kCommand = {.name = "probe",
                          .summary = "A command for tests",
                          .positionals = kPositionals,
                          .options = kOptions};

Args parse(std::vector<std::string> words) { return parse_args(kCommand, words); }

std::string error_of(std::vector<std::string> words) {
  try {
    parse(std::move(words));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::invalid_argument);
    return error.what();
  }
  return "no error";
}

TEST(Parse, TakesOptionsAndPositionalsInAnyOrder) {
  const Args args = parse({"a.gguf", "--seed", "7", "once", "--json", "upon"});
  EXPECT_EQ(args.required("FILE"), "a.gguf");
  EXPECT_EQ(args.rest("TEXT"), "once upon");
  EXPECT_EQ(args.text("--seed"), "7");
  EXPECT_TRUE(args.has("--json"));
}

TEST(Parse, TakesValuesThatLookLikeOptions) {
  EXPECT_EQ(parse({"a", "--seed", "-1"}).text("--seed"), "-1");
  EXPECT_EQ(parse({"a", "--seed=-1"}).text("--seed"), "-1");
  EXPECT_EQ(parse({"a", "--stop", "--"}).text("--stop"), "--");
}

TEST(Parse, KeepsEveryRepetitionAndTheLastAsTheText) {
  const Args args = parse({"a", "--stop", "x", "--stop", "y"});
  EXPECT_THAT(args.texts("--stop"), ElementsAre("x", "y"));
  EXPECT_EQ(args.text("--stop"), "y");
}

TEST(Parse, TakesWordsAsTheyAre) {
  EXPECT_EQ(parse({"a", "[b,c]"}).rest("TEXT"), "[b,c]");
  EXPECT_EQ(parse({"a", ""}).rest("TEXT"), "");
  EXPECT_EQ(parse({"a", "-"}).rest("TEXT"), "-");
  EXPECT_EQ(parse({"a", "-3", "%%"}).rest("TEXT"), "-3 %%");
  EXPECT_EQ(parse({"a", "two words", "x"}).rest("TEXT"), "two words x");
  EXPECT_EQ(parse({"a", "- one item"}).rest("TEXT"), "- one item");
  EXPECT_EQ(parse({"a", "--what is --this?"}).rest("TEXT"), "--what is --this?");
  EXPECT_EQ(parse({"a", "/tmp"}).rest("TEXT"), "/tmp");
  EXPECT_EQ(parse({"a"}).rest("TEXT"), std::nullopt);
}

TEST(Parse, TakesEverythingAfterTwoDashesAsPositional) {
  const Args args = parse({"a", "--", "--seed", "--", "-h"});
  EXPECT_EQ(args.rest("TEXT"), "--seed -- -h");
  EXPECT_FALSE(args.has("--seed"));
}

TEST(Parse, NamesTheNearestOption) {
  EXPECT_EQ(error_of({"a", "--sed", "7"}), "probe: unknown option --sed; did you mean --seed?");
  EXPECT_EQ(error_of({"a", "--jsno=1"}), "probe: unknown option --jsno; did you mean --json?");
  EXPECT_EQ(error_of({"a", "-x"}), "probe: unknown option -x");
  EXPECT_EQ(error_of({"a", "--sed=two words"}),
            "probe: unknown option --sed; did you mean --seed?");
}

TEST(Parse, NamesWhatIsMissingOrTooMuch) {
  EXPECT_EQ(error_of({}), "probe: FILE is missing; see: hearth probe --help");
  EXPECT_EQ(error_of({"a", "--seed"}), "probe: option --seed needs a value");
  EXPECT_EQ(error_of({"a", "--seed="}), "probe: option --seed needs a value");
  const Command without_rest = {.name = "probe", .positionals = std::span(kPositionals).first(1)};
  const std::vector<std::string> words = {"a", "b"};
  try {
    parse_args(without_rest, words);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "probe: 'b' is one argument too many; see: hearth probe --help");
  }
}

TEST(Parse, RefusesAValueForAFlag) {
  EXPECT_EQ(error_of({"a", "--json=perhaps"}), "probe: option --json takes no value");
}

TEST(Parse, HelpNeedsNothingElse) {
  EXPECT_TRUE(parse({"--help"}).has("--help"));
  EXPECT_TRUE(parse({"-h"}).has("--help"));
}

TEST(Args, GivesNumbersInTheirRange) {
  const Args args = parse({"a", "--seed", "7", "--stop", "1,5,9"});
  EXPECT_EQ(args.integer("--seed", 0, 0, 10), 7);
  EXPECT_EQ(args.integer("--absent", 3, 0, 10), 3);
  EXPECT_DOUBLE_EQ(args.number("--seed", 0, 0, 10), 7);
  EXPECT_THAT(args.integers("--stop", 0, 9), ElementsAre(1, 5, 9));
  EXPECT_THAT(args.integers("--absent", 0, 9), ElementsAre());
  EXPECT_THROW(args.integers("--stop", 0, 8), Error);
}

std::string number_error(void (*call)()) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Numbers, ErrorsNameTheValueAndTheRange) {
  EXPECT_EQ(number_error([] { parse_integer("--ctx", "12x", 0, 9); }),
            "--ctx: '12x' is not a whole number, must be 0 to 9");
  EXPECT_EQ(number_error([] { parse_integer("--ctx", "12", 0, 9); }),
            "--ctx: 12 is out of range, must be 0 to 9");
  EXPECT_EQ(number_error([] { parse_integer("--seed", "-2", -1, INT64_MAX); }),
            "--seed: -2 is out of range, must be -1 or more");
  EXPECT_EQ(number_error([] { parse_integer("--ctx", "99999999999999999999", 0, 9); }),
            "--ctx: '99999999999999999999' is not a whole number, must be 0 to 9");
  EXPECT_EQ(number_error([] { parse_integer("--ctx", "", 0, 9); }),
            "--ctx: '' is not a whole number, must be 0 to 9");
  EXPECT_EQ(number_error([] { parse_integer("--ctx", "+-5", -9, 9); }),
            "--ctx: '+-5' is not a whole number, must be -9 to 9");
  EXPECT_EQ(number_error([] { parse_number("top_p", "nan", 0, 1); }),
            "top_p: 'nan' is not a number, must be 0 to 1");
  EXPECT_EQ(number_error([] { parse_number("top_p", "1.5", 0, 1); }),
            "top_p: 1.5 is out of range, must be 0 to 1");
  EXPECT_DOUBLE_EQ(parse_number("top_p", "+0.25", 0, 1), 0.25);
}

}  // namespace
}  // namespace hearth::cli
