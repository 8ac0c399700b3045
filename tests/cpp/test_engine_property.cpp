#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "engine_test.hpp"

namespace saas_access {
namespace {

// Readers of every kind, a writer, previews and the background checks of two engines, all at once: for ThreadSanitizer,
// and for what must hold whatever the interleaving.
class EngineProperty : public EngineTest {
 protected:
  static constexpr int kWrites = 150;

  EngineProperty() {
    fill();
    key_id_ = write([](Write& w) { return create_key(w, TeamId("team"), new_key(digest_of(1))); }).value.key_id;
  }

  /// One write that does two things, so that a snapshot of half of it would show: the team is suspended exactly while
  /// the alias b is active.
  void turn(int number) {
    const bool on = number % 2 == 0;
    answered_ = write([&](Write& w) {
                  suspend_team(w, TeamId("team"), on);
                  update_model_alias(w, AliasName("b"), patch(&ModelAliasPatch::active, on));
                }).receipt.revision;
  }

  void look(const Snapshot& snapshot, Revision least, Revision& last) {
    const bool suspended = snapshot.team(TeamId("team"))->suspended;
    const bool whole = snapshot.revision <= 2 || suspended == snapshot.catalog->find(AliasName("b"))->active;
    if (!whole || snapshot.revision < least || snapshot.revision < last) failed_ = true;
    last = snapshot.revision;
  }

  /// Runs `step` again and again in a thread of its own, until the writer is done.
  void meanwhile(std::function<void()> step) {
    threads_.emplace_back([this, step = std::move(step)] {
      while (!done_) step();
    });
  }

  void decide_on(Engine& engine) {
    meanwhile([this, &engine, last = Revision{0}]() mutable {
      const Revision least = answered_;
      engine.decide([&](const Snapshot& snapshot, UnixMs) { look(snapshot, least, last); });
    });
  }

  KeyId key_id_;
  std::atomic<Revision> answered_{0};
  std::atomic<bool> done_{false};
  std::atomic<bool> failed_{false};
  std::vector<std::thread> threads_;
};

TEST_F(EngineProperty, WhatManyThreadsSeeIsWholeAndNeverOlderThanWhatWasAnswered) {
  Engine checking(file_.path(), clock(), 1);
  decide_on(engine_);
  decide_on(checking);
  meanwhile([&, last = Revision{0}]() mutable {  // holds on to a snapshot while the writer replaces it
    const Revision least = answered_;
    look(*checking.snapshot(), least, last);
  });
  meanwhile([&] {
    if (!checking.health().ok || checking.now_ms() != kNow) failed_ = true;
    checking.touch_key(key_id_);
  });
  std::thread previews([&] {
    WriteOptions options;
    options.dry_run = true;
    for (int i = 0; i < kWrites / 3; ++i) {
      const auto changes = checking.write(options, [](Write& w) { delete_team(w, TeamId("team")); }).receipt.changes;
      if (changes.size() != 1 || changes.front().loses.empty()) failed_ = true;
    }
  });
  for (int number = 0; number < kWrites && !failed_; ++number) turn(number);
  previews.join();
  done_ = true;
  for (std::thread& thread : threads_) thread.join();
  EXPECT_FALSE(failed_);
  EXPECT_EQ(engine_.health().revision, 2U + kWrites);
}

TEST_F(EngineProperty, WritersInManyThreadsAndEnginesEachGetARevisionOfTheirOwn) {
  Engine other(file_.path(), clock(), 1);
  std::array<std::vector<Revision>, 3> given;
  decide_on(engine_);
  decide_on(other);
  std::vector<std::thread> writers;
  for (std::size_t i = 0; i < given.size(); ++i) {
    writers.emplace_back([&, i] {
      Engine& engine = i == 0 ? engine_ : other;
      for (int number = 0; number < 30; ++number) {
        given.at(i).push_back(
            engine.write({}, [](Write& w) { suspend_team(w, TeamId("team"), true); }).receipt.revision);
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  done_ = true;
  for (std::thread& thread : threads_) thread.join();
  std::set<Revision> all;
  for (const auto& revisions : given) {
    EXPECT_TRUE(std::is_sorted(revisions.begin(), revisions.end()));
    all.insert(revisions.begin(), revisions.end());
  }
  EXPECT_EQ(all.size(), 90U);
  EXPECT_EQ(*all.rbegin(), 92U);
  EXPECT_EQ(other.snapshot()->revision, 92U);
}

}  // namespace
}  // namespace saas_access
