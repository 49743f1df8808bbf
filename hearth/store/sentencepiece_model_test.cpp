#include "hearth/store/sentencepiece_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/base/error.h"
#include "hearth/base/files.h"
#include "hearth/formats/gguf.h"

namespace hearth::store {
namespace {

using testing::HasSubstr;

// By hand, https://protobuf.dev/programming-guides/encoding: tag = field << 3 | wire type.
std::string field(char tag, const std::string& payload) {
  return std::string{tag, static_cast<char>(payload.size())} + payload;
}

std::string error_of(const std::string& bytes) {
  try {
    parse_sentencepiece_model(bytes, "bad.model");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::corrupt_data);
    return error.what();
  }
  ADD_FAILURE() << "accepted";
  return "";
}

TEST(SentencePieceModel, ReadsPiecesAndSettings) {
  const std::string minus_one("\x15\x00\x00\x80\xBF", 5);  // field 2, fixed32, -1.0f
  const std::string bytes = field(0x0A, field(0x0A, "<unk>") + "\x18\x02") +
                            field(0x0A, field(0x0A, "ab") + minus_one) +
                            field(0x12, "\x18\x02") +        // trainer: model_type BPE
                            field(0x1A, field(0x12, "xy") +  // normalizer: a table, then both false
                                            std::string("\x18\x00\x20\x00", 4));
  const SentencePieceModel model = parse_sentencepiece_model(bytes, "hand");
  EXPECT_EQ(model.kind, SentencePieceModel::Kind::bpe);
  ASSERT_EQ(model.pieces.size(), 2u);
  EXPECT_EQ(model.pieces[0].text, "<unk>");
  EXPECT_EQ(model.pieces[0].kind, PieceKind::unknown);
  EXPECT_EQ(model.pieces[1].score, -1.0f);
  EXPECT_EQ(model.pieces[1].kind, PieceKind::normal);
  EXPECT_FALSE(model.add_dummy_prefix);
  EXPECT_FALSE(model.remove_extra_whitespaces);
  EXPECT_TRUE(model.has_charsmap);
}

TEST(SentencePieceModel, BrokenBuffersAreErrors) {
  EXPECT_THAT(error_of(""), HasSubstr("bad.model: has no pieces"));
  EXPECT_THAT(error_of("\x0A\x7F"), HasSubstr("needs 127 bytes, but 0 are left"));
  EXPECT_THAT(error_of("\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
              HasSubstr("more than 10 bytes"));
  EXPECT_THAT(error_of("\x0B"), HasSubstr("wire type 3"));
  EXPECT_THAT(error_of("\x08\x01"), HasSubstr("field 1 has wire type 0, expected 2"));
  EXPECT_THAT(error_of(field(0x0A, "\x18\x07")), HasSubstr("piece type 7"));
  EXPECT_THAT(error_of(field(0x12, "\x18\x09")), HasSubstr("model type 9"));
}

TEST(SentencePieceModel, EveryTruncationOfAFieldIsAnError) {
  const std::string bytes =
      field(0x0A, field(0x0A, "abc") + std::string("\x15\x00\x00\x80\x3F", 5));
  for (size_t size = 1; size < bytes.size(); ++size) error_of(bytes.substr(0, size));
  EXPECT_EQ(parse_sentencepiece_model(bytes, "whole").pieces[0].score, 1.0f);
}

TEST(SentencePieceModel, AgreesWithAGgufThatWasMadeFromIt) {
  const fs::path folder = fs::path(HEARTH_SOURCE_DIR) / "../shared/data/models/tales";
  if (!fs::exists(folder / "tales.spm.model"))
    GTEST_SKIP() << folder / "tales.spm.model"
                 << " is not there";
  const SentencePieceModel model =
      parse_sentencepiece_model(read_file(folder / "tales.spm.model"), "tales.spm.model");
  const formats::Gguf file = formats::Gguf::open(folder / "tales-f16.gguf");
  const auto& tokens = *file.try_strings("tokenizer.ggml.tokens");
  const auto scores = *file.try_floats("tokenizer.ggml.scores");
  const auto kinds = *file.try_ints("tokenizer.ggml.token_type");
  EXPECT_EQ(model.kind, SentencePieceModel::Kind::bpe);
  ASSERT_EQ(model.pieces.size(), tokens.size());
  for (size_t id = 0; id < tokens.size(); ++id) {
    EXPECT_EQ(model.pieces[id].text, tokens[id]);
    EXPECT_EQ(model.pieces[id].score, scores[id]);
    EXPECT_EQ(static_cast<int64_t>(model.pieces[id].kind), kinds[id]);
  }
}

}  // namespace
}  // namespace hearth::store
