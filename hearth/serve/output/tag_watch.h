// Finds tags in text that comes byte by byte, and holds back only what may still become one.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::serve {

struct Tag {
  /// Where it counts: everywhere; only before any other text; only straight after a call, before
  /// other text.
  enum class Place { anywhere, start, after_call };

  std::string_view text;  // not empty, begins with no white space, outlives the watch
  Place place = Place::anywhere;
};

/// White space is held back until it is known whether a tag follows, because space around a tag
/// belongs to the tag. No tag may begin with another one.
class TagWatch {
 public:
  explicit TagWatch(std::vector<Tag> tags) : tags_(std::move(tags)) {}

  /// Takes the next byte; appends to `released` the text that is certainly none of a tag. Gives the
  /// index of the tag that this byte completes; held() is then the tag with the space before it.
  std::optional<size_t> push(char byte, std::string& released);

  /// Space and the beginning of a tag, not released yet.
  std::string held() const { return space_ + rest_; }
  /// Forgets what is held.
  void clear();
  /// Text has gone by without push(): tags of the start no longer count.
  void leave_start() { at_start_ = after_call_ = false; }
  /// A call has ended.
  void enter_after_call() { after_call_ = true; }

 private:
  bool counts(const Tag& tag) const;
  bool begins_a_tag() const;

  std::vector<Tag> tags_;
  std::string space_;
  std::string rest_;  // empty, or the beginning of a tag that counts
  bool at_start_ = true;
  bool after_call_ = false;
};

}  // namespace hearth::serve
