#include "saas_access/pace.hpp"
#include "usage_test.hpp"

namespace saas_access {
namespace {

/// Teams of UsageTest, created at kNow with some credits, and calls of one credit each.
class PaceTest : public UsageTest {
 protected:
  PaceTest() {
    for (const TeamId& team : teams_) give(team, 100);
  }

  void give(const TeamId& team, std::int64_t whole) {
    write([&](Write& w) { add_credits(w, team, whole, "", std::nullopt); });
  }
  void call_of(const TeamId& team, int times) {
    for (int i = 0; i < times; ++i) {
      ReserveRequest request = call();
      request.team_id = team;
      settle_call(reserve_call(request).call_id);
    }
  }
  Pace pace(const TeamId& team) {
    return engine_.read([&](Connection& db) { return find_pace(db, team, engine_.now_ms()); });
  }
  std::vector<Pace> lowest(std::int64_t limit = 100) {
    return engine_.read([&](Connection& db) { return lowest_paces(db, limit, engine_.now_ms()); });
  }
  std::vector<TeamId> lowest_teams(std::int64_t limit = 100) {
    std::vector<TeamId> ids;
    for (const Pace& each : lowest(limit)) ids.push_back(each.team_id);
    return ids;
  }
};

TEST_F(PaceTest, CountsFromAWholeHourSevenDaysAgo) {
  const UnixMs hour = kMidnight + 30 * kDay + 15 * kHour;
  now_ms_ = hour - 7 * kDay - 1;
  call_of(teams_[0], 1);
  now_ms_ = hour - 7 * kDay;
  call_of(teams_[0], 2);
  now_ms_ = hour - 3 * kDay;
  call_of(teams_[0], 4);
  now_ms_ = hour + kHour / 2;
  call_of(teams_[0], 9);
  call_of(teams_[1], 1);
  const Pace found = pace(teams_[0]);
  EXPECT_EQ(found.counted_from_ms, hour - 7 * kDay);
  EXPECT_EQ(found.charged, credits(15));
  const std::int64_t measured_ms = 7 * kDay + kHour / 2;
  EXPECT_EQ(found.per_day, (credits(15) * kDay + measured_ms / 2) / measured_ms);
  EXPECT_EQ(found.balance.remaining, credits(84));
  EXPECT_EQ(found.lasts_ms, credits(84) * measured_ms / credits(15));
  EXPECT_EQ(found.organization_id, OrganizationId("org"));
}

TEST_F(PaceTest, IsWhatTheUsageSaysAtAnyTime) {
  for (int hours = 1; hours < 24 * 20; hours += 7) {
    now_ms_ = kNow + hours * kHour;
    call_of(teams_.at(static_cast<std::size_t>(hours % 3)), hours % 4);
    const UsageQuery query{.team_ids = {teams_[0]}, .from_ms = now_ms_ - 7 * kDay, .to_ms = now_ms_ + 1};
    EXPECT_EQ(pace(teams_[0]).charged, report(query).rows.items.at(0).charged) << hours;
  }
}

TEST_F(PaceTest, AYoungTeamIsMeasuredOverItsOwnAge) {
  call_of(teams_[0], 5);
  const UnixMs created_ms = kNow / 1000 * 1000;
  now_ms_ = created_ms + kDay - 1;
  EXPECT_EQ(pace(teams_[0]).charged, credits(5));
  EXPECT_EQ(pace(teams_[0]).per_day, std::nullopt);
  EXPECT_EQ(pace(teams_[0]).lasts_ms, std::nullopt);
  now_ms_ = created_ms + 2 * kDay;
  EXPECT_EQ(pace(teams_[0]).counted_from_ms, created_ms);
  EXPECT_EQ(pace(teams_[0]).per_day, credits(5) / 2);
  EXPECT_EQ(pace(teams_[0]).lasts_ms, 38 * kDay);
}

TEST_F(PaceTest, NothingChargedNeverEnds) {
  now_ms_ += 2 * kDay;
  EXPECT_EQ(pace(teams_[0]).per_day, 0);
  EXPECT_EQ(pace(teams_[0]).lasts_ms, std::nullopt);
  EXPECT_THROW(pace(TeamId("nobody")), NotFound);
}

TEST_F(PaceTest, TheYear9999IsTheLast) {
  write([&](Write& w) {
    TeamPatch rich;
    rich.credits_allocated = kMaxMicroCredits;
    update_team(w, teams_[0], rich);
  });
  call_of(teams_[0], 1);
  now_ms_ += 2 * kDay;
  EXPECT_EQ(now_ms_ + pace(teams_[0]).lasts_ms.value(), 253'402'300'799'000);
}

TEST_F(PaceTest, AWholeDayIsCountedWhereItsHoursAreDropped) {
  now_ms_ = kMidnight + 30 * kDay + kHour;
  call_of(teams_[0], 1);
  now_ms_ = kMidnight + 37 * kDay + 15 * kHour;
  EXPECT_EQ(pace(teams_[0]).charged, 0);
  engine_.transact([&](Connection& db) {
    while (prune_usage(db, 3, now_ms_)) {
    }
  });
  EXPECT_EQ(pace(teams_[0]).charged, credits(1));
  EXPECT_EQ(pace(teams_[0]).counted_from_ms, kMidnight + 30 * kDay);
}

TEST_F(PaceTest, TheLowestAreThoseThatRunOutFirst) {
  now_ms_ += 3 * kDay;
  call_of(teams_[0], 2);
  call_of(teams_[1], 50);
  EXPECT_EQ(lowest_teams(), teams({"team-1", "team-0", "team-2"}));
  give(teams_[1], 5000);
  EXPECT_EQ(lowest_teams(), teams({"team-0", "team-1", "team-2"}));
  EXPECT_EQ(lowest_teams(2), teams({"team-0", "team-1"}));
  for (const Pace& each : lowest()) {
    const Pace alone = pace(each.team_id);
    EXPECT_EQ(each.charged, alone.charged);
    EXPECT_EQ(each.per_day, alone.per_day);
    EXPECT_EQ(each.lasts_ms, alone.lasts_ms);
    EXPECT_EQ(each.counted_from_ms, alone.counted_from_ms);
    EXPECT_EQ(each.balance.remaining, alone.balance.remaining);
    EXPECT_EQ(each.organization_id, alone.organization_id);
  }
  EXPECT_THROW(lowest(0), Invalid);
}

TEST_F(PaceTest, WithoutAPaceTheShareLeftDecides) {
  call_of(teams_[0], 1);
  call_of(teams_[2], 3);
  now_ms_ += 20 * kDay;
  EXPECT_EQ(lowest_teams(), teams({"team-2", "team-0", "team-1"}));
}

TEST_F(PaceTest, TheLowestAreActiveTeamsOfActiveOrganizations) {
  write([&](Write& w) { suspend_team(w, teams_[0], true); });
  write([&](Write& w) { delete_team(w, teams_[1]); });
  EXPECT_EQ(lowest_teams(), teams({"team-2"}));  // "team" of `fill` has no allocation
  write([&](Write& w) { suspend_organization(w, OrganizationId("org"), true); });
  EXPECT_EQ(lowest_teams(), teams({}));
}

}  // namespace
}  // namespace saas_access
