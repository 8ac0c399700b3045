#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <set>
#include <thread>

#include "ledger_test.hpp"

namespace saas_access {
namespace {

constexpr PicoDollars kDollar = 1'000'000'000'000;

Usage tokens(std::int64_t total) { return {.total_tokens = total}; }
Usage dollars(PicoDollars cost) { return {.total_tokens = 10, .price_known = true, .cost = cost}; }

TEST_F(LedgerTest, ANewTeamHasNothingAndNoEntries) {
  EXPECT_EQ(whole_balance(), "0 0 0 0");
  EXPECT_TRUE(entries().items.empty());
}

TEST_F(LedgerTest, AddedCreditsAreAllocatedAndRemain) {
  const CreditsAdded added = add(1'000);
  EXPECT_EQ(added.team_id, team_);
  EXPECT_EQ(added.credits_added, credits(1'000));
  EXPECT_EQ(added.balance.remaining, credits(1'000));
  EXPECT_EQ(whole_balance(), "1000 0 0 1000");
  const auto list = entries().items;
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].transaction_id, added.transaction_id);
  EXPECT_EQ(list[0].type, EntryType::allocation);
  EXPECT_EQ(list[0].amount, credits(1'000));
  EXPECT_EQ(list[0].balance_after, credits(1'000));
  EXPECT_EQ(list[0].description, "Top-up");
  EXPECT_EQ(list[0].created_at_ms, kNow / 1000 * 1000);
}

TEST_F(LedgerTest, AddingCreditsLeavesAnAuditEntry) {
  add(5);
  const AuditEntry entry = engine_.read([](Connection& db) { return list_audit(db, {}, {}).items.front(); });
  EXPECT_EQ(entry.action, "credits.add");
  EXPECT_EQ(entry.target_id, "team");
  EXPECT_EQ(entry.before, R"({"credits_allocated":0})");
  EXPECT_EQ(entry.after, R"({"credits_allocated":5,"description":"Top-up"})");
}

TEST_F(LedgerTest, RefusesWhatIsNoSensibleAddition) {
  const auto fields = [&](std::int64_t amount, const std::string& description, const std::optional<std::string>& key) {
    return invalid_fields([&] { write([&](Write& w) { add_credits(w, team_, amount, description, key); }); });
  };
  EXPECT_EQ(fields(0, "", {}), "amount");
  EXPECT_EQ(fields(-1, "", {}), "amount");
  EXPECT_EQ(fields(1'000'000'001, "", {}), "amount");
  EXPECT_EQ(fields(0, std::string(1'025, 'x'), ""), "amount description idempotency_key");
  EXPECT_EQ(invalid_fields([&] { write([&](Write& w) { add_credits(w, TeamId("nobody"), 1, "", {}); }); }), "team_id");
  EXPECT_TRUE(entries().items.empty());
}

TEST_F(LedgerTest, RefusesMoreThanCanBeCounted) {
  allocate(kMaxMicroCredits - credits(1));
  add(1);
  EXPECT_EQ(invalid_fields([&] { add(1); }), "amount");
  EXPECT_EQ(invalid_fields([&] { allocate(kMaxMicroCredits + 1); }), "credits_allocated");
  EXPECT_EQ(balance().remaining, kMaxMicroCredits);
}

TEST_F(LedgerTest, ARepeatedRequestGetsTheFirstAnswerAndChangesNothing) {
  const CreditsAdded first = add(10, "key-1");
  add(5);
  const CreditsAdded repeated = add(10, "key-1");
  EXPECT_EQ(repeated.transaction_id, first.transaction_id);
  EXPECT_EQ(repeated.balance.remaining, credits(10));
  EXPECT_EQ(whole_balance(), "15 0 0 15");
  EXPECT_EQ(message_of<Conflict>([&] { add(11, "key-1"); }), "Idempotency key 'key-1' was used for another request");
  EXPECT_THROW(write([&](Write& w) { add_credits(w, team_, 10, "Other", "key-1"); }), Conflict);
  EXPECT_THROW(write([&](Write& w) { add_credits(w, TeamId("nobody"), 10, "Top-up", "key-1"); }), Conflict);
  EXPECT_NE(add(10, "key-2").transaction_id, first.transaction_id);
}

TEST_F(LedgerTest, AnAllocationAtCreationIsOneEntry) {
  NewTeam document = new_team("rich");
  document.credits_allocated = credits(1'000);
  write([&](Write& w) { create_team(w, document); });
  const auto list = engine_.read([](Connection& db) { return list_entries(db, TeamId("rich"), {}); }).items;
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].type, EntryType::allocation);
  EXPECT_EQ(list[0].amount, credits(1'000));
}

TEST_F(LedgerTest, SettingTheTotalIsAnAdjustmentByTheDifference) {
  add(10);
  allocate(credits(4));
  allocate(credits(4));
  EXPECT_EQ(whole_balance(), "4 0 0 4");
  const auto list = entries().items;
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].type, EntryType::adjustment);
  EXPECT_EQ(list[0].amount, -credits(6));
  EXPECT_EQ(list[0].balance_after, credits(4));
}

TEST_F(LedgerTest, TheTotalCannotGoBelowWhatIsUsedOrReserved) {
  add(10);
  settle_call(reserve_call(call()).call_id);
  reserve_call(call(BudgetMode::consumption_tokens, tokens(5'000)));
  const auto message = message_of<Invalid>([&] { allocate(credits(1)); });
  EXPECT_NE(message.find("1.5"), std::string::npos) << message;
  EXPECT_EQ(invalid_fields([&] { allocate(1'499'999); }), "credits_allocated");
  allocate(1'500'000);
  EXPECT_EQ(whole_balance(), "1.5 1 0.5 0");
}

TEST_F(LedgerTest, ACallIsHeldThenCharged) {
  add(2);
  ReserveRequest request = call();
  request.key_id = write([&](Write& w) { return create_key(w, team_, new_key(digest_of(1))); }).value.key_id;
  const Reservation reservation = reserve_call(request);
  EXPECT_EQ(reservation.outcome, ReserveOutcome::reserved);
  EXPECT_EQ(reservation.needed, credits(1));
  EXPECT_EQ(reservation.remaining, credits(2));
  EXPECT_TRUE(reservation.call_id.str().starts_with("call_"));
  EXPECT_EQ(whole_balance(), "2 0 1 1");

  const Settlement settlement = settle_call(reservation.call_id);
  EXPECT_EQ(settlement.charged, credits(1));
  EXPECT_EQ(settlement.shortfall, 0);
  EXPECT_EQ(whole_balance(), "2 1 0 1");
  const LedgerEntry entry = entries().items.front();
  EXPECT_EQ(entry.type, EntryType::charge);
  EXPECT_EQ(entry.amount, -credits(1));
  EXPECT_EQ(entry.balance_after, credits(1));
  EXPECT_EQ(entry.alias, AliasName("a"));
  EXPECT_EQ(entry.job_id, std::nullopt);
  EXPECT_EQ(entry.description, "Call of 'a'");
}

TEST_F(LedgerTest, ACallThatWasNotAnsweredCostsNothing) {
  add(1);
  const CallId call_id = reserve_call(call()).call_id;
  release_call(call_id, true);
  EXPECT_EQ(whole_balance(), "1 0 0 1");
  EXPECT_EQ(entries().items.size(), 1U);
}

TEST_F(LedgerTest, ACallIsSettledOrReleasedOnlyOnce) {
  add(3);
  const CallId settled = reserve_call(call()).call_id;
  settle_call(settled);
  EXPECT_EQ(settle_call(settled).charged, 0);
  release_call(settled, true);
  const CallId released = reserve_call(call()).call_id;
  release_call(released, false);
  EXPECT_EQ(settle_call(released).charged, 0);
  EXPECT_EQ(settle_call(CallId("call_never")).charged, 0);
  EXPECT_EQ(whole_balance(), "3 1 0 2");
}

TEST_F(LedgerTest, WhatIsNotFreeIsNotPromised) {
  add(1);
  reserve_call(call());
  const Reservation refused = reserve_call(call());
  EXPECT_EQ(refused.outcome, ReserveOutcome::credits_exhausted);
  EXPECT_TRUE(refused.call_id.empty());
  EXPECT_EQ(refused.needed, credits(1));
  EXPECT_EQ(refused.remaining, 0);
  EXPECT_EQ(whole_balance(), "1 0 1 0");
}

TEST_F(LedgerTest, ConsumptionIsHeldByEstimateAndChargedByUse) {
  add(1);
  const Reservation by_tokens = reserve_call(call(BudgetMode::consumption_tokens, tokens(5'000)));
  EXPECT_EQ(by_tokens.needed, 500'000);
  EXPECT_EQ(settle_call(by_tokens.call_id, tokens(1'234)).charged, 123'400);

  const Reservation by_cost = reserve_call(call(BudgetMode::consumption_usd, dollars(kDollar / 100)));
  EXPECT_EQ(by_cost.needed, 100'000);
  EXPECT_EQ(settle_call(by_cost.call_id, dollars(kDollar * 3 / 10'000)).charged, 3'000);  // $0.0003

  const Reservation unknown = reserve_call(call(BudgetMode::consumption_usd, tokens(10)));
  EXPECT_EQ(unknown.outcome, ReserveOutcome::credits_exhausted);
  EXPECT_EQ(unknown.needed, credits(1));  // without a known price: the flat one
  EXPECT_EQ(balance().used, 126'400);
}

TEST_F(LedgerTest, ACallOfNoCostLeavesNoEntry) {
  ReserveRequest request = call();
  request.pricing.credits_per_call = 0;
  EXPECT_EQ(settle_call(reserve_call(request).call_id).charged, 0);
  EXPECT_TRUE(entries().items.empty());
}

TEST_F(LedgerTest, ACostBeyondWhatIsLeftTakesTheRestAndIsRecorded) {
  add(1);
  const Reservation first = reserve_call(call(BudgetMode::consumption_tokens, tokens(1'000)));
  const Reservation other = reserve_call(call(BudgetMode::consumption_tokens, tokens(2'000)));
  const Settlement settlement = settle_call(first.call_id, tokens(30'000));
  EXPECT_EQ(settlement.charged, 800'000);  // not what the other call holds
  EXPECT_EQ(settlement.shortfall, 2'200'000);
  EXPECT_EQ(whole_balance(), "1 0.8 0.2 0");
  const auto list = entries().items;
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[0].type, EntryType::shortfall);
  EXPECT_EQ(list[0].amount, 0);
  EXPECT_EQ(list[0].balance_after, 200'000);
  EXPECT_NE(list[0].description.find("2.2"), std::string::npos) << list[0].description;
  EXPECT_EQ(settle_call(other.call_id, tokens(2'000)).charged, 200'000);
}

TEST_F(LedgerTest, ACallIsHeldByTheDearestThatMayAnswerAndChargedByWhatDid) {
  add(10);
  ReserveRequest request = call();
  Substitute spare{AliasName("spare"), request.pricing, {}};
  spare.pricing.credits_per_call = credits(7);
  request.substitutes = {spare};

  const Reservation first = reserve_call(request);
  EXPECT_EQ(first.needed, credits(7));
  EXPECT_EQ(whole_balance(), "10 0 7 3");
  EXPECT_EQ(settle_call(first.call_id).charged, credits(1));
  EXPECT_EQ(entries().items.front().alias, AliasName("a"));

  const Reservation second = reserve_call(request);
  const Settlement settlement = settle_call(second.call_id, {}, spare);
  EXPECT_EQ(settlement.charged, credits(7));
  EXPECT_EQ(whole_balance(), "10 8 0 2");
  const LedgerEntry entry = entries().items.front();
  EXPECT_EQ(entry.alias, AliasName("spare"));
  EXPECT_EQ(entry.description, "Call of 'spare' in place of 'a'");

  EXPECT_EQ(reserve_call(request).outcome, ReserveOutcome::credits_exhausted);
}

TEST_F(LedgerTest, AnUncountableCostIsTheLargestThereIs) {
  add(1);
  constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
  const Reservation refused = reserve_call(call(BudgetMode::consumption_tokens, tokens(kLargest)));
  EXPECT_EQ(refused.outcome, ReserveOutcome::credits_exhausted);
  EXPECT_EQ(refused.needed, kMaxMicroCredits);
  const Reservation reservation = reserve_call(call(BudgetMode::consumption_tokens, tokens(1)));
  EXPECT_EQ(settle_call(reservation.call_id, tokens(kLargest)).charged, credits(1));
}

TEST_F(LedgerTest, RefusesNegativeUsageAndKeepsTheReservation) {
  add(1);
  EXPECT_EQ(invalid_fields([&] { reserve_call(call(BudgetMode::consumption_tokens, tokens(-1))); }), "total_tokens");
  const CallId call_id = reserve_call(call(BudgetMode::consumption_usd, tokens(0))).call_id;
  EXPECT_EQ(invalid_fields([&] { settle_call(call_id, dollars(-1)); }), "cost");
  EXPECT_EQ(whole_balance(), "1 0 1 0");
  EXPECT_EQ(settle_call(call_id, dollars(0)).charged, 0);
}

TEST_F(LedgerTest, PricesAreThoseOfTheDecisionThoughThePolicyMovedOn) {
  add(10);
  ReserveRequest request = call(BudgetMode::consumption_tokens, tokens(100));
  request.pricing.tokens_per_credit = 100;
  const CallId call_id = reserve_call(request).call_id;
  write([&](Write& w) { update_team(w, team_, patch(&TeamPatch::tokens_per_credit, 1)); });
  EXPECT_EQ(settle_call(call_id, tokens(200)).charged, credits(2));
}

TEST_F(LedgerTest, ADeletedTeamsBooksStayReadableAndItsCallsAreSettled) {
  add(2);
  const CallId call_id = reserve_call(call()).call_id;
  write([&](Write& w) { delete_team(w, team_); });
  EXPECT_EQ(settle_call(call_id).charged, credits(1));
  EXPECT_EQ(whole_balance(), "2 1 0 1");
  EXPECT_EQ(entries().items.size(), 2U);
  EXPECT_THROW(reserve_call(call()), NotFound);
  EXPECT_EQ(invalid_fields([&] { add(1); }), "team_id");
}

TEST_F(LedgerTest, ATeamThatNeverWasIsNotFound) {
  const TeamId nobody("nobody");
  EXPECT_EQ(message_of<NotFound>([&] { engine_.read([&](Connection& db) { return find_balance(db, nobody); }); }),
            "Team 'nobody' does not exist");
  EXPECT_THROW(engine_.read([&](Connection& db) { return list_entries(db, nobody, {}); }), NotFound);
  ReserveRequest request = call();
  request.team_id = nobody;
  EXPECT_THROW(reserve_call(request), NotFound);
}

TEST_F(LedgerTest, EntriesComeNewestFirstInPages) {
  for (int i = 1; i <= 5; ++i) add(i);
  std::vector<MicroCredits> amounts;
  PageRequest request{.after = {}, .limit = 2};
  int pages = 0;
  do {
    const auto page = entries(request);
    for (const LedgerEntry& entry : page.items) amounts.push_back(entry.amount);
    request.after = page.next;
    ++pages;
  } while (request.after);
  EXPECT_EQ(amounts, (std::vector{credits(5), credits(4), credits(3), credits(2), credits(1)}));
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(entries({.after = {}, .limit = 5}).next, std::nullopt);
  EXPECT_EQ(invalid_fields([&] { entries({.after = {}, .limit = 0}); }), "limit");
}

TEST_F(LedgerTest, EachTeamsEntriesAreNumberedWithoutAGap) {
  write([](Write& w) { create_team(w, new_team("other")); });
  const auto add_to = [&](const TeamId& team_id) {
    write([&](Write& w) { add_credits(w, team_id, 1, "", std::nullopt); });
  };
  add_to(team_);
  add_to(TeamId("other"));
  release_call(reserve_call(call()).call_id, true);  // leaves no entry, so takes no number
  const auto consumption = call(BudgetMode::consumption_tokens, tokens(1));
  settle_call(reserve_call(consumption).call_id, tokens(1'000'000));  // a charge and a shortfall
  add_to(TeamId("other"));
  allocate(credits(3));
  const auto numbers = [&](const TeamId& team_id) {
    return engine_.read([&](Connection& db) {
      SQLite::Statement query(db,
                              "SELECT e.seq FROM ledger_entry e JOIN team t ON t.row = e.team "
                              "WHERE t.team_id = ? ORDER BY e.seq");
      query.bind(1, team_id.str());
      std::vector<std::int64_t> found;
      while (query.executeStep()) found.push_back(query.getColumn(0).getInt64());
      return found;
    });
  };
  EXPECT_EQ(numbers(team_), (std::vector<std::int64_t>{1, 2, 3, 4}));
  EXPECT_EQ(numbers(TeamId("other")), (std::vector<std::int64_t>{1, 2}));
}

TEST_F(LedgerTest, ExactlyAsManyCallsAreReservedAsThereAreCredits) {
  constexpr int kCredits = 57;
  add(kCredits);
  std::atomic<int> reserved{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      Engine engine(file_.path(), clock());
      const auto try_one = [&] {
        return engine.transact([&](Connection& db) { return reserve(db, call(), engine.owner(), kNow); });
      };
      while (try_one().outcome == ReserveOutcome::reserved) ++reserved;
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(reserved, kCredits);
  EXPECT_EQ(whole_balance(), "57 0 57 0");
}

TEST(LedgerSlugs, EveryEntryTypeHasItsOwn) {
  std::set<std::string_view> slugs;
  for (const EntryType type : {EntryType::allocation, EntryType::adjustment, EntryType::charge, EntryType::refund,
                               EntryType::interrupted, EntryType::shortfall}) {
    slugs.insert(slug(type));
  }
  EXPECT_EQ(slugs.size(), 6U);
  EXPECT_TRUE(slugs.contains("interrupted"));
}

}  // namespace
}  // namespace saas_access
