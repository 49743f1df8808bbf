// HEAD and POST /api/blobs through a real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/serve/ollama/ollama_for_test.h"

namespace hearth::serve::ollama {
namespace {

// Of "abc" (FIPS 180-4's example).
const std::string kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(OllamaBlobs, AnUploadedBlobIsThereUnderItsDigest) {
  OllamaForTest test("blobs");
  const std::string path = "/api/blobs/sha256:" + kAbc;
  EXPECT_EQ(test.ask("HEAD", path, "").status, 404);
  const Seen created = test.post(path, "abc");
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(created.body, "");
  EXPECT_EQ(test.ask("HEAD", path, "").status, 200);
  EXPECT_EQ(test.post(path, "abc").status, 200) << "already there";
  EXPECT_EQ(read_file(test.store.blobs().path(store::parse_digest("sha256:" + kAbc))), "abc");
}

TEST(OllamaBlobs, OtherContentIsRefusedAndLeavesNothing) {
  OllamaForTest test("mismatch");
  const Seen seen = test.post("/api/blobs/sha256:" + kAbc, "abd");
  EXPECT_EQ(seen.status, 400);
  // sha256sum of "abd".
  EXPECT_EQ(seen.body,
            R"({"error":"digest mismatch, expected \"sha256:)" + kAbc +
                R"(\", got \"sha256:)"
                R"(a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9\""})");
  EXPECT_TRUE(store::files_below(test.store.blobs().folder()).empty());
}

TEST(OllamaBlobs, ADigestMustBeOne) {
  OllamaForTest test("digest");
  const Seen seen = test.post("/api/blobs/sha256:12", "abc");
  EXPECT_EQ(seen.status, 400);
  EXPECT_EQ(seen.body, R"({"error":"invalid digest format"})");
  EXPECT_EQ(test.ask("HEAD", "/api/blobs/md5:12", "").status, 400);
}

TEST(OllamaBlobs, AnUploadThatBreaksOffLeavesNothing) {
  OllamaForTest test("broken");
  {
    http::RawClient client(test.port());
    client.send("POST /api/blobs/sha256:" + kAbc +
                " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nab");
    client.end_sending();
    EXPECT_EQ(client.read_to_end(), "");
  }
  test.server.stop(std::chrono::seconds(0));  // waits for the handlers
  EXPECT_TRUE(store::files_below(test.store.blobs().folder()).empty());
}

TEST(OllamaBlobs, ABodyMayBeLargerThanAnyThatIsHeldInMemory) {
  OllamaForTest test("large");
  // More than the 64 MiB that a body in memory may have; and of zeros.
  const std::string body((64 << 20) + 1, '\0');
  const store::Digest digest = store::sha256(body);
  EXPECT_EQ(test.post("/api/blobs/" + digest.text(), body).status, 201);
  EXPECT_EQ(test.store.blobs().try_size(digest), body.size());
}

}  // namespace
}  // namespace hearth::serve::ollama
