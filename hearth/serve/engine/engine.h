// A loaded model that answers: in this process (ModelEngine) or in one of its own (EngineProcess).
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "hearth/serve/engine/answer_request.h"
#include "hearth/serve/engine/answer_stream.h"

namespace hearth::serve {

/// What a model can do, by the names that Ollama shows.
struct Capabilities {
  bool completion = false;  // continues texts and answers
  bool tools = false;       // its template knows tools
  bool thinking = false;
  bool insert = false;  // fills in the middle
  bool embedding = false;
  bool rerank = false;
  bool operator==(const Capabilities&) const = default;

  std::vector<std::string> names() const;
};

struct EngineFacts {
  Capabilities capabilities;
  std::string architecture;   // "qwen3"
  int context = 0;            // positions per answer
  int answers_max = 0;        // that run at once
  uint64_t memory_bytes = 0;  // weights, caches and buffers: what it can come to take
  uint64_t device_bytes = 0;  // of these on GPUs
};

struct EngineStatus {
  int running = 0, waiting = 0;
  int pages_free = 0, pages_total = 0;
};

/// Thread-safe. Errors of all functions: unavailable (the engine has gone), invalid_argument,
/// unsupported (the model cannot do this), too_long (for the context, naming both numbers),
/// resource_exhausted.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual const EngineFacts& facts() const = 0;
  virtual EngineStatus status() const = 0;
  /// False once the engine has gone for good; all it is asked then is an error. Cheap: a flag.
  virtual bool is_alive() const { return true; }
  /// Id of the engine's own process; 0: it lives in this one.
  virtual int process() const { return 0; }

  /// Renders, reads and begins to answer. Images and the like never come this far.
  virtual std::unique_ptr<AnswerStream> answer(const AnswerRequest& request) = 0;
  /// Trips `cancelled`: gives up with Errc::unavailable.
  virtual Embeddings embed(const EmbedRequest& request, std::stop_token cancelled) = 0;
  virtual Relevance rerank(const RerankRequest& request, std::stop_token cancelled) = 0;

  /// The prompt text of a conversation.
  virtual std::string render(const ChatPrompt& prompt) = 0;
  /// Tokens of a prompt, as answer() would compute it.
  virtual int count_tokens(const AnswerRequest& request) = 0;
  virtual std::vector<int32_t> tokenize(const std::string& text, bool add_special,
                                        bool parse_special) = 0;
  virtual std::string detokenize(std::span<const int32_t> ids) = 0;
};

}  // namespace hearth::serve
