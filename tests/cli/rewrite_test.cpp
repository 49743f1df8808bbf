// Ctrl-C in the middle of a rewrite, through the program and a terminal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/program.h"

namespace hearth::test {
namespace {

TEST(Quantize, CtrlCLeavesNothingBehind) {
  if (!has_terminals()) GTEST_SKIP() << kNoTerminals;
  const TemporaryFolder folder;
  const fs::path out = folder.path / "small.gguf";
  TerminalRun terminal({"quantize", "tales", out, "IQ4_XS", "--threads", "1"});
  EXPECT_TRUE(terminal.shows("quantizing to IQ4_XS")) << terminal.screen();
  terminal.type("\x03");
  const int status = terminal.wait();
  if (status == 0) {  // it was faster than the keys: the file is whole
    EXPECT_EQ(run_hearth({"show", out}).status, 0);
    EXPECT_EQ(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()), 1);
  } else {
    EXPECT_EQ(status, 130) << terminal.screen();
    EXPECT_TRUE(fs::is_empty(folder.path)) << terminal.screen();
  }
}

}  // namespace
}  // namespace hearth::test
