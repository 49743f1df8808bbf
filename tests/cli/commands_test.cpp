// Every command as a user calls it: what it prints, where, and with which status it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/cli/program.h"

namespace hearth::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kTales = std::string(HEARTH_SOURCE_DIR) + "/models/tales.gguf";

// A run that must fail: the status, one line on standard error, nothing on standard output.
void expect_error(const std::vector<std::string>& arguments, int status, const std::string& line) {
  const RunResult result = run_hearth(arguments);
  EXPECT_EQ(result.err, "hearth: " + line + "\n");
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.status, status) << line;
}

json json_of(const std::vector<std::string>& arguments, const RunOptions& options = {}) {
  const RunResult result = run_hearth(arguments, options);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 1) << "one object, one line";
  return json::parse(result.out, nullptr, /*allow_exceptions=*/false);
}

TEST(Program, SaysItsVersionAndItsCommands) {
  const RunResult version = run_hearth({"--version"});
  EXPECT_THAT(version.out, testing::MatchesRegex("hearth [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  EXPECT_EQ(version.status, 0);
  for (const char* word : {"--help", "-h", "help"}) {
    const RunResult help = run_hearth({word});
    EXPECT_THAT(help.out, HasSubstr("Usage: hearth COMMAND")) << word;
    EXPECT_EQ(help.status, 0);
  }
  EXPECT_EQ(run_hearth({}).status, 2);
}

TEST(Program, EveryCommandExplainsItself) {
  for (const char* name :
       {"run", "show", "key add", "key list", "key remove", "key usage", "kernels", "bench",
        "quantize", "import", "perplexity", "tokenize", "logits", "help"}) {
    const RunResult help = run_hearth({name, "--help"});
    EXPECT_THAT(help.out, HasSubstr(std::string("Usage: hearth ") + name));
    EXPECT_THAT(help.out, HasSubstr("Examples:")) << name;
    EXPECT_EQ(run_hearth({"help", name}).out, help.out);
  }
}

TEST(Program, TheReferencePageIsUpToDate) {
  const RunResult page = run_hearth({"help", "--markdown"});
  EXPECT_EQ(page.out, read_file(fs::path(HEARTH_SOURCE_DIR) / "docs/cli.md"))
      << "make it anew: build/bin/hearth help --markdown > docs/cli.md";
}

TEST(Program, NamesWhatIsWrongWithTheCommandLine) {
  expect_error({"shwo"}, 2, "unknown command 'shwo'; did you mean show?; see: hearth --help");
  expect_error({"help", "quantise"}, 2,
               "unknown command 'quantise'; did you mean quantize?; see: hearth --help");
  expect_error({"run", "--sed", "7"}, 2, "run: unknown option --sed; did you mean --seed?");
  expect_error({"show"}, 2, "show: FILE is missing; see: hearth show --help");
  expect_error({"show", "a", "b"}, 2,
               "show: 'b' is one argument too many; see: hearth show --help");
  expect_error({"bench", "tales", "--threads"}, 2, "bench: option --threads needs a value");
  expect_error({"bench", "tales", "--threads", "many"}, 2,
               "--threads: 'many' is not a whole number, must be 0 to 1024");
}

TEST(Program, AFullDiskUnderStandardOutputIsAnError) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  const RunResult result = run_hearth({"--help"}, {.output_file = "/dev/full"});
  EXPECT_THAT(result.err, StartsWith("hearth: standard output cannot be written: "));
  EXPECT_EQ(result.status, 9);
}

TEST(Show, DescribesTheBuiltInModel) {
  const RunResult text = run_hearth({"show", "tales"});
  EXPECT_THAT(text.out, HasSubstr("architecture         llama\n"));
  EXPECT_THAT(text.out, HasSubstr("context length       256\n"));
  EXPECT_EQ(text.status, 0);

  // From the model's card: 6 layers, width 256, 8 heads, 4 KV heads, SwiGLU 768, vocabulary 4096.
  const json show = json_of({"show", kTales, "--json"});
  EXPECT_EQ(show["architecture"], "llama");
  EXPECT_EQ(show["can_run"], true);
  EXPECT_EQ(show["layers"], 6);
  EXPECT_EQ(show["embedding_length"], 256);
  EXPECT_EQ(show["heads"], 8);
  EXPECT_EQ(show["kv_heads"], 4);
  EXPECT_EQ(show["head_dim"], 32);
  EXPECT_EQ(show["feed_forward_length"], 768);
  EXPECT_EQ(show["vocabulary"], 4096);
  EXPECT_EQ(show["licence"], "cc0-1.0");
  EXPECT_EQ(show["file_bytes"], fs::file_size(kTales));
  EXPECT_EQ(show["groups"][0]["group"], "embedding");
  EXPECT_EQ(show["groups"][0]["parameters"], 4096 * 256);
  // Q8_0: 34 bytes for 32 elements.
  EXPECT_EQ(show["groups"][0]["bytes"], 4096 * 256 / 32 * 34);
  EXPECT_FALSE(show.contains("tensors"));
}

TEST(Show, ListsTensorsAndMetadataWhenAsked) {
  const json show = json_of({"show", "tales", "--tensors", "--metadata", "--json"});
  EXPECT_EQ(show["tensors"].size(),
            56u);  // embedding, output norm, 6 x (4 attention, 3 ffn, 2 norms)
  EXPECT_EQ(show["metadata"]["llama.block_count"], 6);
  EXPECT_EQ(show["metadata"]["tokenizer.ggml.tokens"].size(), 4096u);
  const RunResult text = run_hearth({"show", "tales", "--tensors", "--metadata"});
  EXPECT_THAT(text.out, HasSubstr("blk.5.ffn_down.weight"));
  EXPECT_THAT(text.out, HasSubstr("llama.rope.freq_base"));
  EXPECT_THAT(text.out, HasSubstr("… (4096 items)"));
}

TEST(Show, PrintsTheTemplateAlone) {
  const RunResult result = run_hearth({"show", "tales", "--template"});
  EXPECT_THAT(result.out, StartsWith("{% for message in messages %}"));
  EXPECT_EQ(result.status, 0);
}

TEST(Show, ReadsFilesOfArchitecturesItCannotRun) {
  const fs::path bert = shared_file("tokenizers/ggml-vocab/ggml-vocab-bert-bge.gguf");
  if (bert.empty()) GTEST_SKIP() << "../shared/data is not here";
  const json show = json_of({"show", bert, "--json"});
  EXPECT_EQ(show["architecture"], "bert");
  EXPECT_EQ(show["can_run"], false);
  EXPECT_THAT(run_hearth({"show", bert}).out, HasSubstr("bert (Hearth cannot run it yet)"));
  EXPECT_THAT(run_hearth({"show", bert}).out, HasSubstr("none: the file holds a vocabulary only"));
  expect_error({"show", bert, "--template"}, 3, bert.string() + ": the model has no chat template");
}

TEST(Show, SaysWhatIsNotThere) {
  expect_error({"show", "nothing"}, 3,
               "no model 'nothing': it is neither a file nor one of the models here (tales)");
  expect_error({"show", "tale"}, 3,
               "no model 'tale': it is neither a file nor one of the models here (tales); did you "
               "mean tales?");
  expect_error({"show", "/nowhere/a.gguf"}, 3, "/nowhere/a.gguf: no such file");
  expect_error({"show", "a.gguf"}, 3, "a.gguf: no such file");
  expect_error({"show", "/tmp"}, 2,
               "/tmp: is a folder; hearth import makes a model file of a Hugging Face folder");
}

TEST(Models, AFolderOfTheSameNameDoesNotHideOne) {
  const TemporaryFolder folder;
  fs::create_directory(folder.path / "tales");
  EXPECT_EQ(run_hearth({"show", "tales"}, {.folder = folder.path}).status, 0);
}

TEST(Models, AreFoundInTheFolderOfTheEnvironment) {
  const TemporaryFolder folder;
  fs::copy_file(kTales, folder.path / "mine.gguf");
  const RunResult result =
      run_hearth({"show", "mine"}, {.environment = {{"HEARTH_MODELS", folder.path}}});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, StartsWith((folder.path / "mine.gguf").string()));
}

TEST(Kernels, ChoosesTheFirstThatRunsAndSaysWhyNotTheOthers) {
  const json kernels = json_of({"kernels", "--json"});
  ASSERT_GT(kernels["kernels"].size(), 10u);
  for (const json& kernel : kernels["kernels"]) {
    int chosen = 0;
    bool before = true;
    for (const json& row : kernel["implementations"]) {
      if (row["chosen"]) {
        ++chosen;
        before = false;
        EXPECT_FALSE(row.contains("why_not"));
      } else if (before) {
        EXPECT_TRUE(row.contains("why_not")) << kernel;  // better, so there must be a reason
      }
    }
    EXPECT_EQ(chosen, 1) << kernel;
  }
  EXPECT_THAT(run_hearth({"kernels"}).out, HasSubstr("matmul Q8_0"));
}

TEST(Kernels, CanBeForced) {
  const RunOptions scalar = {.environment = {{"HEARTH_CPU", "scalar"}}};
  const json forced = json_of({"kernels", "--json"}, scalar);
  EXPECT_EQ(forced["forced"], "scalar");
  for (const json& kernel : forced["kernels"])
    for (const json& row : kernel["implementations"]) {
      const bool is_scalar = row["name"] == "scalar";
      EXPECT_EQ(row["chosen"], is_scalar) << kernel;
    }
  const RunResult wrong = run_hearth({"kernels"}, {.environment = {{"HEARTH_CPU", "sse2"}}});
  EXPECT_EQ(wrong.err, "hearth: HEARTH_CPU=sse2: must be scalar, avx2 or avx512\n");
  EXPECT_EQ(wrong.status, 2);
}

TEST(Bench, ReportsSpeedsBesideThePeaks) {
  const json bench = json_of(
      {"bench", "tales", "--json", "--prompt", "64", "--predict", "8", "--repetitions", "2"});
  EXPECT_EQ(bench["prompt_tokens"], 64);
  EXPECT_EQ(bench["predict_tokens"], 8);
  EXPECT_EQ(bench["peak_arithmetic"], "int8");
  for (const char* name : {"prefill_tokens_per_s", "decode_tokens_per_s", "peak_gops_per_s",
                           "peak_gb_per_s", "prefill_percent_of_peak", "decode_percent_of_peak"}) {
    const json& spread = bench[name];
    EXPECT_GT(spread["min"].get<double>(), 0) << name;
    EXPECT_LE(spread["min"], spread["median"]) << name;
    EXPECT_LE(spread["median"], spread["max"]) << name;
  }
  EXPECT_THAT(run_hearth({"bench", "tales", "--predict", "4", "--repetitions", "1"}).err,
              HasSubstr("the model's context allows 256 prompt tokens and 4 predicted ones"));
}

TEST(Quantize, RewritesAModelWholeOrNotAtAll) {
  const TemporaryFolder folder;
  const fs::path out = folder.path / "small.gguf";
  const json report = json_of({"quantize", "tales", out, "q4_0", "--json"});
  EXPECT_EQ(report["type"], "Q4_0");
  EXPECT_EQ(report["tensors_converted"], 43);  // embedding and 6 x 7 matrices
  EXPECT_EQ(report["tensors_kept"], 13);       // norms
  const json show = json_of({"show", out, "--json"});
  // Q4_0: 18 bytes for 32 elements.
  EXPECT_EQ(show["groups"][0]["bytes"], 4096 * 256 / 32 * 18);

  const RunResult no_type = run_hearth({"quantize", "tales", out, "Q4_9"});
  EXPECT_THAT(no_type.err, StartsWith("hearth: unknown type 'Q4_9': must be one of F32, F16, "));
  EXPECT_THAT(no_type.err, testing::EndsWith("; did you mean Q4_K?\n"));
  EXPECT_EQ(no_type.status, 2);
  // A file may grow to 1 MB here, as on a disk that is full then.
  const RunResult full = run_hearth({"quantize", "tales", folder.path / "big.gguf", "F16"},
                                    {.file_bytes_max = 1 << 20});
  EXPECT_THAT(full.err, HasSubstr("big.gguf: cannot be written: "));
  EXPECT_EQ(full.status, 7);  // a limit
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()), 1);

  const RunResult no_folder = run_hearth({"quantize", "tales", "/nowhere/x.gguf", "Q4_0"});
  EXPECT_THAT(no_folder.err, StartsWith("hearth: /nowhere/x.gguf: cannot be written: "));
  EXPECT_EQ(no_folder.status, 9);
}

TEST(Perplexity, IsTheExponentialOfTheMeanNegativeLogLikelihood) {
  const TemporaryFolder folder;
  const fs::path text = folder.path / "text.txt";
  AtomicFile file(text);
  file.write("The fox said to the wolf, \"I will come with you.\" And so they went into the wood.");
  file.commit();
  const json report = json_of({"perplexity", "tales", text, "--json"});
  const double nll = report["nll_per_token"];
  EXPECT_GT(nll, 1.0);
  EXPECT_LT(nll, 6.0);  // ln 4096 = 8.3 for a model that knows nothing
  EXPECT_NEAR(report["perplexity"], std::exp(nll), 1e-9 * std::exp(nll));
  const json tokens = json_of({"tokenize", "tales", "--json"}, {.input = read_file(text)});
  EXPECT_EQ(report["tokens"], tokens["ids"].size() - 1);  // every token after BOS
  EXPECT_THAT(run_hearth({"perplexity", "tales", text}).out, HasSubstr("nats per token"));
  expect_error({"perplexity", "tales", folder.path / "none"}, 3,
               (folder.path / "none").string() + ": cannot be opened: No such file or directory");
}

TEST(Tokenize, PrintsIdsAndPieces) {
  const json words = json_of({"tokenize", "tales", "--json", "The", "fox"});
  const json piped = json_of({"tokenize", "tales", "--json"}, {.input = "The fox"});
  EXPECT_EQ(words, piped);
  EXPECT_EQ(words["ids"][0], 1);  // BOS
  const json bare = json_of({"tokenize", "tales", "--json", "--no-special", "The fox"});
  EXPECT_EQ(bare["ids"].size(), words["ids"].size() - 1);
  EXPECT_EQ(bare["ids"][0], words["ids"][1]);
  EXPECT_THAT(run_hearth({"tokenize", "tales", "The fox"}).out, HasSubstr("' fox'"));
}

TEST(Tokenize, TakesStandardInputByteForByte) {
  const json with = json_of({"tokenize", "tales", "--json"}, {.input = "fox\n"});
  const json without = json_of({"tokenize", "tales", "--json"}, {.input = "fox"});
  EXPECT_EQ(with["ids"].size(), without["ids"].size() + 1);
  EXPECT_EQ(with["pieces"].back(), "\n");
  EXPECT_THAT(run_hearth({"tokenize", "tales"}, {.input = "a\nb\t\x01\\\xE2"}).out,
              testing::AllOf(HasSubstr("'\\n'"), HasSubstr("'\\x01'"), HasSubstr("'\\\\'"),
                             HasSubstr("'\\xe2'")));
  EXPECT_EQ(json_of({"tokenize", "tales", "--json", "--no-special"}, {.input = ""})["ids"].size(),
            0u);
}

TEST(Tokenize, RefusesAnInputBeyondTheLimit) {
  const RunResult result =
      run_hearth({"tokenize", "tales"}, {.input = std::string((64 << 20) + 1, 'x')});
  EXPECT_EQ(result.err, "hearth: standard input is longer than 64.0 MiB, the limit\n");
  EXPECT_EQ(result.status, 7);
}

TEST(Tokenize, ReadsSpecialTextOnlyWhenAsked) {
  const json plain = json_of({"tokenize", "tales", "--json", "--no-special", "</s>"});
  const json parsed =
      json_of({"tokenize", "tales", "--json", "--no-special", "--parse-special", "</s>"});
  EXPECT_EQ(parsed["ids"], json::array({2}));
  EXPECT_NE(plain["ids"], parsed["ids"]);
}

TEST(Logits, AreTheSameInOneBatchAndOneByOne) {
  const std::vector<std::string> base = {"logits", "tales", "--tokens", "1,344,2039,355",
                                         "--kv",   "f32",   "--json"};
  const json all = json_of(base)["logits"];
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all["0"].size(), 4096u);
  std::vector<std::string> chosen = base;
  chosen.insert(chosen.end(), {"--at", "3,1", "--one-by-one"});
  const json some = json_of(chosen)["logits"];
  ASSERT_EQ(some.size(), 2u);
  // The products differ in the order of their sums only.
  for (size_t i = 0; i < 4096; ++i)
    EXPECT_NEAR(some["3"][i].get<double>(), all["3"][i].get<double>(), 0.05) << i;
  EXPECT_THAT(run_hearth({"logits", "tales", "--tokens", "1"}).out, HasSubstr("LARGEST LOGITS"));
}

TEST(Logits, NameWhatIsWrong) {
  expect_error({"logits", "tales"}, 2, "logits: --tokens is missing, e.g. --tokens 1,5,9");
  expect_error({"logits", "tales", "--tokens", "1,x"}, 2,
               "--tokens: 'x' is not a whole number, must be 0 to 2147483647");
  expect_error({"logits", "tales", "--tokens", "1,2", "--at", "2"}, 2,
               "--at: 2 is out of range, must be 0 to 1");
  expect_error({"logits", "tales", "--tokens", "1", "--kv", "q4"}, 2,
               "--kv: 'q4' is not f32, f16 or q8_0");
  EXPECT_EQ(run_hearth({"logits", "tales", "--tokens", "99999"}).status, 2);
}

}  // namespace
}  // namespace hearth::test
