// Where the text of an answer is cut into pieces changes nothing in what it means.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/base/rng.h"
#include "hearth/serve/output/answer_samples_for_test.h"

namespace hearth::serve {
namespace {

std::vector<std::string_view> cut_at(std::string_view text, const std::vector<size_t>& cuts) {
  std::vector<std::string_view> pieces;
  size_t begin = 0;
  for (const size_t cut : cuts) {
    pieces.push_back(text.substr(begin, cut - begin));
    begin = cut;
  }
  pieces.push_back(text.substr(begin));
  return pieces;
}

TEST(AnswerCuts, EverySampleMeansWhatItSaysInOnePiece) {
  for (const AnswerSample& sample : answer_samples()) {
    SCOPED_TRACE(sample.title + ": " + sample.text);
    const AnswerDelta answer = parse_pieces(sample, {sample.text});
    EXPECT_EQ(answer.content, sample.content);
    EXPECT_EQ(answer.thinking, sample.thinking);
    EXPECT_EQ(calls_text(answer), sample.calls);
  }
}

TEST(AnswerCuts, EveryPairOfCutsGivesTheSame) {
  for (const AnswerSample& sample : answer_samples()) {
    const AnswerDelta whole = parse_pieces(sample, {sample.text});
    const size_t size = sample.text.size();
    for (size_t first = 0; first <= size; ++first)
      for (size_t second = first; second <= size; ++second) {
        const AnswerDelta cut = parse_pieces(sample, cut_at(sample.text, {first, second}));
        ASSERT_EQ(cut, whole) << sample.title << " cut at " << first << " and " << second;
      }
  }
}

TEST(AnswerCuts, SingleBytesGiveTheSame) {
  for (const AnswerSample& sample : answer_samples()) {
    std::vector<size_t> everywhere;
    for (size_t i = 1; i < sample.text.size(); ++i) everywhere.push_back(i);
    EXPECT_EQ(parse_pieces(sample, cut_at(sample.text, everywhere)),
              parse_pieces(sample, {sample.text}))
        << sample.title;
  }
}

// Random mixtures of the parts that matter, in every style: nothing may hang on the cuts, and
// nothing that is no tag, call or space may be lost.
TEST(AnswerCuts, RandomAnswersGiveTheSameInRandomPieces) {
  const std::vector<AnswerSample> samples = answer_samples();
  Rng rng(7);
  for (int round = 0; round < 3000; ++round) {
    AnswerSample mixed = samples[rng.below(samples.size())];
    mixed.text.clear();
    for (uint64_t parts = rng.below(5); parts != uint64_t(-1); --parts) {
      const std::string& source = samples[rng.below(samples.size())].text;
      const size_t begin = rng.below(source.size());
      mixed.text += source.substr(begin, rng.below(source.size() - begin + 1));
    }
    std::vector<size_t> cuts;
    for (size_t i = 1; i < mixed.text.size(); ++i)
      if (rng.below(4) == 0) cuts.push_back(i);
    ASSERT_EQ(parse_pieces(mixed, cut_at(mixed.text, cuts)), parse_pieces(mixed, {mixed.text}))
        << mixed.text;
  }
}

TEST(AnswerCuts, EveryPieceIsWholeCharacters) {
  for (const AnswerSample& sample : answer_samples()) {
    AnswerParser parser({.style = sample.style,
                         .tools = sample_tools(),
                         .thinking_is_open = sample.thinking_is_open});
    for (const char byte : sample.text)
      for (const AnswerDelta& delta : parser.feed({&byte, 1}))
        for (const std::string& text : {delta.content, delta.thinking})
          EXPECT_NO_THROW(Json(text).dump()) << sample.title;
  }
}

}  // namespace
}  // namespace hearth::serve
