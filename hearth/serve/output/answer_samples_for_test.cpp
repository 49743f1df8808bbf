#include "hearth/serve/output/answer_samples_for_test.h"

namespace hearth::serve {
namespace {

constexpr auto kNoThoughts = ThinkingStyle::none;
constexpr auto kThink = ThinkingStyle::think_tags;
constexpr AnswerStyle kHermes = {CallStyle::hermes, kNoThoughts};
constexpr AnswerStyle kQwen3 = {CallStyle::hermes, kThink};
constexpr AnswerStyle kCoder = {CallStyle::qwen_coder, kNoThoughts};
constexpr AnswerStyle kGlm = {CallStyle::glm, kThink};
constexpr AnswerStyle kLlama = {CallStyle::llama, kNoThoughts};
constexpr AnswerStyle kMistral = {CallStyle::mistral, kNoThoughts};
constexpr AnswerStyle kGranite = {CallStyle::granite, kNoThoughts};
constexpr AnswerStyle kDeepSeek = {CallStyle::deepseek, kThink};
constexpr AnswerStyle kKimi = {CallStyle::kimi, kNoThoughts};
constexpr AnswerStyle kHarmony = {CallStyle::harmony, ThinkingStyle::harmony};
constexpr AnswerStyle kGeneric = {CallStyle::generic, kNoThoughts};

const std::vector<AnswerSample> kHermesSamples = {
    {"words only", kHermes, "It is 7 °C.\n\nBring a coat. 🧥\n",
     "It is 7 °C.\n\nBring a coat. 🧥\n", "", "[]"},
    {"one call", kHermes,
     "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Köln\"}}\n</tool_call>", "",
     "", R"([["weather",{"city":"Köln"}]])"},
    {"words, then two calls", kHermes,
     "Let me look.\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\", "
     "\"days\": 2}}\n</tool_call>\n<tool_call>\n{\"name\": \"clock\", \"arguments\": "
     "{}}\n</tool_call>\n",
     "Let me look.", "", R"([["weather",{"city":"Oslo","days":2}],["clock",{}]])"},
    {"words around a call", kHermes, "One.\n<tool_call>{\"name\": \"clock\"}</tool_call>\n\nTwo.",
     "One.\n\nTwo.", "", R"([["clock",{}]])"},
    {"a closing tag inside a string", kHermes,
     R"(<tool_call>{"name": "weather", "arguments": {"city": "</tool_call>\"}"}}</tool_call>)", "",
     "", R"([["weather",{"city":"</tool_call>\"}"}]])"},
    {"an answer that ends before the closing tag", kHermes,
     "<tool_call>\n{\"name\": \"clock\", \"arguments\": {}}\n", "", "", R"([["clock",{}]])"},
    {"an unfinished call", kHermes, "Hm.\n<tool_call>\n{\"name\": \"clock\", \"argu",
     "Hm.\n<tool_call>\n{\"name\": \"clock\", \"argu", "", "[]"},
    {"a call without a name", kHermes, "<tool_call>{\"arguments\": {}}</tool_call> x",
     "<tool_call>{\"arguments\": {}}</tool_call> x", "", "[]"},
    {"a broken call, then a whole one", kHermes,
     "<tool_call>oops<tool_call>{\"name\": \"clock\"}</tool_call>", "<tool_call>oops", "",
     R"([["clock",{}]])"},
    {"tags that are none", kHermes, "a <<tool <tool_calls> </tool_call> b <",
     "a <<tool <tool_calls> </tool_call> b <", "", "[]"},
    {"arguments as text", kHermes,
     R"(<tool_call>{"name": "weather", "arguments": "{\"city\": \"Oslo\"}"}</tool_call>)", "", "",
     R"([["weather",{"city":"Oslo"}]])"},
    {"thinking is text where the model has none", kHermes, "<think>a</think>b", "<think>a</think>b",
     "", "[]"},
};

const std::vector<AnswerSample> kThinkingSamples = {
    {"thoughts and words", kQwen3, "<think>\nCold in Köln.\n</think>\n\nTake a coat.",
     "Take a coat.", "Cold in Köln.", "[]"},
    {"thoughts and a call", kQwen3,
     "<think>\nI need\n\nthe time. < or > </thin\n</think>\n\n<tool_call>\n{\"name\": \"clock\", "
     "\"arguments\": {}}\n</tool_call>",
     "", "I need\n\nthe time. < or > </thin", R"([["clock",{}]])"},
    {"empty thoughts", kQwen3, "<think>\n\n</think>\n\nHi", "Hi", "", "[]"},
    {"no thoughts", kQwen3, "  Hi <think>there", "  Hi <think>there", "", "[]"},
    {"thoughts that the prompt opened", kQwen3, "\nHm.\n</think>\n\nYes.", "Yes.", "Hm.", "[]",
     true},
    {"thoughts without an end", kQwen3, "Hm. </thi", "", "Hm. </thi", "[]", true},
    {"a call among the thoughts is thought", kQwen3, "<think>a <tool_call>{}</tool_call></think>b",
     "b", "a <tool_call>{}</tool_call>", "[]"},
};

const std::vector<AnswerSample> kTagSamples = {
    {"a call in tags", kCoder,
     "I look.\n<tool_call>\n<function=weather>\n<parameter=city>\n07\n</parameter>\n"
     "<parameter=days>\n3\n</parameter>\n<parameter=wide>\nTrue\n</parameter>\n<parameter=tags>\n"
     "[\"a\", {\"b\": 1}]\n</parameter>\n<parameter=note>\n12\n</parameter>\n</function>\n"
     "</tool_call>",
     "I look.", "",
     R"([["weather",{"city":"07","days":3,"wide":true,"tags":["a",{"b":1}],"note":"12"}]])"},
    {"a value of several lines", kCoder,
     "<tool_call>\n<function=weather>\n<parameter=city>\n\n a <b>\n</x>\n\n</parameter>\n"
     "</function>\n</tool_call>\n<tool_call>\n<function=clock>\n</function>\n</tool_call>",
     "", "", R"([["weather",{"city":"\n a <b>\n</x>\n"}],["clock",{}]])"},
    {"the outer tag is missing", kCoder, "<function=clock>\n</function>", "", "",
     R"([["clock",{}]])"},
    {"the answer ends before the last tag", kCoder, "<tool_call><function=clock></function></tool_",
     "", "", R"([["clock",{}]])"},
    {"a name with a space", kCoder, "<tool_call><function=a b></function></tool_call>",
     "<tool_call><function=a b></function></tool_call>", "", "[]"},
    {"a value that is not of its type", kCoder,
     "<function=weather><parameter=days>soon</parameter></function>", "", "",
     R"([["weather",{"days":"soon"}]])"},
    {"GLM's keys and values", kGlm,
     "\n<think>Time?</think>\nSure.\n<tool_call>weather\n<arg_key>city</arg_key>\n<arg_value>Köln"
     "</arg_value>\n<arg_key>days</arg_key>\n<arg_value>2</arg_value>\n</tool_call>",
     "Sure.", "Time?", R"([["weather",{"city":"Köln","days":2}]])"},
    {"GLM without arguments", kGlm, "<tool_call>clock\n</tool_call>", "", "", R"([["clock",{}]])"},
    {"GLM's broken key", kGlm, "<tool_call>clock\n<arg_kay>x</tool_call>",
     "<tool_call>clock\n<arg_kay>x</tool_call>", "", "[]"},
    {"DeepSeek's section", kDeepSeek,
     "Hm.</think>Look:<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather<｜tool▁sep｜>{\"city\": "
     "\"Köln\"}<｜tool▁call▁end｜><｜tool▁call▁begin｜>clock<｜tool▁sep｜>{}<｜tool▁call▁end｜>"
     "<｜tool▁calls▁end｜>",
     "Look:", "Hm.", R"([["weather",{"city":"Köln"}],["clock",{}]])", true},
    {"DeepSeek R1's fence", kDeepSeek,
     "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>clock\n```json\n{\"a\": "
     "1}\n```<｜tool▁call▁end｜>",
     "", "", R"([["clock",{"a":1}]])"},
    {"no DeepSeek tag", kDeepSeek, "<think>a</think>x <｜tool▁calls▁ende｜> é <",
     "x <｜tool▁calls▁ende｜> é <", "a", "[]"},
    {"Kimi's section", kKimi,
     "Sure.<|tool_calls_section_begin|><|tool_call_begin|>functions.clock:0"
     "<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>",
     "Sure.", "", R"([["clock",{}]])"},
};

const std::vector<AnswerSample> kJsonSamples = {
    {"the whole answer is a call", kLlama,
     R"({"name": "weather", "parameters": {"city": "Köln", "days": 1}})", "", "",
     R"([["weather",{"city":"Köln","days":1}]])"},
    {"a call behind the python tag", kLlama, R"(<|python_tag|>{"name": "x", "parameters": {}})", "",
     "", R"([["x",{}]])"},
    {"calls in a row", kLlama, R"({"name": "clock"}; {"name": "clock", "parameters": {"a": 1}})",
     "", "", R"([["clock",{}],["clock",{"a":1}]])"},
    {"a semicolon and words", kLlama, R"({"name": "clock"}; done)", "; done", "",
     R"([["clock",{}]])"},
    {"JSON that is no call", kLlama, R"({"city": "Köln", "name": "clock"})",
     R"({"city": "Köln", "name": "clock"})", "", "[]"},
    {"a call of an unknown tool without a tag", kLlama, R"( {"name": "Ada", "parameters": {}})",
     R"( {"name": "Ada", "parameters": {}})", "", "[]"},
    {"JSON behind words", kLlama, R"(Use {"name": "clock"})", R"(Use {"name": "clock"})", "", "[]"},
    {"code behind the python tag", kLlama, "<|python_tag|>print(1)", "<|python_tag|>print(1)", "",
     "[]"},
    {"Mistral's list", kMistral,
     R"([TOOL_CALLS][{"name": "weather", "arguments": {"city": "Köln"}}, {"name": "clock"}])", "",
     "", R"([["weather",{"city":"Köln"}],["clock",{}]])"},
    {"Mistral's names", kMistral,
     R"(Look: [TOOL_CALLS]weather[CALL_ID]abcdefghi[ARGS]{"city": "["}[TOOL_CALLS]clock[ARGS]{})",
     "Look:", "", R"([["weather",{"city":"["}],["clock",{}]])"},
    {"an empty list", kMistral, "[TOOL_CALLS][]", "[TOOL_CALLS][]", "", "[]"},
    {"a list cut short", kMistral, "[TOOL_CALLS][{\"name\": \"clock\"}",
     "[TOOL_CALLS][{\"name\": \"clock\"}", "", "[]"},
    {"Granite's list", kGranite, R"(<|tool_call|>[{"name": "clock", "arguments": {}}])", "", "",
     R"([["clock",{}]])"},
    {"a fenced call", kGeneric,
     "I look:\n```json\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\"}}\n```\n",
     "I look:", "", R"([["weather",{"city":"Oslo"}]])"},
    {"a fence of code", kGeneric, "So:\n```python\nprint({})\n```\nand ```{}``` too",
     "So:\n```python\nprint({})\n```\nand ```{}``` too", "", "[]"},
    {"a fence of other JSON", kGeneric, "```json\n{\"name\": \"Ada\", \"id\": \"7\"}\n```",
     "```json\n{\"name\": \"Ada\", \"id\": \"7\"}\n```", "", "[]"},
    {"a bare list", kGeneric, R"([{"type": "function", "function": {"name": "clock"}}])", "", "",
     R"([["clock",{}]])"},
    {"a list of numbers", kGeneric, "[1, 2]", "[1, 2]", "", "[]"},
};

const std::vector<AnswerSample> kHarmonySamples = {
    {"channels", kHarmony,
     "<|channel|>analysis<|message|>They greet.<|end|><|start|>assistant<|channel|>final<|message|>"
     "Hello <b> ｜!",
     "Hello <b> ｜!", "They greet.", "[]"},
    {"a call on the commentary channel", kHarmony,
     "<|channel|>analysis<|message|>Need it.<|end|><|start|>assistant<|channel|>commentary "
     "to=functions.weather <|constrain|>json<|message|>{\"city\": \"Köln\"}<|call|>",
     "", "Need it.", R"([["weather",{"city":"Köln"}]])"},
    {"the recipient first, as templates write it", kHarmony,
     " to=functions.clock<|channel|>commentary json<|message|>{}", "", "", R"([["clock",{}]])"},
    {"a preamble", kHarmony,
     "<|channel|>commentary<|message|>I look.<|end|>\n<|start|>assistant<|channel|>commentary "
     "to=functions.clock<|message|>{}",
     "I look.", "", R"([["clock",{}]])"},
    {"broken arguments", kHarmony,
     "<|channel|>commentary to=functions.clock<|message|>{\"a\"<|call|>",
     "<|channel|>commentary to=functions.clock<|message|>{\"a\"<|call|>", "", "[]"},
    {"a forgotten end", kHarmony, "<|channel|>analysis<|message|>A<|channel|>final<|message|>B",
     "B", "A", "[]"},
    {"words without a channel", kHarmony, "to be or <|ende|> not", "to be or <|ende|> not", "",
     "[]"},
    {"a header without a message", kHarmony, "<|channel|>final<|message|>B<|end|><|start|>assis",
     "B", "", "[]"},
};

}  // namespace

std::vector<Tool> sample_tools() {
  return {{.name = "weather",
           .description = "Looks at the sky",
           .parameters = Json::parse(R"({"type": "object", "required": ["city"], "properties": {
               "city": {"type": "string"}, "days": {"type": "integer"},
               "wide": {"type": ["boolean", "null"]}, "tags": {"type": "array"}}})")},
          {.name = "clock", .description = "Tells the time"}};
}

std::vector<AnswerSample> answer_samples() {
  std::vector<AnswerSample> all;
  for (const auto* group :
       {&kHermesSamples, &kThinkingSamples, &kTagSamples, &kJsonSamples, &kHarmonySamples})
    all.insert(all.end(), group->begin(), group->end());
  return all;
}

AnswerDelta parse_pieces(const AnswerSample& sample, const std::vector<std::string_view>& pieces) {
  AnswerParser parser({.style = sample.style,
                       .tools = sample_tools(),
                       .thinking_is_open = sample.thinking_is_open});
  std::vector<AnswerDelta> deltas;
  for (const std::string_view piece : pieces)
    for (AnswerDelta& delta : parser.feed(piece)) deltas.push_back(std::move(delta));
  for (AnswerDelta& delta : parser.finish()) deltas.push_back(std::move(delta));
  return join(deltas);
}

std::string calls_text(const AnswerDelta& answer) {
  Json list = Json::array();
  for (const ToolCall& call : answer.tool_calls)
    list.push_back(Json::array({call.name, call.arguments}));
  return list.dump();
}

}  // namespace hearth::serve
