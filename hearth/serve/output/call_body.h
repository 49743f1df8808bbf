// What stands behind a tag that opens a call, read byte by byte: one class for each way of writing.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/serve/output/answer_style.h"
#include "hearth/serve/output/json_scanner.h"
#include "hearth/serve/output/message.h"
#include "hearth/serve/output/tag_watch.h"

namespace hearth::serve {

enum class Progress {
  more,
  done,    // this byte was the last one
  failed,  // it is no call; this byte does not belong to it
  too_deep,
  too_many_values,  // past JsonLimits; the byte does not belong to it
};

class CallBody {
 public:
  virtual ~CallBody() = default;
  /// Takes the next byte; after anything but `more` none may follow.
  virtual Progress push(char byte) = 0;
  /// The answer ends here: true when the calls are whole but for a closing tag.
  virtual bool can_end() const = 0;
  /// At least one call, in order, with the ids that the model gave, else empty ones.
  std::vector<ToolCall> take_calls() { return std::move(calls_); }

 protected:
  std::vector<ToolCall> calls_;
};

/// What bodies know of the request; outlives them.
struct CallContext {
  std::vector<Tool> tools;
  JsonLimits json_limits;
};

/// A tag that opens a call in some style.
struct Opener {
  Tag tag;
  /// The tag promises a call: passing a limit behind it is an error. Without the promise the text
  /// is content unless it is a call of a declared tool.
  bool is_promise;
  /// The body begins with the tag's text.
  bool is_part_of_body;
  std::unique_ptr<CallBody> (*make_body)(const CallContext&);
};

/// The openers of a style; none for `none` and `harmony`, which are read otherwise.
const std::vector<Opener>& openers_of(CallStyle style);

}  // namespace hearth::serve
