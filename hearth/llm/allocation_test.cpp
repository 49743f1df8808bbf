// A decode step allocates nothing: operator new is counted on the thread that steps.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "hearth/llm/engine_loop.h"
#include "hearth/llm/models/random_model.h"

namespace {
thread_local bool counting = false;
thread_local int allocations = 0;

void* counted(size_t size, size_t alignment) {
  if (counting) ++allocations;
  void* memory = nullptr;
  if (::posix_memalign(&memory, std::max(alignment, sizeof(void*)), std::max<size_t>(size, 1)) != 0)
    throw std::bad_alloc();
  return memory;
}
}  // namespace

void* operator new(size_t size) { return counted(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new[](size_t size) { return counted(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new(size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<size_t>(alignment));
}
void* operator new[](size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<size_t>(alignment));
}
// The sanitizers bring their own of this form, whose memory free() would not take.
void* operator new(size_t size, const std::nothrow_t&) noexcept { return std::malloc(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }

namespace hearth::llm {
namespace {

TEST(Allocation, ADecodeStepAllocatesNothing) {
  const RandomModel file(
      {.type = formats::TensorType::q8_0, .dim = 64, .head_dim = 32, .ffn_dim = 96});
  const auto model = Model::load(file.file());
  const auto tokenizer = Tokenizer::load(file.file());
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
    loop.add(std::make_unique<Sequence>(params, *tokenizer, tokenizer->vocab_size(), 256,
                                        streams.back()));
  }
  for (int i = 0; i < 3; ++i) loop.step();  // the prompts
  // Two pages long, so that pages fill and new ones are taken.
  counting = true;
  for (int i = 0; i < 64; ++i) loop.step();
  counting = false;
  EXPECT_EQ(allocations, 0);
  EXPECT_GE(streams[0]->unread(), 64);
  loop.end_all(Error(Errc::unavailable, "the end"));
}

}  // namespace
}  // namespace hearth::llm
