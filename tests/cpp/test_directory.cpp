#include <limits>

#include "policy_test.hpp"

namespace saas_access {
namespace {

class DirectoryTest : public PolicyTest {
 protected:
  std::vector<TeamId> listed(const TeamFilter& filter) const {
    std::vector<TeamId> ids;
    const auto page = read([&](Connection& db) { return list_teams(db, filter, {}, now_ms_); });
    for (const Team& team : page.items) ids.push_back(team.team_id);
    return ids;
  }
};

TEST_F(DirectoryTest, ListsInOrderOfCreation) {
  for (const char* name : {"zebra", "ape", "bear"}) make_group(name);
  const auto page = read([&](Connection& db) { return list_access_groups(db, {}, now_ms_); });
  ASSERT_EQ(page.items.size(), 3U);
  EXPECT_EQ(page.items[0].group_name, GroupName("zebra"));
  EXPECT_EQ(page.items[2].group_name, GroupName("bear"));
  EXPECT_EQ(page.next, std::nullopt);
}

TEST_F(DirectoryTest, PagesThroughEverythingOnce) {
  for (int i = 0; i < 5; ++i) make_alias("a" + std::to_string(i));
  std::vector<std::string> seen;
  PageRequest request{.after = std::nullopt, .limit = 2};
  for (int pages = 1;; ++pages) {
    const auto page = read([&](Connection& db) { return list_model_aliases(db, request); });
    for (const auto& alias : page.items) seen.push_back(alias.alias.str());
    if (!page.next) {
      EXPECT_EQ(pages, 3);
      break;
    }
    EXPECT_EQ(page.items.size(), 2U);
    request.after = page.next;
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"a0", "a1", "a2", "a3", "a4"}));
}

TEST_F(DirectoryTest, ALastFullPageHasNoNext) {
  make_alias("a");
  make_alias("b");
  const auto page = read([](Connection& db) { return list_model_aliases(db, {{}, 2}); });
  EXPECT_EQ(page.items.size(), 2U);
  EXPECT_EQ(page.next, std::nullopt);
}

TEST_F(DirectoryTest, RefusesALimitBelowOne) {
  EXPECT_EQ(invalid_fields([&] { read([](Connection& db) { return list_organizations(db, {{}, 0}); }); }), "limit");
  const auto page =
      read([](Connection& db) { return list_organizations(db, {{}, std::numeric_limits<std::int64_t>::max()}); });
  EXPECT_TRUE(page.items.empty());
}

TEST_F(DirectoryTest, CountsModelsAndTeamsOfGroups) {
  make_alias("a");
  make_group("g", aliases({"a"}));
  make_group("empty");
  make_team("member", groups({"g"}));
  make_team("granted");
  make_team("gone", groups({"g"}));
  for (const char* id : {"member", "granted"}) {
    write([&](Write& w) { create_grant(w, TeamId(id), {GroupName("g"), {}, kNow + 5000, ""}); });
  }
  write([](Write& w) { create_grant(w, TeamId("granted"), {GroupName("empty"), kNow + 5000, kNow + 9000, ""}); });
  write([](Write& w) { delete_team(w, TeamId("gone")); });
  const auto page = read([&](Connection& db) { return list_access_groups(db, {}, now_ms_); });
  EXPECT_EQ(page.items[0].model_count, 1);
  EXPECT_EQ(page.items[0].team_count, 2);
  EXPECT_EQ(page.items[1].model_count, 0);
  EXPECT_EQ(page.items[1].team_count, 0);
}

TEST_F(DirectoryTest, ListsTeamsWithAccessMembersFirst) {
  make_group("g");
  make_team("granted");
  make_team("member", groups({"g"}));
  make_team("both", groups({"g"}));
  for (const char* id : {"granted", "both"}) {
    write([&](Write& w) { create_grant(w, TeamId(id), {GroupName("g"), {}, kNow + 5000, ""}); });
  }
  EXPECT_EQ(group("g").teams_with_access, teams({"member", "both", "granted"}));
}

TEST_F(DirectoryTest, FiltersTeams) {
  make_group("g");
  make_group("h");
  make_team("plain", groups({"h"}));
  make_team("member", groups({"h", "g"}));
  make_team("granted");
  write([](Write& w) { create_organization(w, {OrganizationId("second"), "", "{}"}); });
  write([](Write& w) {
    NewTeam document;
    document.organization_id = OrganizationId("second");
    document.team_id = TeamId("elsewhere");
    create_team(w, document);
  });
  write([](Write& w) { create_grant(w, TeamId("granted"), {GroupName("g"), {}, kNow + 5000, ""}); });
  write([](Write& w) { suspend_team(w, TeamId("member"), true); });
  EXPECT_EQ(listed({}), teams({"plain", "member", "granted", "elsewhere"}));
  EXPECT_EQ(listed({OrganizationId("second"), {}, {}}), teams({"elsewhere"}));
  EXPECT_EQ(listed({{}, GroupName("g"), {}}), teams({"member", "granted"}));
  EXPECT_EQ(listed({{}, GroupName("g"), true}), teams({"member"}));
  EXPECT_EQ(listed({OrganizationId("org"), GroupName("g"), false}), teams({"granted"}));
  now_ms_ = kNow + 5000;
  EXPECT_EQ(listed({{}, GroupName("g"), {}}), teams({"member"}));
  EXPECT_EQ(message_of<NotFound>([&] { listed({OrganizationId("x"), {}, {}}); }), "Organization 'x' does not exist");
  EXPECT_EQ(message_of<NotFound>([&] { listed({{}, GroupName("x"), {}}); }), "Access group 'x' does not exist");
}

TEST_F(DirectoryTest, FiltersTeamsByAModelThatTheyHaveNow) {
  make_alias("a");
  make_alias("b");
  make_group("g", aliases({"a", "b"}));
  make_group("h", aliases({"a"}));
  make_team("both", groups({"g", "h"}));
  make_team("none");
  make_team("granted");
  write([&](Write& w) { create_grant(w, TeamId("granted"), {GroupName("h"), kNow + 1000, kNow + 5000, ""}); });
  EXPECT_EQ(listed({.alias = AliasName("a")}), teams({"both"}));
  now_ms_ = kNow + 1000;
  EXPECT_EQ(listed({.alias = AliasName("a")}), teams({"both", "granted"}));
  EXPECT_EQ(listed({.alias = AliasName("b")}), teams({"both"}));
  now_ms_ = kNow + 5000;
  EXPECT_EQ(listed({.alias = AliasName("a")}), teams({"both"}));
  write([](Write& w) {
    ModelAliasPatch off;
    off.active = false;
    update_model_alias(w, AliasName("a"), off);
  });
  EXPECT_EQ(listed({.alias = AliasName("a")}), teams({}));
  EXPECT_EQ(message_of<NotFound>([&] { listed({.alias = AliasName("x")}); }), "Model alias 'x' does not exist");
}

TEST_F(DirectoryTest, FiltersTeamsWithALowBalance) {
  for (const char* id : {"poor", "rich", "silent"}) make_team(id);
  write([](Write& w) {
    TeamPatch warned;
    warned.credits_allocated = 5 * kMicroPerCredit;
    warned.low_balance_thresholds = {{0, 5 * kMicroPerCredit}};
    update_team(w, TeamId("poor"), warned);
    warned.credits_allocated = 5 * kMicroPerCredit + 1;
    update_team(w, TeamId("rich"), warned);
  });
  EXPECT_EQ(listed({.low_balance = true}), teams({"poor"}));
  EXPECT_EQ(listed({.low_balance = false}), teams({"rich", "silent"}));
  EXPECT_EQ(listed({}), teams({"poor", "rich", "silent"}));
}

TEST_F(DirectoryTest, SearchesTeamsByAnyPartOfTheirNames) {
  make_team("Acme-prod");
  make_team("acme_test");
  make_team("other");
  write([](Write& w) {
    TeamPatch named;
    named.team_alias = "100% of ACME \xC3\x84rger";
    update_team(w, TeamId("other"), named);
  });
  const auto found = [&](const char* text) { return listed({.search = text}); };
  EXPECT_EQ(found("acme"), teams({"Acme-prod", "acme_test", "other"}));
  EXPECT_EQ(found("CME-P"), teams({"Acme-prod"}));
  EXPECT_EQ(found("_"), teams({"acme_test"}));
  EXPECT_EQ(found("%"), teams({"other"}));
  EXPECT_EQ(found("\xC3\x84R"), teams({"other"}));
  EXPECT_EQ(found("\xC3\xA4r"), teams({}));
  EXPECT_EQ(found("'"), teams({}));
  EXPECT_EQ(found(""), teams({"Acme-prod", "acme_test", "other"}));
  EXPECT_EQ(listed({.suspended = true, .search = "acme"}), teams({}));
}

TEST_F(DirectoryTest, SearchesTheOtherListsToo) {
  for (const char* name : {"gpt-4", "claude"}) make_alias(name);
  write([](Write& w) {
    create_access_group(w, {GroupName("basic"), "Small GPT models", {}});
    create_access_group(w, {GroupName("pro"), "", {}});
    create_organization(w, {OrganizationId("org_acme"), "ACME", "{}"});
    create_organization(w, {OrganizationId("o2"), "Acme West", "{}"});
    create_organization(w, {OrganizationId("o3"), "", "{}"});
  });
  const auto groups = read([&](Connection& db) { return list_access_groups(db, {}, now_ms_, "gpt").items; });
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups[0].group_name, GroupName("basic"));
  const auto models = read([](Connection& db) { return list_model_aliases(db, {}, "OPENAI/c").items; });
  ASSERT_EQ(models.size(), 1U);
  EXPECT_EQ(models[0].alias, AliasName("claude"));
  const auto first = read([](Connection& db) { return list_organizations(db, {{}, 1}, "acme"); });
  ASSERT_TRUE(first.next);
  const auto second = read([&](Connection& db) { return list_organizations(db, {first.next, 1}, "acme"); });
  EXPECT_EQ(first.items.at(0).organization_id, OrganizationId("org_acme"));
  EXPECT_EQ(second.items.at(0).organization_id, OrganizationId("o2"));
  EXPECT_FALSE(second.next);
}

TEST_F(DirectoryTest, GivesEachListedTeamItsOwnGroups) {
  make_group("g");
  make_group("h");
  make_team("none");
  make_team("two", groups({"h", "g"}));
  make_team("one", groups({"g"}));
  const auto page = read([&](Connection& db) { return list_teams(db, {}, {}, now_ms_); });
  EXPECT_TRUE(page.items[0].access_groups.empty());
  EXPECT_EQ(page.items[1].access_groups, groups({"h", "g"}));
  EXPECT_EQ(page.items[2].access_groups, groups({"g"}));
}

TEST_F(DirectoryTest, NamesWhatDoesNotExist) {
  const auto missing = [&](auto find) { return message_of<NotFound>([&] { read(find); }); };
  EXPECT_EQ(missing([](Connection& db) { return find_organization(db, OrganizationId("x")); }),
            "Organization 'x' does not exist");
  EXPECT_EQ(missing([](Connection& db) { return find_model_alias(db, AliasName("x'; --")); }),
            "Model alias 'x'; --' does not exist");
  EXPECT_EQ(missing([](Connection& db) { return find_access_group(db, GroupName("x"), 0); }),
            "Access group 'x' does not exist");
  EXPECT_EQ(missing([](Connection& db) { return find_team(db, TeamId("x")); }), "Team 'x' does not exist");
  EXPECT_EQ(missing([](Connection& db) { return find_key(db, TeamId("x"), KeyId("k"), 0); }),
            "Team 'x' does not exist");
  make_team("t");
  EXPECT_EQ(missing([](Connection& db) { return find_key(db, TeamId("t"), KeyId("k"), 0); }),
            "Key 'k' of team 't' does not exist");
}

TEST_F(DirectoryTest, FiltersTheAuditNewestFirst) {
  WriteOptions ada;
  ada.actor = "ada";
  make_group("g");
  now_ms_ += 1000;
  write([](Write& w) { update_access_group(w, GroupName("g"), {"x", {}}); }, ada);
  now_ms_ += 1000;
  make_group("h");
  const auto found = [&](const AuditFilter& filter, const PageRequest& request = {}) {
    std::string actions;
    const auto page = read([&](Connection& db) { return list_audit(db, filter, request); });
    for (const auto& entry : page.items) actions += entry.target_id + ":" + entry.action.substr(13) + " ";
    return actions + (page.next ? "..." : "");
  };
  EXPECT_EQ(found({}), "h:create g:update g:create ");
  EXPECT_EQ(found({.target = "g", .actor = {}, .from_ms = {}, .to_ms = {}}), "g:update g:create ");
  EXPECT_EQ(found({.target = {}, .actor = "ada", .from_ms = {}, .to_ms = {}}), "g:update ");
  EXPECT_EQ(found({.target = {}, .actor = {}, .from_ms = kNow + 1000, .to_ms = {}}), "h:create g:update ");
  EXPECT_EQ(found({.target = {}, .actor = {}, .from_ms = {}, .to_ms = kNow + 1000}), "g:create ");
  EXPECT_EQ(found({.target = {}, .actor = {}, .from_ms = {}, .to_ms = {}, .action = "access_group.create"}),
            "h:create g:create ");
  EXPECT_EQ(found({.target = "g", .actor = {}, .from_ms = {}, .to_ms = {}, .target_type = "access_group"}),
            "g:update g:create ");
  EXPECT_EQ(found({.target = "g", .actor = {}, .from_ms = {}, .to_ms = {}, .target_type = "team"}), "");
  EXPECT_EQ(found({}, {{}, 2}), "h:create g:update ...");
  EXPECT_EQ(found({}, {2, 2}), "g:create ");
}

}  // namespace
}  // namespace saas_access
