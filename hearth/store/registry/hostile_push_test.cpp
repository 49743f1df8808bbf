// Pushes to registries that break off, forget, and send elsewhere.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "hearth/store/registry/pull_for_test.h"

namespace hearth::store {
namespace {

using testing::HasSubstr;

constexpr size_t kLayerBytes = 200'000;  // four chunks of 64 KiB

/// A registry that takes uploads, one at a time, and keeps what was finished.
class UploadRegistry {
 public:
  /// True when the request was answered.
  using Answer = std::function<bool(const SeenRequest&, ServerSocket&, UploadRegistry&)>;

  explicit UploadRegistry(Answer answer = {})
      : answer_(std::move(answer)),
        server_([this](const SeenRequest& request, ServerSocket& socket) {
          const std::lock_guard lock(mutex_);
          if (!answer_ || !answer_(request, socket, *this)) serve(request, socket);
        }) {}

  const std::string& host() const { return server_.host(); }
  ModelName name() const { return parse_model_name(host() + "/library/m:latest"); }
  std::vector<SeenRequest> seen() const { return server_.seen(); }
  bool has(std::string_view text) {
    const std::lock_guard lock(mutex_);
    return blobs_.count(sha256(text).text()) != 0;
  }
  std::string& upload() { return upload_; }
  std::string location() const { return "Location: " + upload_base + "?_state=1\r\n"; }

  void serve(const SeenRequest& request, ServerSocket& socket) {
    if (request.method == "HEAD") {
      const std::string digest = request.target.substr(request.target.rfind('/') + 1);
      socket.send(fmt::format("HTTP/1.1 {} X\r\nConnection: close\r\n\r\n",
                              blobs_.count(digest) ? 200 : 404));
      return;
    }
    if (request.method == "POST") {
      upload_.clear();
      return socket.answer(202, "", location());
    }
    if (request.method == "PATCH") {
      upload_ += request.body;
      return socket.answer(202, "", location());
    }
    if (request.method == "GET")
      return socket.answer(
          204, "",
          location() + fmt::format("Range: 0-{}\r\n", upload_.empty() ? 0 : upload_.size() - 1));
    if (request.has("/manifests/")) return socket.answer(201, "");
    const std::string digest = sha256(upload_).text();
    const bool is_right = request.has("digest=sha256%3A" + digest.substr(7));
    if (is_right) blobs_.insert(digest);
    upload_.clear();
    socket.answer(is_right ? 201 : 400, "");
  }

  std::string upload_base = "/v2/library/m/blobs/uploads/1";

 private:
  std::mutex mutex_;  // of what follows
  std::string upload_;
  std::set<std::string> blobs_;
  Answer answer_;
  HttpServerForTest server_;
};

class HostilePush : public testing::Test {
 protected:
  HostilePush() : folder_("hostile-push"), store_(folder_.open()), text_(noise(kLayerBytes)) {}

  void push(UploadRegistry& registry, TransferOptions options = small_options()) {
    add_model(store_, registry.name().full(), {text_});
    push_model(store_, registry.name(), options, kIgnoreTransfer);
  }

  StoreFolder folder_;
  ModelStore store_;
  std::string text_;
};

TEST_F(HostilePush, ChunksArriveInOrderWithTheirPlaces) {
  UploadRegistry registry;
  push(registry);
  EXPECT_TRUE(registry.has(text_));
  std::vector<std::string> places;
  for (const SeenRequest& request : registry.seen())
    if (request.method == "PATCH") places.push_back(request.header("content-range"));
  EXPECT_THAT(places, testing::ElementsAre("0-65535", "65536-131071", "131072-196607",
                                           "196608-199999", "0-1"));  // the last is the config
}

TEST_F(HostilePush, AfterABreakItGoesOnWhereTheRegistryIs) {
  std::atomic<int> breaks = 0;
  std::atomic<size_t> received_bytes = 0;
  UploadRegistry registry(
      [&](const SeenRequest& request, ServerSocket& socket, UploadRegistry& self) {
        if (request.method != "PATCH") return false;
        received_bytes += request.body.size();
        if (breaks++ != 1) return false;
        self.upload() += request.body.substr(0, 30'000);  // half of the second chunk
        socket.reset();
        return true;
      });
  push(registry);
  EXPECT_TRUE(registry.has(text_));
  // The config has 2 bytes; of the broken chunk what was not taken was sent twice.
  EXPECT_EQ(received_bytes, kLayerBytes + 2 + (65'536 - 30'000));
}

TEST_F(HostilePush, AForgottenUploadBeginsAnew) {
  std::atomic<int> patches = 0;
  UploadRegistry registry(
      [&](const SeenRequest& request, ServerSocket& socket, UploadRegistry& self) {
        if (request.method == "GET") {
          socket.answer(404, "");
          return true;
        }
        if (request.method != "PATCH" || patches++ != 2) return false;
        self.upload().clear();
        socket.answer(404, R"({"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"?"}]})");
        return true;
      });
  push(registry);
  EXPECT_TRUE(registry.has(text_));
}

TEST_F(HostilePush, ARegistryThatAlwaysForgetsIsGivenUp) {
  UploadRegistry registry([](const SeenRequest& request, ServerSocket& socket, UploadRegistry&) {
    if (request.method == "GET" ||
        (request.method == "PATCH" && request.header("content-range") != "0-65535")) {
      socket.answer(404, "");
      return true;
    }
    return false;
  });
  EXPECT_EQ(code_of([&] { push(registry); }), Errc::unavailable);
  EXPECT_FALSE(registry.has(text_));
}

TEST_F(HostilePush, ALostLastAnswerIsNoLostBlob) {
  std::atomic<int> puts = 0;
  UploadRegistry registry(
      [&](const SeenRequest& request, ServerSocket& socket, UploadRegistry& self) {
        if (request.method == "GET") {
          socket.answer(404, "");  // the upload is over
          return true;
        }
        if (request.method != "PUT" || puts++ != 0) return false;
        ServerSocket nobody(-1);
        self.serve(request, nobody);
        socket.reset();
        return true;
      });
  push(registry);
  EXPECT_TRUE(registry.has(text_));
}

TEST_F(HostilePush, UploadsElsewhereDoNotShowTheToken) {
  UploadRegistry elsewhere;
  const HttpServerForTest realm([](const SeenRequest&, ServerSocket& socket) {
    socket.answer(200, R"({"token":"s3cret"})");
  });
  UploadRegistry registry([&](const SeenRequest& request, ServerSocket& socket, UploadRegistry&) {
    if (request.header("authorization") == "Bearer s3cret") return false;
    socket.answer(401, "",
                  fmt::format("WWW-Authenticate: Bearer realm=\"http://{}/t\"\r\n", realm.host()));
    return true;
  });
  registry.upload_base = fmt::format("http://{}/storage/1", elsewhere.host());
  elsewhere.upload_base = "/storage/1";
  push(registry);
  ASSERT_FALSE(elsewhere.seen().empty());
  for (const SeenRequest& request : elsewhere.seen())
    EXPECT_EQ(request.header("authorization"), "") << request.method;
  EXPECT_EQ(realm.seen().size(), 1u);
}

TEST_F(HostilePush, AnUploadThatLeadsNowhereIsAnError) {
  for (const char* location : {"", "Location: file:///etc/passwd\r\n"}) {
    UploadRegistry registry([&](const SeenRequest& request, ServerSocket& socket, UploadRegistry&) {
      if (request.method != "POST") return false;
      socket.answer(202, "", location);
      return true;
    });
    EXPECT_EQ(code_of([&] { push(registry); }), Errc::corrupt_data);
  }
}

TEST_F(HostilePush, ARegistryThatRefusesIsQuoted) {
  UploadRegistry registry([&](const SeenRequest& request, ServerSocket& socket, UploadRegistry&) {
    if (request.method != "POST") return false;
    socket.answer(403, R"({"errors":[{"code":"DENIED","message":"not \u001b[31myours"}]})");
    return true;
  });
  // The escape that would colour a terminal is gone.
  EXPECT_THAT(message_of([&] { push(registry); }), HasSubstr("answers 403 (not ?[31myours)"));
}

TEST_F(HostilePush, ACancelledPushEndsAtOnce) {
  UploadRegistry registry([](const SeenRequest& request, ServerSocket& socket, UploadRegistry&) {
    if (request.method == "PATCH") socket.wait_for_close();
    return request.method == "PATCH";
  });
  std::stop_source stop;
  TransferOptions options = small_options();
  options.cancelled = stop.get_token();
  const std::jthread canceller([&] {
    while (registry.seen().size() < 3) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    stop.request_stop();  // HEAD, POST and PATCH have come
  });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(code_of([&] { push(registry, options); }), Errc::unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - begin,
            std::chrono::seconds(10));  // not the stall's 30
}

}  // namespace
}  // namespace hearth::store
