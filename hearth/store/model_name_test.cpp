#include "hearth/store/model_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/store/store_folder_for_test.h"

namespace hearth::store {
namespace {

using testing::HasSubstr;

TEST(ModelName, MissingPartsAreFilledIn) {
  struct Case {
    std::string text, full, shown;
  };
  for (const Case& c : std::vector<Case>{
           {"qwen3", "registry.ollama.ai/library/qwen3:latest", "qwen3:latest"},
           {"Qwen3:8B", "registry.ollama.ai/library/Qwen3:8B", "Qwen3:8B"},
           {"ada/notes:v1.2", "registry.ollama.ai/ada/notes:v1.2", "ada/notes:v1.2"},
           {"hf.co/bartowski/Llama-3.2-1B-GGUF:Q4_K_M", "hf.co/bartowski/Llama-3.2-1B-GGUF:Q4_K_M",
            "hf.co/bartowski/Llama-3.2-1B-GGUF:Q4_K_M"},
           {"hf.co/u/r", "hf.co/u/r:latest", "hf.co/u/r:latest"},
           {"localhost:5000/library/m", "localhost:5000/library/m:latest",
            "localhost:5000/library/m:latest"},
           {"https://registry.ollama.ai/library/m:t", "registry.ollama.ai/library/m:t", "m:t"},
           {"REGISTRY.ollama.ai/Library/m", "REGISTRY.ollama.ai/Library/m:latest", "m:latest"},
           {"_m", "registry.ollama.ai/library/_m:latest", "_m:latest"},
           {"l..2", "registry.ollama.ai/library/l..2:latest", "l..2:latest"}}) {
    EXPECT_EQ(parse_model_name(c.text).full(), c.full);
    EXPECT_EQ(parse_model_name(c.text).shown(), c.shown);
  }
}

TEST(ModelName, WhatIsNoPlainFileNameIsRefused) {
  for (const std::string_view text : {"",
                                      ":",
                                      "m:",
                                      "/m",
                                      "m/",
                                      "a//m",
                                      "..",
                                      ".",
                                      "../m",
                                      "h/../m",
                                      "../../m",
                                      "h/n/..",
                                      "m:..",
                                      "m:.t",
                                      "-m",
                                      "a/b/c/d",
                                      "/a/b/c",
                                      "m m",
                                      "m\n",
                                      "m@sha256:ab",
                                      "n.s/m",
                                      "m:a:b/c",
                                      "m\\n",
                                      "~/m",
                                      "m%2e",
                                      "\xC3\xA9",
                                      "h/n/m:t/x",
                                      "m:t\x7F",
                                      "file:///etc/passwd"})
    EXPECT_EQ(code_of([&] { parse_model_name(text); }), Errc::invalid_argument) << text;
  EXPECT_EQ(code_of([] { parse_model_name(std::string_view("m\0x", 3)); }), Errc::invalid_argument);
}

TEST(ModelName, LengthsAreLimitedAndTheErrorNamesTheLimit) {
  const std::string at_limit = std::string(350, 'h') + "/" + std::string(80, 'n') + "/" +
                               std::string(80, 'm') + ":" + std::string(80, 't');
  EXPECT_EQ(parse_model_name(at_limit).full(), at_limit);
  EXPECT_EQ(message_of([] { parse_model_name(std::string(351, 'h') + "/n/m"); }),
            "invalid model name: host of 351 characters, at most 350");
  EXPECT_EQ(message_of([] { parse_model_name(std::string(81, 'm')); }),
            "invalid model name: model of 81 characters, at most 80");
  EXPECT_EQ(message_of([] { parse_model_name("m:" + std::string(81, 't')); }),
            "invalid model name: tag of 81 characters, at most 80");
  EXPECT_THAT(message_of([] { parse_model_name(std::string(1 << 20, 'm')); }),
              HasSubstr("1048576 characters, at most 593"));
}

TEST(ModelName, ErrorsNameThePartWithoutItsControlCharacters) {
  EXPECT_EQ(message_of([] { parse_model_name("a\x1b[31m/m"); }),
            "invalid model name: namespace 'a?[31m' holds more than letters, digits, '_' and '-'");
}

TEST(ModelName, CaseDoesNotMakeAnotherModel) {
  EXPECT_TRUE(is_same_model(parse_model_name("Qwen3:8B"), parse_model_name("qwen3:8b")));
  EXPECT_FALSE(is_same_model(parse_model_name("qwen3:8b"), parse_model_name("qwen3:8")));
}

}  // namespace
}  // namespace hearth::store
