// Pulls from registries that break off, lie, and go on for ever.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "hearth/store/registry/pull_for_test.h"

namespace hearth::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr size_t kLayerBytes = 300'000;  // five chunks of 64 KiB, the last one shorter

class HostilePull : public testing::Test {
 protected:
  HostilePull() : folder_("hostile-pull"), store_(folder_.open()) {}

  StoredModel pull(const FakeRegistry& registry, TransferOptions options = small_options()) {
    return pull_model(store_, registry.name(), options, kIgnoreTransfer);
  }
  std::string error(const FakeRegistry& registry) {
    return message_of([&] { pull(registry); });
  }
  std::optional<Errc> code(const FakeRegistry& registry) {
    return code_of([&] { pull(registry); });
  }
  void expect_nothing_added() {
    EXPECT_THAT(store_.list().models, IsEmpty());
    EXPECT_THAT(store_.list().broken, IsEmpty());
  }

  StoreFolder folder_;
  ModelStore store_;
};

TEST_F(HostilePull, AnHonestRegistryIsPulledInChunks) {
  const FakeRegistry registry(noise(kLayerBytes));
  const StoredModel model = pull(registry);
  EXPECT_EQ(layer_text(store_, model), registry.layer());
  EXPECT_EQ(registry.layer_requests(), 5u);
  EXPECT_THAT(store_.verify(model, kNoProgress), IsEmpty());
  // Nothing is left beside the two blobs and the lock.
  EXPECT_EQ(files_below(store_.blobs().folder()).size(), 2u);
}

TEST_F(HostilePull, TheStatusesAreThoseOfOllama) {
  const FakeRegistry registry(noise(kLayerBytes));
  std::vector<std::string> statuses;
  std::optional<uint64_t> completed_bytes;
  pull_model(store_, registry.name(), small_options(), [&](const TransferProgress& progress) {
    if (statuses.empty() || statuses.back() != progress.status) statuses.push_back(progress.status);
    if (progress.digest != registry.digest()) return;
    EXPECT_EQ(progress.total_bytes, kLayerBytes);
    EXPECT_GE(progress.completed_bytes, completed_bytes.value_or(0));
    completed_bytes = progress.completed_bytes;
  });
  EXPECT_THAT(statuses,
              ElementsAre("pulling manifest", "pulling " + registry.digest().hex().substr(0, 12),
                          "pulling 44136fa355b3",  // of "{}"
                          "verifying sha256 digest", "writing manifest",
                          "removing any unused layers", "success"));
  EXPECT_EQ(completed_bytes, kLayerBytes);
}

TEST_F(HostilePull, AServerThatIgnoresRangesIsReadFromTheBeginning) {
  FakeRegistry* self = nullptr;
  FakeRegistry registry(noise(kLayerBytes), [&](const SeenRequest& request, ServerSocket& socket) {
    if (!self->is_for_layer(request)) return false;
    socket.answer(200, self->layer());
    return true;
  });
  self = &registry;
  EXPECT_EQ(layer_text(store_, pull(registry)), registry.layer());
}

TEST_F(HostilePull, BrokenConnectionsGoOnFromTheLastByte) {
  constexpr size_t kBytesEach = 10'000;
  FakeRegistry* self = nullptr;
  std::atomic<size_t> served_bytes = 0;
  FakeRegistry registry(noise(kLayerBytes), [&](const SeenRequest& request, ServerSocket& socket) {
    if (!self->is_for_layer(request)) return false;
    const ByteRange range = self->asked(request, kLayerBytes);
    const size_t size = std::min<size_t>(kBytesEach, range.size());
    served_bytes += size;
    socket.send(fmt::format("HTTP/1.1 206 X\r\nContent-Length: {}\r\n{}\r\n{}", range.size(),
                            self->content_range(range, kLayerBytes),
                            self->layer().substr(range.begin, size)));
    return true;  // and closes before the rest
  });
  self = &registry;
  EXPECT_EQ(layer_text(store_, pull(registry)), registry.layer());
  EXPECT_EQ(served_bytes, kLayerBytes);  // no byte twice
}

TEST_F(HostilePull, AServerThatSendsLessThanItWasAskedForIsAskedForTheRest) {
  FakeRegistry* self = nullptr;
  FakeRegistry registry(noise(kLayerBytes), [&](const SeenRequest& request, ServerSocket& socket) {
    if (!self->is_for_layer(request)) return false;
    ByteRange range = self->asked(request, kLayerBytes);
    range.end = std::min(range.end, range.begin + 20'000);
    socket.answer(206, self->layer().substr(range.begin, range.size()),
                  self->content_range(range, kLayerBytes));
    return true;
  });
  self = &registry;
  EXPECT_EQ(layer_text(store_, pull(registry)), registry.layer());
}

TEST_F(HostilePull, WhatMayPassIsAskedAgain) {
  std::atomic<int> failures = 0;
  const FakeRegistry registry(noise(kLayerBytes), [&](const SeenRequest&, ServerSocket& socket) {
    const int number = failures++;
    if (number == 0) socket.answer(500, "");
    if (number == 1) socket.answer(429, "", "Retry-After: 0\r\n");
    if (number == 2) socket.reset();
    return number <= 2;
  });
  EXPECT_EQ(layer_text(store_, pull(registry)), registry.layer());
}

TEST_F(HostilePull, AttemptsAreBounded) {
  FakeRegistry* self = nullptr;
  FakeRegistry registry(noise(1000), [&](const SeenRequest& request, ServerSocket& socket) {
    if (!self->is_for_layer(request)) return false;
    socket.answer(503, R"({"errors":[{"code":"UNAVAILABLE","message":"down for tea"}]})");
    return true;
  });
  self = &registry;
  EXPECT_THAT(error(registry), HasSubstr("the registry answers 503 (down for tea)"));
  EXPECT_EQ(registry.layer_requests(), 4u);  // small_options(): attempts_max
  EXPECT_EQ(code(registry), Errc::unavailable);
  expect_nothing_added();
}

TEST_F(HostilePull, MoreBytesThanAskedForAreRefused) {
  FakeRegistry* self = nullptr;
  FakeRegistry registry(noise(1000), [&](const SeenRequest& request, ServerSocket& socket) {
    if (!self->is_for_layer(request)) return false;
    socket.send("HTTP/1.1 206 X\r\n" + self->content_range({0, 1000}, 1000) + "\r\n");
    while (socket.send(std::string(10'000, 'x'))) {
    }
    return true;
  });
  self = &registry;
  EXPECT_THAT(error(registry), HasSubstr("sends more than the 1000 bytes asked for"));
  EXPECT_EQ(registry.layer_requests(), 1u);
  expect_nothing_added();
}

TEST_F(HostilePull, OtherBytesThanAskedForAreRefused) {
  for (const char* range : {"bytes 1-1000/1001", "bytes 0-999/2000", "bytes nonsense", ""}) {
    FakeRegistry* self = nullptr;
    FakeRegistry registry(noise(1000), [&](const SeenRequest& request, ServerSocket& socket) {
      if (!self->is_for_layer(request)) return false;
      socket.answer(206, self->layer(), fmt::format("Content-Range: {}\r\n", range));
      return true;
    });
    self = &registry;
    EXPECT_EQ(code(registry), Errc::corrupt_data) << range;
  }
  expect_nothing_added();
}

TEST_F(HostilePull, ManifestsAndHeadsWithoutEndAreCutOff) {
  for (const std::string head : {"HTTP/1.1 200 X\r\n\r\n", "HTTP/1.1 200 X\r\n"}) {
    const FakeRegistry registry("x", [&](const SeenRequest&, ServerSocket& socket) {
      socket.send(head);
      while (socket.send("X-Filler: " + std::string(1000, 'x') + "\r\n")) {
      }
      return true;
    });
    const bool is_body = head.ends_with("\r\n\r\n");
    EXPECT_EQ(code(registry), is_body ? Errc::resource_exhausted : Errc::corrupt_data);
  }
  const FakeRegistry registry("x", [&](const SeenRequest&, ServerSocket& socket) {
    socket.send("HTTP/1.1 404 X\r\n\r\n");
    while (socket.send(std::string(10'000, 'x'))) {
    }
    return true;
  });
  EXPECT_EQ(code(registry), Errc::not_found);
  expect_nothing_added();
}

TEST_F(HostilePull, ACorruptedBlobIsRefusedAndFetchedAnewNextTime) {
  FakeRegistry* self = nullptr;
  std::atomic<bool> is_wrong = true;
  FakeRegistry registry(noise(kLayerBytes), [&](const SeenRequest& request, ServerSocket& socket) {
    if (!self->is_for_layer(request) || !is_wrong) return false;
    const ByteRange range = self->asked(request, kLayerBytes);
    std::string bytes = self->layer().substr(range.begin, range.size());
    if (range.begin == 0) bytes[17] = static_cast<char>(bytes[17] + 1);
    socket.answer(206, bytes, self->content_range(range, kLayerBytes));
    return true;
  });
  self = &registry;
  const std::string message = error(registry);
  EXPECT_THAT(message, HasSubstr("digest mismatch, expected \"" + registry.digest().text()));
  EXPECT_FALSE(store_.blobs().try_size(registry.digest()));
  expect_nothing_added();
  is_wrong = false;
  EXPECT_EQ(layer_text(store_, pull(registry)), registry.layer());
}

TEST_F(HostilePull, ManifestsThatLeadElsewhereAreRefused) {
  std::string manifest;
  const FakeRegistry registry("x", [&](const SeenRequest&, ServerSocket& socket) {
    socket.answer(200, manifest);
    return true;
  });
  const std::string honest = registry.manifest_of(registry.digest());
  const auto with = [&](std::string_view old, std::string_view fresh) {
    std::string text = honest;
    return text.replace(text.find(old), old.size(), fresh);
  };
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("\xFF"), honest.substr(0, 50),
        with(registry.digest().text(), "sha256:../../../etc/passwd"),
        with("\"size\":1", "\"size\":-1"), with("\"size\":1", "\"size\":1e3"),
        with("\"size\":1", "\"size\":18446744073709551615")}) {
    manifest = text;
    EXPECT_EQ(code(registry), Errc::corrupt_data) << text;
  }
  // More than any disk has.
  manifest = with("\"size\":1", "\"size\":1152921504606846976");
  EXPECT_THAT(error(registry), HasSubstr("needs 1024.0 PiB more, "));
  std::string layers;
  for (int i = 0; i < 5000; ++i)
    layers += fmt::format(R"({}{{"mediaType":"x","digest":"sha256:{:064x}","size":1}})",
                          i == 0 ? "" : ",", i);
  manifest = honest.substr(0, honest.find("\"layers\":[")) + "\"layers\":[" + layers + "]}";
  EXPECT_THAT(error(registry), HasSubstr("5000 layers, at most 4096 are pulled"));
  expect_nothing_added();
}

TEST_F(HostilePull, AModelThatIsNotThereIsSaidInTheWordsOfOllama) {
  const FakeRegistry registry("x", [](const SeenRequest&, ServerSocket& socket) {
    socket.answer(404, R"({"errors":[{"code":"MANIFEST_UNKNOWN","message":"unknown"}]})");
    return true;
  });
  EXPECT_EQ(code(registry), Errc::not_found);
  EXPECT_THAT(error(registry), HasSubstr("pull model manifest: file does not exist"));
}

TEST_F(HostilePull, NobodyListeningIsAnErrorAfterAllAttempts) {
  std::optional<ModelName> name;
  {
    const FakeRegistry registry("x");
    name = registry.name();
  }
  EXPECT_EQ(code_of([&] { pull_model(store_, *name, small_options(), kIgnoreTransfer); }),
            Errc::unavailable);
}

TEST_F(HostilePull, RedirectsAreFollowedButNotForEver) {
  FakeRegistry* self = nullptr;
  std::atomic<int> left = 3;
  FakeRegistry registry(noise(1000), [&](const SeenRequest& request, ServerSocket& socket) {
    if (!self->is_for_layer(request) || left-- <= 0) return false;
    socket.answer(307, "", fmt::format("Location: {}?again\r\n", request.target));
    return true;
  });
  self = &registry;
  EXPECT_EQ(layer_text(store_, pull(registry)), registry.layer());
  store_.remove(registry.name());
  left = 1'000'000;
  EXPECT_THAT(error(registry), HasSubstr("redirects more than 5 times"));
}

TEST_F(HostilePull, ACancelledPullEndsAtOnceAndKeepsWhatItHas) {
  FakeRegistry* self = nullptr;
  std::atomic<bool> is_stuck = true;
  std::atomic<size_t> served_bytes = 0;
  FakeRegistry registry(noise(kLayerBytes), [&](const SeenRequest& request, ServerSocket& socket) {
    if (!self->is_for_layer(request)) return false;
    const ByteRange range = self->asked(request, kLayerBytes);
    served_bytes += range.size();
    if (!is_stuck || range.begin == 0) return false;
    socket.wait_for_close();  // all chunks but the first never answer
    return true;
  });
  self = &registry;
  std::stop_source stop;
  TransferOptions options = small_options();
  options.cancelled = stop.get_token();
  const auto begin = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point cancelled_at = begin;
  const auto cancel_after_the_first_chunk = [&](const TransferProgress& progress) {
    if (progress.digest != registry.digest() || progress.completed_bytes < 65'536) return;
    if (!stop.stop_requested()) cancelled_at = std::chrono::steady_clock::now();
    stop.request_stop();
  };
  EXPECT_EQ(
      code_of([&] { pull_model(store_, registry.name(), options, cancel_after_the_first_chunk); }),
      Errc::unavailable);
  // A second on a machine with nothing else to do; far from the stall timeout of 30 on any.
  EXPECT_LT(std::chrono::steady_clock::now() - cancelled_at, std::chrono::seconds(10));
  expect_nothing_added();

  is_stuck = false;
  served_bytes = 0;
  EXPECT_EQ(layer_text(store_, pull(registry)), registry.layer());
  EXPECT_EQ(served_bytes, kLayerBytes - 65'536);  // the first chunk was kept
}

TEST_F(HostilePull, AnExceptionFromTheProgressEndsThePull) {
  const FakeRegistry registry(noise(kLayerBytes));
  EXPECT_THROW(pull_model(store_, registry.name(), small_options(),
                          [](const TransferProgress& progress) {
                            if (progress.completed_bytes > 0) throw 7;
                          }),
               int);
  expect_nothing_added();
}

TEST_F(HostilePull, AReplacedModelLosesTheBlobsThatOnlyItNamed) {
  const FakeRegistry registry(noise(1000));
  add_model(store_, registry.name().full(), {"old layer"});
  pull(registry);
  EXPECT_FALSE(store_.blobs().try_size(sha256("old layer")));
  EXPECT_EQ(store_.list().models.size(), 1u);
}

}  // namespace
}  // namespace hearth::store
