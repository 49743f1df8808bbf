#include "hearth/serve/output/body_parts.h"

#include <utility>

namespace hearth::serve {

Progress FixedText::push(char byte) {
  if (seen_.empty() && is_json_space(byte)) return Progress::more;
  seen_ += byte;
  for (which_ = 0; which_ < options_.size(); ++which_)
    if (options_[which_].starts_with(seen_))
      return options_[which_] == seen_ ? Progress::done : Progress::more;
  return Progress::failed;
}

Progress TextUntil::push(char byte) {
  text_ += byte;
  return text_.ends_with(end_) ? Progress::done : Progress::more;
}

std::string TextUntil::take() {
  text_.resize(text_.size() - end_.size());
  return std::exchange(text_, {});
}

Progress JsonText::push(char byte) {
  if (text_.empty() && is_json_space(byte)) return Progress::more;
  text_ += byte;
  switch (scanner_.push(byte)) {
    case JsonScanner::Verdict::more:
      return Progress::more;
    case JsonScanner::Verdict::done:
      return Progress::done;
    case JsonScanner::Verdict::too_deep:
      return Progress::too_deep;
    case JsonScanner::Verdict::too_many_values:
      return Progress::too_many_values;
    case JsonScanner::Verdict::invalid:
      break;
  }
  return Progress::failed;
}

}  // namespace hearth::serve
