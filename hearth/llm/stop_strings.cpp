#include "hearth/llm/stop_strings.h"

#include <algorithm>
#include <utility>

#include "hearth/base/error.h"

namespace hearth::llm {
namespace {

bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

void check(const std::vector<std::string>& stops) {
  if (stops.size() > kStopStringsMax)
    throw Error(Errc::invalid_argument, "stop: {} strings, at most {} are allowed", stops.size(),
                kStopStringsMax);
  for (size_t i = 0; i < stops.size(); ++i) {
    if (stops[i].empty()) throw Error(Errc::invalid_argument, "stop[{}] is empty", i);
    if (stops[i].size() > kStopStringBytesMax)
      throw Error(Errc::invalid_argument, "stop[{}] has {} bytes, at most {} are allowed", i,
                  stops[i].size(), kStopStringBytesMax);
    if (continues_character(stops[i][0]))
      throw Error(Errc::invalid_argument, "stop[{}] begins inside a UTF-8 character", i);
  }
}

}  // namespace

StopStrings::StopStrings(std::vector<std::string> stops) : stops_(std::move(stops)) {
  check(stops_);
}

// The match that ends first; of those, the longest. npos without one.
StopStrings::Match StopStrings::find_first() const {
  Match best{std::string::npos, std::string::npos, -1};
  for (size_t i = 0; i < stops_.size(); ++i) {
    const size_t begin = text_.find(stops_[i]);
    if (begin == std::string::npos) continue;
    const size_t end = begin + stops_[i].size();
    if (end < best.end || (end == best.end && begin < best.begin))
      best = {begin, end, static_cast<int>(i)};
  }
  return best;
}

// The longest end of the text that is the beginning of a stop string.
size_t StopStrings::held_bytes() const {
  size_t held = 0;
  const std::string_view text = text_;
  for (const std::string& stop : stops_)
    for (size_t n = std::min(text.size(), stop.size() - 1); n > held; --n)
      if (text.substr(text.size() - n) == std::string_view(stop).substr(0, n)) held = n;
  return held;
}

std::string StopStrings::push(std::string text) {
  if (is_matched()) return {};
  if (stops_.empty()) return text;
  text_ += text;
  const Match match = find_first();
  matched_ = match.stop;
  const size_t shown = is_matched() ? match.begin : text_.size() - held_bytes();
  std::string out = text_.substr(0, shown);
  if (is_matched())
    text_.clear();
  else
    text_.erase(0, shown);
  return out;
}

std::string StopStrings::finish() {
  // Swapped, not moved: the buffer is kept where nothing was held.
  return text_.empty() ? std::string() : std::exchange(text_, {});
}

}  // namespace hearth::llm
