#include "hearth/formats/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>

namespace hearth::formats {
namespace {

using testing::HasSubstr;

std::string with_header(const std::string& header, const std::string& data) {
  std::string out(8, '\0');
  const uint64_t length = header.size();
  std::memcpy(out.data(), &length, sizeof length);
  return out + header + data;
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

template <class T>
std::string raw(std::initializer_list<T> values) {
  return {reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T)};
}

void expect_error(const std::string& file, Errc code, std::string_view text) {
  try {
    Safetensors::parse(bytes_of(file), "bad.safetensors");
    ADD_FAILURE() << "accepted; expected: " << text;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_THAT(error.what(), HasSubstr("bad.safetensors"));
    EXPECT_THAT(error.what(), HasSubstr(std::string(text)));
  }
}

TEST(Safetensors, ReadsTensorsInTheOrderOfTheData) {
  const std::string file = with_header(
      R"({"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]},"__metadata__":{"format":"pt"},)"
      R"("a":{"dtype":"I16","shape":[1,2],"data_offsets":[0,4]},)"
      R"("s":{"dtype":"U8","shape":[],"data_offsets":[12,13]}}  )",
      raw<int16_t>({-3, 5}) + raw<float>({1.5f, -2}) + raw<uint8_t>({200}));
  const Safetensors opened = Safetensors::parse(bytes_of(file), "hand");
  ASSERT_EQ(opened.tensors().size(), 3u);
  EXPECT_EQ(opened.tensors()[0].name, "a");
  EXPECT_EQ(opened.tensors()[0].shape, (std::vector<uint64_t>{1, 2}));
  EXPECT_EQ(opened.metadata().at("format"), "pt");
  std::vector<float> values(2);
  read_floats(opened.tensor("b"), 0, values);
  EXPECT_EQ(values, (std::vector<float>{1.5f, -2}));
  read_floats(opened.tensor("a"), 1, std::span(values).first(1));
  EXPECT_EQ(values[0], 5.0f);
  EXPECT_EQ(opened.tensor("s").elems(), 1u);
  EXPECT_THROW(opened.tensor("c"), Error);
}

TEST(Safetensors, EveryTypeIsReadAsFloats) {
  const std::string file =
      with_header(R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},)"
                  R"("b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},)"
                  R"("c":{"dtype":"F16","shape":[1],"data_offsets":[12,14]},)"
                  R"("d":{"dtype":"BF16","shape":[1],"data_offsets":[14,16]},)"
                  R"("e":{"dtype":"I64","shape":[1],"data_offsets":[16,24]},)"
                  R"("f":{"dtype":"I32","shape":[1],"data_offsets":[24,28]},)"
                  R"("g":{"dtype":"I16","shape":[1],"data_offsets":[28,30]},)"
                  R"("h":{"dtype":"I8","shape":[1],"data_offsets":[30,31]},)"
                  R"("i":{"dtype":"U8","shape":[1],"data_offsets":[31,32]},)"
                  R"("j":{"dtype":"BOOL","shape":[1],"data_offsets":[32,33]}})",
                  raw<double>({0.5}) + raw<float>({-1.25f}) + raw<uint16_t>({0x3C00}) +
                      raw<uint16_t>({0xBF80}) + raw<int64_t>({-7}) + raw<int32_t>({70000}) +
                      raw<int16_t>({-300}) + raw<int8_t>({-8}) + raw<uint8_t>({250, 1}));
  const Safetensors opened = Safetensors::parse(bytes_of(file), "types");
  const float expected[] = {0.5f,     -1.25f,  1.0f,  -1.0f,  -7.0f,
                            70000.0f, -300.0f, -8.0f, 250.0f, 1.0f};
  ASSERT_EQ(opened.tensors().size(), std::size(expected));
  for (size_t i = 0; i < std::size(expected); ++i) {
    float value = 0;
    read_floats(opened.tensors()[i], 0, {&value, 1});
    EXPECT_EQ(value, expected[i]) << name(opened.tensors()[i].type);
  }
}

TEST(Safetensors, WrongHeadersAreErrors) {
  expect_error("abc", Errc::corrupt_data, "too few");
  expect_error(raw<uint64_t>({100}) + "{}", Errc::corrupt_data,
               "a header of 100 bytes in a file of 10");
  expect_error(raw<uint64_t>({~uint64_t{0}}) + "{}", Errc::corrupt_data,
               "at most 100000000 are read");
  expect_error(with_header("{", ""), Errc::corrupt_data, "header");
  expect_error(with_header("[]", ""), Errc::corrupt_data, "not an object");
  expect_error(with_header(std::string(5000, '['), ""), Errc::corrupt_data, "nested deeper than 8");
  expect_error(with_header(R"({"__metadata__":{"a":1}})", ""), Errc::corrupt_data, "__metadata__");
  expect_error(with_header(R"({"__metadata__":{"a":"x","a":"y"}})", ""), Errc::corrupt_data,
               "twice");
}

std::string one_tensor(const std::string& entry, size_t data_bytes) {
  return with_header(R"({"w":)" + entry + "}", std::string(data_bytes, 'x'));
}

TEST(Safetensors, WrongTensorsAreErrorsThatNameThem) {
  expect_error(one_tensor("3", 0), Errc::corrupt_data,
               "tensor 'w': needs dtype, shape and data_offsets");
  expect_error(one_tensor(R"({"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]})", 1),
               Errc::unsupported, "tensor 'w': dtype 'F8_E4M3' is none of F64, F32, F16");
  expect_error(one_tensor(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})", 4),
               Errc::corrupt_data, "tensor 'w': shape: -1 is not an integer from 0 to 2^64 - 1");
  expect_error(one_tensor(R"({"dtype":"F32","shape":[1.5],"data_offsets":[0,4]})", 4),
               Errc::corrupt_data, "tensor 'w': shape: 1.5 is not an integer");
  expect_error(one_tensor(R"({"dtype":"F32","shape":[1],"data_offsets":[0,"4"]})", 4),
               Errc::corrupt_data, "tensor 'w': data_offsets: \"4\" is not an integer");
  expect_error(one_tensor(R"({"dtype":"F32","shape":[[1]],"data_offsets":[0,4]})", 4),
               Errc::corrupt_data, "tensor 'w': shape: [1] is not an integer");
  expect_error(
      one_tensor(R"({"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,4]})", 4),
      Errc::corrupt_data, "tensor 'w': shape: 1.8446744073709552e+19 is not an integer");
  expect_error(
      one_tensor(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]})", 0),
      Errc::corrupt_data, "tensor 'w': shape [4294967296, 4294967296] has more than 2^64 bytes");
  expect_error(one_tensor(R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]})", 4),
               Errc::corrupt_data, "tensor 'w': shape is not a list of at most 8 numbers");
  expect_error(one_tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})", 4),
               Errc::corrupt_data,
               "tensor 'w': data_offsets [0, 4], but the shape [2] of F32 has 8 bytes");
  expect_error(one_tensor(R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})", 4),
               Errc::corrupt_data, "tensor 'w': data_offsets [4, 0]");
  expect_error(one_tensor(R"({"dtype":"F32","shape":[1],"data_offsets":[0]})", 4),
               Errc::corrupt_data, "tensor 'w': data_offsets is not a list of 2");
  expect_error(one_tensor(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})", 8),
               Errc::corrupt_data,
               "tensor 'w': bytes [4, 8) of the data, expected to begin at 0 of 8");
  expect_error(one_tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})", 4),
               Errc::corrupt_data,
               "tensor 'w': bytes [0, 8) of the data, expected to begin at 0 of 4");
  expect_error(one_tensor(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})", 9),
               Errc::corrupt_data, "9 bytes of data, the tensors take 4");
  expect_error(with_header(R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                           R"("w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
                           "x"),
               Errc::corrupt_data, "key 'w' stands there twice");
  expect_error(with_header(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                           R"("b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
                           "xyz"),
               Errc::corrupt_data, "tensor 'b': bytes [1, 3) of the data, expected to begin at 2");
}

class SafetensorsFolder : public testing::Test {
 protected:
  SafetensorsFolder()
      : folder_(fs::temp_directory_path() / fmt::format("hearth-safetensors-{}", ::getpid())) {
    fs::create_directories(folder_);
  }
  ~SafetensorsFolder() override { fs::remove_all(folder_); }
  void write(const std::string& file, const std::string& text) {
    AtomicFile out(folder_ / file);
    out.write(text);
    out.commit();
  }
  void write_shard(const std::string& file, const std::string& tensor, uint8_t value) {
    write(file,
          with_header(R"({")" + tensor + R"(":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
                      raw<uint8_t>({value})));
  }
  std::string error() {
    try {
      Safetensors::open_folder(folder_);
    } catch (const Error& caught) {
      return caught.what();
    }
    return "";
  }
  fs::path folder_;
};

TEST_F(SafetensorsFolder, ShardsAreFoundThroughTheIndex) {
  write_shard("model-1.safetensors", "a", 1);
  write_shard("model-2.safetensors", "b", 2);
  write("model.safetensors.index.json",
        R"({"weight_map":{"b":"model-2.safetensors","a":"model-1.safetensors"}})");
  const Safetensors opened = Safetensors::open_folder(folder_);
  float value = 0;
  read_floats(opened.tensor("b"), 0, {&value, 1});
  EXPECT_EQ(value, 2.0f);
  EXPECT_EQ(opened.tensors().size(), 2u);
}

TEST_F(SafetensorsFolder, TheOnlyFileIsTakenWhateverItsName) {
  EXPECT_THAT(error(), HasSubstr("0 *.safetensors files"));
  write_shard("weights.safetensors", "a", 1);
  EXPECT_EQ(Safetensors::open_folder(folder_).tensors().size(), 1u);
  write_shard("more.safetensors", "b", 1);
  EXPECT_THAT(error(), HasSubstr("2 *.safetensors files"));
  write_shard("model.safetensors", "c", 1);
  EXPECT_NE(Safetensors::open_folder(folder_).find("c"), nullptr);
}

TEST_F(SafetensorsFolder, AFolderThatCannotBeListedIsAnErrorThatNamesIt) {
  fs::remove_all(folder_);
  EXPECT_THAT(error(), HasSubstr(folder_.string() + ": cannot be listed"));
}

TEST_F(SafetensorsFolder, AnIndexThatDisagreesIsAnError) {
  const std::string index = "model.safetensors.index.json";
  write_shard("s1.safetensors", "a", 1);
  write_shard("s2.safetensors", "b", 1);
  write(index, R"({"weight_map":{"a":"s1.safetensors","b":"s1.safetensors"}})");
  EXPECT_THAT(error(), HasSubstr(index + ": tensor 'b' is not in 's1.safetensors'"));
  write(index, R"({"weight_map":{"a":"s2.safetensors","b":"s1.safetensors"}})");  // both there
  EXPECT_THAT(error(), HasSubstr(index + ": tensor 'b' is not in 's1.safetensors'"));
  write("s2.safetensors", with_header(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                                      R"("b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                                      "xy"));
  write(index, R"({"weight_map":{"a":"s1.safetensors","b":"s2.safetensors"}})");
  EXPECT_THAT(error(), HasSubstr("s2.safetensors: tensor 'a' is in another file too"));
  write(index, R"({"weight_map":{"a":"gone.safetensors"}})");
  EXPECT_THAT(error(), HasSubstr("gone.safetensors: cannot be opened"));
  write(index, R"({"weight_map":[]})");
  EXPECT_THAT(error(), HasSubstr(index + ": weight_map: not an object"));
}

TEST_F(SafetensorsFolder, AnIndexOfTooManyShardsIsAnErrorThatNamesTheLimit) {
  std::string map;
  for (int i = 0; i < 4097; ++i)
    map += fmt::format(R"({}"t{}":"s{}.safetensors")", i > 0 ? "," : "", i, i);
  write("model.safetensors.index.json", R"({"weight_map":{)" + map + "}}");
  EXPECT_THAT(error(), HasSubstr("weight_map: 4097 shards, at most 4096 are read"));
}

TEST_F(SafetensorsFolder, AnIndexCannotPointOutOfTheFolder) {
  for (const char* shard :
       {"../s.safetensors", "/etc/passwd", ".", "..", "a/b", "", R"(a\u0000b)"}) {
    write("model.safetensors.index.json", fmt::format(R"({{"weight_map":{{"a":"{}"}}}})", shard));
    EXPECT_THAT(error(), HasSubstr("not the name of a file in this folder")) << shard;
  }
}

TEST(Safetensors, ReadsAFileThatAnotherProgramWrote) {
  const fs::path path =
      fs::path(HEARTH_SOURCE_DIR) / "../shared/data/models/mnist-cnn/mnist.safetensors";
  if (!fs::exists(path)) GTEST_SKIP() << path << " is not there";
  const Safetensors opened = Safetensors::open(path);
  EXPECT_GT(opened.tensors().size(), 0u);
  for (const SafeTensor& tensor : opened.tensors()) {
    std::vector<float> values(tensor.elems());
    read_floats(tensor, 0, values);
  }
}

}  // namespace
}  // namespace hearth::formats
