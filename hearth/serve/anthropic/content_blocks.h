// An answer as Anthropic counts it: blocks of thinking, text and tool_use, one after the other.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "hearth/serve/output/answer.h"

namespace hearth::serve::anthropic {

/// The blocks of a whole answer.
class BlockList {
 public:
  void add(const AnswerDelta& delta);
  const Json& blocks() const { return blocks_; }

 private:
  void add_text(const char* type, std::string_view text);

  Json blocks_ = Json::array();
};

/// The same as events of a stream, while the answer comes: content_block_start, any number of
/// content_block_delta, content_block_stop.
class BlockEvents {
 public:
  /// Sends the event whose field `type` is its name; false when the client is gone.
  using Send = std::function<bool(const Json& event)>;

  explicit BlockEvents(Send send) : send_(std::move(send)) {}

  /// False when the client is gone.
  bool add(const AnswerDelta& delta);
  /// Ends the open block, if there is one.
  bool close();

 private:
  bool add_text(const char* type, std::string_view text);
  bool add_call(const ToolCall& call);
  bool open(const char* type, Json block);
  bool send_delta(Json delta);

  Send send_;
  int index_ = -1;         // of the block that was opened last
  std::string_view type_;  // of the open block; empty: none is open
};

}  // namespace hearth::serve::anthropic
