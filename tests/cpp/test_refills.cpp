#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "child_processes.hpp"
#include "ledger_test.hpp"
#include "saas_access/refills.hpp"

namespace saas_access {
namespace {

constexpr UnixMs kDay = 86'400'000;
constexpr UnixMs kMidOctober = 1'728'907'200'000;  // Monday, 2024-10-14T12:00:00Z

class RefillTest : public LedgerTest {
 protected:
  RefillTest() { now_ms_ = kMidOctober; }

  void set(const std::optional<Refill>& refill) {
    write([&](Write& w) { update_team(w, team_, patch(&TeamPatch::refill, refill)); });
  }
  static std::int64_t apply_all(Engine& engine) {
    std::int64_t all = 0;
    const auto some = [&] {
      return engine.transact([&](Connection& db) { return apply_due_refills(db, engine.now_ms(), 2); });
    };
    while (const std::int64_t applied = some()) all += applied;
    return all;
  }
  std::int64_t apply_at(UnixMs now_ms) {
    now_ms_ = now_ms;
    return apply_all(engine_);
  }
  Team team() {
    return engine_.read([&](Connection& db) { return find_team(db, team_); });
  }
  /// "amount description" of every entry, oldest first.
  std::vector<std::string> lines() {
    std::vector<std::string> found;
    for (const LedgerEntry& entry : entries().items) {
      found.push_back(credits_text(entry.amount) + " " + entry.description);
    }
    std::reverse(found.begin(), found.end());
    return found;
  }
  using Lines = std::vector<std::string>;
};

TEST_F(RefillTest, TheFirstComesWithTheNextPeriod) {
  set(Refill{credits(1000), RefillPeriod::monthly, RefillMode::add});
  const UnixMs november = *team().next_refill_at_ms;
  EXPECT_EQ(november, 1'730'419'200'000);  // 2024-11-01
  EXPECT_EQ(apply_at(november - 1), 0);
  EXPECT_EQ(apply_at(november), 1);
  EXPECT_EQ(apply_at(november + kDay), 0);
  EXPECT_EQ(lines(), Lines{"1000 Monthly refill 2024-11"});
  EXPECT_EQ(entries().items.front().type, EntryType::allocation);
  EXPECT_EQ(whole_balance(), "1000 0 0 1000");
}

TEST_F(RefillTest, MissedPeriodsAreMadeUpOneByOne) {
  set(Refill{credits(5), RefillPeriod::weekly, RefillMode::add});
  EXPECT_EQ(apply_at(kMidOctober + 21 * kDay), 3);
  EXPECT_EQ(lines(), (Lines{"5 Weekly refill 2024-10-21", "5 Weekly refill 2024-10-28", "5 Weekly refill 2024-11-04"}));
}

TEST_F(RefillTest, ToppingUpRaisesWhatRemainsOnceAndTakesNothing) {
  add(3);
  const Reservation running = reserve_call(call());
  set(Refill{credits(10), RefillPeriod::daily, RefillMode::top_up});
  EXPECT_EQ(apply_at(kMidOctober + 5 * kDay), 1);
  EXPECT_EQ(lines(), (Lines{"3 Top-up", "8 Daily refill 2024-10-19"}));
  EXPECT_EQ(whole_balance(), "11 0 1 10");
  add(20);
  EXPECT_EQ(apply_at(kMidOctober + 6 * kDay), 1);
  EXPECT_EQ(whole_balance(), "31 0 1 30");
  settle_call(running.call_id);
}

TEST_F(RefillTest, OneAboveTheMaximumIsSkippedVisiblyAndStopsNoOther) {
  write([](Write& w) { create_team(w, new_team("other")); });
  allocate(kMaxMicroCredits - credits(1));
  set(Refill{credits(2), RefillPeriod::daily, RefillMode::add});
  write([](Write& w) {
    update_team(w, TeamId("other"),
                patch(&TeamPatch::refill, std::optional(Refill{credits(2), RefillPeriod::daily, RefillMode::add})));
  });
  EXPECT_EQ(apply_at(kMidOctober + kDay), 2);
  EXPECT_EQ(lines().back(), "0 Daily refill 2024-10-15 skipped: it would bring the team above 1000000000000 credits");
  EXPECT_EQ(engine_.read([](Connection& db) { return find_balance(db, TeamId("other")); }).remaining, credits(2));
  EXPECT_EQ(apply_at(kMidOctober + kDay), 0);
}

TEST_F(RefillTest, WhatWasDueUnderTheEarlierOneIsAppliedBeforeAChange) {
  set(Refill{credits(5), RefillPeriod::daily, RefillMode::add});
  now_ms_ = kMidOctober + kDay;
  set(Refill{credits(7), RefillPeriod::daily, RefillMode::add});
  now_ms_ = kMidOctober + 2 * kDay;
  set(std::nullopt);
  EXPECT_EQ(lines(), (Lines{"5 Daily refill 2024-10-15", "7 Daily refill 2024-10-16"}));
  EXPECT_EQ(team().next_refill_at_ms, std::nullopt);
  EXPECT_EQ(apply_at(kMidOctober + 9 * kDay), 0);
}

TEST_F(RefillTest, AClockThatIsSetBackFiresNothingTwice) {
  set(Refill{credits(5), RefillPeriod::daily, RefillMode::add});
  EXPECT_EQ(apply_at(kMidOctober + kDay), 1);
  now_ms_ = kMidOctober;
  set(Refill{credits(6), RefillPeriod::daily, RefillMode::add});
  EXPECT_EQ(apply_at(kMidOctober + kDay), 0);
}

TEST_F(RefillTest, SuspendedTeamsAreRefilledAndDeletedOnesNever) {
  set(Refill{credits(5), RefillPeriod::daily, RefillMode::add});
  write([&](Write& w) { suspend_team(w, team_, true); });
  EXPECT_EQ(apply_at(kMidOctober + kDay), 1);
  write([&](Write& w) { delete_team(w, team_); });
  EXPECT_EQ(apply_at(kMidOctober + 9 * kDay), 0);
}

TEST_F(RefillTest, ADryRunAppliesAndSetsNothing) {
  set(Refill{credits(5), RefillPeriod::daily, RefillMode::add});
  now_ms_ = kMidOctober + kDay;
  preview([&](Write& w) { update_team(w, team_, patch(&TeamPatch::refill, std::optional<Refill>())); });
  EXPECT_EQ(lines(), Lines{});
  EXPECT_EQ(apply_at(kMidOctober + kDay), 1);
}

// Several engines on one file, downtimes of any length between rounds, whichever of them comes first: each period that
// began has one entry, and the balance is the sum of them.
TEST_F(RefillTest, EveryPeriodHasOneEntryHoweverManyEnginesAndHoweverLongNoneRan) {
  std::mt19937 random(7);
  const auto pick = [&](std::uint32_t below) { return static_cast<std::int64_t>(random() % below); };
  for (int history = 0; history < 6; ++history) {
    const auto period = static_cast<RefillPeriod>(history % 3);
    const TeamId id("team-" + std::to_string(history));
    NewTeam document = new_team(id.str());
    document.refill = Refill{credits(1), period, RefillMode::add};
    const UnixMs first = *write([&](Write& w) { return create_team(w, document); }).value.next_refill_at_ms;
    Engine second(file_.path(), clock());
    Engine third(file_.path(), clock());
    Engine* engines[] = {&engine_, &second, &third};
    for (int round = 0; round < 12; ++round) {
      now_ms_ += pick(3) == 0 ? pick(100) * kDay : pick(40 * 3600) * 1000;
      Engine& one = *engines[pick(3)];
      one.transact([&](Connection& db) { return apply_due_refills(db, one.now_ms(), 1 + pick(5)); });
    }
    apply_all(*engines[pick(3)]);
    const auto found = engine_.read([&](Connection& db) { return list_entries(db, id, {}); }).items;
    std::set<std::string> named;
    for (const LedgerEntry& entry : found) named.insert(entry.description);
    std::set<std::string> expected;
    for (UnixMs day = first; day <= now_ms_; day += kDay) {
      const std::time_t seconds = day / 1000;
      std::tm date{};
      gmtime_r(&seconds, &date);
      const bool begins = period == RefillPeriod::daily || (period == RefillPeriod::weekly && date.tm_wday == 1) ||
                          (period == RefillPeriod::monthly && date.tm_mday == 1);
      char text[40];
      std::strftime(text, sizeof text, period == RefillPeriod::monthly ? "%Y-%m" : "%Y-%m-%d", &date);
      const char* names[] = {"Daily", "Weekly", "Monthly"};
      if (begins) expected.insert(std::string(names[history % 3]) + " refill " + text);
    }
    EXPECT_EQ(named, expected);
    EXPECT_EQ(found.size(), expected.size());
    EXPECT_EQ(engine_.read([&](Connection& db) { return find_balance(db, id); }).remaining,
              credits(static_cast<std::int64_t>(expected.size())));
  }
}

TEST_F(RefillTest, ProcessesThatComeTogetherFireOnce) {
  set(Refill{credits(1), RefillPeriod::daily, RefillMode::add});
  const UnixMs later = kMidOctober + 30 * kDay;
  expect_in_processes(4, [&](int) {
    Engine engine(file_.path(), [&] { return later; });
    apply_all(engine);
    return true;
  });
  EXPECT_EQ(whole_balance(), "30 0 0 30");
  EXPECT_EQ(entries().items.size(), 30U);
}

}  // namespace
}  // namespace saas_access
