#include "hearth/cli/shared_options.h"

#include <gtest/gtest.h>

#include "hearth/base/error.h"

namespace hearth::cli {
namespace {

Args args_with(const std::string& option, const std::string& text) {
  Args args;
  args.values_[option] = {text};
  return args;
}

std::string error_of(int (*read)(const Args&), const Args& args) {
  try {
    read(args);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(SharedOptions, TheCacheHasThreeTypes) {
  EXPECT_EQ(kv_type_from({}), llm::KvType::f16);
  EXPECT_EQ(kv_type_from(args_with("--kv", "f32")), llm::KvType::f32);
  EXPECT_EQ(kv_type_from(args_with("--kv", "q8_0")), llm::KvType::q8_0);
  EXPECT_THROW(kv_type_from(args_with("--kv", "q4_0")), Error);
}

TEST(SharedOptions, NamesTheRangeOfANumber) {
  EXPECT_EQ(threads_from({}), 0);
  EXPECT_EQ(threads_from(args_with("--threads", "1024")), 1024);
  EXPECT_EQ(error_of(threads_from, args_with("--threads", "1025")),
            "--threads: 1025 is out of range, must be 0 to 1024");
  EXPECT_EQ(context_from({}), 0);
  EXPECT_EQ(error_of(context_from, args_with("--ctx", "4194305")),
            "--ctx: 4194305 is out of range, must be 0 to 4194304");
}

}  // namespace
}  // namespace hearth::cli
