// Bodies of requests, typed: what each field becomes, and what each error says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/serve/ollama/chat_json.h"
#include "hearth/serve/ollama/create_json.h"
#include "hearth/serve/ollama/embed_json.h"
#include "hearth/serve/ollama/generate_json.h"
#include "hearth/serve/ollama/limits.h"

namespace hearth::serve::ollama {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

template <class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

std::string generate_error(const std::string& fields) {
  return error_of([&] { parse_generate(R"({"model":"m",)" + fields + "}", {}); });
}
std::string chat_error(const std::string& fields) {
  return error_of([&] { parse_chat(R"({"model":"m",)" + fields + "}", {}); });
}
std::string create_error(const std::string& fields) {
  return error_of([&] { parse_create(R"({"model":"m",)" + fields + "}"); });
}

const std::string kHex(64, 'a');

TEST(OllamaGenerateJson, EveryFieldFindsItsPlace) {
  const AnswerCall call = parse_generate(
      R"({"model":"M","prompt":"Why?","system":"Be brief","template":"T","context":[1,2],
          "stream":false,"keep_alive":"1h30m","think":"high","truncate":false,"shift":false,
          "logprobs":true,"top_logprobs":4,"format":{"type":"object","a":1},
          "options":{"temperature":0,"num_ctx":2048.0,"stop":["x","y"],"use_mmap":true}})",
      {{"top_k", int64_t{3}}});
  EXPECT_EQ(call.call.model, "M");
  EXPECT_EQ(call.call.keep_alive, 90min);
  EXPECT_FALSE(call.stream);
  EXPECT_EQ(call.purpose, Purpose::answer);
  const store::ModelParameters options = {{"temperature", 0.0},
                                          {"num_ctx", int64_t{2048}},
                                          {"stop", std::vector<std::string>{"x", "y"}},
                                          {"use_mmap", true}};
  EXPECT_EQ(call.call.options, options);
  EXPECT_EQ(call.request.options, options);
  EXPECT_EQ(call.request.defaults, (store::ModelParameters{{"top_k", int64_t{3}}}));
  EXPECT_EQ(call.request.format.kind, AnswerFormat::Kind::schema);
  EXPECT_EQ(call.request.format.text, R"({"type":"object","a":1})");
  EXPECT_EQ(call.request.logprobs, 4);
  EXPECT_EQ(call.request.overflow, Overflow::error);
  EXPECT_FALSE(call.request.shifts);
  EXPECT_TRUE(call.request.wants_ids);
  const auto& chat = std::get<ChatPrompt>(call.request.prompt);
  ASSERT_EQ(chat.messages.size(), 2u);
  EXPECT_EQ(chat.messages[0].role, Role::system);
  EXPECT_EQ(chat.messages[0].content, "Be brief");
  EXPECT_EQ(chat.messages[1].role, Role::user);
  EXPECT_EQ(chat.messages[1].content, "Why?");
  EXPECT_EQ(chat.template_text, "T");
  EXPECT_EQ(chat.thinking, Thinking::high);
  EXPECT_THAT(chat.earlier_ids, ElementsAre(1, 2));
}

TEST(OllamaGenerateJson, AbsentFieldsMeanTheDefaults) {
  const AnswerCall call = parse_generate(R"({"model":"m","prompt":"p","options":null})", {});
  EXPECT_TRUE(call.stream);
  EXPECT_EQ(call.call.keep_alive, std::nullopt);
  EXPECT_EQ(call.request.format.kind, AnswerFormat::Kind::free);
  EXPECT_EQ(call.request.logprobs, -1);
  EXPECT_EQ(call.request.overflow, Overflow::truncate);
  EXPECT_TRUE(call.request.shifts);
  EXPECT_EQ(std::get<ChatPrompt>(call.request.prompt).thinking, std::nullopt);
  EXPECT_EQ(parse_generate(R"({"model":"m","format":""})", {}).request.format.kind,
            AnswerFormat::Kind::free);
  EXPECT_EQ(parse_generate(R"({"model":"m","format":"json"})", {}).request.format.kind,
            AnswerFormat::Kind::json);
  EXPECT_EQ(parse_generate(R"({"model":"m","top_logprobs":4})", {}).request.logprobs, -1);
}

TEST(OllamaGenerateJson, RawAndSuffixGoWithoutATemplate) {
  const AnswerCall raw = parse_generate(R"({"model":"m","prompt":"p","raw":true})", {});
  EXPECT_EQ(std::get<std::string>(std::get<TextPrompt>(raw.request.prompt).text), "p");
  EXPECT_FALSE(raw.request.wants_ids);
  const AnswerCall middle = parse_generate(R"({"model":"m","prompt":"p","suffix":"s"})", {});
  EXPECT_EQ(std::get<TextPrompt>(middle.request.prompt).suffix, "s");
  const std::string both = "raw mode does not support template, system, or context";
  EXPECT_EQ(generate_error(R"("raw":true,"template":"t")"), both);
  EXPECT_EQ(generate_error(R"("raw":true,"system":"t")"), both);
  EXPECT_EQ(generate_error(R"("raw":true,"context":[1])"), both);
}

TEST(OllamaGenerateJson, AnEmptyPromptLoadsOrUnloads) {
  EXPECT_EQ(parse_generate(R"({"model":"m"})", {}).purpose, Purpose::load);
  EXPECT_EQ(parse_generate(R"({"model":"m","keep_alive":"10m"})", {}).purpose, Purpose::load);
  EXPECT_EQ(parse_generate(R"({"model":"m","keep_alive":0})", {}).purpose, Purpose::unload);
  EXPECT_EQ(parse_generate(R"({"model":"m","keep_alive":"0s"})", {}).purpose, Purpose::unload);
  EXPECT_EQ(parse_generate(R"({"model":"m","keep_alive":0,"prompt":"p"})", {}).purpose,
            Purpose::answer);
  EXPECT_LT(*parse_generate(R"({"model":"m","keep_alive":-1})", {}).call.keep_alive, 0s);
}

TEST(OllamaGenerateJson, ErrorsAreOllamasWhereItHasThem) {
  EXPECT_EQ(error_of([] { parse_generate("", {}); }), "missing request body");
  EXPECT_EQ(error_of([] { parse_generate("{}", {}); }), "model is required");
  EXPECT_EQ(generate_error(R"("options":{"num_ctx":"big"})"),
            "option \"num_ctx\" must be of type integer");
  EXPECT_EQ(generate_error(R"("options":{"num_ctx":1.5})"),
            "option \"num_ctx\" must be of type integer");
  EXPECT_EQ(generate_error(R"("options":{"temperature":"hot"})"),
            "option \"temperature\" must be of type float");
  EXPECT_EQ(generate_error(R"("options":{"use_mmap":1})"),
            "option \"use_mmap\" must be of type boolean");
  EXPECT_EQ(generate_error(R"("options":{"stop":7})"), "option \"stop\" must be of type array");
  EXPECT_EQ(generate_error(R"("options":{"stop":[7]})"),
            "option \"stop\" must be of type array of strings");
  EXPECT_EQ(generate_error(R"("options":[])"), "options must be an object");
  EXPECT_EQ(generate_error(R"("top_logprobs":21)"), "top_logprobs must be between 0 and 20");
  EXPECT_EQ(generate_error(R"("top_logprobs":-1)"), "top_logprobs must be between 0 and 20");
  EXPECT_THAT(generate_error(R"("think":"hard")"), HasSubstr("invalid think value: \"hard\""));
  EXPECT_THAT(generate_error(R"("think":1)"), HasSubstr("invalid think value: 1"));
  EXPECT_EQ(generate_error(R"("format":"xml")"),
            "invalid format: \"xml\"; expected \"json\" or a valid JSON Schema object");
  EXPECT_THAT(generate_error(R"("format":[1])"), HasSubstr("invalid format: [1];"));
  EXPECT_THAT(generate_error(R"("images":["aGk="])"), HasSubstr("images are not supported"));
  EXPECT_EQ(generate_error(R"("images":[],"stream":true)"), "none");
  EXPECT_EQ(generate_error(R"("context":[1,-1])"), "context[1] must be a token id");
  EXPECT_EQ(generate_error(R"("context":[4294967296])"), "context[0] must be a token id");
  EXPECT_EQ(generate_error(R"("prompt":["p"])"), "prompt must be a string");
  EXPECT_EQ(generate_error(R"("stream":"no")"), "stream must be true or false");
}

TEST(OllamaGenerateJson, UnknownOptionsAreOnlyWarnedOf) {
  const AnswerCall call =
      parse_generate(R"({"model":"m","options":{"mirostat":1,"temprature":1,"top_k":null}})", {});
  EXPECT_THAT(call.call.options, IsEmpty());
  EXPECT_THAT(call.warnings, ElementsAre("option \"mirostat\" has no effect any more",
                                         "unknown option \"temprature\" is ignored"));
}

TEST(OllamaGenerateJson, LimitsHaveNames) {
  const std::string schema = R"("format":{"a":")" + std::string(kSchemaBytesMax, 'x') + "\"}";
  EXPECT_EQ(generate_error(schema),
            fmt::format("format is a schema of {} bytes, at most {} are taken", kSchemaBytesMax + 8,
                        kSchemaBytesMax));
  std::string images = R"("images":[)";
  for (size_t i = 0; i <= kImagesMax; ++i) images += i ? ",\"\"" : "\"\"";
  EXPECT_EQ(generate_error(images + "]"), "images has 65 elements, at most 64 are taken");
  std::string messages = R"("messages":[)";
  for (size_t i = 0; i <= kMessagesMax; ++i) messages += i ? ",0" : "0";
  EXPECT_EQ(chat_error(messages + "]"), "messages has 4097 elements, at most 4096 are taken");
  std::string tools = R"("tools":[)";
  for (size_t i = 0; i <= kToolsMax; ++i) tools += i ? ",0" : "0";
  EXPECT_EQ(chat_error(tools + "]"), "tools has 513 elements, at most 512 are taken");
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  EXPECT_THAT(chat_error("\"messages\":" + deep), HasSubstr("nested deeper than 64 levels"));
}

TEST(OllamaChatJson, MessagesCallsAndToolsAreTyped) {
  const AnswerCall call = parse_chat(
      R"({"model":"m","think":false,"tools":[{"type":"function","function":
            {"name":"add","description":"d","parameters":{"z":1,"a":2}}}],
          "messages":[{"role":"USER","content":"2+2?"},
            {"role":"assistant","content":null,"thinking":"hm","tool_calls":[
              {"id":"c1","function":{"name":"add","arguments":{"z":2,"a":2}}}]},
            {"role":"tool","content":"4","tool_name":"add","tool_call_id":"c1"}]})",
      {});
  EXPECT_EQ(call.purpose, Purpose::answer);
  const auto& chat = std::get<ChatPrompt>(call.request.prompt);
  EXPECT_EQ(chat.thinking, Thinking::off);
  EXPECT_FALSE(chat.continues_last);
  ASSERT_EQ(chat.tools.size(), 1u);
  EXPECT_EQ(chat.tools[0].name, "add");
  EXPECT_EQ(chat.tools[0].description, "d");
  EXPECT_EQ(chat.tools[0].parameters.dump(), R"({"z":1,"a":2})");
  ASSERT_EQ(chat.messages.size(), 3u);
  EXPECT_EQ(chat.messages[0].role, Role::user);
  EXPECT_EQ(chat.messages[1].thinking, "hm");
  ASSERT_EQ(chat.messages[1].tool_calls.size(), 1u);
  EXPECT_EQ(chat.messages[1].tool_calls[0].id, "c1");
  EXPECT_EQ(chat.messages[1].tool_calls[0].arguments.dump(), R"({"z":2,"a":2})");
  EXPECT_EQ(chat.messages[2].role, Role::tool);
  EXPECT_EQ(chat.messages[2].tool_name, "add");
  EXPECT_EQ(chat.messages[2].tool_call_id, "c1");
}

TEST(OllamaChatJson, EmptyMessagesLoadAndAnAssistantAtTheEndIsGoneOnWith) {
  EXPECT_EQ(parse_chat(R"({"model":"m","messages":[]})", {}).purpose, Purpose::load);
  EXPECT_EQ(parse_chat(R"({"model":"m","keep_alive":0})", {}).purpose, Purpose::unload);
  const AnswerCall call =
      parse_chat(R"({"model":"m","messages":[{"role":"assistant","content":"I"}]})", {});
  EXPECT_TRUE(std::get<ChatPrompt>(call.request.prompt).continues_last);
}

TEST(OllamaChatJson, ErrorsNameTheMessageAndTheField) {
  EXPECT_EQ(chat_error(R"("messages":{})"), "messages must be a list");
  EXPECT_EQ(chat_error(R"("messages":[7])"), "messages[0] must be an object");
  EXPECT_EQ(chat_error(R"("messages":[{}])"), "messages[0].role is required");
  EXPECT_THAT(chat_error(R"("messages":[{"role":"cat"}])"),
              HasSubstr("messages[0].role must be one of"));
  EXPECT_EQ(chat_error(R"("messages":[{"role":"user","content":[]}])"),
            "messages[0].content must be a string");
  EXPECT_THAT(chat_error(R"("messages":[{"role":"user","images":["aGk="]}])"),
              HasSubstr("messages[0].images: images are not supported"));
  const std::string calls = R"("messages":[{"role":"assistant","tool_calls":[)";
  EXPECT_EQ(chat_error(calls + "{}]}]"), "messages[0].tool_calls[0].function is required");
  EXPECT_EQ(chat_error(calls + R"({"function":{"name":"f","arguments":"{}"}}]}])"),
            "messages[0].tool_calls[0].function.arguments must be an object");
  EXPECT_EQ(chat_error(R"("tools":[{"type":"shell"}])"), "tools[0].type must be \"function\"");
  EXPECT_EQ(chat_error(R"("tools":[{"function":{}}])"), "tools[0].function.name is required");
}

TEST(OllamaEmbedJson, InputsAreTextsAndOptionsAreKept) {
  const EmbedCall call = parse_embed(
      R"({"model":"m","input":["a","b"],"dimensions":2,"truncate":false,"keep_alive":5,
          "options":{"num_ctx":9}})");
  EXPECT_EQ(call.request.inputs.size(), 2u);
  EXPECT_EQ(std::get<std::string>(call.request.inputs[1]), "b");
  EXPECT_EQ(call.request.dimensions, 2);
  EXPECT_EQ(call.request.overflow, Overflow::error);
  EXPECT_TRUE(call.request.normalise);
  EXPECT_EQ(call.call.keep_alive, 5s);
  EXPECT_EQ(call.call.options, (store::ModelParameters{{"num_ctx", int64_t{9}}}));
  EXPECT_EQ(parse_embed(R"({"model":"m","input":"a"})").request.inputs.size(), 1u);
  for (const char* none :
       {R"({"model":"m"})", R"({"model":"m","input":""})", R"({"model":"m","input":[]})"})
    EXPECT_THAT(parse_embed(none).request.inputs, IsEmpty()) << none;
  const EmbedCall old = parse_embeddings(R"({"model":"m","prompt":"a"})");
  EXPECT_EQ(old.request.inputs.size(), 1u);
  EXPECT_FALSE(old.request.normalise);
  EXPECT_THAT(parse_embeddings(R"({"model":"m"})").request.inputs, IsEmpty());
}

TEST(OllamaEmbedJson, WrongInputsAreRefused) {
  for (const char* input : {"7", "{}", "[7]", "[null]", "[[\"a\"]]"})
    EXPECT_EQ(error_of([&] { parse_embed(fmt::format(R"({{"model":"m","input":{}}})", input)); }),
              "invalid input type")
        << input;
  EXPECT_THAT(error_of([] { parse_embed(R"({"model":"m","dimensions":-1})"); }),
              HasSubstr("dimensions must be between 0 and"));
}

TEST(OllamaCreateJson, EveryFieldFindsItsPlace) {
  const CreateCall call =
      parse_create(R"({"model":"mine:v1","files":{"a.gguf":"sha256:)" + kHex +
                   R"("},"adapters":{"l.gguf":"sha256:)" + kHex +
                   R"("},"template":"T","system":"","license":["MIT","BSD"],"parameters":
      {"stop":"x","top_k":2,"odd":1},"messages":[{"role":"user","content":"hi"}],"renderer":"r",
      "parser":"p","requires":"0.14.0","quantize":"q4_k_m","stream":false})");
  EXPECT_EQ(call.name.shown(), "mine:v1");
  ASSERT_EQ(call.files.size(), 1u);
  EXPECT_EQ(call.files[0].first, "a.gguf");
  EXPECT_EQ(call.files[0].second.hex(), kHex);
  EXPECT_EQ(call.adapters.size(), 1u);
  EXPECT_EQ(call.changes.template_text, "T");
  EXPECT_EQ(call.changes.system, "");
  EXPECT_THAT(call.changes.licenses, ElementsAre("MIT", "BSD"));
  EXPECT_EQ(
      call.changes.parameters,
      (store::ModelParameters{{"stop", std::vector<std::string>{"x"}}, {"top_k", int64_t{2}}}));
  EXPECT_THAT(call.warnings, ElementsAre("unknown option \"odd\" is ignored"));
  EXPECT_THAT(call.changes.messages, ElementsAre(store::ModelMessage{"user", "hi"}));
  EXPECT_EQ(call.changes.renderer, "r");
  EXPECT_EQ(call.changes.parser, "p");
  EXPECT_EQ(call.changes.requires_version, "0.14.0");
  ASSERT_TRUE(call.quantize);
  EXPECT_EQ(call.quantize->name, "Q4_K_M");
  EXPECT_FALSE(call.stream);
  EXPECT_THAT(parse_create(R"({"name":"n","from":"b","license":"MIT"})").changes.licenses,
              ElementsAre("MIT"));
}

TEST(OllamaCreateJson, ErrorsAreOllamasWhereItHasThem) {
  EXPECT_EQ(create_error(R"("stream":true)"), "neither 'from' or 'files' was specified");
  EXPECT_EQ(create_error(R"("from":"a","files":{"b":"sha256:)" + kHex + "\"}"),
            "both 'from' and 'files' were specified");
  for (const char* path : {"/etc/x", "../x", "a/../x", "a//x", "./x", "a\\\\x", "x\\u0000", ""})
    EXPECT_EQ(create_error(fmt::format(R"("files":{{"{}":"sha256:{}"}})", path, kHex)),
              "file path must be relative")
        << path;
  EXPECT_EQ(create_error(R"("files":{"a":"sha256:12"})"), "invalid digest format");
  EXPECT_EQ(create_error(R"("files":{"a":7})"), "invalid digest format");
  EXPECT_EQ(create_error(R"("from":"a","quantize":"q9")"), "unsupported quantization type q9");
  EXPECT_THAT(create_error(R"("from":"a","draft_files":{"a":"b"})"), HasSubstr("draft models"));
  EXPECT_THAT(create_error(R"("from":"a","messages":[{"role":"tool","content":"x"}])"),
              HasSubstr("messages[0].role must be one of"));
  // A path of this machine is no name of a model.
  EXPECT_NE(create_error(R"("from":"/etc/passwd")"), "none");
  EXPECT_NE(create_error(R"("from":"../secret.gguf")"), "none");
  EXPECT_NE(create_error(R"("from":"~/secret.gguf")"), "none");
}

TEST(OllamaCreateJson, ChangesWinOverTheModelTheyBuildOn) {
  store::Modelfile base;
  base.parameters = {{"top_k", int64_t{1}}, {"seed", int64_t{1}}};
  base.system = "old";
  base.licenses = {"MIT"};
  store::Modelfile changes;
  changes.parameters = {{"top_k", int64_t{2}}};
  changes.system = "new";
  changes.licenses = {"BSD"};
  const store::Modelfile both = changed(base, changes);
  EXPECT_EQ(both.parameters, (store::ModelParameters{{"top_k", int64_t{2}}, {"seed", int64_t{1}}}));
  EXPECT_EQ(both.system, "new");
  EXPECT_THAT(both.licenses, ElementsAre("MIT", "BSD"));
}

}  // namespace
}  // namespace hearth::serve::ollama
