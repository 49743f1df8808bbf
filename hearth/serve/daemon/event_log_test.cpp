#include "hearth/serve/daemon/event_log.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace hearth::serve {
namespace {

std::string line(EventLog::Form form, std::initializer_list<EventField> fields) {
  const EventLog log(form, [](std::string_view) {});
  // date -u -d 2026-11-21T15:04:05Z +%s
  const auto time = std::chrono::system_clock::time_point(std::chrono::milliseconds(1795273445123));
  return log.line("model.loaded", fields, time);
}

TEST(EventLog, JsonKeepsTheOrderAndTheTypesOfFields) {
  EXPECT_EQ(line(EventLog::Form::json,
                 {{"model", "tales"}, {"seconds", 0.25}, {"context", int64_t{2048}}}),
            "{\"time\":\"2026-11-21T15:04:05.123Z\",\"event\":\"model.loaded\",\"model\":\"tales\","
            "\"seconds\":0.25,\"context\":2048}\n");
}

TEST(EventLog, TextIsShortAndInLocalTime) {
  setenv("TZ", "UTC", 1);
  tzset();
  EXPECT_EQ(line(EventLog::Form::text,
                 {{"model", "tales"}, {"seconds", 1.0 / 3}, {"context", int64_t{2048}}}),
            "15:04:05 model.loaded model=tales seconds=0.3333 context=2048\n");
}

TEST(EventLog, ForeignTextNeitherBreaksALineNorSteersATerminal) {
  const std::string hostile = "a\nb\x1b[31m \"c\" \xff";
  for (const EventLog::Form form : {EventLog::Form::text, EventLog::Form::json}) {
    const std::string text = line(form, {{"why", hostile}, {"empty", ""}});
    EXPECT_EQ(text.find('\n'), text.size() - 1) << text;
    EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
  }
  EXPECT_NE(line(EventLog::Form::text, {{"empty", ""}}).find("empty=\"\""), std::string::npos);
}

TEST(EventLog, ReadableTextKeepsLettersAndShowsControls) {
  EXPECT_EQ(readable("/api/tags"), "/api/tags");
  EXPECT_EQ(readable("/home/j\u00fcrgen"), "\"/home/j\u00fcrgen\"");
  // U+009B begins a sequence as ESC [ does, on terminals that read UTF-8.
  EXPECT_EQ(readable("a\xC2\x9B"
                     "31m"),
            "\"a\\u009b31m\"");
  EXPECT_EQ(readable("a\x7F"), "\"a\\u007f\"");
  EXPECT_EQ(readable("\x9B"), "\"\xEF\xBF\xBD\"");  // no UTF-8: the replacement character
}

TEST(EventLog, PeopleReadTheSentenceAndProgramsTheFields) {
  const auto said = [](EventLog::Form form) {
    std::string text;
    EventLog log(form, [&](std::string_view line) { text = line; });
    log.event("request", {{"status", int64_t{200}}}, "200 GET /");
    return text;
  };
  EXPECT_TRUE(said(EventLog::Form::text).ends_with(" 200 GET /\n"));
  EXPECT_EQ(said(EventLog::Form::json).find("200 GET /"), std::string::npos);
}

TEST(EventLog, AnEventIsOneWrite) {
  std::vector<std::string> lines;
  EventLog log(EventLog::Form::json, [&](std::string_view text) { lines.emplace_back(text); });
  log.event("serve.ends");
  log.event("serve.ended");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_TRUE(lines[1].ends_with("\"event\":\"serve.ended\"}\n"));
}

}  // namespace
}  // namespace hearth::serve
