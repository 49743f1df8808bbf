#include "hearth/serve/api/error_answer.h"

#include <gtest/gtest.h>

#include "hearth/serve/pool/model_service.h"

namespace hearth::serve {
namespace {

struct RetryHeaders {
  std::string after, should_retry;
  bool operator==(const RetryHeaders&) const = default;
};

RetryHeaders headers_of(const Error& error) {
  http::Response response = http::Response::json(status_of(error), "{}");
  add_retry_headers(response, error);
  return {std::string(response.headers.get("retry-after")),
          std::string(response.headers.get("x-should-retry"))};
}

TEST(ErrorAnswer, WhoIsRefusedHearsWhenToComeBack) {
  for (const int status : {429, 503}) {
    const Refusal refusal(std::chrono::seconds(7), status, "later");
    EXPECT_EQ(status_of(refusal), status);
    EXPECT_EQ(headers_of(refusal), (RetryHeaders{"7", "true"}));
  }
  EXPECT_EQ(headers_of(Refusal(std::chrono::seconds(0), 503, "now")), (RetryHeaders{"1", "true"}));
}

TEST(ErrorAnswer, AnEngineThatDiedIsSoonThereAgain) {
  EXPECT_EQ(headers_of(Error(Errc::unavailable, "gone")), (RetryHeaders{"1", "true"}));
}

TEST(ErrorAnswer, WhatWouldFailAgainIsNotToBeRepeated) {
  for (const Errc code :
       {Errc::invalid_argument, Errc::not_found, Errc::conflict, Errc::corrupt_data,
        Errc::unsupported, Errc::resource_exhausted, Errc::io_failure, Errc::too_long})
    EXPECT_EQ(headers_of(Error(code, "no")), (RetryHeaders{"", "false"}));
}

}  // namespace
}  // namespace hearth::serve
