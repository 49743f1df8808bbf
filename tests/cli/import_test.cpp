// From a Hugging Face folder to an answer, through the program alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "hearth/store/model_folder_for_test.h"
#include "tests/cli/program.h"

namespace hearth::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

// Two layers of width 8, two heads, random weights.
void make_model_folder(store::ModelFolder& folder) {
  folder.write("config.json",
               R"({"model_type":"llama","hidden_size":8,"num_attention_heads":2,
                   "num_key_value_heads":1,"intermediate_size":16,"num_hidden_layers":2,
                   "rms_norm_eps":1e-5,"vocab_size":8,"max_position_embeddings":512})");
  folder.write("tokenizer.json", store::kByteLevelTokenizer);
  folder.write("chat_template.jinja", "{% for m in messages %}{{ m.content }}<|end|>{% endfor %}");
  folder.tensor("model.embed_tokens.weight", {8, 8});
  for (int n = 0; n < 2; ++n) {
    const std::string layer = fmt::format("model.layers.{}.", n);
    folder.tensor(layer + "input_layernorm.weight", {8});
    folder.tensor(layer + "self_attn.q_proj.weight", {8, 8});
    folder.tensor(layer + "self_attn.k_proj.weight", {4, 8});
    folder.tensor(layer + "self_attn.v_proj.weight", {4, 8});
    folder.tensor(layer + "self_attn.o_proj.weight", {8, 8});
    folder.tensor(layer + "post_attention_layernorm.weight", {8});
    folder.tensor(layer + "mlp.gate_proj.weight", {16, 8});
    folder.tensor(layer + "mlp.up_proj.weight", {16, 8});
    folder.tensor(layer + "mlp.down_proj.weight", {8, 16});
  }
  folder.tensor("model.norm.weight", {8});
  folder.tensor("lm_head.weight", {8, 8});
  folder.write_tensors();
}

TEST(Import, MakesAFileThatRuns) {
  store::ModelFolder folder("program");
  make_model_folder(folder);
  const std::string out = (folder.path() / "out.gguf").string();
  const RunResult imported = run_hearth({"import", folder.path(), out, "--type", "f32", "--json"});
  ASSERT_EQ(imported.status, 0) << imported.err;
  EXPECT_EQ(json::parse(imported.out)["type"], "F32");

  const json show = json::parse(run_hearth({"show", out, "--json"}).out);
  EXPECT_EQ(show["architecture"], "llama");
  EXPECT_EQ(show["layers"], 2);
  EXPECT_EQ(show["chat_template"], "{% for m in messages %}{{ m.content }}<|end|>{% endfor %}");

  const RunResult answer = run_hearth({"run", out, "abc", "--num-predict", "1", "--json"});
  ASSERT_EQ(answer.status, 0) << answer.err;
  EXPECT_THAT(answer.out, HasSubstr("\"prompt_eval_count\":2"));  // "abc" and <|end|>

  const RunResult nothing = run_hearth({"run", out, "", "--raw"});
  EXPECT_EQ(nothing.err,
            "hearth: the prompt is empty, and this model has no token to begin a text with\n");
  EXPECT_EQ(nothing.status, 2);
}

TEST(Import, AHostileTemplateDoesNotSteerTheTerminal) {
  if (!has_terminals()) GTEST_SKIP() << kNoTerminals;
  store::ModelFolder folder("hostile");
  make_model_folder(folder);
  folder.write("chat_template.jinja", "{# \x1b]0;owned\x07 #}");
  const std::string out = (folder.path() / "out.gguf").string();
  ASSERT_EQ(run_hearth({"import", folder.path(), out}).status, 0);
  EXPECT_EQ(run_hearth({"show", out, "--template"}).out, "{# \x1b]0;owned\x07 #}\n");  // for a pipe
  TerminalRun terminal({"show", out, "--template"});
  EXPECT_TRUE(terminal.shows("{# \\x1b]0;owned\\x07 #}")) << terminal.screen();
  EXPECT_EQ(terminal.wait(), 0);
}

TEST(Import, TellsWhatItDidInText) {
  store::ModelFolder folder("text");
  make_model_folder(folder);
  const std::string out = (folder.path() / "out.gguf").string();
  const RunResult result = run_hearth({"import", folder.path(), out});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, StartsWith(out + ": "));
  EXPECT_THAT(result.out, HasSubstr("(llama)"));
}

TEST(Import, NamesWhatIsMissing) {
  const TemporaryFolder folder;
  const RunResult result = run_hearth({"import", folder.path, folder.path / "out.gguf"});
  EXPECT_EQ(result.status, 3) << result.err;
  EXPECT_THAT(result.err, HasSubstr("config.json"));
  EXPECT_FALSE(fs::exists(folder.path / "out.gguf"));
  const RunResult type = run_hearth({"import", folder.path, folder.path / "o", "--type", "Q9"});
  EXPECT_EQ(type.status, 2);
  EXPECT_THAT(type.err, StartsWith("hearth: --type: 'Q9' is not one of F32, "));
}

}  // namespace
}  // namespace hearth::test
