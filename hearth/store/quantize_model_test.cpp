#include "hearth/store/quantize_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>

#include "hearth/base/rng.h"
#include "hearth/formats/quantize.h"
#include "hearth/store/convert_rows.h"
#include "hearth/store/full_disk_for_test.h"
#include "hearth/store/quantize_recipe.h"

namespace hearth::store {
namespace {

using formats::Gguf;
using formats::GgufWriter;
using formats::TensorType;
using testing::HasSubstr;

const auto ignore_progress = [](const RewriteProgress&) {};

class QuantizeModel : public testing::Test {
 protected:
  QuantizeModel()
      : folder_(fs::temp_directory_path() / fmt::format("hearth-quantize-{}", ::getpid())) {
    fs::create_directories(folder_);
  }
  ~QuantizeModel() override { fs::remove_all(folder_); }

  /// A model of one layer: embedding, a norm, attn_v with rows of 256, attn_k with rows of 288, a
  /// bias.
  Gguf make_model() {
    GgufWriter out(folder_ / "in.gguf");
    out.set("general.architecture", std::string("llama"));
    out.set("general.file_type", uint32_t{0});
    out.set("llama.block_count", uint32_t{1});
    out.set("split.count", uint16_t{1});
    const std::vector<std::pair<std::string, std::vector<uint64_t>>> tensors = {
        {"token_embd.weight", {256, 40}},  {"blk.0.attn_norm.weight", {256}},
        {"blk.0.attn_v.weight", {256, 8}}, {"blk.0.attn_k.weight", {288, 8}},
        {"blk.0.attn_o.weight", {250, 4}}, {"blk.0.attn_v.bias", {256}}};
    for (const auto& [name, shape] : tensors) out.declare(name, TensorType::f32, shape);
    Rng rng(3);
    for (const auto& [name, shape] : tensors) {
      std::vector<float> values(shape.size() == 2 ? shape[0] * shape[1] : shape[0]);
      for (float& value : values) value = rng.normal();
      out.write(std::as_bytes(std::span(values)));
    }
    out.finish();
    return Gguf::open(folder_ / "in.gguf");
  }

  fs::path folder_;
};

std::vector<float> values_of(const formats::GgufTensor& tensor) {
  std::vector<float> values(tensor.elems());
  formats::dequantize_row(tensor.type, tensor.bytes.data(), values);
  return values;
}

TEST_F(QuantizeModel, APlainTypeConvertsEveryMatrixAndNothingElse) {
  const Gguf in = make_model();
  const QuantizeReport report = quantize_model(
      in, folder_ / "out.gguf", *try_quantize_recipe("q4_K"), {.threads = 3}, ignore_progress);
  const Gguf out = Gguf::open(folder_ / "out.gguf");
  EXPECT_EQ(out.tensor("token_embd.weight").type, TensorType::q4_k);
  EXPECT_EQ(out.tensor("blk.0.attn_v.weight").type, TensorType::q4_k);
  EXPECT_EQ(out.tensor("blk.0.attn_k.weight").type, TensorType::q5_0);  // 288 = 9 * 32
  EXPECT_EQ(out.tensor("blk.0.attn_o.weight").type, TensorType::f16);   // 250 is no multiple of 32
  EXPECT_EQ(out.tensor("blk.0.attn_norm.weight").type, TensorType::f32);
  EXPECT_EQ(out.tensor("blk.0.attn_v.bias").type, TensorType::f32);
  EXPECT_EQ(out.u64("general.file_type"), 14u);
  EXPECT_EQ(out.u64("general.quantization_version"), 2u);
  EXPECT_EQ(out.find("split.count"), nullptr);
  EXPECT_EQ(report.tensors_converted, 4u);
  EXPECT_EQ(report.tensors_kept, 2u);
  EXPECT_EQ(report.before_bytes, 4u * (256 * 40 + 256 + 256 * 8 + 288 * 8 + 250 * 4 + 256));
  EXPECT_EQ(report.after_bytes, 144u * 40 + 1024 + 144 * 8 + 9 * 22 * 8 + 250 * 4 * 2 + 1024);
  ASSERT_EQ(report.fallbacks.size(), 2u);
  EXPECT_EQ(report.fallbacks[0].tensor, "blk.0.attn_k.weight");
  EXPECT_EQ(report.fallbacks[0].cols, 288u);
  EXPECT_EQ(report.fallbacks[0].wanted, TensorType::q4_k);
  EXPECT_EQ(report.fallbacks[0].used, TensorType::q5_0);
}

TEST_F(QuantizeModel, EveryRowIsWhatQuantizeRowMakesOfIt) {
  const Gguf in = make_model();
  quantize_model(in, folder_ / "out.gguf", *try_quantize_recipe("Q6_K"), {.threads = 2},
                 ignore_progress);
  const Gguf out = Gguf::open(folder_ / "out.gguf");
  const std::vector<float> values = values_of(in.tensor("blk.0.attn_v.weight"));
  for (size_t row = 0; row < 8; ++row) {
    std::vector<std::byte> expected(formats::row_bytes(TensorType::q6_k, 256));
    formats::quantize_row(TensorType::q6_k, std::span(values).subspan(256 * row, 256),
                          expected.data());
    const auto actual =
        out.tensor("blk.0.attn_v.weight").bytes.subspan(row * expected.size(), expected.size());
    EXPECT_TRUE(std::ranges::equal(actual, expected)) << row;
  }
}

TEST_F(QuantizeModel, TheCountOfThreadsDoesNotChangeTheBytes) {
  const Gguf in = make_model();
  for (const int threads : {1, 7})
    quantize_model(in, folder_ / fmt::format("{}.gguf", threads), *try_quantize_recipe("Q4_K_M"),
                   {.threads = threads}, ignore_progress);
  EXPECT_EQ(read_file(folder_ / "1.gguf"), read_file(folder_ / "7.gguf"));
}

TEST_F(QuantizeModel, EveryRecipeWritesAFileThatOpens) {
  const Gguf in = make_model();
  for (const QuantizeRecipe& recipe : quantize_recipes()) {
    quantize_model(in, folder_ / "any.gguf", recipe, {.threads = 1}, ignore_progress);
    const Gguf out = Gguf::open(folder_ / "any.gguf");
    EXPECT_EQ(out.u64("general.file_type"), recipe.file_type) << recipe.name;
    EXPECT_EQ(out.tensor("blk.0.attn_v.weight").shape, (std::vector<uint64_t>{256, 8}));
    const TensorType embedding = out.tensor("token_embd.weight").type;
    EXPECT_TRUE(recipe.is_mix || embedding == recipe.base) << recipe.name;
  }
}

TEST_F(QuantizeModel, AQuantisedFileCanBeWidenedAgain) {
  const Gguf in = make_model();
  quantize_model(in, folder_ / "q8.gguf", *try_quantize_recipe("Q8_0"), {}, ignore_progress);
  const Gguf q8 = Gguf::open(folder_ / "q8.gguf");
  quantize_model(q8, folder_ / "f32.gguf", *try_quantize_recipe("F32"), {}, ignore_progress);
  const Gguf f32 = Gguf::open(folder_ / "f32.gguf");
  EXPECT_EQ(values_of(f32.tensor("blk.0.attn_v.weight")),
            values_of(q8.tensor("blk.0.attn_v.weight")));
}

TEST_F(QuantizeModel, AWeightThatIsNotFiniteIsNamedAndNothingIsWritten) {
  {
    GgufWriter out(folder_ / "nan.gguf");
    out.declare("blk.0.ffn_up.weight", TensorType::f32, {32, 3});
    std::vector<float> values(96, 1.0f);
    values[70] = NAN;
    out.write(std::as_bytes(std::span(values)));
    out.finish();
  }
  const Gguf in = Gguf::open(folder_ / "nan.gguf");
  try {
    quantize_model(in, folder_ / "out.gguf", *try_quantize_recipe("Q8_0"), {.threads = 2},
                   ignore_progress);
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::invalid_argument);
    EXPECT_THAT(error.what(), HasSubstr("tensor 'blk.0.ffn_up.weight', row 2: element 6"));
  }
  EXPECT_FALSE(fs::exists(folder_ / "out.gguf"));
}

TEST_F(QuantizeModel, TheInputIsNotOverwritten) {
  const Gguf in = make_model();
  EXPECT_THROW(
      quantize_model(in, folder_ / "in.gguf", *try_quantize_recipe("F16"), {}, ignore_progress),
      Error);
  EXPECT_EQ(Gguf::open(folder_ / "in.gguf").tensor("token_embd.weight").type, TensorType::f32);
}

TEST_F(QuantizeModel, ProgressCountsUp) {
  const Gguf in = make_model();
  size_t calls = 0;
  RewriteProgress last;
  const auto follow = [&](const RewriteProgress& progress) {
    EXPECT_EQ(progress.tensors_done, ++calls);
    last = progress;
  };
  quantize_model(in, folder_ / "out.gguf", *try_quantize_recipe("Q4_0"), {}, follow);
  EXPECT_EQ(last.tensors_total, 6u);
  EXPECT_EQ(last.done_bytes, last.total_bytes);
}

TEST_F(QuantizeModel, WhatIsCancelledOrFindsTheDiskFullLeavesTheOldFileAlone) {
  const Gguf in = make_model();
  const fs::path out = folder_ / "out.gguf";
  const QuantizeRecipe recipe = *try_quantize_recipe("Q4_0");
  quantize_model(in, out, *try_quantize_recipe("Q8_0"), {}, ignore_progress);
  const std::string old = read_file(out);
  const auto expect_old = [&] {
    EXPECT_EQ(read_file(out), old);
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 2);
  };
  struct Cancelled {};
  for (const size_t after : {1, 5, 6}) {  // 6: when all is written but nothing in place
    const auto cancel = [&](const RewriteProgress& progress) {
      if (progress.tensors_done == after) throw Cancelled{};
    };
    EXPECT_THROW(quantize_model(in, out, recipe, {}, cancel), Cancelled);
    expect_old();
  }
  {
    const FullDisk full(4096);  // after the header, within the tensors
    EXPECT_THROW(quantize_model(in, out, recipe, {}, ignore_progress), Error);
  }
  expect_old();
}

TEST(QuantizeRecipe, NamesAreFoundInAnyLetterCase) {
  EXPECT_EQ(try_quantize_recipe("q4_k_m")->file_type, 15u);
  EXPECT_TRUE(try_quantize_recipe("Q4_K_M")->is_mix);
  EXPECT_FALSE(try_quantize_recipe("Q4_K")->is_mix);
  EXPECT_EQ(try_quantize_recipe("iq4_xs")->base, TensorType::iq4_xs);
  EXPECT_EQ(try_quantize_recipe("Q4_K_XXL"), std::nullopt);
}

TEST(QuantizeRecipe, MixesRaiseTheMatricesThatLoseMost) {
  const auto type = [](std::string_view recipe, std::string_view tensor, uint64_t layers = 32) {
    return recipe_type(*try_quantize_recipe(recipe), tensor,
                       {.layers = layers, .has_output = true});
  };
  EXPECT_EQ(type("Q4_K_M", "output.weight"), TensorType::q6_k);
  EXPECT_EQ(type("Q4_K_M", "token_embd.weight"), TensorType::q4_k);
  // Of 32 layers: 0-3, 28-31, and every third between from 6 on (llama.cpp's use_more_bits).
  for (const uint64_t layer : {0, 3, 6, 9, 27, 28, 31})
    EXPECT_EQ(type("Q4_K_M", fmt::format("blk.{}.attn_v.weight", layer)), TensorType::q6_k)
        << layer;
  for (const uint64_t layer : {4, 5, 7, 8, 26})
    EXPECT_EQ(type("Q4_K_M", fmt::format("blk.{}.ffn_down.weight", layer)), TensorType::q4_k)
        << layer;
  EXPECT_EQ(type("Q4_K_M", "blk.0.attn_q.weight"), TensorType::q4_k);
  EXPECT_EQ(type("Q4_K_M", "blk.0.ffn_down_exps.weight"), TensorType::q6_k);
  EXPECT_EQ(type("Q4_K_S", "blk.3.attn_v.weight"), TensorType::q5_k);
  EXPECT_EQ(type("Q4_K_S", "blk.4.attn_v.weight"), TensorType::q4_k);
  EXPECT_EQ(type("Q3_K_M", "blk.1.attn_v.weight"), TensorType::q5_k);
  EXPECT_EQ(type("Q3_K_M", "blk.2.attn_v.weight"), TensorType::q4_k);
  EXPECT_EQ(type("Q3_K_M", "blk.1.ffn_down.weight"), TensorType::q5_k);
  EXPECT_EQ(type("Q3_K_M", "blk.2.ffn_down.weight"), TensorType::q4_k);
  EXPECT_EQ(type("Q3_K_L", "blk.9.attn_output.weight"), TensorType::q5_k);
  EXPECT_EQ(type("Q5_K_M", "blk.0.attn_qkv.weight"), TensorType::q6_k);
  EXPECT_EQ(type("Q4_K", "output.weight"), TensorType::q4_k);  // pure
}

TEST(QuantizeRecipe, ATiedEmbeddingIsTheOutput) {
  const ModelOutline tied{.layers = 2, .has_output = false};
  EXPECT_EQ(recipe_type(*try_quantize_recipe("Q4_K_M"), "token_embd.weight", tied),
            TensorType::q6_k);
}

TEST(ConvertRows, RowsThatABlockDoesNotDivideGetATypeOfSimilarSize) {
  EXPECT_EQ(type_for_rows(TensorType::q4_k, 512), TensorType::q4_k);
  EXPECT_EQ(type_for_rows(TensorType::q2_k, 288), TensorType::iq4_nl);
  EXPECT_EQ(type_for_rows(TensorType::q3_k, 288), TensorType::iq4_nl);
  EXPECT_EQ(type_for_rows(TensorType::iq4_xs, 288), TensorType::iq4_nl);
  EXPECT_EQ(type_for_rows(TensorType::q4_k, 288), TensorType::q5_0);
  EXPECT_EQ(type_for_rows(TensorType::q5_k, 288), TensorType::q5_1);
  EXPECT_EQ(type_for_rows(TensorType::q6_k, 288), TensorType::q8_0);
  EXPECT_EQ(type_for_rows(TensorType::q6_k, 100), TensorType::f16);
  EXPECT_EQ(type_for_rows(TensorType::q8_0, 100), TensorType::f16);
  EXPECT_EQ(type_for_rows(TensorType::f32, 7), TensorType::f32);
}

}  // namespace
}  // namespace hearth::store
