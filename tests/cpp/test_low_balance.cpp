#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "ledger_test.hpp"
#include "saas_access/low_balance.hpp"
#include "saas_access/webhooks.hpp"

namespace saas_access {
namespace {

class LowBalanceTest : public LedgerTest {
 protected:
  void set(const std::vector<MicroCredits>& thresholds) {
    write([&](Write& w) { update_team(w, team_, patch(&TeamPatch::low_balance_thresholds, thresholds)); });
  }
  void spend(std::int64_t micro) {
    ReserveRequest request = call();
    request.pricing.credits_per_call = micro;
    settle_call(reserve_call(request).call_id);
  }
  /// Takes all events, oldest first, as "type threshold balance".
  std::vector<std::string> heard() {
    auto events = engine_.read([](Connection& db) { return list_webhook_events(db, {}); }).items;
    std::vector<std::string> lines;
    for (const WebhookEvent& event : events) {
      const auto data = Json::parse(event.payload)["data"];
      lines.push_back(event.type + " " + data["threshold"].dump() + " " + data["balance"].dump());
    }
    std::reverse(lines.begin(), lines.end());
    engine_.transact([](Connection& db) { db.exec("DELETE FROM webhook_event"); });
    return lines;
  }
  std::vector<MicroCredits> thresholds() {
    return engine_.read([&](Connection& db) { return find_low_balance_thresholds(db, team_); });
  }
  using Lines = std::vector<std::string>;
};

TEST_F(LowBalanceTest, EachThresholdIsToldOnceAsTheBalanceFalls) {
  add(12);
  set({credits(10), 0, credits(5)});
  spend(credits(1));
  EXPECT_EQ(heard(), Lines{});
  spend(credits(1));
  EXPECT_EQ(heard(), Lines{"credits.low 10 10"});
  spend(credits(1));
  EXPECT_EQ(heard(), Lines{});
  spend(credits(9));
  EXPECT_EQ(heard(), (Lines{"credits.low 5 0", "credits.exhausted 0 0"}));
}

TEST_F(LowBalanceTest, RisingAboveOneMakesItCountAgain) {
  add(6);
  set({credits(5)});
  spend(credits(1));
  EXPECT_EQ(heard(), Lines{"credits.low 5 5"});
  add(1);
  EXPECT_EQ(heard(), Lines{});
  spend(500'000);
  spend(500'000);
  EXPECT_EQ(heard(), Lines{"credits.low 5 5"});
}

TEST_F(LowBalanceTest, WhatIsHeldIsNotSpent) {
  add(6);
  set({credits(5)});
  const Reservation held = reserve_call(call());
  EXPECT_EQ(heard(), Lines{});
  release_call(held.call_id, false);
  EXPECT_EQ(heard(), Lines{});
}

TEST_F(LowBalanceTest, AThresholdThatIsSetAboveTheBalanceIsNoCrossing) {
  add(6);
  set({credits(10), credits(5)});
  EXPECT_EQ(heard(), Lines{});
  spend(credits(1));
  EXPECT_EQ(heard(), Lines{"credits.low 5 5"});
}

TEST_F(LowBalanceTest, ALowerAllocationCrossesAsACallDoes) {
  add(20);
  set({credits(10)});
  allocate(credits(10));
  EXPECT_EQ(heard(), Lines{"credits.low 10 10"});
}

TEST_F(LowBalanceTest, AnEventGoesWithTheTransactionThatWasUndone) {
  add(6);
  set({credits(5)});
  preview([&](Write& w) { set_allocated(w, 1, credits(1)); });
  EXPECT_EQ(heard(), Lines{});
  spend(credits(1));
  EXPECT_EQ(heard(), Lines{"credits.low 5 5"});
}

TEST_F(LowBalanceTest, ADeletedTeamIsNotToldOf) {
  add(6);
  set({credits(5)});
  const Reservation running = reserve_call(call());
  write([&](Write& w) { delete_team(w, team_); });
  settle_call(running.call_id);
  EXPECT_EQ(heard(), Lines{});
  EXPECT_TRUE(thresholds().empty());
}

TEST_F(LowBalanceTest, ThePayloadIsExactAndNamesTheTeam) {
  allocate(kMaxMicroCredits);
  set({kMaxMicroCredits - 1});
  spend(1);
  const auto event = engine_.read([](Connection& db) { return list_webhook_events(db, {}); }).items.front();
  EXPECT_EQ(event.payload,
            R"({"type":"credits.low","timestamp":"2023-11-14T22:13:20Z","data":{"team_id":"team",)"
            R"("organization_id":"org","threshold":999999999999.999999,"balance":999999999999.999999}})");
  EXPECT_EQ(event.team_id, team_);
}

TEST_F(LowBalanceTest, FiveAmountsAtMostEachOnceFalling) {
  set({1, credits(3), 1, credits(2)});
  EXPECT_EQ(thresholds(), (std::vector<MicroCredits>{credits(3), credits(2), 1}));
  EXPECT_EQ(invalid_fields([&] { set({1, 2, 3, 4, 5, 6}); }), "low_balance_thresholds");
  EXPECT_EQ(invalid_fields([&] { set({-1, kMaxMicroCredits + 1}); }), "low_balance_thresholds low_balance_thresholds");
  set({});
  EXPECT_TRUE(thresholds().empty());
}

// Any amounts, against the plainest rule: crossed is what lies at or above the new balance and below the old one.
TEST_F(LowBalanceTest, AnyHistoryTellsWhatThePlainRuleTells) {
  std::mt19937 random(3);
  const auto pick = [&](std::uint32_t below) { return static_cast<MicroCredits>(random() % below); };
  MicroCredits allocated = 0;
  MicroCredits balance = 0;
  std::set<MicroCredits, std::greater<>> model;
  for (int step = 0; step < 1500; ++step) {
    const MicroCredits before = balance;
    Lines expected;
    switch (pick(8)) {
      case 0: {
        std::vector<MicroCredits> chosen;
        for (MicroCredits count = pick(6); count > 0; --count) chosen.push_back(pick(12));
        model = {chosen.begin(), chosen.end()};
        set(chosen);
        break;
      }
      case 1:
      case 2: {
        const MicroCredits more = pick(6);
        allocated += more;
        balance += more;
        allocate(allocated);
        break;
      }
      default:
        if (balance == 0) break;
        balance -= 1 + pick(static_cast<std::uint32_t>(balance));
        spend(before - balance);
    }
    for (const MicroCredits threshold : model) {
      if (balance > threshold || threshold >= before) continue;
      expected.push_back((threshold > 0 ? "credits.low " : "credits.exhausted ") +
                         Json::parse(credits_text(threshold)).dump() + " " + Json::parse(credits_text(balance)).dump());
    }
    ASSERT_EQ(heard(), expected) << "step " << step;
  }
}

}  // namespace
}  // namespace saas_access
