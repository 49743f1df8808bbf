#include "hearth/llm/engine_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "hearth/llm/recall_model.h"
#include "hearth/llm/tiny_vocabulary.h"

namespace hearth::llm {
namespace {

constexpr int kContext = 128;  // four pages
constexpr int kQueueMax = 1000;

const Tokenizer& tiny_tokenizer() {
  static const TinyVocabulary vocabulary;
  return *vocabulary.tokenizer;
}

std::string text_of(const std::vector<int32_t>& ids) {
  std::string text;
  for (int32_t id : ids) text += tiny_spelling(id);
  return text;
}

// BOS and random text.
std::vector<int32_t> random_prompt(Rng& rng, int length) {
  std::vector<int32_t> ids = {kTinyBos};
  while (static_cast<int>(ids.size()) < length)
    ids.push_back(kTinyFirstText + static_cast<int32_t>(rng.below(kTinySize - kTinyFirstText)));
  return ids;
}

GenerateParams greedy(std::vector<int32_t> prompt, int tokens_max) {
  return {.prompt = std::move(prompt),
          .sampling = {.temperature = 0, .repeat_penalty = 1},
          .tokens_max = tokens_max};
}

// A loop on the recall model and what a reader sees of it, in one thread.
struct Box {
  explicit Box(EngineLimits limits_in = {}, RecallModel::Options options = {})
      : model({.vocab_size = kTinySize,
               .context_length = kContext,
               .first_id = kTinyFirstText,
               .end_id = kTinyEos,
               .end_after = options.end_after,
               .exact_batch_tokens = options.exact_batch_tokens}),
        limits(filled(limits_in)),
        loop(model, kTinySize, limits) {}

  static EngineLimits filled(EngineLimits limits) {
    limits.threads = 1;
    limits.context = kContext;
    limits.queue_max = kQueueMax;
    limits.kv_type = KvType::f32;
    if (limits.sequences_max == 0) limits.sequences_max = 4;
    if (limits.chunk_tokens == 0) limits.chunk_tokens = 64;
    if (limits.pages == 0) limits.pages = limits.sequences_max * kContext / 32;
    return limits;
  }

  std::shared_ptr<PieceStream::Shared> add(GenerateParams params) {
    auto stream = std::make_shared<PieceStream::Shared>(door, std::stop_token());
    EXPECT_TRUE(stream->try_enter(kQueueMax));
    auto sequence = std::make_unique<Sequence>(std::move(params), tiny_tokenizer(), kTinySize,
                                               kContext, stream);
    loop.make_room(*sequence);
    loop.add(std::move(sequence));
    return stream;
  }

  void run() {
    for (int steps = 0; loop.step(); ++steps) ASSERT_LT(steps, 100000);
  }

  std::string text_after_run(GenerateParams params) {
    auto stream = add(std::move(params));
    run();
    return read(*stream);
  }

  static std::string read(PieceStream::Shared& stream) {
    std::string text;
    while (std::optional<Piece> piece = stream.next()) text += piece->text;
    return text;
  }

  void expect_all_pages_free() const {
    EXPECT_EQ(loop.status().pages_free, limits.pages);
    EXPECT_EQ(loop.status().running + loop.status().waiting, 0);
    EXPECT_EQ(door->inside(), 0);
  }

  RecallModel model;
  EngineLimits limits;
  std::shared_ptr<EngineDoor> door = std::make_shared<EngineDoor>();
  EngineLoop loop;
};

TEST(EngineLoop, AnswersWhatTheModelSays) {
  Box box;
  Rng rng(1);
  const auto prompt = random_prompt(rng, 50);
  auto stream = box.add(greedy(prompt, 20));
  box.run();
  EXPECT_EQ(Box::read(*stream), text_of(box.model.recall(prompt, 20)));
  const GenerateResult& result = stream->result();
  EXPECT_EQ(result.reason, FinishReason::length);
  EXPECT_EQ(result.prompt_tokens, 50);
  EXPECT_EQ(result.prompt_tokens_cached, 0);
  EXPECT_EQ(result.generated_tokens, 20);
  EXPECT_EQ(result.context_shifts, 0);
  EXPECT_GT(result.prompt_time.count(), 0);
  EXPECT_GT(result.decode_time.count(), 0);
  box.expect_all_pages_free();
}

TEST(EngineLoop, AnEndTokenEndsTheAnswerWithAPieceWithoutText) {
  Box box({}, {.end_after = 12});
  Rng rng(2);
  const auto prompt = random_prompt(rng, 10);
  auto stream = box.add(greedy(prompt, -1));
  box.run();
  std::vector<int32_t> ids;
  std::string text;
  while (std::optional<Piece> piece = stream->next()) {
    ids.push_back(piece->sample.token);
    text += piece->text;
  }
  // Positions 10, 11 and 12 are text, and the end follows the id at 12.
  const auto answer = box.model.recall(prompt, 3);
  EXPECT_EQ(text, text_of(answer));
  EXPECT_THAT(ids, testing::ElementsAre(answer[0], answer[1], answer[2], kTinyEos));
  EXPECT_EQ(stream->result().reason, FinishReason::end);
  EXPECT_EQ(stream->result().generated_tokens, 4);
}

TEST(EngineLoop, AnEndTokenCanBeIgnored) {
  Box box({}, {.end_after = 12});
  Rng rng(2);
  const auto prompt = random_prompt(rng, 10);
  GenerateParams params = greedy(prompt, 6);
  params.ignore_end = true;
  auto stream = box.add(std::move(params));
  box.run();
  Box::read(*stream);
  EXPECT_EQ(stream->result().generated_tokens, 6);
}

TEST(EngineLoop, AStopStringMaySpanTokens) {
  Box box;
  Rng rng(3);
  const auto prompt = random_prompt(rng, 10);
  const std::string whole = text_of(box.model.recall(prompt, 10));
  GenerateParams params = greedy(prompt, 10);
  params.stop = {whole.substr(7, 4)};  // the end of a token, a whole one, the beginning of a third
  ASSERT_EQ(whole.find(params.stop[0]), 7u);
  auto stream = box.add(std::move(params));
  box.run();
  EXPECT_EQ(Box::read(*stream), whole.substr(0, 7));
  EXPECT_EQ(stream->result().reason, FinishReason::stop_string);
  EXPECT_EQ(stream->result().generated_tokens, 6);
}

TEST(EngineLoop, TextHeldForAStopStringIsShownAtTheEnd) {
  Box box;
  Rng rng(3);
  const auto prompt = random_prompt(rng, 10);
  const std::string whole = text_of(box.model.recall(prompt, 5));
  GenerateParams params = greedy(prompt, 5);
  params.stop = {whole.substr(9, 1) + "never"};
  EXPECT_EQ(box.text_after_run(std::move(params)), whole);
}

TEST(EngineLoop, NoTokensWantedComputesThePromptForOthers) {
  Box box;
  Rng rng(4);
  const auto prompt = random_prompt(rng, 70);
  auto warm = box.add(greedy(prompt, 0));
  box.run();
  EXPECT_EQ(Box::read(*warm), "");
  EXPECT_EQ(warm->result().reason, FinishReason::length);
  auto stream = box.add(greedy(prompt, 4));
  box.run();
  EXPECT_EQ(Box::read(*stream), text_of(box.model.recall(prompt, 4)));
  EXPECT_EQ(stream->result().prompt_tokens_cached, 64);  // two full pages of 32
}

TEST(EngineLoop, AtLeastTheLastIdOfAPromptIsComputedAgain) {
  Box box;
  Rng rng(5);
  const auto prompt = random_prompt(rng, 64);
  box.text_after_run(greedy(prompt, 1));
  auto stream = box.add(greedy(prompt, 4));
  box.run();
  EXPECT_EQ(Box::read(*stream), text_of(box.model.recall(prompt, 4)));
  EXPECT_EQ(stream->result().prompt_tokens_cached, 32);  // the second page holds the last id
}

// A page of an answer holds other bits than the same ids in a prompt would.
TEST(EngineLoop, OnlyPagesOfPromptsAreShared) {
  Box box;
  Rng rng(6);
  std::vector<int32_t> ids = random_prompt(rng, 40);
  box.text_after_run(greedy(ids, 60));
  for (int32_t id : box.model.recall(ids, 60)) ids.push_back(id);
  auto stream = box.add(greedy(ids, 5));
  box.run();
  EXPECT_EQ(Box::read(*stream), text_of(box.model.recall(ids, 5)));
  EXPECT_EQ(stream->result().prompt_tokens_cached, 32);
}

TEST(EngineLoop, PrefixesAreNotSharedWhenAskedNotTo) {
  Box box({.share_prefixes = false});
  Rng rng(4);
  const auto prompt = random_prompt(rng, 70);
  box.text_after_run(greedy(prompt, 1));
  auto stream = box.add(greedy(prompt, 1));
  box.run();
  Box::read(*stream);
  EXPECT_EQ(stream->result().prompt_tokens_cached, 0);
}

TEST(EngineLoop, ALongPromptDelaysRunningAnswersByOneChunk) {
  Box box({.sequences_max = 2, .chunk_tokens = 64});
  Rng rng(7);
  std::vector<size_t> passes;  // tokens of each forward pass
  box.model.on_forward = [&](const Batch& batch) { passes.push_back(batch.tokens.size()); };
  auto answer = box.add(greedy(random_prompt(rng, 1), 40));
  box.loop.step();
  auto long_prompt = box.add(greedy(random_prompt(rng, 124), 1));
  passes.clear();
  for (int i = 0; i < 5; ++i) box.loop.step();
  // Each step: one token of the answer, delivered first, and then a page of the prompt: two do not
  // fit into the 63 tokens left. Its 124th goes with the answer's next.
  EXPECT_THAT(passes, testing::ElementsAre(1, 32, 1, 32, 1, 59, 2, 1));
}

TEST(EngineLoop, EachIdIsComputedInTheSameKindOfBatchWhateverRunsBeside) {
  Box box({.sequences_max = 3, .chunk_tokens = 40, .pages = 6});
  Rng rng(7);
  box.model.on_forward = [&](const Batch& batch) {
    if (batch.tokens.size() <= size_t(box.model.exact_batch_tokens())) {
      std::set<int32_t> sequences;
      for (const Batch::Token& token : batch.tokens) sequences.insert(token.sequence);
      EXPECT_EQ(sequences.size(), batch.tokens.size());  // one token of each
      return;
    }
    EXPECT_GE(batch.tokens.size(), size_t{kPrefillRowsMin});
    for (const Batch::Token& token : batch.tokens) {
      EXPECT_FALSE(token.wants_logits);
      EXPECT_LT(token.position, 40);  // prompts only, also after preemption
    }
  };
  for (int i = 0; i < 6; ++i) box.add(greedy(random_prompt(rng, 41), 80));
  box.run();
}

TEST(EngineLoop, AnswersDecodeTogetherAsFarAsTheModelKeepsTheirBits) {
  for (const auto& [exact, expected] : {std::pair<int, std::vector<size_t>>{1, {1, 1, 1, 1, 1}},
                                        {2, {2, 2, 1}},
                                        {4, {4, 1}},
                                        {16, {5}}}) {
    Box box({.sequences_max = 5}, {.exact_batch_tokens = exact});
    Rng rng(18);
    std::vector<std::shared_ptr<PieceStream::Shared>> streams;
    for (int i = 0; i < 5; ++i) streams.push_back(box.add(greedy(random_prompt(rng, 1), 10)));
    std::vector<size_t> passes;
    box.model.on_forward = [&](const Batch& batch) { passes.push_back(batch.tokens.size()); };
    box.loop.step();
    EXPECT_EQ(passes, expected) << exact;
    box.run();
  }
}

TEST(EngineLoop, AnswersDoNotDependOnWhatRunsBeside) {
  Box box({.sequences_max = 4, .chunk_tokens = 40});
  Rng rng(8);
  std::vector<std::vector<int32_t>> prompts;
  std::vector<std::shared_ptr<PieceStream::Shared>> streams;
  for (int i = 0; i < 12; ++i) {
    prompts.push_back(random_prompt(rng, 1 + static_cast<int>(rng.below(90))));
    streams.push_back(box.add(greedy(prompts.back(), 30)));
  }
  box.run();
  for (int i = 0; i < 12; ++i)
    EXPECT_EQ(Box::read(*streams[i]), text_of(box.model.recall(prompts[i], 30))) << i;
  box.expect_all_pages_free();
}

TEST(EngineLoop, AFullCacheMakesTheYoungestWaitAndNobodyFail) {
  // Six pages for four answers that grow to four pages each.
  Box box({.sequences_max = 4, .chunk_tokens = 64, .pages = 6});
  Rng rng(9);
  std::vector<std::vector<int32_t>> prompts;
  std::vector<std::shared_ptr<PieceStream::Shared>> streams;
  for (int i = 0; i < 4; ++i) {
    prompts.push_back(random_prompt(rng, 10));
    streams.push_back(box.add(greedy(prompts.back(), 110)));
  }
  int most = 0;
  box.model.on_forward = [&](const Batch&) { most = std::max(most, box.loop.status().running); };
  box.run();
  EXPECT_GE(most, 3);  // so that somebody had to give way
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(Box::read(*streams[i]), text_of(box.model.recall(prompts[i], 110))) << i;
  box.expect_all_pages_free();
}

TEST(EngineLoop, SharedPagesCountOnceSoThatMoreSequencesFit) {
  // A common prompt of three pages; each answer needs a fourth. Seven pages hold four of them only
  // when shared.
  Box box({.sequences_max = 4, .chunk_tokens = 256, .pages = 8});
  Rng rng(10);
  const auto prompt = random_prompt(rng, 100);
  box.text_after_run(greedy(prompt, 1));
  std::vector<std::shared_ptr<PieceStream::Shared>> streams;
  for (int i = 0; i < 3; ++i) streams.push_back(box.add(greedy(prompt, 10)));
  box.loop.step();
  EXPECT_EQ(box.loop.status().running, 3);
  box.run();
  for (const auto& stream : streams)
    EXPECT_EQ(Box::read(*stream), text_of(box.model.recall(prompt, 10)));
}

TEST(EngineLoop, CancellationFreesEverythingInTheNextStep) {
  Box box;
  Rng rng(11);
  auto running = box.add(greedy(random_prompt(rng, 40), -1));
  box.loop.step();
  box.loop.step();
  auto waiting = box.add(greedy(random_prompt(rng, 40), -1));
  running->cancel();
  waiting->cancel();
  EXPECT_FALSE(box.loop.step());
  EXPECT_EQ(running->next(), std::nullopt);
  EXPECT_EQ(running->result().reason, FinishReason::cancelled);
  EXPECT_EQ(waiting->next(), std::nullopt);
  EXPECT_EQ(waiting->result().generated_tokens, 0);
  box.expect_all_pages_free();
}

TEST(EngineLoop, ASlowReaderPausesItsOwnAnswerOnly) {
  // Ids are at most 128 positions, so the ring of 256 needs a shifting answer to fill.
  Box box;
  Rng rng(12);
  GenerateParams endless = greedy(random_prompt(rng, 10), 600);
  endless.context_full = ContextFull::shift;
  auto slow = box.add(std::move(endless));
  box.run();
  EXPECT_TRUE(slow->is_stalled());
  const auto prompt = random_prompt(rng, 20);
  EXPECT_EQ(box.text_after_run(greedy(prompt, 50)), text_of(box.model.recall(prompt, 50)));
  // Half of it read: it goes on until the ring is full again.
  int pieces = 0;
  for (; pieces < PieceStream::Shared::kPiecesMax / 2; ++pieces) slow->next();
  EXPECT_FALSE(slow->is_stalled());
  while (pieces < 600) {
    box.run();
    for (int i = 0; i < 100 && pieces < 600; ++i, ++pieces) ASSERT_TRUE(slow->next());
  }
  box.run();
  EXPECT_EQ(slow->next(), std::nullopt);
  EXPECT_EQ(slow->result().generated_tokens, 600);
}

TEST(EngineLoop, AStalledAnswerGivesItsPlaceToOneThatWaits) {
  Box box({.sequences_max = 1});
  Rng rng(13);
  GenerateParams endless = greedy(random_prompt(rng, 10), 600);
  endless.context_full = ContextFull::shift;
  auto slow = box.add(std::move(endless));
  box.run();
  const auto prompt = random_prompt(rng, 20);
  EXPECT_EQ(box.text_after_run(greedy(prompt, 50)), text_of(box.model.recall(prompt, 50)));
  slow->cancel();
  box.run();
  box.expect_all_pages_free();
}

TEST(EngineLoop, AFullContextStops) {
  Box box;
  Rng rng(14);
  const auto prompt = random_prompt(rng, 100);
  auto stream = box.add(greedy(prompt, -1));
  box.run();
  // 28 ids fill positions 100..127, and the 29th is said but has no position.
  EXPECT_EQ(Box::read(*stream), text_of(box.model.recall(prompt, 29)));
  EXPECT_EQ(stream->result().reason, FinishReason::context_full);
  box.expect_all_pages_free();
}

TEST(EngineLoop, AFullContextIsAnErrorWhereAsked) {
  Box box;
  Rng rng(14);
  const auto prompt = random_prompt(rng, 120);
  GenerateParams params = greedy(prompt, -1);
  params.context_full = ContextFull::error;
  auto stream = box.add(std::move(params));
  box.run();
  for (int i = 0; i < 9; ++i) EXPECT_TRUE(stream->next());
  try {
    stream->next();
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Errc::resource_exhausted);
    EXPECT_STREQ(e.what(), "context: all 128 positions are used");
  }
  box.expect_all_pages_free();
}

TEST(EngineLoop, AFullContextForgetsItsOlderHalfWhereAsked) {
  Box box;
  Rng rng(15);
  std::vector<int32_t> ids = random_prompt(rng, 100);
  GenerateParams params = greedy(ids, 150);
  params.context_full = ContextFull::shift;
  auto stream = box.add(std::move(params));
  box.run();
  std::vector<int32_t> answer;
  int shifts = 0;
  for (int i = 0; i < 150; ++i) {
    if (ids.size() == 129) {  // 1 + 64 stay
      ids.erase(ids.begin() + 1, ids.end() - 64);
      ++shifts;
    }
    answer.push_back(box.model.recall(ids));
    ids.push_back(answer.back());
  }
  EXPECT_EQ(Box::read(*stream), text_of(answer));
  EXPECT_EQ(shifts, 2);
  EXPECT_EQ(stream->result().context_shifts, shifts);
  box.expect_all_pages_free();
}

TEST(EngineLoop, APromptBeyondTheContextIsShiftedAtTheDoor) {
  Box box;
  Rng rng(16);
  std::vector<int32_t> ids = random_prompt(rng, 300);
  GenerateParams params = greedy(ids, 5);
  params.context_full = ContextFull::shift;
  auto stream = box.add(std::move(params));
  box.run();
  ids.erase(ids.begin() + 1, ids.end() - 64);
  EXPECT_EQ(Box::read(*stream), text_of(box.model.recall(ids, 5)));
  EXPECT_EQ(stream->result().context_shifts, 1);
  EXPECT_EQ(stream->result().prompt_tokens, 300);
}

TEST(EngineLoop, LogprobsTravelWithThePieces) {
  Box box;
  Rng rng(17);
  GenerateParams params = greedy(random_prompt(rng, 10), 3);
  params.sampling.logprobs = 2;
  auto stream = box.add(std::move(params));
  box.run();
  const std::optional<Piece> piece = stream->next();
  ASSERT_TRUE(piece);
  ASSERT_EQ(piece->sample.top.size(), 2u);
  EXPECT_EQ(piece->sample.top[0].token, piece->sample.token);
  EXPECT_LE(piece->sample.chosen.logprob, 0);
}

// The answer of `count` ids when the older half is forgotten each time the context is full.
std::vector<int32_t> recall_shifting(const RecallModel& model, std::vector<int32_t> ids,
                                     int count) {
  std::vector<int32_t> answer;
  for (int i = 0; i < count; ++i) {
    if (ids.size() > kContext) ids.erase(ids.begin() + 1, ids.end() - kContext / 2);
    answer.push_back(model.recall(ids));
    ids.push_back(answer.back());
  }
  return answer;
}

struct Reader {
  std::shared_ptr<PieceStream::Shared> stream;
  std::string expected, text;
  int nap;  // reads in one of so many steps
  bool cancelled = false;

  // Reads what is there; true when the answer has ended and all of it is read.
  bool read() {
    const bool was_done = stream->is_done();
    while (stream->unread() > 0) text += stream->next()->text;
    return was_done;
  }
};

// Random lengths, common prefixes, shifts, sleepy readers.
Reader submit_something(Box& box, Rng& rng, const std::vector<int32_t>& common) {
  std::vector<int32_t> prompt = random_prompt(rng, 1 + static_cast<int>(rng.below(60)));
  if (rng.below(2) == 0)
    prompt.assign(common.begin(), common.begin() + 1 + static_cast<int>(rng.below(common.size())));
  const int count = 1 + static_cast<int>(rng.below(rng.below(4) == 0 ? 600 : 60));
  const std::string expected = text_of(recall_shifting(box.model, prompt, count));
  GenerateParams params = greedy(prompt, count);
  params.context_full = ContextFull::shift;
  return {box.add(std::move(params)), expected, "", 1 + static_cast<int>(rng.below(60))};
}

// 200 answers a box, some cancelled, in a cache that is too small for what runs.
TEST(EngineLoopSimulation, EveryStreamEndsAndEveryPageComesBack) {
  for (uint64_t seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const int sequences_max = 1 + static_cast<int>(rng.below(6));
    Box box({.sequences_max = sequences_max,
             .chunk_tokens = sequences_max + 32 + static_cast<int>(rng.below(60)),
             .pages = 4 + static_cast<int>(rng.below(12)),
             .share_prefixes = rng.below(4) != 0});
    std::vector<Reader> readers;
    const auto common = random_prompt(rng, 90);
    for (int submitted = 0, steps = 0; submitted < 200 || !readers.empty(); ++steps) {
      ASSERT_LT(steps, 200000) << "starved";
      if (submitted < 200 && rng.below(8) == 0) {
        readers.push_back(submit_something(box, rng, common));
        ++submitted;
      }
      box.loop.step();
      std::erase_if(readers, [&](Reader& reader) {
        if (rng.below(2000) == 0) {
          reader.stream->cancel();
          reader.cancelled = true;
        }
        if (rng.below(reader.nap) != 0 || !reader.read()) return false;
        if (!reader.cancelled) {
          EXPECT_EQ(reader.text, reader.expected);
        }
        return true;
      });
    }
    box.expect_all_pages_free();
  }
}

}  // namespace
}  // namespace hearth::llm
