#include "hearth/serve/auth/key_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <functional>
#include <thread>

#include "hearth/serve/auth/folder_for_test.h"
#include "hearth/serve/auth/private_file.h"

namespace hearth::serve {
namespace {

using testing::HasSubstr;

void expect_error(const std::function<void()>& body, Errc code, const std::string& text) {
  try {
    body();
    ADD_FAILURE() << "no error; expected: " << text;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(text));
  }
}

TEST(KeyFile, AddsFindsAndRemoves) {
  const FolderForTest folder("keys");
  const KeyFile file(folder / "keys.json");
  EXPECT_TRUE(file.read().keys.empty());
  const std::string secret = file.add("bob", {.requests_per_minute = 30}, kNoon);
  file.add("anna", {.tokens_per_day = 1000}, kNoon);

  KeySet set = file.read();
  ASSERT_EQ(set.keys.size(), 2u);
  EXPECT_EQ(set.keys[0].name, "anna");
  ASSERT_TRUE(set.find_secret(secret));
  EXPECT_EQ(set.find_secret(secret)->name, "bob");
  EXPECT_EQ(set.find_secret(secret)->limits, (KeyLimits{.requests_per_minute = 30}));
  EXPECT_EQ(set.find_secret(secret)->created, kNoon);
  EXPECT_FALSE(set.find_secret(secret.substr(1)));
  EXPECT_FALSE(set.find_secret(secret.substr(0, secret.size() - 1) + "x"));
  EXPECT_TRUE(set.has_valid_key());

  file.remove("bob", kDayAfter);
  file.remove("anna", kDayAfter);
  set = file.read();
  EXPECT_EQ(set.find_secret(secret)->removed, kDayAfter);
  EXPECT_FALSE(set.has_valid_key());
}

TEST(KeyFile, TheSecretIsNotInTheFileAndNobodyElseReadsIt) {
  const FolderForTest folder("private");
  const KeyFile file(folder / "keys.json");
  const std::string secret = file.add("anna", {}, kNoon);
  EXPECT_EQ(read_file(file.path()).find(secret.substr(kSecretPrefix.size())), std::string::npos);
  struct stat status {};
  ASSERT_EQ(::stat(file.path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST(KeyFile, ARemovedNameMayBeGivenAgain) {
  const FolderForTest folder("again");
  const KeyFile file(folder / "keys.json");
  const std::string old_secret = file.add("anna", {}, kNoon);
  expect_error([&] { file.add("anna", {}, kNoon); }, Errc::conflict,
               "there is a key 'anna' already");
  file.remove("anna", kNoon);
  const std::string secret = file.add("anna", {}, kDayAfter);
  const KeySet set = file.read();
  EXPECT_EQ(set.keys.size(), 1u);
  EXPECT_FALSE(set.find_secret(old_secret));
  EXPECT_FALSE(set.find_secret(secret)->removed);
}

TEST(KeyFile, SaysWhatItDoesNotTake) {
  const FolderForTest folder("refuse");
  const KeyFile file(folder / "keys.json");
  for (const std::string& name : {std::string(), std::string("a b"), std::string("ä"),
                                  std::string("a/b"), std::string(65, 'a')})
    expect_error([&] { file.add(name, {}, kNoon); }, Errc::invalid_argument,
                 "a key's name has 1 to 64 letters");
  expect_error([&] { file.add("a", {.requests_per_minute = 0}, kNoon); }, Errc::invalid_argument,
               "requests per minute: 0 is not between 1 and 1000000");
  expect_error([&] { file.add("a", {.tokens_per_day = -1}, kNoon); }, Errc::invalid_argument,
               "tokens per day: -1 is not between 1 and");
  expect_error([&] { file.remove("a", kNoon); }, Errc::not_found, "there is no key 'a'");
  EXPECT_FALSE(fs::exists(file.path()));
}

TEST(KeyFile, AFullFileForgetsTheLongestRemovedKeyOrSaysSo) {
  const FolderForTest folder("full");
  const KeyFile file(folder / "keys.json");
  const std::string hash(64, '0'), salt(32, '0');
  std::string keys;
  for (size_t i = 0; i < kKeysMax; ++i)
    keys += fmt::format(R"({}{{"name":"k{:04}","hash":"{}","created":0}})", i ? "," : "", i, hash);
  write_private(file.path(), fmt::format(R"({{"version":1,"salt":"{}","keys":[{}]}})", salt, keys));
  expect_error([&] { file.add("one-more", {}, kNoon); }, Errc::resource_exhausted,
               "holds 1000 keys");
  file.remove("k0007", kNoon);
  file.remove("k0003", kDayAfter);
  file.add("one-more", {}, kDayAfter);
  EXPECT_FALSE(file.read().find_name("k0007"));
  EXPECT_TRUE(file.read().find_name("k0003"));
}

TEST(KeyFile, ABrokenFileIsAnErrorThatNamesIt) {
  const FolderForTest folder("broken");
  const KeyFile file(folder / "keys.json");
  const std::string start = R"({"version":1,"salt":"00000000000000000000000000000000","keys":)";
  const std::string hash(64, '0');
  for (const std::string& text :
       {std::string(""), std::string("{"), std::string("[]"), std::string(R"({"version":2})"),
        std::string(R"({"version":1,"salt":"0","keys":[]})"), start + "[{}]}", start + "[1]}",
        start + R"([{"name":"a","hash":"12","created":0}]})",
        start + R"([{"name":"a b","hash":")" + hash + R"(","created":0}]})",
        start + R"([{"name":"a","hash":")" + hash + R"(","created":0,"tokens_per_day":0}]})",
        start + R"([{"name":"a","hash":")" + hash + R"(","created":0,"tokens_per_day":1.5}]})",
        start + R"([{"name":"a","hash":")" + hash + R"(","created":1e300}]})",
        start + R"([{"name":"a","hash":")" + hash + R"(","created":9223372036854775807}]})",
        start + R"([{"name":"a","hash":")" + hash + R"(","created":18446744073709551615}]})",
        start + R"([{"name":"a","hash":")" + hash + R"(","created":0},)" +
            R"({"name":"a","hash":")" + hash + R"(","created":1}]})"}) {
    SCOPED_TRACE(text);
    write_private(file.path(), text);
    expect_error([&] { file.read(); }, Errc::corrupt_data, "keys.json: ");
  }
}

TEST(KeyFile, ManyMayChangeItAtOnce) {
  const FolderForTest folder("crowd");
  const KeyFile file(folder / "keys.json");
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      for (int n = 0; n < 5; ++n) file.add(fmt::format("k{}-{}", i, n), {}, kNoon);
    });
  threads.clear();
  EXPECT_EQ(file.read().keys.size(), 40u);
}

}  // namespace
}  // namespace hearth::serve
