#include "books.hpp"
#include "expectations.hpp"
#include "saas_access/organization_sums.hpp"
#include "usage_test.hpp"

namespace saas_access {
namespace {

class OrganizationSumsTest : public UsageTest {
 protected:
  OrganizationSumsTest() {
    write([](Write& w) {
      create_organization(w, {OrganizationId("other"), "Other", "{}"});
      NewTeam team = new_team("elsewhere");
      team.organization_id = OrganizationId("other");
      team.credits_allocated = credits(7);
      create_team(w, team);
    });
  }

  std::vector<OrganizationSums> sums(const std::vector<OrganizationId>& ids, UnixMs from_ms = kMidnight) {
    return engine_.read([&](Connection& db) { return sum_organizations(db, ids, from_ms); });
  }
};

TEST_F(OrganizationSumsTest, AddsTeamsAndTheirCredits) {
  const auto before = sums({OrganizationId("org")}).at(0);
  write([&](Write& w) {
    suspend_team(w, teams_[0], true);
    update_team(w, teams_[1], patch(&TeamPatch::credits_allocated, credits(30)));
    delete_team(w, teams_[2]);
  });
  const auto found = sums({OrganizationId("other"), OrganizationId("org"), OrganizationId("other")});
  ASSERT_EQ(found.size(), 2U);  // in the order asked for, each once
  EXPECT_EQ(found[0].organization_id, OrganizationId("other"));
  EXPECT_EQ(found[0].teams, 1);
  EXPECT_EQ(found[0].allocated, credits(7));
  EXPECT_EQ(found[1].teams, before.teams - 1);
  EXPECT_EQ(found[1].active_teams, before.active_teams - 2);
  EXPECT_EQ(found[1].allocated, before.allocated + credits(30));
  EXPECT_EQ(found[1].used, before.used);
}

TEST_F(OrganizationSumsTest, CountsUseFromADayOn) {
  record([&](UsageRollup& rollup, Connection& db) {
    const UsedBy used{row_of(teams_[0]), {}, record_name(db, "a"), {}};
    rollup.call(used, {}, 0, 100, kMidnight - 1);  // the day before
    rollup.call(used, {}, 0, 100, kMidnight);
    rollup.call({row_of(teams_[1]), {}, record_name(db, "b"), {}}, {}, 0, 100, kMidnight + 5);
    rollup.failure(used, kMidnight + 9);
    rollup.denial(used, Reason::credits_exhausted, 4, kMidnight + 11);
    rollup.call({row_of(TeamId("elsewhere")), {}, record_name(db, "a"), {}}, {}, 0, 100, kMidnight + 20);
  });
  const auto found = sums({OrganizationId("org"), OrganizationId("other")}, kMidnight + kHour);
  EXPECT_EQ(found[0].calls, 2);
  EXPECT_EQ(found[0].denials, 4);
  EXPECT_EQ(found[0].last_call_at_ms, kMidnight + 9);
  EXPECT_EQ(found[1].calls, 1);
  EXPECT_EQ(sums({OrganizationId("org")}, kMidnight - kDay).at(0).calls, 3);
  EXPECT_EQ(sums({OrganizationId("org")}, kMidnight + kDay).at(0).calls, 0);
}

TEST_F(OrganizationSumsTest, NamesAnOrganizationThatDoesNotExist) {
  EXPECT_EQ(message_of<NotFound>([&] { sums({OrganizationId("nobody")}); }), "Organization 'nobody' does not exist");
}

}  // namespace
}  // namespace saas_access
