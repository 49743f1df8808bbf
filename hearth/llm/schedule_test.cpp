#include "hearth/llm/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "hearth/base/rng.h"

namespace hearth::llm {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

SequenceView waiting(int tokens, int pages) {
  return {.phase = Phase::waiting, .tokens_left = tokens, .pages_missing = pages};
}
SequenceView prefill(int tokens) { return {.phase = Phase::prefill, .tokens_left = tokens}; }
SequenceView decode(int pages = 0) { return {.phase = Phase::decode, .pages_missing = pages}; }
SequenceView stalled(SequenceView view) {
  view.stalled = true;
  return view;
}

Decision decided(std::vector<SequenceView> views, ScheduleLimits limits) {
  Decision decision;
  decide(views, limits, decision);
  return decision;
}

TEST(Schedule, NothingToDoIsIdle) {
  EXPECT_EQ(decided({}, {.sequences_max = 2, .chunk_tokens = 8, .pages_free = 4}).action,
            Action::idle);
}

TEST(Schedule, TheOldestThatWaitsEntersFirst) {
  const Decision d = decided({decode(), waiting(5, 1), waiting(1, 1)},
                             {.sequences_max = 2, .chunk_tokens = 8, .pages_free = 4});
  EXPECT_EQ(d.action, Action::admit);
  EXPECT_EQ(d.index, 1);
}

TEST(Schedule, NobodyOvertakesAPromptThatNeedsMorePages) {
  const Decision d = decided({decode(), waiting(90, 3), waiting(1, 1)},
                             {.sequences_max = 3, .chunk_tokens = 8, .pages_free = 3});
  EXPECT_EQ(d.action, Action::step);  // 3 pages and one for the running sequence are not there
  EXPECT_THAT(d.decode, ElementsAre(Chunk{0, 1}));
}

TEST(Schedule, AnEmptyBoxNeedsNoHeadroom) {
  EXPECT_EQ(
      decided({waiting(90, 3)}, {.sequences_max = 2, .chunk_tokens = 8, .pages_free = 3}).action,
      Action::admit);
}

TEST(Schedule, RunningAnswersComeFirstAndPromptsShareTheRestEqually) {
  const Decision d = decided({prefill(100), decode(), prefill(100), decode()},
                             {.sequences_max = 4, .chunk_tokens = 13, .pages_free = 0});
  EXPECT_EQ(d.action, Action::step);
  EXPECT_THAT(d.decode, ElementsAre(Chunk{1, 1}, Chunk{3, 1}));
  // 11 tokens for two prompts: 5 each and the odd one to the older.
  EXPECT_THAT(d.prefill, ElementsAre(Chunk{0, 6}, Chunk{2, 5}));
}

TEST(Schedule, WhatAShortPromptLeavesGoesToTheLongOne) {
  const Decision d = decided({prefill(100), prefill(3)},
                             {.sequences_max = 4, .chunk_tokens = 20, .pages_free = 0});
  EXPECT_THAT(d.prefill, ElementsAre(Chunk{0, 17}, Chunk{1, 3}));
}

TEST(Schedule, WithoutAPageTheYoungestGivesWay) {
  const Decision d = decided({decode(1), prefill(9), decode()},
                             {.sequences_max = 4, .chunk_tokens = 20, .pages_free = 0});
  EXPECT_EQ(d.action, Action::preempt);
  EXPECT_EQ(d.index, 2);
}

TEST(Schedule, AStalledSequenceGivesWayBeforeAnyoneWhoIsRead) {
  const Decision d = decided({stalled(decode()), decode(1), decode()},
                             {.sequences_max = 4, .chunk_tokens = 20, .pages_free = 0});
  EXPECT_EQ(d.action, Action::preempt);
  EXPECT_EQ(d.index, 0);
}

TEST(Schedule, AStalledSequenceLeavesItsPlaceToOneThatWaits) {
  const ScheduleLimits limits{.sequences_max = 1, .chunk_tokens = 20, .pages_free = 5};
  const Decision d = decided({stalled(decode()), waiting(1, 1)}, limits);
  EXPECT_EQ(d.action, Action::preempt);
  EXPECT_EQ(d.index, 0);
  // …and keeps it when nobody wants it, or only others whose readers sleep too.
  EXPECT_EQ(decided({stalled(decode()), stalled(waiting(1, 1))}, limits).action, Action::idle);
}

TEST(Schedule, AStalledSequenceComputesNothingAndNeedsNoPage) {
  const Decision d = decided({stalled(decode(1)), decode()},
                             {.sequences_max = 2, .chunk_tokens = 20, .pages_free = 0});
  EXPECT_EQ(d.action, Action::step);
  EXPECT_THAT(d.decode, ElementsAre(Chunk{1, 1}));
  EXPECT_THAT(d.prefill, IsEmpty());
}

TEST(Schedule, PhasesMoveOnlyAsTheTableSays) {
  EXPECT_TRUE(is_allowed(Phase::waiting, Phase::prefill));
  EXPECT_TRUE(is_allowed(Phase::decode, Phase::waiting));
  EXPECT_FALSE(is_allowed(Phase::waiting, Phase::decode));
  for (Phase to : {Phase::waiting, Phase::prefill, Phase::decode, Phase::finished}) {
    EXPECT_FALSE(is_allowed(Phase::finished, to)) << name(to);
    EXPECT_EQ(is_allowed(to, Phase::finished), to != Phase::finished) << name(to);
  }
}

bool holds(const std::vector<Chunk>& chunks, int index) {
  return std::any_of(chunks.begin(), chunks.end(),
                     [&](const Chunk& chunk) { return chunk.index == index; });
}

TEST(Schedule, PromptsAreCutInWholeUnitsAndAtTheirEnd) {
  // 60 tokens less one of decode: three units of 16, and the end of the second prompt fits in what
  // is left.
  const Decision d =
      decided({prefill(100), decode(), prefill(20)},
              {.sequences_max = 4, .chunk_tokens = 60, .chunk_unit = 16, .pages_free = 0});
  EXPECT_THAT(d.prefill, ElementsAre(Chunk{0, 32}, Chunk{2, 20}));
}

// A box of pages and sequences that do what decide() says, without a model: 16 tokens a page.
class Simulation {
 public:
  static constexpr int kPageTokens = 16;
  struct Sim {
    SequenceView view;
    int ids, computed = 0, pages = 0, answer_left;
    int steps_not_advanced = 0;
    int unread = 0;  // pieces; 8 stall it until the reader takes them all
  };

  Simulation(uint64_t seed, ScheduleLimits limits, int pages)
      : rng_(seed), limits_(limits), pages_free_(pages) {}

  void arrive(int prompt, int answer) {
    sequences_.push_back({.view = {}, .ids = prompt, .answer_left = answer});
  }

  // One step; false when nothing ran.
  bool step() {
    for (int rounds = 0;; ++rounds) {
      // Each sequence is preempted or admitted at most once a step.
      EXPECT_LE(rounds, 2 * static_cast<int>(sequences_.size()));
      const std::vector<SequenceView> views = look();
      limits_.pages_free = pages_free_;
      decide(views, limits_, decision_);
      check_limits(views);
      if (decision_.action == Action::preempt) {
        give_back(sequences_[decision_.index]);
      } else if (decision_.action == Action::admit) {
        Sim& s = sequences_[decision_.index];
        take(s, views[decision_.index].pages_missing);
        s.view.phase = Phase::prefill;
      } else {
        break;
      }
    }
    if (decision_.action == Action::idle) return false;
    compute();
    return true;
  }

  // Each reader wakes up in one of `nap` steps; 1 keeps up.
  void read_some(int nap) {
    for (Sim& s : sequences_)
      if (rng_.below(nap) == 0) s.unread = 0;
  }
  bool is_done() const { return sequences_.empty(); }
  int pages_free() const { return pages_free_; }
  int longest_delay() const { return longest_delay_; }

 private:
  std::vector<SequenceView> look() {
    std::vector<SequenceView> views;
    for (Sim& s : sequences_) {
      if (s.unread >= 8) s.view.stalled = true;
      if (s.unread == 0) s.view.stalled = false;
      const int last = s.view.phase == Phase::decode ? s.computed + 1 : s.ids;
      s.view.tokens_left = s.ids - s.computed;
      s.view.pages_missing = (last + kPageTokens - 1) / kPageTokens - s.pages;
      views.push_back(s.view);
    }
    return views;
  }

  void check_limits(const std::vector<SequenceView>& views) {
    int running = 0, tokens = static_cast<int>(decision_.decode.size());
    for (const SequenceView& v : views) running += v.phase != Phase::waiting;
    for (const Chunk& chunk : decision_.prefill) tokens += chunk.tokens;
    EXPECT_LE(running, limits_.sequences_max);
    EXPECT_LE(tokens, limits_.chunk_tokens);
    EXPECT_GE(pages_free_, 0);
    if (decision_.action != Action::step) return;
    for (size_t i = 0; i < views.size(); ++i) {
      const bool decodes = holds(decision_.decode, static_cast<int>(i));
      EXPECT_EQ(decodes, views[i].phase == Phase::decode && !views[i].stalled) << i;
    }
  }

  void take(Sim& s, int pages) {
    s.pages += pages;
    pages_free_ -= pages;
    ASSERT_GE(pages_free_, 0);
  }

  void give_back(Sim& s) {
    ASSERT_NE(s.view.phase, Phase::waiting);
    pages_free_ += s.pages;
    s.pages = s.computed = 0;
    s.view.phase = Phase::waiting;
  }

  void compute() {
    for (const Chunk& chunk : decision_.decode) {
      Sim& s = sequences_[chunk.index];
      take(s, (s.computed + kPageTokens) / kPageTokens - s.pages);
      s.computed += 1;
      answer(s);
    }
    for (const Chunk& chunk : decision_.prefill) {
      Sim& s = sequences_[chunk.index];
      s.computed += chunk.tokens;
      if (s.computed == s.ids) answer(s);
    }
    for (Sim& s : sequences_) {
      const bool is_oldest = &s == &sequences_.front();
      s.steps_not_advanced =
          is_oldest && !s.view.stalled && !advanced(s) ? s.steps_not_advanced + 1 : 0;
      longest_delay_ = std::max(longest_delay_, s.steps_not_advanced);
    }
    std::erase_if(sequences_, [&](Sim& s) {
      if (s.answer_left == 0) pages_free_ += s.pages;
      return s.answer_left == 0;
    });
  }

  bool advanced(const Sim& s) const {
    const int i = static_cast<int>(&s - sequences_.data());
    return holds(decision_.decode, i) || holds(decision_.prefill, i);
  }

  void answer(Sim& s) {
    s.view.phase = Phase::decode;
    s.ids += 1;
    s.unread += 1;
    s.answer_left -= 1;
  }

  Rng rng_;
  ScheduleLimits limits_;
  int pages_free_;
  int longest_delay_ = 0;
  std::vector<Sim> sequences_;
  Decision decision_;
};

// Prompts up to 200 tokens, answers up to 60, a cache that holds little more than one of them.
TEST(ScheduleSimulation, EveryAnswerEndsWhateverArrives) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    const int sequences_max = 1 + static_cast<int>(rng.below(6));
    const int unit = 1 + static_cast<int>(rng.below(16));
    const int chunk = sequences_max + unit + static_cast<int>(rng.below(40));
    const int nap = 1 + static_cast<int>(seed % 8);
    const int pages = (260 + 15) / 16 + static_cast<int>(rng.below(20));
    Simulation box(seed,
                   {.sequences_max = sequences_max,
                    .chunk_tokens = chunk,
                    .chunk_unit = unit,
                    .pages_free = 0},
                   pages);
    for (int arrivals = 0, steps = 0; arrivals < 30 || !box.is_done(); ++steps) {
      if (arrivals < 30 && rng.below(3) == 0) {
        box.arrive(1 + static_cast<int>(rng.below(200)), 1 + static_cast<int>(rng.below(60)));
        ++arrivals;
      }
      box.step();
      box.read_some(nap);
      // 30 answers of at most 260 tokens: even one token a step with every prompt computed ten
      // times is less.
      ASSERT_LT(steps, 100000) << "starved";
    }
    EXPECT_EQ(box.pages_free(), pages);
    // Readers that keep up: the oldest sequence advances in every step.
    if (nap == 1) {
      EXPECT_EQ(box.longest_delay(), 0);
    }
  }
}

}  // namespace
}  // namespace hearth::llm
