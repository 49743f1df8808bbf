// A decode step allocates nothing, on no thread.
#include <gtest/gtest.h>

#include "hearth/llm/engine_loop.h"
#include "hearth/llm/models/allocation_count.h"
#include "hearth/llm/models/random_adapter.h"
#include "hearth/llm/models/random_model.h"

namespace hearth::llm {
namespace {

TEST(Allocation, ADecodeStepAllocatesNothing) {
  const RandomModel file(
      {.type = formats::TensorType::q8_0, .dim = 64, .head_dim = 32, .ffn_dim = 96});
  const auto model = Model::load(file.file());
  const auto tokenizer = Tokenizer::load(file.file());
  AdapterFolder folder;
  const auto adapter = LoraAdapter::load(folder.adapter(file.file()), *model);
  EngineLoop loop(*model, tokenizer->vocab_size(),
                  {.threads = 2,
                   .context = 256,
                   .sequences_max = 3,
                   .queue_max = 3,
                   .chunk_tokens = 64,
                   .pages = 24});
  auto door = std::make_shared<EngineDoor>();
  std::vector<std::shared_ptr<PieceStream::Shared>> streams;
  for (uint64_t seed = 0; seed < 3; ++seed) {
    streams.push_back(std::make_shared<PieceStream::Shared>(door, std::stop_token()));
    ASSERT_TRUE(streams.back()->try_enter(3));
    GenerateParams params{.prompt = {1, 5, 6, 7}, .sampling = {.seed = seed}, .ignore_end = true};
    if (seed == 1) params.adapter = adapter;
    auto sequence = std::make_unique<Sequence>(params, *tokenizer, tokenizer->vocab_size(), 256,
                                               streams.back());
    loop.make_room(*sequence);
    loop.add(std::move(sequence));
  }
  for (int i = 0; i < 3; ++i) loop.step();  // the prompts
  // Two pages long, so that pages fill and new ones are taken.
  const AllocationCount before;
  for (int i = 0; i < 64; ++i) loop.step();
  EXPECT_EQ(before.since(), 0);
  EXPECT_GE(streams[0]->unread(), 64);
  loop.end_all(Error(Errc::unavailable, "the end"));
}

}  // namespace
}  // namespace hearth::llm
