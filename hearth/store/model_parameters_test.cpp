#include "hearth/store/model_parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/store/store_folder_for_test.h"

namespace hearth::store {
namespace {

using testing::ElementsAre;

TEST(ModelParameters, TextsBecomeTheTypeOfTheParameter) {
  ModelParameters parameters;
  set_parameter(parameters, "temperature", "0.7");
  set_parameter(parameters, "num_ctx", "4096");
  set_parameter(parameters, "seed", "-1");
  set_parameter(parameters, "use_mmap", "F");
  set_parameter(parameters, "stop", "<|im_end|>");
  set_parameter(parameters, "stop", "\"");
  set_parameter(parameters, "top_p", "+1");
  EXPECT_EQ(std::get<double>(parameters["temperature"]), 0.7);
  EXPECT_EQ(std::get<int64_t>(parameters["num_ctx"]), 4096);
  EXPECT_EQ(std::get<bool>(parameters["use_mmap"]), false);
  EXPECT_EQ(print_parameters(parameters),
            R"({"num_ctx":4096,"seed":-1,"stop":["<|im_end|>","\""],"temperature":0.7,)"
            R"("top_p":1.0,"use_mmap":false})");
  EXPECT_EQ(parse_parameters(print_parameters(parameters), "p"), parameters);
  EXPECT_THAT(parameter_texts(parameters["stop"]), ElementsAre("<|im_end|>", "\""));
  EXPECT_THAT(parameter_texts(parameters["temperature"]), ElementsAre("0.7"));
  EXPECT_THAT(parameter_texts(parameters["use_mmap"]), ElementsAre("false"));
}

TEST(ModelParameters, ALaterValueReplacesButStopCollects) {
  ModelParameters parameters;
  for (const char* text : {"1", "2"}) {
    set_parameter(parameters, "top_k", text);
    set_parameter(parameters, "stop", text);
  }
  EXPECT_EQ(print_parameters(parameters), R"({"stop":["1","2"],"top_k":2})");
}

TEST(ModelParameters, AWrongTextNamesTheParameter) {
  ModelParameters parameters;
  const auto set = [&](std::string_view name, std::string_view text) {
    return message_of([&] { set_parameter(parameters, name, text); });
  };
  EXPECT_EQ(set("num_ctx", "4k"), "parameter num_ctx: '4k' is not an integer of 64 bits");
  EXPECT_EQ(set("num_ctx", "9223372036854775808"),
            "parameter num_ctx: '9223372036854775808' is not an integer of 64 bits");
  EXPECT_EQ(set("num_ctx", ""), "parameter num_ctx: '' is not an integer of 64 bits");
  EXPECT_EQ(set("min_p", "nan"), "parameter min_p: 'nan' is not a finite number");
  EXPECT_EQ(set("min_p", "+-1"), "parameter min_p: '+-1' is not a number");
  EXPECT_EQ(set("use_mmap", "yes"), "parameter use_mmap: 'yes' is not true or false");
  EXPECT_EQ(set("tmeperature", "1"), "unknown parameter 'tmeperature'");
  EXPECT_EQ(parameter_type("stop"), ParameterType::strings);
  EXPECT_EQ(parameter_type("mirostat"), std::nullopt);
  EXPECT_TRUE(is_retired_parameter("mirostat"));
  EXPECT_FALSE(is_retired_parameter("stop"));
}

TEST(ModelParameters, AWrongTextLeavesNoValueBehind) {
  ModelParameters parameters;
  for (const char* name : {"use_mmap", "num_ctx", "temperature"})
    EXPECT_EQ(code_of([&] { set_parameter(parameters, name, "x"); }), Errc::invalid_argument);
  EXPECT_TRUE(parameters.empty());
}

TEST(ModelParameters, TextThatIsNoUtf8IsAnErrorOfOurs) {
  ModelParameters parameters;
  set_parameter(parameters, "stop", "\xFF");
  EXPECT_EQ(code_of([&] { print_parameters(parameters); }), Errc::invalid_argument);
}

TEST(ModelParameters, JsonOfOtherClientsIsUnderstood) {
  const ModelParameters parameters = parse_parameters(
      R"({"num_ctx":4.096e3,"temperature":1,"stop":"x","mirostat":2,"top_k":null,"new":[]})", "p");
  EXPECT_EQ(print_parameters(parameters), R"({"num_ctx":4096,"stop":["x"],"temperature":1.0})");
}

TEST(ModelParameters, JsonOfTheWrongTypeNamesFileAndField) {
  const auto parse = [](std::string_view json) {
    return message_of([&] { parse_parameters(json, "blobs/x"); });
  };
  EXPECT_EQ(parse(R"({"num_ctx":0.5})"), "blobs/x: 'num_ctx': number is not of its type");
  EXPECT_EQ(parse(R"({"num_ctx":1e300})"), "blobs/x: 'num_ctx': number is not of its type");
  EXPECT_EQ(parse(R"({"seed":18446744073709551615})"),
            "blobs/x: 'seed': number is not of its type");
  EXPECT_EQ(parse(R"({"stop":[1]})"), "blobs/x: 'stop': array is not of its type");
  EXPECT_EQ(parse(R"({"use_mmap":1})"), "blobs/x: 'use_mmap': number is not of its type");
  EXPECT_EQ(parse(R"({"top_p":"1"})"), "blobs/x: 'top_p': string is not of its type");
  EXPECT_EQ(parse("[]"), "blobs/x: not a JSON object");
}

}  // namespace
}  // namespace hearth::store
