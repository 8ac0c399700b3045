#include "engine_test.hpp"
#include "saas_access/search.hpp"

namespace saas_access {
namespace {

class SearchTest : public EngineTest {
 protected:
  SearchTest() { fill(); }

  Found found(const std::string& text, std::int64_t limit = 100) {
    return engine_.read([&](Connection& db) { return search(db, text, limit, engine_.now_ms()); });
  }
  std::vector<TeamId> found_teams(const std::string& text, std::int64_t limit = 100) {
    std::vector<TeamId> ids;
    for (const FoundTeam& team : found(text, limit).teams) ids.push_back(team.team_id);
    return ids;
  }
  VirtualKey make_key(int number, const std::string& name) {
    NewVirtualKey key = new_key(digest_of(number));
    key.secret->last_four = "k" + std::to_string(100 + number);
    key.name = name;
    return write([&](Write& w) { return create_key(w, TeamId("team"), key); }).value;
  }
};

TEST_F(SearchTest, TheBestComesFirst) {
  for (const char* id : {"west-acme", "acme-prod", "ACME", "acme-dev"}) {
    write([&](Write& w) { create_team(w, new_team(id)); });
  }
  write([](Write& w) {
    NewTeam named = new_team("zulu");
    named.team_alias = "acme";
    create_team(w, named);
  });
  EXPECT_EQ(found_teams("Acme"), teams({"ACME", "zulu", "acme-dev", "acme-prod", "west-acme"}));
  EXPECT_EQ(found_teams("acme", 3), teams({"ACME", "zulu", "acme-dev"}));
  EXPECT_EQ(found_teams("acm_"), teams({}));
  EXPECT_EQ(found_teams("%"), teams({}));
}

TEST_F(SearchTest, FindsKeysByNameIdAndLastFour) {
  const VirtualKey one = make_key(1, "runner");
  const VirtualKey two = make_key(2, "laptop");
  write([&](Write& w) {
    rotate_key(w, TeamId("team"), two.key_id, 60, KeySecret{digest_of(9), "NEW9"});
    revoke_key(w, TeamId("team"), one.key_id);
  });
  const auto ids = [&](const std::string& text) {
    std::vector<KeyId> listed;
    for (const FoundKey& key : found(text).keys) listed.push_back(key.key_id);
    return listed;
  };
  EXPECT_EQ(ids("RUN"), std::vector{one.key_id});
  EXPECT_EQ(ids(two.key_id.str()), std::vector{two.key_id});
  EXPECT_EQ(ids("k101"), std::vector{one.key_id});
  EXPECT_EQ(ids("new9"), std::vector{two.key_id});
  EXPECT_EQ(ids("k102"), std::vector<KeyId>{});
  EXPECT_EQ(found("laptop").keys.at(0).last_four, "NEW9");
  const FoundKey key = found("runner").keys.at(0);
  EXPECT_EQ(key.status, KeyStatus::revoked);
  EXPECT_EQ(key.last_four, "k101");
  EXPECT_EQ(key.team_id, TeamId("team"));
}

TEST_F(SearchTest, KnowsNothingOfDeletedTeams) {
  make_key(1, "runner");
  write([](Write& w) { delete_team(w, TeamId("team")); });
  EXPECT_EQ(found_teams("team"), teams({}));
  EXPECT_TRUE(found("runner").keys.empty());
  const Counts counts = engine_.read([&](Connection& db) { return count_records(db, engine_.now_ms()); });
  EXPECT_EQ(counts.teams, 0);
  EXPECT_EQ(counts.keys, 0);
  EXPECT_EQ(counts.active_keys, 0);
}

TEST_F(SearchTest, FindsGroupsAliasesAndOrganizations) {
  const Found all = found("B");
  ASSERT_EQ(all.access_groups.size(), 1U);
  EXPECT_EQ(all.access_groups[0].group_name, GroupName("ab"));
  ASSERT_EQ(all.model_aliases.size(), 1U);
  EXPECT_EQ(all.model_aliases[0].litellm_model, "openai/b");
  EXPECT_EQ(found("rg").organizations.at(0).name, "Org");
}

TEST_F(SearchTest, CountsActiveOnes) {
  make_key(1, "");
  NewVirtualKey brief = new_key(digest_of(2));
  brief.expires_at_ms = kNow + 5000;
  write([&](Write& w) { create_key(w, TeamId("team"), brief); });
  const auto counts = [&] { return engine_.read([&](Connection& db) { return count_records(db, engine_.now_ms()); }); };
  EXPECT_EQ(counts().active_keys, 2);
  now_ms_ += 5000;
  EXPECT_EQ(counts().active_keys, 1);
  EXPECT_EQ(counts().keys, 2);
  EXPECT_EQ(counts().active_teams, 1);
  write([](Write& w) { suspend_team(w, TeamId("team"), true); });
  EXPECT_EQ(counts().active_teams, 0);
  EXPECT_EQ(counts().teams, 1);
}

TEST_F(SearchTest, RefusesToSeekNothing) {
  EXPECT_THROW(found(""), Invalid);
  EXPECT_THROW(found("x", 0), Invalid);
}

}  // namespace
}  // namespace saas_access
