#include "hearth/formats/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <limits>

namespace hearth::formats {
namespace {

using testing::HasSubstr;

/// Puts together a file by hand, right or wrong.
class Bytes {
 public:
  template <class T>
  Bytes& put(T value) {
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    text_.append(raw, sizeof value);
    return *this;
  }
  Bytes& text(std::string_view value) {
    put(uint64_t{value.size()});
    text_ += value;
    return *this;
  }
  Bytes& raw(std::string_view value) {
    text_ += value;
    return *this;
  }
  Bytes& pad(size_t alignment = 32) {
    while (text_.size() % alignment) text_ += '\0';
    return *this;
  }
  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(text_)); }

 private:
  std::string text_;
};

Bytes header(uint64_t tensors, uint64_t keys, uint32_t version = 3) {
  Bytes out;
  return out.raw("GGUF").put(version).put(tensors).put(keys);
}

/// A header with one tensor entry: shape, type, offset; then 64 bytes of data.
Bytes with_tensor(const std::vector<uint64_t>& shape, uint32_t type, uint64_t offset) {
  Bytes out = header(1, 0);
  out.text("w").put(static_cast<uint32_t>(shape.size()));
  for (const uint64_t extent : shape) out.put(extent);
  return out.put(type).put(offset).pad().raw(std::string(64, 'x'));
}

void expect_error(const Bytes& file, Errc code, std::string_view text) {
  try {
    Gguf::parse(file.bytes(), "bad.gguf");
    ADD_FAILURE() << "accepted; expected: " << text;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_THAT(error.what(), HasSubstr("bad.gguf"));
    EXPECT_THAT(error.what(), HasSubstr(std::string(text)));
  }
}

class GgufFiles : public testing::Test {
 protected:
  GgufFiles() : folder_(fs::temp_directory_path() / fmt::format("hearth-gguf-{}", ::getpid())) {
    fs::create_directories(folder_);
  }
  ~GgufFiles() override { fs::remove_all(folder_); }
  fs::path folder_;
};

std::span<const std::byte> bytes_of(const std::vector<float>& values) {
  return std::as_bytes(std::span(values));
}

TEST(Gguf, ReadsAFilePutTogetherByHand) {
  Bytes file = header(2, 3, /*version=*/2);
  file.text("general.architecture").put(uint32_t{8}).text("llama");
  file.text("n").put(uint32_t{4}).put(uint32_t{7});
  file.text("list").put(uint32_t{9}).put(uint32_t{8}).put(uint64_t{2}).text("a").text("bc");
  file.text("norm").put(uint32_t{1}).put(uint64_t{2}).put(uint32_t{0}).put(uint64_t{0});
  file.text("w")
      .put(uint32_t{2})
      .put(uint64_t{32})
      .put(uint64_t{2})
      .put(uint32_t{8})
      .put(uint64_t{32});
  file.pad().put(1.5f).put(-2.0f).pad().raw(std::string(68, '\0'));

  const Gguf gguf = Gguf::parse(file.bytes(), "hand.gguf");
  EXPECT_EQ(gguf.version(), 2u);
  EXPECT_EQ(gguf.string("general.architecture"), "llama");
  EXPECT_EQ(gguf.u64("n"), 7u);
  EXPECT_EQ(*gguf.try_strings("list"), (std::vector<std::string>{"a", "bc"}));
  ASSERT_EQ(gguf.tensors().size(), 2u);
  float second;
  std::memcpy(&second, gguf.tensor("norm").bytes.data() + 4, 4);
  EXPECT_EQ(second, -2.0f);
  EXPECT_EQ(gguf.tensor("w").type, TensorType::q8_0);
  EXPECT_EQ(gguf.tensor("w").cols(), 32u);
  EXPECT_EQ(gguf.tensor("w").rows(), 2u);
  EXPECT_EQ(gguf.tensor("w").bytes.size(), 68u);
}

TEST_F(GgufFiles, EveryValueTypeComesBackAsWritten) {
  const std::vector<std::pair<std::string, GgufValue>> values = {
      {"u8", uint8_t{200}},
      {"i8", int8_t{-100}},
      {"u16", uint16_t{60000}},
      {"i16", int16_t{-30000}},
      {"u32", uint32_t{4000000000}},
      {"i32", int32_t{-2000000000}},
      {"f32", 0.1f},
      {"bool", true},
      {"string", std::string("with \0 in it", 12)},
      {"u64", uint64_t{1} << 63},
      {"i64", int64_t{-1} << 62},
      {"f64", 0.1},
      {"a-u8", GgufArray{std::vector<uint8_t>{1, 255}}},
      {"a-i8", GgufArray{std::vector<int8_t>{-1}}},
      {"a-u16", GgufArray{std::vector<uint16_t>{1}}},
      {"a-i16", GgufArray{std::vector<int16_t>{-1}}},
      {"a-u32", GgufArray{std::vector<uint32_t>{1, 2}}},
      {"a-i32", GgufArray{std::vector<int32_t>{-1}}},
      {"a-f32", GgufArray{std::vector<float>{0.5f, -3}}},
      {"a-bool", GgufArray{std::vector<bool>{true, false}}},
      {"a-string", GgufArray{std::vector<std::string>{"", "x"}}},
      {"a-u64", GgufArray{std::vector<uint64_t>{9}}},
      {"a-i64", GgufArray{std::vector<int64_t>{-9}}},
      {"a-f64", GgufArray{std::vector<double>{0.1}}},
      {"empty", GgufArray{std::vector<int32_t>{}}}};
  GgufWriter writer(folder_ / "values.gguf");
  for (const auto& [key, value] : values) writer.set(key, value);
  writer.finish();
  EXPECT_EQ(Gguf::open(folder_ / "values.gguf").metadata(), values);
}

TEST_F(GgufFiles, TensorsComeBackAsWritten) {
  const std::vector<float> small{1, 2, 3}, matrix(64, 0.25f);
  GgufWriter writer(folder_ / "tensors.gguf");
  writer.set("general.alignment", uint32_t{64});
  writer.declare("small", TensorType::f32, {3});
  writer.declare("matrix", TensorType::f32, {16, 2, 2});
  writer.write(bytes_of(small));
  writer.write(bytes_of(matrix).first(100));  // in two pieces
  writer.write(bytes_of(matrix).subspan(100));
  writer.finish();
  const Gguf gguf = Gguf::open(folder_ / "tensors.gguf");
  EXPECT_EQ(gguf.version(), 3u);
  EXPECT_EQ(gguf.size_bytes(), fs::file_size(folder_ / "tensors.gguf"));
  EXPECT_TRUE(std::ranges::equal(gguf.tensor("small").bytes, bytes_of(small)));
  EXPECT_TRUE(std::ranges::equal(gguf.tensor("matrix").bytes, bytes_of(matrix)));
  EXPECT_EQ(gguf.tensor("matrix").shape, (std::vector<uint64_t>{16, 2, 2}));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(gguf.tensor("matrix").bytes.data()) % 64, 0u);
}

TEST_F(GgufFiles, AWriterThatIsNotFinishedLeavesNothing) {
  {
    GgufWriter writer(folder_ / "half.gguf");
    writer.declare("w", TensorType::f32, {4});
    writer.write(bytes_of({1, 2}));
  }
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(GgufFiles, ASecondValueForAKeyReplacesTheFirst) {
  GgufWriter writer(folder_ / "twice.gguf");
  writer.set("a", uint32_t{1});
  writer.set("b", uint32_t{2});
  writer.set("a", std::string("three"));
  writer.finish();
  const Gguf gguf = Gguf::open(folder_ / "twice.gguf");
  ASSERT_EQ(gguf.metadata().size(), 2u);
  EXPECT_EQ(gguf.metadata()[0].first, "a");
  EXPECT_EQ(gguf.string("a"), "three");
}

TEST_F(GgufFiles, TheAlignmentIsWrittenAsTheFormatWantsItOrRefused) {
  GgufWriter writer(folder_ / "alignment.gguf");
  EXPECT_THROW(writer.set("general.alignment", uint32_t{24}), Error);
  EXPECT_THROW(writer.set("general.alignment", uint32_t{1} << 21), Error);
  EXPECT_THROW(writer.set("general.alignment", std::string("32")), Error);
  writer.set("general.alignment", int64_t{64});  // as a file of another program may hold it
  writer.finish();
  const Gguf gguf = Gguf::open(folder_ / "alignment.gguf");
  EXPECT_EQ(*gguf.find("general.alignment"), GgufValue(uint32_t{64}));
}

TEST_F(GgufFiles, TheWriterRefusesTensorsThatTheFormatCannotHold) {
  GgufWriter writer(folder_ / "refused.gguf");
  EXPECT_THROW(writer.declare("none", TensorType::f32, {}), Error);
  EXPECT_THROW(writer.declare("zero", TensorType::f32, {4, 0}), Error);
  EXPECT_THROW(writer.declare("five", TensorType::f32, {1, 1, 1, 1, 1}), Error);
  EXPECT_THROW(writer.declare(std::string(256, 'n'), TensorType::f32, {4}), Error);
  EXPECT_THROW(writer.declare("ragged", TensorType::q4_k, {128}), Error);
  EXPECT_THROW(writer.declare("huge", TensorType::f32, {uint64_t{1} << 40, uint64_t{1} << 40}),
               Error);
  writer.declare("w", TensorType::f32, {4});
  EXPECT_THROW(writer.declare("w", TensorType::f32, {4}), Error);
}

void write_split(const fs::path& folder, uint16_t number, uint16_t count, int32_t tensors,
                 const std::string& tensor) {
  GgufWriter writer(folder / fmt::format("m-{:05}-of-{:05}.gguf", number + 1, count));
  if (number == 0) writer.set("general.architecture", std::string("llama"));
  writer.set("split.no", number);
  writer.set("split.count", count);
  writer.set("split.tensors.count", tensors);
  writer.declare(tensor, TensorType::f32, {1});
  writer.write(bytes_of({static_cast<float>(number)}));
  writer.finish();
}

TEST_F(GgufFiles, AnyPartOfASplitOpensAllOfIt) {
  for (uint16_t number = 0; number < 3; ++number)
    write_split(folder_, number, 3, 3, fmt::format("t{}", number));
  const Gguf gguf = Gguf::open(folder_ / "m-00002-of-00003.gguf");
  EXPECT_EQ(gguf.tensors().size(), 3u);
  EXPECT_EQ(gguf.string("general.architecture"), "llama");
  float value;
  std::memcpy(&value, gguf.tensor("t2").bytes.data(), 4);
  EXPECT_EQ(value, 2.0f);
}

TEST_F(GgufFiles, SplitsThatDisagreeAreErrors) {
  const auto error_of = [&](const fs::path& name) -> std::string {
    try {
      Gguf::open(folder_ / name);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const std::string first = "m-00001-of-00002.gguf", second = "m-00002-of-00002.gguf";
  write_split(folder_, 0, 2, 2, "a");
  EXPECT_THAT(error_of(first), HasSubstr(second));  // missing
  write_split(folder_, 1, 2, 2, "a");
  EXPECT_THAT(error_of(first), HasSubstr(second + ": tensor 'a' is in an earlier part too"));
  write_split(folder_, 1, 2, 2, "b");
  EXPECT_EQ(error_of(first), "");
  write_split(folder_, 1, 2, 3, "b");
  EXPECT_THAT(error_of(first),
              HasSubstr(second + ": split.tensors.count is 3, but 2 in the first"));
  write_split(folder_, 0, 2, 3, "a");
  EXPECT_THAT(error_of(first), HasSubstr("split.tensors.count is 3, but the 2 parts hold 2"));
  fs::rename(folder_ / second, folder_ / first);
  EXPECT_THAT(error_of(first), HasSubstr(first + ": split.no is 1 and split.count 2, expected 0"));
  fs::rename(folder_ / first, folder_ / "renamed.gguf");
  EXPECT_THAT(error_of("renamed.gguf"), HasSubstr("renamed.gguf: split.count is 2, but the file"));
  EXPECT_THAT(error_of("m-00003-of-00002.gguf"), HasSubstr("part 3 of 2"));
  EXPECT_THAT(error_of("m-00001-of-00000.gguf"), HasSubstr("0 parts, 1 to 4096 are read"));
  EXPECT_THAT(error_of("m-00001-of-99999.gguf"), HasSubstr("99999 parts, 1 to 4096 are read"));
}

TEST_F(GgufFiles, AWholeModelThatIsNamedLikeASplitNeedsNoKeys) {
  GgufWriter writer(folder_ / "m-00001-of-00001.gguf");
  writer.set("general.architecture", std::string("llama"));
  writer.finish();
  EXPECT_EQ(Gguf::open(folder_ / "m-00001-of-00001.gguf").string("general.architecture"), "llama");
}

TEST(Gguf, WrongBeginningsAreErrors) {
  expect_error(Bytes().raw("GG"), Errc::corrupt_data, "too few");
  expect_error(Bytes().raw("GGML").put(uint32_t{3}), Errc::corrupt_data, "not with \"GGUF\"");
  expect_error(header(0, 0, 1), Errc::unsupported, "version 1");
  expect_error(header(0, 0, 4), Errc::unsupported, "version 4");
  expect_error(header(0, 0, 0x03000000), Errc::unsupported, "big-endian");
}

TEST(Gguf, CountsBeyondTheFileAreErrorsBeforeAnythingIsAllocated) {
  constexpr uint64_t kHuge = std::numeric_limits<uint64_t>::max();
  expect_error(header(kHuge, 0), Errc::corrupt_data,
               "number of tensors: 18446744073709551615 entries, at most 1048576 are read");
  expect_error(header(0, kHuge / 2), Errc::corrupt_data,
               "number of metadata keys: 9223372036854775807 entries, at most 16384 are read");
  expect_error(header(1, 0), Errc::corrupt_data,
               "number of tensors: 1 entries need at least 32 bytes each, but 8 bytes are left");
  Bytes strings = header(0, 1);
  strings.text("tokens")
      .put(uint32_t{9})
      .put(uint32_t{8})
      .put(uint64_t{1000})
      .raw(std::string(7999, '\0'));
  expect_error(strings, Errc::corrupt_data,
               "metadata key 'tokens': 1000 entries need at least 8 bytes each, but 7999 bytes are "
               "left");
  Bytes floats = header(0, 1);
  floats.text("f").put(uint32_t{9}).put(uint32_t{6}).put(kHuge / 4 + 2).raw("abcd");
  expect_error(floats, Errc::corrupt_data,
               "metadata key 'f': 4611686018427387905 entries, at most 16777216 are read");
}

TEST(Gguf, AVocabularyThatIsTooLargeIsAnErrorThatNamesTheLimit) {
  Bytes tokens = header(0, 1);
  tokens.text("tokenizer.ggml.tokens").put(uint32_t{9}).put(uint32_t{8}).put(uint64_t{16777217});
  expect_error(tokens, Errc::corrupt_data,
               "metadata key 'tokenizer.ggml.tokens': 16777217 entries, at most 16777216 are read");
}

TEST_F(GgufFiles, AHeaderLargerThanItsLimitIsAnErrorThatNamesIt) {
  const fs::path path = folder_ / "holes.gguf";
  {
    Bytes start = header(0, 1);
    start.text("s").put(uint32_t{8}).put(uint64_t{256} << 20);
    AtomicFile file(path);
    file.write(start.bytes());
    file.commit();
  }
  fs::resize_file(path, uint64_t{300} << 20);  // zeros that take no room on the disk
  try {
    Gguf::open(path);
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("holes.gguf: metadata key 's': ends beyond the first "
                                        "268435456 bytes, the most that a header may take"));
  }
}

TEST(Gguf, WrongMetadataIsAnErrorThatNamesTheKey) {
  Bytes twice = header(0, 2);
  twice.text("k").put(uint32_t{4}).put(uint32_t{1}).text("k").put(uint32_t{4}).put(uint32_t{1});
  expect_error(twice, Errc::corrupt_data, "metadata key 'k': stands there twice");
  Bytes long_string = header(0, 1);
  long_string.text("s").put(uint32_t{8}).put(~uint64_t{0}).raw("abc");
  expect_error(long_string, Errc::corrupt_data,
               "metadata key 's': needs 18446744073709551615 bytes, but 3 are left");
  Bytes bad_bool = header(0, 1);
  bad_bool.text("b").put(uint32_t{7}).put(uint8_t{2});
  expect_error(bad_bool, Errc::corrupt_data, "metadata key 'b': a bool is 2, only 0 and 1");
  Bytes nested = header(0, 1);
  nested.text("n")
      .put(uint32_t{9})
      .put(uint32_t{9})
      .put(uint64_t{1})
      .put(uint32_t{9})
      .put(uint64_t{0});
  expect_error(nested, Errc::unsupported, "metadata key 'n': an array of arrays, only");
  Bytes type = header(0, 1);
  type.text("t").put(uint32_t{13}).put(uint64_t{0});
  expect_error(type, Errc::corrupt_data, "metadata key 't': value type 13, 0 to 12");
  Bytes items = header(0, 1);
  items.text("i").put(uint32_t{9}).put(uint32_t{99}).put(uint64_t{0});
  expect_error(items, Errc::corrupt_data, "metadata key 'i': array element type 99, 0 to 12");
  Bytes key = header(0, 1);
  key.text(std::string(70000, 'k')).put(uint32_t{7}).put(uint8_t{1});
  expect_error(key, Errc::corrupt_data,
               "name of metadata key 0: a name of 70000 bytes, at most 65535");
}

TEST(Gguf, NamesInMessagesCannotReachTheTerminal) {
  Bytes file = header(0, 1);
  file.text("\x1b[2Jgone").put(uint32_t{7}).put(uint8_t{3});
  expect_error(file, Errc::corrupt_data, "'?[2Jgone'");
}

TEST(Gguf, WrongTensorsAreErrorsThatNameThem) {
  constexpr uint64_t kBig = uint64_t{1} << 32;
  expect_error(with_tensor({}, 0, 0), Errc::corrupt_data, "tensor 'w': 0 dimensions, 1 to 4");
  expect_error(with_tensor({1, 1, 1, 1, 1}, 0, 0), Errc::corrupt_data,
               "tensor 'w': 5 dimensions, 1 to 4");
  expect_error(with_tensor({4, 0}, 0, 0), Errc::corrupt_data,
               "tensor 'w': a dimension of 0, at least 1");
  expect_error(with_tensor({kBig, kBig, 1}, 0, 0), Errc::corrupt_data,
               "tensor 'w': shape [4294967296, 4294967296] has more than 2^62 elements");
  expect_error(with_tensor({kBig, kBig / 4}, 0, 0), Errc::corrupt_data,
               "tensor 'w': shape [4294967296, 1073741824] has more than 2^64 bytes");
  expect_error(with_tensor({31}, 8, 0), Errc::corrupt_data,
               "not a multiple of the 32 of a Q8_0 block");
  expect_error(with_tensor({32}, 16, 0), Errc::unsupported,
               "tensor 'w': tensor type 16 (IQ2_XXS) is not one that is read");
  expect_error(with_tensor({32}, 1234, 0), Errc::unsupported,
               "tensor 'w': tensor type 1234 (unknown)");
  expect_error(with_tensor({128}, 41, 0), Errc::unsupported, "tensor type 41 (Q1_0)");
  expect_error(with_tensor({4}, 0, 8), Errc::corrupt_data,
               "offset 8 is not a multiple of the alignment 32");
  expect_error(with_tensor({4}, 0, 96), Errc::corrupt_data,
               "needs bytes [96, +16) of the data, which has 64");
  expect_error(with_tensor({17}, 0, 0), Errc::corrupt_data,
               "needs bytes [0, +68) of the data, which has 64");
  expect_error(with_tensor({4}, 0, ~uint64_t{31}), Errc::corrupt_data,
               "tensor 'w': needs bytes [18446744073709551584, +16) of the data, which has 64");
  EXPECT_EQ(Gguf::parse(with_tensor({4}, 0, 32).bytes(), "ok").tensors().size(), 1u);

  Bytes twice = header(2, 0);
  for (int i = 0; i < 2; ++i)
    twice.text("w").put(uint32_t{1}).put(uint64_t{1}).put(uint32_t{0}).put(uint64_t{0});
  expect_error(twice.pad().put(1.0f), Errc::corrupt_data, "tensor 'w': stands there twice");
  Bytes name = header(1, 0);
  name.text(std::string(300, 'w'))
      .put(uint32_t{1})
      .put(uint64_t{1})
      .put(uint32_t{0})
      .put(uint64_t{0});
  expect_error(name, Errc::corrupt_data, "name of a tensor: a name of 300 bytes, at most 255");
}

TEST(Gguf, AlignmentsThatAreNoneAreErrors) {
  for (const uint32_t alignment : {0u, 4u, 24u, 1u << 21, 0xFFFFFFFFu}) {
    Bytes file = header(0, 1);
    file.text("general.alignment").put(uint32_t{4}).put(alignment).pad();
    expect_error(
        file, Errc::corrupt_data,
        fmt::format("general.alignment: {} is not a power of two from 8 to 1048576", alignment));
  }
  Bytes text = header(0, 1);
  text.text("general.alignment").put(uint32_t{8}).text("32");
  expect_error(text, Errc::corrupt_data, "'general.alignment': not an integer of at least 0");
}

TEST(Gguf, EveryTruncationIsAnErrorAndNeverACrash) {
  Bytes file = header(1, 2);
  file.text("list").put(uint32_t{9}).put(uint32_t{8}).put(uint64_t{2}).text("a").text("bc");
  file.text("b").put(uint32_t{7}).put(uint8_t{1});
  file.text("w")
      .put(uint32_t{1})
      .put(uint64_t{4})
      .put(uint32_t{0})
      .put(uint64_t{0})
      .pad()
      .raw(std::string(16, 'x'));
  for (size_t size = 0; size < file.bytes().size(); ++size) {
    // An allocation of exactly this size, so that a sanitizer sees a read past the end.
    const std::vector<std::byte> part(file.bytes().begin(),
                                      file.bytes().begin() + static_cast<ptrdiff_t>(size));
    EXPECT_THROW(Gguf::parse(part, "part"), Error) << size;
  }
  EXPECT_EQ(Gguf::parse(file.bytes(), "whole").tensors().size(), 1u);
}

TEST(Gguf, NumbersConvertWhereTheyFitAndOnlyThere) {
  Bytes file = header(0, 7);
  file.text("wide").put(uint32_t{9}).put(uint32_t{12}).put(uint64_t{1}).put(1e300);
  file.text("u8").put(uint32_t{0}).put(uint8_t{5});
  file.text("neg").put(uint32_t{5}).put(int32_t{-1});
  file.text("big").put(uint32_t{10}).put(~uint64_t{0});
  file.text("f").put(uint32_t{6}).put(0.5f);
  file.text("s").put(uint32_t{8}).text("x");
  file.text("a")
      .put(uint32_t{9})
      .put(uint32_t{5})
      .put(uint64_t{2})
      .put(int32_t{3})
      .put(int32_t{-4});
  const Gguf gguf = Gguf::parse(file.bytes(), "numbers");
  EXPECT_EQ(gguf.u64("u8"), 5u);
  EXPECT_EQ(gguf.f64("u8"), 5.0);
  EXPECT_EQ(gguf.try_i64("neg"), -1);
  EXPECT_THROW(gguf.u64("neg"), Error);
  EXPECT_THROW(gguf.try_i64("big"), Error);
  EXPECT_EQ(gguf.f64("f"), 0.5);
  EXPECT_THROW(gguf.u64("f"), Error);
  EXPECT_THROW(gguf.try_bool("u8"), Error);
  EXPECT_THROW(gguf.try_f64("s"), Error);
  EXPECT_THROW(gguf.try_strings("a"), Error);
  EXPECT_THROW(gguf.try_strings("s"), Error);
  EXPECT_EQ(gguf.try_ints("a"), (std::vector<int64_t>{3, -4}));
  EXPECT_EQ(gguf.try_floats("a"), (std::vector<float>{3, -4}));
  EXPECT_THROW(gguf.try_floats("wide"), Error);
  EXPECT_THROW(gguf.string("absent"), Error);
  EXPECT_EQ(gguf.try_string("absent"), std::nullopt);
  EXPECT_EQ(gguf.find_tensor("absent"), nullptr);
  EXPECT_THROW(gguf.tensor("absent"), Error);
}

TEST(Gguf, AVocabularyOf128kTokensParsesInMilliseconds) {
  Bytes file = header(0, 1);
  file.text("tokenizer.ggml.tokens").put(uint32_t{9}).put(uint32_t{8}).put(uint64_t{131072});
  for (int i = 0; i < 131072; ++i) file.text(fmt::format("token-{}", i));
  const auto start = std::chrono::steady_clock::now();
  const Gguf gguf = Gguf::parse(file.bytes(), "vocabulary");
  const auto elapsed = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(gguf.try_strings("tokenizer.ggml.tokens")->at(131071), "token-131071");
  // About 5 ms on an idle machine; the bound leaves room for sanitizers and busy neighbours.
  EXPECT_LT(elapsed, std::chrono::seconds(1));
}

TEST(Gguf, ReadsAModelThatAnotherProgramWrote) {
  const fs::path path =
      fs::path(HEARTH_SOURCE_DIR) / "../shared/data/models/stories260K/stories260K.gguf";
  if (!fs::exists(path)) GTEST_SKIP() << path << " is not there";
  const Gguf gguf = Gguf::open(path);
  EXPECT_EQ(gguf.string("general.architecture"), "llama");
  EXPECT_EQ(gguf.u64("llama.embedding_length"), 64u);
  EXPECT_EQ(gguf.tensor("token_embd.weight").shape, (std::vector<uint64_t>{64, 512}));
}

}  // namespace
}  // namespace hearth::formats
