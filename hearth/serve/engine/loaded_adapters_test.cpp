#include "hearth/serve/engine/loaded_adapters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "hearth/llm/models/random_adapter.h"
#include "hearth/llm/models/random_model.h"
#include "hearth/serve/engine/engine_for_test.h"

namespace hearth::serve {
namespace {

using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pointwise;
using ::testing::StartsWith;

/// A random model with the adapters "pirate" and "poet", each different.
class WithAdapters : public testing::Test {
 protected:
  WithAdapters() {
    llm::write_random_adapter(folder_.file("pirate.gguf"), model_.file(), {.seed = 1});
    llm::write_random_adapter(folder_.file("poet.gguf"), model_.file(), {.seed = 2});
  }

  ModelLoad load(std::vector<AdapterLoad> adapters) const {
    ModelLoad load{.path = model_.path(),
                   .adapters = std::move(adapters),
                   .parameters = {{"num_thread", int64_t{1}}, {"num_ctx", int64_t{128}}}};
    return load;
  }
  AdapterLoad adapter(const std::string& name, float scale = 1) const {
    return {.name = name, .path = folder_.file(name + ".gguf"), .scale = scale};
  }

  static std::vector<int32_t> answer(ModelEngine& engine, const std::string& name,
                                     float scale = 1) {
    AnswerRequest request = text("Once upon a time");
    request.options = {{"temperature", 0.0}, {"num_predict", int64_t{12}}};
    request.logit_bias = {{2, -100.0f}};  // it must not end by chance
    request.wants_ids = true;
    request.adapter = name;
    request.adapter_scale = scale;
    return read(*engine.answer(request)).end.ids;
  }

  llm::AdapterFolder folder_;
  llm::RandomModel model_{{}};
};

TEST_F(WithAdapters, ARequestChoosesByNameAndElseGetsTheFirst) {
  ModelEngine none(load({})), pirate(load({adapter("pirate")})), poet(load({adapter("poet")}));
  const std::vector<int32_t> plain = answer(none, ""), as_pirate = answer(pirate, ""),
                             as_poet = answer(poet, "");
  ASSERT_NE(plain, as_pirate);
  ASSERT_NE(plain, as_poet);
  ASSERT_NE(as_pirate, as_poet);

  ModelEngine both(load({adapter("pirate"), adapter("poet")}));
  for (int turn = 0; turn < 2; ++turn) {
    EXPECT_EQ(answer(both, ""), as_pirate);
    EXPECT_EQ(answer(both, "poet"), as_poet);
    EXPECT_EQ(answer(both, "pirate"), as_pirate);
    EXPECT_EQ(answer(both, "poet", 0), plain);
  }
  EXPECT_GT(both.facts().memory_bytes, none.facts().memory_bytes);
}

TEST_F(WithAdapters, ScalesOfLoadAndRequestMultiply) {
  ModelEngine half(load({adapter("pirate", 0.5f)})), whole(load({adapter("pirate")}));
  EXPECT_EQ(answer(half, "", 2), answer(whole, ""));
  EXPECT_EQ(answer(half, ""), answer(whole, "", 0.5f));
  EXPECT_NE(answer(half, ""), answer(whole, ""));
}

TEST_F(WithAdapters, VectorsAreThoseOfTheAdaptedModelToo) {
  const auto vector = [](ModelEngine& engine, const std::string& name) {
    return engine.embed({.inputs = {"Once upon a time"}, .adapter = name}, {}).vectors.at(0);
  };
  ModelEngine none(load({})), both(load({adapter("pirate", 0.5f), adapter("poet")}));
  // The oracle is a model that the adapter is merged into.
  const auto merged = [&](const char* name, double scale) {
    const fs::path path = folder_.file(fmt::format("merged-{}.gguf", name));
    llm::write_merged_model(path, model_.file(),
                            formats::Gguf::open(folder_.file(fmt::format("{}.gguf", name))), scale);
    ModelLoad load_merged = load({});
    load_merged.path = path;
    ModelEngine engine(load_merged);
    return vector(engine, "");
  };
  // Of length 1; sums run in another order, on weights rounded to f32 once more.
  const auto near = [](const std::vector<float>& want) {
    return Pointwise(FloatNear(2e-4f), want);
  };
  EXPECT_THAT(vector(both, ""), near(merged("pirate", 0.5)));
  EXPECT_THAT(vector(both, "poet"), near(merged("poet", 1)));
  EXPECT_THAT(vector(both, "poet"), Not(near(vector(none, ""))));
  EXPECT_EQ(refusal_of(Errc::invalid_argument, [&] { vector(both, "parrot"); }),
            "adapter 'parrot' is not loaded with the model, which has pirate, poet");
}

TEST_F(WithAdapters, UnknownNamesAreRefusedWithThoseThereAre) {
  ModelEngine engine(load({adapter("pirate"), adapter("poet")}));
  EXPECT_EQ(refusal_of(Errc::invalid_argument, [&] { answer(engine, "parrot"); }),
            "adapter 'parrot' is not loaded with the model, which has pirate, poet");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(refusal_of(Errc::invalid_argument, [&] { answer(engine, "poet", nan); }),
            "adapter 'poet': a scale of nan is no finite number");
}

TEST_F(WithAdapters, WhatCannotBeLoadedNamesTheAdapter) {
  EXPECT_EQ(refusal_of(Errc::invalid_argument,
                       [&] {
                         ModelEngine{load({adapter("poet"), adapter("poet")})};
                       }),
            "adapter 'poet': two adapters have this name");
  EXPECT_THAT(refusal_of(Errc::not_found, [&] { ModelEngine{load({adapter("parrot")})}; }),
              StartsWith("adapter 'parrot': "));
  AdapterLoad model = adapter("poet");
  model.path = model_.path();
  EXPECT_THAT(refusal_of(Errc::unsupported, [&] { ModelEngine{load({model})}; }),
              HasSubstr("general.type is 'model', not 'adapter'"));
}

}  // namespace
}  // namespace hearth::serve
