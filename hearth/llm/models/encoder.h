// Encoders of the BERT family: every token sees the whole text, and what comes out is a vector a
// token instead of logits.
//
// Devlin et al. 2018 (arXiv:1810.04805) for `bert`; Nussbaum et al. 2024 (arXiv:2402.01613) for
// `nomic-bert`, which turns queries and keys by their positions and gates its feed-forward.
#pragma once
#include <span>
#include <vector>

#include "hearth/compute/thread_pool.h"
#include "hearth/formats/gguf.h"
#include "hearth/llm/kv_cache.h"
#include "hearth/llm/models/encoder_weights.h"
#include "hearth/llm/models/forward_state.h"

namespace hearth::llm {

/// One text of a batch.
struct EncoderText {
  std::span<const int32_t> ids;  // 1 to context_length, each in [0, vocab_size)
  int second_from = 0;           // where the second text of a pair begins; 0: there is only one
};

/// What a state has room for: the threads of the pool, and a batch.
struct EncoderRoom {
  int threads;
  int tokens;  // of all texts
  int texts;
};

/// The buffers of a pass, allocated once. One per thread that runs an encoder.
struct EncoderState {
  EncoderState(const EncoderConfig& config, const EncoderRoom& room);
  /// What the buffers of such a state take once the largest batch has been through them; without
  /// what each thread has for itself.
  static size_t bytes(const EncoderConfig& config, const EncoderRoom& room);

  const int tokens_max, texts_max;
  FloatBuffer x, hidden, q, k, v;              // [tokens, dim]
  FloatBuffer gate, up;                        // [tokens, ffn_dim]
  std::vector<int32_t> ids, positions, types;  // [tokens]
  // Where a token's own key lies, and the end of its text, up to which it sees.
  std::vector<TokenPlace> own_places, end_places;
  KvCache cache;               // keys and values of the layer that is being computed
  std::vector<int32_t> pages;  // 0, 1, 2, …: texts take pages one after the other
  MatmulScratch matmul;
  AttentionScratch attention;
};

class Encoder {
 public:
  /// The weights keep pointing into `file`, which must outlive the encoder. Errors: those of
  /// read_encoder_config() and read_encoder().
  explicit Encoder(const formats::Gguf& file);

  const EncoderConfig& config() const { return config_; }
  /// The last layer's output: [tokens of all texts, dim] f32, valid until the next call with
  /// `state`, which must have room for the texts. They do not influence each other. Allocates
  /// nothing.
  std::span<const float> forward(std::span<const EncoderText> texts, EncoderState& state,
                                 ThreadPool& pool) const;
  /// What the head makes of a first token's output [dim]: higher is better. The encoder must have
  /// one.
  float score(std::span<const float> first, EncoderState& state, ThreadPool& pool) const;

 private:
  EncoderConfig config_;
  EncoderWeights weights_;
};

}  // namespace hearth::llm
