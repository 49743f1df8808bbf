// Texts to vectors, and pairs of texts to scores: with encoders, and with decoders by the vectors
// that their output matrix would see.
#pragma once
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "hearth/llm/models/encoder_weights.h"
#include "hearth/llm/models/model.h"

namespace hearth::llm {

/// A query and a document, as ids of one text: where the second begins.
struct TextPair {
  std::vector<int32_t> ids;
  int second_from = 0;
};

/// Any thread may call; one batch is computed at a time, so that calls take turns.
class Embedder {
 public:
  virtual ~Embedder() = default;
  virtual int dim() const = 0;
  /// Positions of a text.
  virtual int context() const = 0;
  virtual Pooling pooling() const = 0;
  virtual bool can_score() const = 0;
  /// What its buffers, and the cache of a decoder's, take once the longest text was embedded;
  /// without the weights.
  virtual size_t bytes() const = 0;

  /// A vector for each text, as the model pools it, not normalised: [texts][dim].
  ///   texts   each 1 to context() ids below the vocabulary's size
  ///   use     an adapter of the decoder's model; an encoder has none
  /// Errors: invalid_argument (no ids, an id out of range), too_long (for the context, naming
  /// both), unavailable (`cancelled` tripped, which is looked at between batches).
  virtual std::vector<std::vector<float>> embed(std::span<const std::vector<int32_t>> texts,
                                                std::stop_token cancelled,
                                                const AdapterUse& use = {}) = 0;
  /// How well the second text of each pair fits the first: [pairs], higher is better. Errors: as
  /// embed(); unsupported where the model has no head for it.
  virtual std::vector<float> score(std::span<const TextPair> pairs, std::stop_token cancelled) = 0;
};

struct EmbedderOptions {
  int context = 0;  // positions of a text at most; 0, or more than the model has: the model's
  int threads = 0;  // 0: one per usable core
};

/// An encoder (models/encoder.h) with everything it needs. `file` must outlive it. Errors: those of
/// the encoder.
std::unique_ptr<Embedder> make_encoder_embedder(const formats::Gguf& file,
                                                const EmbedderOptions& options);

/// The vectors of a decoder, which see the tokens before them only; Pooling::rank is that of the
/// first. `model` must outlive it; the cache is its own.
std::unique_ptr<Embedder> make_decoder_embedder(const Model& model, Pooling pooling,
                                                const EmbedderOptions& options);
/// Embedder::bytes() of one that make_decoder_embedder() would make.
size_t decoder_embedder_bytes(const Model& model, const EmbedderOptions& options);

/// The first `dimensions` elements (0: all), then, if asked for, divided by their length; a vector
/// of length 0 stays. Errors: invalid_argument when there are not so many.
void shape_embedding(std::vector<float>& vector, int dimensions, bool normalise);

}  // namespace hearth::llm
