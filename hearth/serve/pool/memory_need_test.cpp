#include "hearth/serve/pool/memory_need.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "hearth/formats/gguf.h"
#include "hearth/serve/engine/encoder_engine.h"

namespace hearth::serve {
namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;

/// A GGUF file with the given keys, removed with its object.
class File {
 public:
  using Keys = std::vector<std::pair<std::string, formats::GgufValue>>;
  explicit File(const Keys& keys, const std::string& architecture = "llama")
      : path_(fs::temp_directory_path() / fmt::format("hearth-need-{}.gguf", ::getpid())) {
    formats::GgufWriter out(path_);
    out.set("general.architecture", architecture);
    for (const auto& [key, value] : keys) out.set(architecture + "." + key, value);
    out.declare("token_embd.weight", formats::TensorType::f32, {32, 100});
    out.write(std::vector<std::byte>(32 * 100 * 4));
    out.finish();
  }
  ~File() { fs::remove(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

const File::Keys kSmall = {
    {"context_length", uint32_t{131072}},  {"block_count", uint32_t{3}},
    {"embedding_length", uint32_t{32}},    {"feed_forward_length", uint32_t{64}},
    {"attention.head_count", uint32_t{4}}, {"attention.head_count_kv", uint32_t{2}}};

TEST(MemoryNeed, CountsWeightsCacheAndBuffers) {
  const File file(kSmall);
  const ModelSizes sizes = read_sizes(file.path(), 1000);
  EXPECT_EQ(sizes.file_bytes, fs::file_size(file.path()) + 1000);
  EXPECT_EQ(sizes.vocab_size, 100u);
  EXPECT_EQ(sizes.head_dim_k, 8u);
  const Memory need = estimate_memory(
      sizes, {.context = 1000, .answers_max = 5, .step_tokens = 100, .memory_bytes = 64 * kGiB});
  // A position: 3 layers, 2 heads, 8 + 8 numbers of 2 bytes; five contexts for answers, one for
  // vectors. A token of a step: residual and hidden of 32, gate and up of 64, 4 bytes each; inputs
  // of 64 in 2 bytes; steps of 100 for answers, of 512 for vectors. Logits: 5 rows of 100.
  const uint64_t cache = uint64_t{3} * 2 * 16 * 2 * 1000 * (5 + 1);
  const uint64_t buffers = (100 + 512) * (4 * (2 * 32 + 2 * 64) + 2 * 64) + 5 * 100 * 4;
  EXPECT_EQ(need.host_bytes, sizes.file_bytes + cache + buffers);
  EXPECT_EQ(need.device_bytes, 0u);
}

TEST(MemoryNeed, CachesOfAnswersHaveTheTypeAskedFor) {
  File::Keys keys = kSmall;
  keys.emplace_back("attention.key_length", uint32_t{32});
  keys.emplace_back("attention.value_length", uint32_t{32});
  const File file(keys);
  const ModelSizes sizes = read_sizes(file.path(), 0);
  const auto host = [&](llm::KvType type) {
    return estimate_memory(
               sizes,
               {.context = 1000, .answers_max = 1, .kv_type = type, .memory_bytes = 64 * kGiB})
        .host_bytes;
  };
  // A row of 32 numbers takes 128, 64 or 34 bytes; 3 layers, 2 heads, keys and values.
  EXPECT_EQ(host(llm::KvType::f32) - host(llm::KvType::f16), 1000u * 3 * 2 * 2 * (128 - 64));
  EXPECT_EQ(host(llm::KvType::f16) - host(llm::KvType::q8_0), 1000u * 3 * 2 * 2 * (64 - 34));
}

TEST(MemoryNeed, AContextBeyondTheTrainingIsCutToIt) {
  const File file(kSmall);
  const ModelSizes sizes = read_sizes(file.path(), 0);
  const auto need = [&](uint64_t context) {
    return estimate_memory(sizes, {.context = context, .memory_bytes = 64 * kGiB});
  };
  EXPECT_EQ(need(uint64_t{1} << 40), need(131072));
  EXPECT_NE(need(131071), need(131072));
}

TEST(MemoryNeed, HostileNumbersNeedMuchAndDoNotWrap) {
  File::Keys keys = kSmall;
  for (auto& [key, value] : keys) value = uint32_t{1} << 24;
  const File file(keys);
  const Memory need = estimate_memory(read_sizes(file.path(), 0), {.memory_bytes = kGiB});
  EXPECT_GE(need.host_bytes, uint64_t{1} << 60);
  EXPECT_LT(need.host_bytes, uint64_t{1} << 61);  // sums of some do not wrap either
}

// The estimate is made from the header alone; the engine knows what it holds.
TEST(MemoryNeed, CoversWhatTheEngineSaysAndLittleMore) {
  const fs::path tales = fs::path(HEARTH_SOURCE_DIR) / "models" / "tales.gguf";
  ModelLoad load{.path = tales, .answers_max = 3, .kv_type = llm::KvType::f32};
  load.parameters["num_batch"] = int64_t{64};
  const uint64_t said = open_model(load)->facts().memory_bytes;
  const uint64_t estimated = estimate_memory(read_sizes(tales, 0), {.answers_max = 3,
                                                                    .step_tokens = 64,
                                                                    .kv_type = llm::KvType::f32,
                                                                    .memory_bytes = 64 * kGiB})
                                 .host_bytes;
  EXPECT_GE(estimated, said);
  // The file's header with the vocabulary is not held as it lies there.
  EXPECT_LE(estimated, said + fs::file_size(tales) / 4);
}

TEST(MemoryNeed, WithoutAnOptionTheContextIsTheEnginesDefault) {
  const File file(kSmall);
  const ModelSizes sizes = read_sizes(file.path(), 0);
  const MemoryUse all{.answers_max = 1, .memory_bytes = 64 * kGiB};
  MemoryUse asked = all;
  asked.context = 8192;
  EXPECT_EQ(estimate_memory(sizes, all), estimate_memory(sizes, asked));
}

TEST(MemoryNeed, ACacheTakesAQuarterOfTheMemoryButHoldsOneContext) {
  const File file(kSmall);
  const ModelSizes sizes = read_sizes(file.path(), 0);
  const auto host = [&](uint64_t answers, uint64_t memory) {
    return estimate_memory(sizes,
                           {.context = 10000, .answers_max = answers, .memory_bytes = memory})
               .host_bytes -
           answers * 400;  // logits
  };
  const uint64_t one = uint64_t{3} * 2 * 16 * 2 * 10000;
  EXPECT_EQ(host(8, 4 * 3 * one) - host(1, kGiB), 2 * one);
  EXPECT_EQ(host(8, one), host(1, kGiB));
}

TEST(MemoryNeed, EncodersHaveNoCache) {
  const File file(kSmall, "bert");
  const ModelSizes sizes = read_sizes(file.path(), 0);
  // A token: five vectors of 32, two of 64, a key and a value of 32, 4 bytes each; inputs of 64 in
  // 2 bytes.
  const uint64_t token = 4 * (7 * 32 + 2 * 64) + 2 * 64;
  const auto buffers = [&](uint64_t context) {
    return estimate_memory(sizes, {.context = context, .memory_bytes = kGiB}).host_bytes -
           sizes.file_bytes;
  };
  EXPECT_EQ(buffers(1), 512 * token);
  EXPECT_EQ(buffers(1000), 1000 * token);
}

TEST(MemoryNeed, LayersMayDifferAndAbsurdNumbersCountForNothing) {
  File::Keys keys = kSmall;
  keys.back().second = formats::GgufArray{std::vector<int32_t>{1, 4, 2}};
  keys[2].second = uint64_t{1} << 60;
  const File file(keys);
  const ModelSizes sizes = read_sizes(file.path(), 0);
  EXPECT_EQ(sizes.kv_heads, 4u);
  EXPECT_EQ(sizes.dim, 0u);
  EXPECT_LT(estimate_memory(sizes, {.context = uint64_t{1} << 60, .memory_bytes = kGiB}).host_bytes,
            2 * kGiB);
}

TEST(MemoryNeed, NamesAFileThatIsNone) {
  EXPECT_THROW(read_sizes("/nowhere/model.gguf", 0), Error);
}

}  // namespace
}  // namespace hearth::serve
