#include "hearth/llm/embedder.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>

#include "hearth/base/error.h"
#include "hearth/llm/engine_limits.h"
#include "hearth/llm/models/encoder.h"

namespace hearth::llm {
namespace {

// Texts of a batch together: enough that weights are read once for many, few enough that a
// cancelled request is soon noticed.
constexpr int kBatchTokens = 512;
constexpr int kBatchTexts = 64;

int context_of(int asked, int trained) { return asked > 0 ? std::min(asked, trained) : trained; }

void check_text(std::span<const int32_t> ids, int vocab_size, int context) {
  if (ids.empty()) throw Error(Errc::invalid_argument, "a text to embed has no tokens");
  if (ids.size() > size_t(context))
    throw Error(Errc::too_long,
                "the input length exceeds the context length: {} tokens, the context holds {}",
                ids.size(), context);
  check_ids("input", ids, vocab_size);
}

void check_stop(const std::stop_token& cancelled) {
  if (cancelled.stop_requested()) throw Error(Errc::unavailable, "the request was cancelled");
}

// Whose batch is next. A mutex alone is mostly taken again by the thread that has just let go of
// it; here whoever waits holds the door, and that thread comes to stand behind it.
class Turns {
 public:
  std::unique_lock<std::mutex> take() {
    const std::lock_guard door(door_);
    return std::unique_lock(turn_);
  }

 private:
  std::mutex door_, turn_;
};

// rows [count, dim] to one vector.
std::vector<float> pool_rows(std::span<const float> rows, int dim, Pooling pooling) {
  const size_t count = rows.size() / dim;
  if (pooling == Pooling::last) return {rows.end() - dim, rows.end()};
  if (pooling != Pooling::mean) return {rows.begin(), rows.begin() + dim};
  std::vector<double> sums(dim);
  for (size_t r = 0; r < count; ++r)
    for (int i = 0; i < dim; ++i) sums[i] += rows[r * dim + i];
  std::vector<float> mean(dim);
  for (int i = 0; i < dim; ++i) mean[i] = static_cast<float>(sums[i] / double(count));
  return mean;
}

class EncoderEmbedder final : public Embedder {
 public:
  EncoderEmbedder(const formats::Gguf& file, const EmbedderOptions& options)
      : encoder_(file),
        context_(context_of(options.context, config().context_length)),
        pool_(options.threads),
        state_(config(), room()) {}

  int dim() const override { return config().dim; }
  int context() const override { return context_; }
  Pooling pooling() const override { return config().pooling; }
  bool can_score() const override { return config().has_head; }
  size_t bytes() const override { return EncoderState::bytes(config(), room()); }

  std::vector<std::vector<float>> embed(std::span<const std::vector<int32_t>> texts,
                                        std::stop_token cancelled, const AdapterUse& use) override {
    HEARTH_CHECK(!use.adapter);
    std::vector<EncoderText> batch;
    for (const std::vector<int32_t>& ids : texts) batch.push_back({.ids = ids});
    std::vector<std::vector<float>> vectors;
    run(batch, std::move(cancelled),
        [&](std::span<const float> rows) { vectors.push_back(pool_rows(rows, dim(), pooling())); });
    return vectors;
  }

  std::vector<float> score(std::span<const TextPair> pairs, std::stop_token cancelled) override {
    if (!can_score())
      throw Error(Errc::unsupported, "the model has no head that scores pairs of texts");
    std::vector<EncoderText> batch;
    for (const TextPair& pair : pairs)
      batch.push_back({.ids = pair.ids, .second_from = pair.second_from});
    std::vector<float> scores;
    run(batch, std::move(cancelled), [&](std::span<const float> rows) {
      scores.push_back(encoder_.score(rows.first(dim()), state_, pool_));
    });
    return scores;
  }

 private:
  const EncoderConfig& config() const { return encoder_.config(); }
  EncoderRoom room() const {
    return {
        .threads = pool_.size(), .tokens = std::max(kBatchTokens, context_), .texts = kBatchTexts};
  }

  // Calls `take` with the output rows of each text, in order.
  template <class Take>
  void run(std::span<const EncoderText> texts, std::stop_token cancelled, Take&& take) {
    for (const EncoderText& text : texts) check_text(text.ids, config().vocab_size, context());
    while (!texts.empty()) {
      const auto turn = turns_.take();  // anew for each batch: others need not wait for all
      check_stop(cancelled);
      const std::span<const EncoderText> batch = texts.first(batch_length(texts));
      std::span<const float> rows = encoder_.forward(batch, state_, pool_);
      for (const EncoderText& text : batch) {
        take(rows.first(text.ids.size() * dim()));
        rows = rows.subspan(text.ids.size() * dim());
      }
      texts = texts.subspan(batch.size());
    }
  }

  // Texts that fit into one batch together: at least one, however long.
  static size_t batch_length(std::span<const EncoderText> texts) {
    size_t tokens = texts[0].ids.size(), count = 1;
    const size_t most = std::min<size_t>(texts.size(), kBatchTexts);
    while (count < most && (tokens += texts[count].ids.size()) <= kBatchTokens) ++count;
    return count;
  }

  Encoder encoder_;
  int context_;
  ThreadPool pool_;
  Turns turns_;  // with the state
  EncoderState state_;
};

class DecoderEmbedder final : public Embedder {
 public:
  DecoderEmbedder(const Model& model, Pooling pooling, const EmbedderOptions& options)
      : model_(model),
        pooling_(pooling),
        context_(context_of(options.context, model.config().context_length)),
        pool_(options.threads),
        cache_(model.kv_shape(), KvType::f16, pages_for(context_, model.kv_shape())),
        // Logits are never made: their buffer stays untouched, and so costs nothing.
        state_(model.make_state(pool_.size(), kBatchTokens, kBatchTokens)),
        pages_(cache_.pages_total()) {
    std::iota(pages_.begin(), pages_.end(), 0);
  }

  int dim() const override { return model_.config().dim; }
  int context() const override { return context_; }
  Pooling pooling() const override { return pooling_; }
  bool can_score() const override { return false; }
  size_t bytes() const override { return decoder_embedder_bytes(model_, {.context = context_}); }

  std::vector<std::vector<float>> embed(std::span<const std::vector<int32_t>> texts,
                                        std::stop_token cancelled, const AdapterUse& use) override {
    HEARTH_CHECK(!use.adapter || &use.adapter->model() == &model_);
    for (const std::vector<int32_t>& ids : texts)
      check_text(ids, model_.config().vocab_size, context_);
    std::vector<std::vector<float>> vectors;
    for (const std::vector<int32_t>& ids : texts) {
      const auto turn = turns_.take();
      vectors.push_back(embed_one(ids, cancelled, use));
    }
    return vectors;
  }

  std::vector<float> score(std::span<const TextPair>, std::stop_token) override {
    throw Error(Errc::unsupported, "the model has no head that scores pairs of texts");
  }

 private:
  bool is_wanted(size_t position, size_t count) const {
    if (pooling_ == Pooling::mean) return true;
    return pooling_ == Pooling::last ? position + 1 == count : position == 0;
  }

  std::vector<float> embed_one(const std::vector<int32_t>& ids, const std::stop_token& cancelled,
                               const AdapterUse& use) {
    const std::span<const int32_t> pages(pages_);
    std::vector<float> rows;
    std::vector<Batch::Token> tokens;
    for (size_t begin = 0; begin < ids.size(); begin += kBatchTokens) {
      check_stop(cancelled);
      tokens.clear();
      const size_t end = std::min(ids.size(), begin + kBatchTokens);
      for (size_t p = begin; p < end; ++p)
        tokens.push_back({.id = ids[p],
                          .position = static_cast<int32_t>(p),
                          .sequence = 0,
                          .wants_logits = is_wanted(p, ids.size())});
      const std::span<const float> out =
          model_.forward({.tokens = tokens,
                          .page_tables = {&pages, 1},
                          .adapters = {&use, use.adapter ? size_t{1} : size_t{0}},
                          .wants_vectors = true},
                         cache_, *state_, pool_);
      rows.insert(rows.end(), out.begin(), out.end());
    }
    return pool_rows(rows, dim(), pooling_);
  }

  const Model& model_;
  Pooling pooling_;
  int context_;
  ThreadPool pool_;
  Turns turns_;  // with what follows
  KvCache cache_;
  std::unique_ptr<ForwardState> state_;
  std::vector<int32_t> pages_;  // all of the cache, in order: one text has it at a time
};

}  // namespace

std::unique_ptr<Embedder> make_encoder_embedder(const formats::Gguf& file,
                                                const EmbedderOptions& options) {
  return std::make_unique<EncoderEmbedder>(file, options);
}

std::unique_ptr<Embedder> make_decoder_embedder(const Model& model, Pooling pooling,
                                                const EmbedderOptions& options) {
  return std::make_unique<DecoderEmbedder>(model, pooling, options);
}

size_t decoder_embedder_bytes(const Model& model, const EmbedderOptions& options) {
  const KvShape shape = model.kv_shape();
  const int context = context_of(options.context, model.config().context_length);
  return pages_for(context, shape) * kv_page_bytes(shape, KvType::f16) +
         ForwardState::bytes(model.config(), kBatchTokens, /*logits_max=*/0);
}

void shape_embedding(std::vector<float>& vector, int dimensions, bool normalise) {
  if (dimensions < 0 || size_t(dimensions) > vector.size())
    throw Error(Errc::invalid_argument, "dimensions is {}, the model has {}", dimensions,
                vector.size());
  if (dimensions > 0) vector.resize(dimensions);
  if (!normalise) return;
  double squares = 0;
  for (const float value : vector) squares += double(value) * value;
  if (squares == 0) return;
  const double factor = 1 / std::sqrt(squares);
  for (float& value : vector) value = static_cast<float>(value * factor);
}

}  // namespace hearth::llm
