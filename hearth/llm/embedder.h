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

/// Any thread may call; one text is computed at a time.
class Embedder {
 public:
  virtual ~Embedder() = default;
  virtual int dim() const = 0;
  /// Positions of a text.
  virtual int context() const = 0;
  virtual Pooling pooling() const = 0;
  virtual bool can_score() const = 0;

  /// A vector for each text, as the model pools it, not normalised: [texts][dim].
  ///   texts   each 1 to context() ids below the vocabulary's size
  /// Errors: invalid_argument (no ids, an id out of range), resource_exhausted (longer than the
  /// context, naming both), unavailable (`cancelled` tripped, which is looked at between batches).
  virtual std::vector<std::vector<float>> embed(std::span<const std::vector<int32_t>> texts,
                                                std::stop_token cancelled) = 0;
  /// How well the second text of each pair fits the first: [pairs], higher is better. Errors: as
  /// embed(); unsupported where the model has no head for it.
  virtual std::vector<float> score(std::span<const TextPair> pairs, std::stop_token cancelled) = 0;
};

/// An encoder (models/encoder.h) with everything it needs. `file` must outlive it. Errors: those of
/// the encoder; resource_exhausted.
std::unique_ptr<Embedder> make_encoder_embedder(const formats::Gguf& file, int threads);

/// The vectors of a decoder: of the last token, unless `pooling` says otherwise. `model` must
/// outlive it; the cache is its own, for texts of at most `context` positions.
std::unique_ptr<Embedder> make_decoder_embedder(const Model& model, Pooling pooling, int context,
                                                int threads);

/// The first `dimensions` elements (0: all), then, if asked for, divided by their length; a vector
/// of length 0 stays. Errors: invalid_argument when there are not so many.
void shape_embedding(std::vector<float>& vector, int dimensions, bool normalise);

}  // namespace hearth::llm
