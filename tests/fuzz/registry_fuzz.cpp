// Any bytes as what a registry says: challenges, tokens, ranges, addresses; and as the record of a
// download, which must be printed and read as the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hearth/base/error.h"
#include "hearth/store/registry/auth_challenge.h"
#include "hearth/store/registry/finished_ranges.h"
#include "hearth/store/registry/registry_login.h"
#include "hearth/store/registry/web_address.h"

namespace {

template <class Parse>
void try_parse(Parse parse) {
  try {
    parse();
  } catch (const hearth::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth::store;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  constexpr uint64_t kBlobBytes = 1000;
  if (const auto ranges = try_parse_ranges(text, kBlobBytes)) {
    HEARTH_CHECK(try_parse_ranges(ranges->print(), kBlobBytes)->print() == ranges->print());
    uint64_t missing_bytes = 0;
    for (const ByteRange& range : ranges->missing(7)) missing_bytes += range.size();
    HEARTH_CHECK(missing_bytes + ranges->finished_bytes() == kBlobBytes);
  }
  if (const auto content = try_content_range(text))
    HEARTH_CHECK(content->range.begin < content->range.end);
  if (const auto challenge = try_bearer_challenge(text)) HEARTH_CHECK(!challenge->realm.empty());
  has_basic_challenge(text);
  try_parse([&] { parse_token(text); });
  try_parse([&] { parse_login(text, "logins", "example.com"); });
  try_parse([&] {
    const WebAddress address = parse_web_address(text);
    HEARTH_CHECK(parse_web_address(address.text()) == address);
  });
  try_parse([&] { resolve(parse_web_address("https://example.com/v2/a/"), text); });
  return 0;
}
