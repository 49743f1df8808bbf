#include "hearth/llm/logits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "hearth/llm/engine_loop.h"
#include "hearth/llm/models/random_model.h"
#include "hearth/llm/recall_model.h"
#include "hearth/llm/solo_run.h"

namespace hearth::llm {
namespace {

std::vector<int32_t> random_ids(int count, int vocab_size, uint64_t seed) {
  Rng rng(seed);
  std::vector<int32_t> ids(count);
  for (int32_t& id : ids) id = static_cast<int32_t>(rng.below(vocab_size));
  return ids;
}

TEST(Logits, ComeAfterThePositionsAskedForAndInThatOrder) {
  const RecallModel model({.vocab_size = 50, .context_length = 600});
  ThreadPool pool(1);
  const auto ids = random_ids(600, 50, 1);  // two chunks
  const std::vector<int> at = {599, 0, 3, 0, 511, 512};
  for (bool one_by_one : {false, true}) {
    const auto logits =
        raw_logits(model, ids, at, {.kv_type = KvType::f32, .one_by_one = one_by_one}, pool);
    ASSERT_EQ(logits.size(), at.size());
    for (size_t i = 0; i < at.size(); ++i) {
      const auto best = std::max_element(logits[i].begin(), logits[i].end()) - logits[i].begin();
      EXPECT_EQ(best, model.recall(std::span(ids).first(at[i] + 1))) << at[i];
    }
  }
}

TEST(Logits, RefusesWhatTheModelCannotTake) {
  const RecallModel model({.vocab_size = 50, .context_length = 8});
  ThreadPool pool(1);
  const auto message_of = [&](std::vector<int32_t> ids, std::vector<int> at) -> std::string {
    try {
      raw_logits(model, ids, at, {}, pool);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Errc::invalid_argument);
      return e.what();
    }
    return "accepted";
  };
  EXPECT_EQ(message_of({}, {}),
            "tokens: 0 ids, between 1 and the model's context of 8 are allowed");
  EXPECT_EQ(message_of(std::vector<int32_t>(9, 1), {}),
            "tokens: 9 ids, between 1 and the model's context of 8 are allowed");
  EXPECT_EQ(message_of({1, 50}, {}), "tokens[1]: id 50 is not between 0 and 49");
  EXPECT_EQ(message_of({1, -1}, {}), "tokens[1]: id -1 is not between 0 and 49");
  EXPECT_EQ(message_of({1, 2}, {0, 2}), "at: position 2 is not between 0 and 1");
  EXPECT_EQ(message_of({1, 2}, {-1}), "at: position -1 is not between 0 and 1");
}

// The logits after each id, computed `chunk` ids at a time.
std::vector<float> in_chunks(const Model& model, std::span<const int32_t> ids, size_t chunk,
                             ThreadPool& pool) {
  SoloRun run(model, KvType::f16, static_cast<int>(ids.size()), static_cast<int>(chunk), pool);
  std::vector<float> all;
  for (size_t at = 0; at < ids.size(); at += chunk) {
    const auto part = ids.subspan(at, std::min(chunk, ids.size() - at));
    const auto logits = run.compute(part, static_cast<int>(at), [](size_t) { return true; });
    all.insert(all.end(), logits.begin(), logits.end());
  }
  return all;
}

size_t first_difference(std::span<const float> a, std::span<const float> b) {
  return std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
}

// What "same seed, same text" stands on (engine_loop.h): where a prompt is cut changes no bit, if
// that is at whole pages, and neither do the threads.
TEST(Logits, HowAPromptIsCutChangesNoBit) {
  using enum formats::TensorType;
  for (formats::TensorType type : {q8_0, q4_k, f16}) {
    const RandomModel file({.type = type, .layers = 2, .dim = 256, .head_dim = 64, .ffn_dim = 512});
    const auto model = Model::load(file.file());
    const auto ids = random_ids(180, model->config().vocab_size, 2);
    ThreadPool one(1), two(2);
    const std::vector<float> whole = in_chunks(*model, ids, ids.size(), one);
    for (size_t chunk : {32, 64, 96, 160}) {
      const std::vector<float> cut = in_chunks(*model, ids, chunk, two);
      EXPECT_EQ(first_difference(whole, cut), whole.size())
          << formats::info(type).name << " in chunks of " << chunk;
    }
    EXPECT_EQ(in_chunks(*model, ids, 1, one), in_chunks(*model, ids, 1, two))
        << formats::info(type).name << " one by one";
  }
}

}  // namespace
}  // namespace hearth::llm
