#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "saas_access/attention.hpp"
#include "usage_test.hpp"

namespace saas_access {
namespace {

class AttentionTest : public UsageTest {
 protected:
  void deny(std::size_t team, const char* alias, Reason reason = Reason::model_not_granted) {
    DenialCounts counts;
    counts.note(*engine_.snapshot(), {teams_[team], {}, AliasName(alias), {}, reason}, engine_.now_ms());
    counts.flush([this](auto&& work) { engine_.transact(work); });
  }
  void forget(std::size_t team) {
    write([&](Write& w) { delete_team(w, teams_[team]); });
  }
};

TEST_F(AttentionTest, GrantsThatRunAndEndSoon) {
  const auto grant = [&](std::size_t team, UnixMs starts_ms, UnixMs ends_ms) {
    write([&](Write& w) { create_grant(w, teams_[team], {GroupName("c"), starts_ms, ends_ms, ""}); });
  };
  grant(0, kNow, kNow + kDay - 1);
  grant(0, kNow, kNow + kDay);
  grant(1, kNow + 1, kNow + kHour);
  grant(1, kNow - kDay, kNow + kHour);
  const auto ending = [&] {
    std::string found;
    for (const auto& item :
         engine_.read([&](Connection& db) { return list_ending_grants(db, now_ms_, kNow + kDay); })) {
      found += item.team_id.str() + " " + std::to_string(item.grant.expires_at_ms - kNow) + ";";
    }
    return found;
  };
  EXPECT_EQ(ending(), "team-1 3600000;team-0 86399999;");
  now_ms_ = kNow + kHour;
  EXPECT_EQ(ending(), "team-0 86399999;");
  forget(0);
  EXPECT_EQ(ending(), "");
}

TEST_F(AttentionTest, BalancesAtAThresholdTheLeastFirst) {
  for (std::size_t i = 0; i < 3; ++i) {
    write([&](Write& w) {
      TeamPatch warned;
      warned.credits_allocated = credits(10 - static_cast<std::int64_t>(i));
      warned.low_balance_thresholds = {{credits(9), credits(8), credits(1)}};
      update_team(w, teams_[i], warned);
    });
  }
  const auto low = [&](std::int64_t limit) {
    std::string found;
    for (const auto& item : engine_.read([&](Connection& db) { return list_low_balances(db, limit); })) {
      found += item.team_id.str() + " " + credits_text(item.remaining) + "/" + credits_text(item.threshold) + ";";
    }
    return found;
  };
  EXPECT_EQ(low(9), "team-2 8/9;team-1 9/9;");
  EXPECT_EQ(low(1), "team-2 8/9;");
  forget(2);
  EXPECT_EQ(low(9), "team-1 9/9;");
}

TEST_F(AttentionTest, RefusalsByTeamModelAndReason) {
  deny(0, "c");
  now_ms_ = kMidnight + kDay + 5;
  deny(0, "c");
  deny(1, "c");
  deny(1, "a", Reason::credits_exhausted);
  deny(2, "c");
  forget(2);
  const auto denied = [&](UnixMs since_ms, std::int64_t limit) {
    std::vector<std::string> found;
    for (const auto& item : engine_.read([&](Connection& db) { return list_team_denials(db, since_ms, limit); })) {
      found.push_back(item.team_id.str() + " " + item.alias.value_or(AliasName("-")).str() + " " +
                      std::string(slug(item.reason)) + " " + std::to_string(item.denials) + " " +
                      std::to_string(item.last_denied_at_ms - kMidnight));
    }
    std::sort(found.begin(), found.end());
    return found;
  };
  EXPECT_EQ(denied(kMidnight, 9),
            (std::vector<std::string>{"team-0 c model_not_granted 2 86400005", "team-1 a credits_exhausted 1 86400005",
                                      "team-1 c model_not_granted 1 86400005"}));
  EXPECT_EQ(denied(kMidnight, 1), std::vector<std::string>{"team-0 c model_not_granted 2 86400005"});
  EXPECT_EQ(denied(kMidnight + kDay + kHour, 9).size(), 3U);
  EXPECT_TRUE(denied(kMidnight + 2 * kDay, 9).empty());
}

TEST_F(AttentionTest, ModelsThatWereAnswered) {
  add(5);
  const auto called = [&](UnixMs since_ms) {
    std::string found;
    for (const auto& item : engine_.read([&](Connection& db) { return list_called_models(db, since_ms); })) {
      found += item.team_id.str() + " " + item.alias.str() + ";";
    }
    return found;
  };
  release_call(reserve_call(call()).call_id, true);
  deny(0, "c");
  EXPECT_EQ(called(0), "");
  settle_call(reserve_call(call()).call_id);
  settle_call(reserve_call(call()).call_id);
  EXPECT_EQ(called(kMidnight + kHour), "team a;");
  EXPECT_EQ(called(kMidnight + kDay), "");
}

}  // namespace
}  // namespace saas_access
