#include "hearth/serve/engine/engine_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "hearth/base/error.h"
#include "hearth/serve/engine/engine_waits_for_test.h"
#include "hearth/serve/engine/fake_engine_for_test.h"
#include "hearth/serve/engine/private_folder.h"

namespace hearth::serve {
namespace {

using testing::HasSubstr;

// A server on a thread of its own.
struct Serving {
  Serving() {
    std::array<int, 2> pipe{};
    EXPECT_EQ(::pipe(pipe.data()), 0);
    end_read = FileDescriptor(pipe[0]);
    end_write = FileDescriptor(pipe[1]);
    server = std::make_unique<EngineServer>(engine, path);
    thread = std::thread([this] {
      const int end = end_read.get();
      server->run({&end, 1});
      server.reset();
    });
  }
  ~Serving() { finish(); }
  void finish() {
    end_write.reset();  // as a daemon's end of the lifeline closes when it dies
    if (thread.joinable()) thread.join();
  }
  FrameSocket call(const Call& call) const {
    FrameSocket socket = connect_to(path);
    EXPECT_TRUE(socket.send(encode(call)));
    return socket;
  }
  bool has_running(int count) const {
    return eventually([&] { return engine.status().running == count; });
  }

  const PrivateFolder folder = PrivateFolder::make({}, "engine");
  const fs::path path = folder.path() / "engine";
  FakeEngine engine;
  FileDescriptor end_read, end_write;
  std::unique_ptr<EngineServer> server;
  std::thread thread;
};

Reply next_reply(FrameSocket& socket) {
  const std::optional<std::string> frame =
      socket.receive(std::chrono::steady_clock::now() + kPatience);
  if (!frame) throw Error(Errc::unavailable, "closed");
  return decode_reply(*frame);
}

template <class Value>
Value next_as(FrameSocket& socket) {
  Reply reply = next_reply(socket);
  if (auto* value = std::get_if<Value>(&reply)) return *value;
  ADD_FAILURE() << "a reply of kind " << reply.index();
  return {};
}

bool is_closed(FrameSocket& socket) {
  return !socket.receive(std::chrono::steady_clock::now() + kPatience);
}

TEST(EngineServer, StreamsAnAnswerAndCloses) {
  const Serving serving;
  FrameSocket socket = serving.call(script("count 3 0"));
  next_as<Accepted>(socket);
  for (const char* text : {"0 ", "1 ", "2 "})
    EXPECT_EQ(next_as<AnswerChunk>(socket).delta.content, text);
  EXPECT_EQ(next_as<AnswerEnd>(socket).generated_tokens, 3);
  EXPECT_TRUE(is_closed(socket));
}

TEST(EngineServer, TellsAnErrorBeforeAndInTheMiddleOfAnAnswer) {
  const Serving serving;
  FrameSocket refused = serving.call(script("refuse"));
  EXPECT_EQ(next_as<FailedReply>(refused).code, Errc::invalid_argument);
  FrameSocket broken = serving.call(script("break"));
  next_as<Accepted>(broken);
  next_as<AnswerChunk>(broken);
  const FailedReply failed = next_as<FailedReply>(broken);
  EXPECT_EQ(failed.code, Errc::resource_exhausted);
  EXPECT_EQ(failed.message, "the context of 1 token is full");
  EXPECT_TRUE(is_closed(broken));
}

TEST(EngineServer, CancelsWhenTheClientLeavesInTheQueue) {
  const Serving serving;
  {
    FrameSocket socket = serving.call(script("wait"));
    next_as<Accepted>(socket);
    EXPECT_TRUE(serving.has_running(1));
  }
  EXPECT_TRUE(serving.has_running(0));
}

TEST(EngineServer, CancelsWhenTheClientLeavesInTheMiddleOfAnAnswer) {
  const Serving serving;
  {
    FrameSocket socket = serving.call(script("flood"));
    next_as<Accepted>(socket);
    next_as<AnswerChunk>(socket);
  }
  EXPECT_TRUE(serving.has_running(0));
}

TEST(EngineServer, CancelsWhenTheClientLeavesBeforeItIsAnswered) {
  const Serving serving;
  for (int i = 0; i < 20; ++i) serving.call(script("wait"));
  FrameSocket last = serving.call(StatusCall{});  // by now all have been read
  next_as<EngineStatus>(last);
  EXPECT_TRUE(serving.has_running(0));
}

TEST(EngineServer, TellsAClientThatCancelsHowTheAnswerEnded) {
  const Serving serving;
  FrameSocket socket = serving.call(script("wait"));
  next_as<Accepted>(socket);
  socket.end_sending();
  EXPECT_EQ(next_as<AnswerEnd>(socket).reason, AnswerReason::cancelled);
}

TEST(EngineServer, CancelsACallForVectors) {
  const Serving serving;
  FrameSocket socket = serving.call(EmbedRequest{.inputs = {"wait"}});
  socket.end_sending();
  EXPECT_EQ(next_as<FailedReply>(socket).code, Errc::unavailable);
}

TEST(EngineServer, AnswersHostileBytesWithAnError) {
  const Serving serving;
  FrameSocket garbage = connect_to(serving.path);
  garbage.send(std::string_view("\2\0\0\0\0\0\0\0{]", 10));
  EXPECT_EQ(next_as<FailedReply>(garbage).code, Errc::corrupt_data);
  FrameSocket huge = connect_to(serving.path);
  huge.send(std::string_view("\xFF\xFF\xFF\xFF\0\0\0\0", 8));
  EXPECT_EQ(next_as<FailedReply>(huge).code, Errc::resource_exhausted);
  FrameSocket second_load = serving.call(LoadCall{});
  EXPECT_EQ(next_as<FailedReply>(second_load).code, Errc::conflict);
  FrameSocket whole = serving.call(TokenizeCall{"a", false, false});
  EXPECT_EQ(next_as<IdsReply>(whole).ids, std::vector<int32_t>{'a'});
}

TEST(EngineServer, TurnsAwayOneConnectionTooManyAndTakesTheNext) {
  const Serving serving;
  std::vector<FrameSocket> silent;
  for (size_t i = 0; i < kConnectionsMax; ++i) silent.push_back(connect_to(serving.path));
  FrameSocket refused = connect_to(serving.path);
  const FailedReply failed = next_as<FailedReply>(refused);
  EXPECT_EQ(failed.code, Errc::unavailable);
  EXPECT_THAT(failed.message, HasSubstr("256 calls"));
  silent.clear();
  EXPECT_TRUE(eventually([&] {
    FrameSocket socket = serving.call(StatusCall{});
    return std::holds_alternative<EngineStatus>(next_reply(socket));
  }));
}

TEST(EngineServer, HoldsLittleForAClientThatDoesNotReadAndServesTheOthers) {
  const Serving serving;
  FrameSocket lazy = serving.call(script("flood"));
  next_as<Accepted>(lazy);
  // Made until the socket is full, and then no more.
  int made = 0;
  EXPECT_TRUE(eventually([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const int before = std::exchange(made, serving.engine.status().pages_total);
    return made > 0 && made == before;
  }));
  EXPECT_LT(static_cast<size_t>(made) * FakeEngine::kFloodBytes, size_t{4} << 20);
  FrameSocket other = serving.call(script("count 1000 0"));
  next_as<Accepted>(other);
  for (int i = 0; i < 1000; ++i) next_as<AnswerChunk>(other);
  EXPECT_EQ(next_as<AnswerEnd>(other).generated_tokens, 1000);
  EXPECT_TRUE(serving.has_running(1));
}

TEST(EngineServer, TellsClientsThatItEndsAndWaitsForNobodyWhoDoesNotRead) {
  Serving serving;
  FrameSocket waiting = serving.call(script("wait")), lazy = serving.call(script("flood"));
  const FrameSocket silent = connect_to(serving.path);
  next_as<Accepted>(waiting);
  next_as<Accepted>(lazy);
  serving.finish();
  const FailedReply failed = next_as<FailedReply>(waiting);
  EXPECT_EQ(failed.code, Errc::unavailable);
  EXPECT_EQ(failed.message, "the engine is ending");
  EXPECT_EQ(serving.engine.status().running, 0);
}

TEST(PrivateFolder, IsForThisUserOnlyAndGoesWithItsFiles) {
  fs::path path;
  {
    const PrivateFolder folder = PrivateFolder::make({}, "engine");
    path = folder.path();
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0700u);
    const FileDescriptor listener = listen_at(path / "engine");
    EXPECT_TRUE(fs::exists(path / "engine"));
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST(PrivateFolder, FallsBackWhereASocketsPathWouldBeTooLongOrTheFolderIsMissing) {
  const PrivateFolder outer = PrivateFolder::make({}, "engine");
  // "/hearth-XXXXXX/engine" has 21 bytes, and the end of the text one more.
  const size_t room = kSocketPathBytesMax - 22 - outer.path().native().size() - 1;
  const fs::path fits = outer.path() / std::string(room, 'a');
  const fs::path too_long = outer.path() / std::string(room + 1, 'a');
  fs::create_directory(fits);
  fs::create_directory(too_long);
  const PrivateFolder inner =
      PrivateFolder::make({"", "/no such folder", too_long, fits}, "engine");
  EXPECT_EQ(inner.path().parent_path(), fits);
  const FileDescriptor listener = listen_at(inner.path() / "engine");
  EXPECT_EQ(PrivateFolder::make({too_long}, "engine").path().parent_path(), "/tmp");
}

TEST(FrameSocket, RefusesPathsThatAreTooLongAndSocketsThatNobodyServes) {
  const PrivateFolder folder = PrivateFolder::make({}, "engine");
  const auto code_of = [](const auto& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.code();
    }
    return Errc::conflict;
  };
  const fs::path path = folder.path() / "engine";
  EXPECT_EQ(code_of([&] { listen_at(folder.path() / std::string(108, 'a')); }),
            Errc::invalid_argument);
  EXPECT_EQ(code_of([&] { connect_to(path); }), Errc::unavailable);
  { const FileDescriptor listener = listen_at(path); }
  EXPECT_EQ(code_of([&] { connect_to(path); }), Errc::unavailable);
  EXPECT_EQ(code_of([&] { listen_at(path); }), Errc::io_failure);
}

}  // namespace
}  // namespace hearth::serve
