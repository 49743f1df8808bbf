#include "hearth/serve/output/tag_watch.h"

#include <algorithm>

#include "hearth/serve/output/json_scanner.h"

namespace hearth::serve {

bool TagWatch::counts(const Tag& tag) const {
  return tag.place == Tag::Place::anywhere || (tag.place == Tag::Place::start && at_start_) ||
         (tag.place == Tag::Place::after_call && after_call_);
}

bool TagWatch::begins_a_tag() const {
  for (const Tag& tag : tags_)
    if (counts(tag) && tag.text.starts_with(rest_)) return true;
  return false;
}

std::optional<size_t> TagWatch::push(char byte, std::string& released) {
  if (rest_.empty() && is_json_space(byte)) {
    space_ += byte;
    return std::nullopt;
  }
  rest_ += byte;
  // A tag may begin inside what looked like one: "<<think>". Each turn gives up one byte, and rest_
  // is never longer than a tag.
  while (!rest_.empty() && !begins_a_tag()) {
    released += space_;
    released += rest_[0];
    leave_start();
    const size_t space_end = std::min(rest_.find_first_not_of(" \n\t\r", 1), rest_.size());
    space_ = rest_.substr(1, space_end - 1);
    rest_.erase(0, space_end);
  }
  for (size_t i = 0; i < tags_.size(); ++i)
    if (counts(tags_[i]) && tags_[i].text == rest_) return i;
  return std::nullopt;
}

void TagWatch::clear() {
  space_.clear();
  rest_.clear();
}

}  // namespace hearth::serve
