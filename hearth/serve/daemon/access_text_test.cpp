#include "hearth/serve/daemon/access_text.h"

#include <gtest/gtest.h>

namespace hearth::serve {
namespace {

http::AccessLine answered() {
  return {.method = "POST",
          .path = "/api/chat",
          .peer = "127.0.0.1:54321",
          .id = "req_1",
          .status = 200,
          .sent_bytes = 4096,
          .duration = std::chrono::milliseconds(812),
          .is_complete = true};
}

TEST(AccessText, IsShortWhereAllWentWell) {
  EXPECT_EQ(access_text(answered()),
            "200 POST /api/chat  812 ms  4096 bytes  127.0.0.1:54321  req_1");
}

TEST(AccessText, NamesTheKeyAndGivesLongTimesInSeconds) {
  http::AccessLine line = answered();
  line.caller = "laptop";
  line.duration = std::chrono::milliseconds(61'250);
  EXPECT_EQ(access_text(line),
            "200 POST /api/chat  61.2 s  4096 bytes  127.0.0.1:54321  key laptop  req_1");
}

TEST(AccessText, ShowsForeignPathsWithoutObeyingThem) {
  http::AccessLine line = answered();
  line.status = 404;
  line.path = "/a\x1b[2J";
  EXPECT_EQ(access_text(line),
            "404 POST \"/a\\u001b[2J\"  812 ms  4096 bytes  127.0.0.1:54321  req_1");
}

TEST(AccessText, TellsALostClientFromALostAnswer) {
  http::AccessLine line = answered();
  line.is_complete = false;
  EXPECT_TRUE(access_text(line).ends_with(":54321  broken off  req_1")) << access_text(line);
  line.status = 499;
  EXPECT_TRUE(access_text(line).ends_with(":54321  the client left  req_1")) << access_text(line);
}

TEST(AccessText, SaysSoWhereNoRequestWasUnderstood) {
  http::AccessLine line = answered();
  line.method = line.path = "";
  line.status = 400;
  EXPECT_TRUE(access_text(line).starts_with("400 no request  812 ms")) << access_text(line);
}

}  // namespace
}  // namespace hearth::serve
