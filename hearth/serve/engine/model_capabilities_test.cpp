#include "hearth/serve/engine/model_capabilities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "hearth/serve/engine/encoder_engine.h"

namespace hearth::serve {
namespace {

using testing::ElementsAre;

/// A GGUF file with the given metadata and no tensors, removed with its object.
class Header {
 public:
  using Keys = std::vector<std::pair<std::string, formats::GgufValue>>;
  explicit Header(const std::string& architecture, const Keys& keys = {})
      : path_(fs::temp_directory_path() / fmt::format("hearth-can-{}.gguf", ::getpid())) {
    formats::GgufWriter out(path_);
    out.set("general.architecture", architecture);
    for (const auto& [key, value] : keys) out.set(key, value);
    out.finish();
  }
  ~Header() { fs::remove(path_); }

  std::vector<std::string> can(std::string_view template_text) const {
    return capabilities_of(formats::Gguf::open(path_), template_text).names();
  }

 private:
  fs::path path_;
};

TEST(ModelCapabilities, FollowFromWhatTheTemplateDoesNotFromItsWords) {
  const Header qwen("qwen3");
  EXPECT_THAT(qwen.can(""), ElementsAre("completion", "embedding"));
  EXPECT_THAT(qwen.can("{% if tools %}<tool_call>{% endif %}<think>"),
              ElementsAre("completion", "tools", "embedding", "thinking"));
  // Spoken of, but not looked at.
  EXPECT_THAT(qwen.can("{# tools #}You have no tools, enable_thinking. <tool_call>{{ x.tools }}"),
              ElementsAre("completion", "embedding"));
  // Shown, but in no form that answers are read by.
  EXPECT_THAT(qwen.can("{{ tools }}"), ElementsAre("completion", "embedding"));
  EXPECT_THAT(qwen.can("{{ .Tools }}<tool_call>{{ .Suffix }}{{ .Think }}"),
              ElementsAre("completion", "tools", "insert", "embedding"));
}

TEST(ModelCapabilities, ATemplateThatCannotBeReadIsNone) {
  EXPECT_THAT(Header("llama").can("{% if tools %}<tool_call>"),
              ElementsAre("completion", "embedding"));
}

TEST(ModelCapabilities, FillsInWithTheTokensForIt) {
  const formats::GgufArray tokens{
      std::vector<std::string>{"a", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"}};
  EXPECT_THAT(Header("qwen2", {{"tokenizer.ggml.tokens", tokens}}).can(""),
              ElementsAre("completion", "insert", "embedding"));
  Header::Keys keys = {
      {"tokenizer.ggml.tokens", formats::GgufArray{std::vector<std::string>{"a", "b", "c"}}},
      {"tokenizer.ggml.fim_pre_token_id", uint32_t{0}},
      {"tokenizer.ggml.fim_suf_token_id", uint32_t{1}},
      {"tokenizer.ggml.fim_mid_token_id", uint32_t{2}}};
  EXPECT_THAT(Header("qwen2", keys).can(""), ElementsAre("completion", "insert", "embedding"));
  keys.back().second = uint32_t{3};  // no such token
  EXPECT_THAT(Header("qwen2", keys).can(""), ElementsAre("completion", "embedding"));
}

TEST(ModelCapabilities, ModelsOfVectorsDoNotAnswer) {
  EXPECT_THAT(Header("nomic-bert").can("{{ tools }}"), ElementsAre("embedding"));
  EXPECT_THAT(Header("qwen3", {{"qwen3.pooling_type", uint32_t{3}}}).can("{{ tools }}"),
              ElementsAre("embedding"));
  EXPECT_THAT(Header("qwen3", {{"qwen3.pooling_type", uint32_t{0}}}).can(""),
              ElementsAre("completion", "embedding"));
}

TEST(ModelCapabilities, AreThoseOfTheLoadedEngine) {
  ModelLoad load{.path = fs::path(HEARTH_SOURCE_DIR) / "models" / "tales.gguf"};
  const formats::Gguf file = formats::Gguf::open(load.path);
  for (const char* text : {"", "{% if tools %}<tool_call>{% endif %}{{ messages }}<think>",
                           "{{ .Prompt }}", "{{ .Prompt }}[TOOL_CALLS]{{ .Suffix }}{{ .Tools }}"}) {
    SCOPED_TRACE(text);
    load.template_text = text;
    const std::string own = file.try_string("tokenizer.chat_template").value_or("");
    EXPECT_EQ(capabilities_of(file, chosen_template(text, own)),
              open_model(load)->facts().capabilities);
  }
}

}  // namespace
}  // namespace hearth::serve
