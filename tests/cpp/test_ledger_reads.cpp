#include <map>
#include <random>

#include "usage_test.hpp"

namespace saas_access {
namespace {

/// The ledger of "team", over many days.
class LedgerReadsTest : public UsageTest {
 protected:
  void charge(int calls = 1) {
    for (int i = 0; i < calls; ++i) settle_call(reserve_call(call()).call_id);
  }
  std::vector<CreditDay> days(std::int64_t count) {
    return engine_.read([&](Connection& db) { return list_credit_days(db, team_, count, engine_.now_ms()); });
  }
  Page<LedgerEntry> filtered(const EntryFilter& filter, const PageRequest& request = {}) {
    return engine_.read([&](Connection& db) { return list_entries(db, team_, request, filter); });
  }

  /// Forty days on which much, little or nothing happens.
  void live(unsigned seed) {
    std::mt19937 random(seed);
    add(500);
    for (int moves = 0; moves < 200; ++moves) {
      now_ms_ += static_cast<UnixMs>(random() % 3) * (random() % 8 == 0 ? 3 * kDay : 2 * kHour);
      switch (random() % 8) {
        case 0:
          add(1 + static_cast<std::int64_t>(random() % 50));
          break;
        case 1:
          allocate(balance().allocated - std::min(balance().remaining, credits(3)));
          break;
        default:
          charge();
      }
    }
  }

  /// The same from all entries, one by one.
  CreditDay summed(UnixMs day_ms) {
    CreditDay sum{.day_ms = day_ms};
    const auto all = entries().items;
    for (auto entry = all.rbegin(); entry != all.rend(); ++entry) {
      if (entry->created_at_ms >= day_ms + kDay) break;
      sum.balance_at_end = entry->balance_after;
      if (entry->created_at_ms < day_ms) continue;
      const bool adds = entry->type == EntryType::allocation || entry->type == EntryType::adjustment;
      (adds ? sum.added : sum.charged) += adds ? entry->amount : -entry->amount;
    }
    return sum;
  }
};

TEST_F(LedgerReadsTest, DaysAreThePlainSumsOfTheLedger) {
  live(7);
  const auto listed = days(3660);
  ASSERT_GT(listed.size(), 30U);
  EXPECT_EQ(listed.front().day_ms, kMidnight);
  EXPECT_EQ(listed.back().day_ms, now_ms_ / kDay * kDay);
  for (const CreditDay& day : listed) {
    const CreditDay plain = summed(day.day_ms);
    EXPECT_EQ(day.charged, plain.charged) << day.day_ms;
    EXPECT_EQ(day.added, plain.added) << day.day_ms;
    EXPECT_EQ(day.balance_at_end, plain.balance_at_end) << day.day_ms;
  }
}

TEST_F(LedgerReadsTest, FewerDaysAreTheLastOfThem) {
  live(8);
  const auto all = days(3660);
  const auto some = days(5);
  ASSERT_EQ(some.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) {
    const CreditDay& same = all[all.size() - 5 + i];
    EXPECT_EQ(some[i].day_ms, same.day_ms);
    EXPECT_EQ(some[i].charged, same.charged);
    EXPECT_EQ(some[i].added, same.added);
    EXPECT_EQ(some[i].balance_at_end, same.balance_at_end);
  }
}

TEST_F(LedgerReadsTest, DaysAreChargedAsTheUsageSays) {
  live(9);
  const UsageQuery query{.team_ids = {team_}, .from_ms = kMidnight, .to_ms = now_ms_ + 1, .group_by = {UsageBy::day}};
  std::map<UnixMs, MicroCredits> used;
  for (const UsageRow& row : report(query).rows.items) used[row.period_ms.value()] = row.charged;
  for (const CreditDay& day : days(3660)) EXPECT_EQ(day.charged, used[day.day_ms]);
}

TEST_F(LedgerReadsTest, ADayWithoutEntriesCarriesTheBalanceOn) {
  add(10);
  now_ms_ = kMidnight + 2 * kDay;
  const auto listed = days(30);
  ASSERT_EQ(listed.size(), 3U);
  EXPECT_EQ(listed[0].added, credits(10));
  EXPECT_EQ(listed[2].added, 0);
  EXPECT_EQ(listed[2].charged, 0);
  EXPECT_EQ(listed[2].balance_at_end, credits(10));
}

TEST_F(LedgerReadsTest, DaysBelongToUtcToTheSecond) {
  add(10);
  now_ms_ = kMidnight + kDay - 1;
  charge();
  now_ms_ = kMidnight + kDay;
  charge(2);
  const auto listed = days(2);
  EXPECT_EQ(listed[0].charged, credits(1));
  EXPECT_EQ(listed[1].charged, credits(2));
}

TEST_F(LedgerReadsTest, WhatAnEndedProcessLeftIsCharged) {
  add(10);
  const auto reserved = reserve_call(call());
  engine_.transact([&](Connection& db) { mark_answering(db, reserved.call_id, {}); });
  engine_.transact([&](Connection& db) { recover(db, engine_.owner(), 10, engine_.now_ms()); });
  EXPECT_EQ(days(1).at(0).charged, credits(1));
  EXPECT_EQ(days(1).at(0).added, credits(10));
}

TEST_F(LedgerReadsTest, ADeletedTeamsDaysStayAndDaysOutOfRangeAreRefused) {
  add(10);
  write([&](Write& w) { delete_team(w, team_); });
  EXPECT_EQ(days(1).at(0).balance_at_end, credits(10));
  EXPECT_EQ(invalid_fields([&] { days(0); }), "days");
  EXPECT_EQ(invalid_fields([&] { days(3661); }), "days");
}

TEST_F(LedgerReadsTest, FiltersAreWhatOneWouldPickByHand) {
  live(10);
  const auto all = entries().items;
  const UnixMs from_ms = all[150].created_at_ms;
  const UnixMs to_ms = all[20].created_at_ms;
  for (int type = -1; type <= static_cast<int>(EntryType::shortfall); ++type) {
    for (const bool within : {false, true}) {
      EntryFilter filter;
      if (type >= 0) filter.type = static_cast<EntryType>(type);
      if (within) filter = {filter.type, from_ms, to_ms};
      std::vector<std::string> expected;
      for (const LedgerEntry& entry : all) {
        if (filter.type && entry.type != *filter.type) continue;
        if (within && (entry.created_at_ms < from_ms || entry.created_at_ms >= to_ms)) continue;
        expected.push_back(entry.transaction_id);
      }
      std::vector<std::string> found;
      PageRequest request{{}, 7};
      do {
        const auto page = filtered(filter, request);
        for (const LedgerEntry& entry : page.items) found.push_back(entry.transaction_id);
        request.after = page.next;
      } while (request.after);
      EXPECT_EQ(found, expected) << type << within;
    }
  }
  EXPECT_TRUE(filtered({{}, to_ms, from_ms}).items.empty());
}

}  // namespace
}  // namespace saas_access
