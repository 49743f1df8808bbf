// The pieces of a running generation, read as an answer.
#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hearth/llm/batch_engine.h"
#include "hearth/serve/engine/answer_stream.h"
#include "hearth/serve/output/answer_parser.h"

namespace hearth::serve {

struct ModelAnswerOptions {
  std::optional<AnswerOptions> parser;  // nothing: all text is content
  /// Texts around the answer that the parser reads too: what was written for the model in front of
  /// it, and what it would have said behind it if it had not been complete without.
  std::string opening, closing;
  bool wants_logprobs = false;
  /// Collected in AnswerEnd::ids, behind those of the prompt that stand there already.
  bool wants_ids = false;
  bool allows_parallel = true;  // otherwise the answer ends with its first call
  AnswerEnd end;                // what is known before
};

/// The generation shows control tokens (llm::GenerateParams::shows_control) where there is a
/// parser.
class ModelAnswer final : public AnswerStream {
 public:
  ModelAnswer(llm::PieceStream pieces, std::shared_ptr<const llm::Tokenizer> tokenizer,
              ModelAnswerOptions options);

  std::optional<AnswerChunk> next() override;
  const AnswerEnd& end() const override { return options_.end; }
  void cancel() override { pieces_.cancel(); }

 private:
  void read_piece();
  void take(const llm::Piece& piece);
  void add(std::vector<AnswerDelta> deltas);
  void finish();
  TokenProbability spelled(const llm::TokenLogprob& token) const;

  llm::PieceStream pieces_;
  std::shared_ptr<const llm::Tokenizer> tokenizer_;
  ModelAnswerOptions options_;
  std::optional<AnswerParser> parser_;
  std::deque<AnswerDelta> ready_;
  std::vector<TokenLogprobs> logprobs_;  // not given away yet
  bool has_called_ = false;              // the one call that was allowed
  bool has_ended_ = false;
};

}  // namespace hearth::serve
