#include <limits>

#include "policy_test.hpp"
#include "saas_access/ledger.hpp"

namespace saas_access {
namespace {

class TeamPolicyTest : public PolicyTest {
 protected:
  static KeySecret secret(std::uint8_t number, const std::string& last_four = "wxyz") {
    KeySecret made{{}, last_four};
    made.digest.fill(number);
    return made;
  }
  static NewTeam new_team(const std::string& id) {
    NewTeam document;
    document.organization_id = OrganizationId("org");
    document.team_id = TeamId(id);
    return document;
  }
  VirtualKey make_key(const std::string& team_id, const NewVirtualKey& document) {
    return write([&](Write& w) { return create_key(w, TeamId(team_id), document); });
  }
  VirtualKey rotate(const VirtualKey& key, std::int64_t grace_seconds, const std::optional<KeySecret>& next) {
    return write([&](Write& w) { return rotate_key(w, key.team_id, key.key_id, grace_seconds, next); });
  }
  std::vector<VirtualKey> keys(const std::string& team_id) const {
    return read([&](Connection& db) { return list_keys(db, TeamId(team_id), now_ms_); });
  }
  std::vector<Grant> grants(const std::string& team_id) const {
    return read([&](Connection& db) { return list_grants(db, TeamId(team_id)); });
  }
  Balance balance(const std::string& team_id) const {
    return read([&](Connection& db) { return find_balance(db, TeamId(team_id)); });
  }
  /// Until when the secret with this digest works; -1: without end.
  std::int64_t valid_until(const KeySecret& of) const {
    return read([&](Connection& db) {
      SQLite::Statement query(db, "SELECT coalesce(valid_until_ms, -1) FROM key_secret WHERE digest = ?");
      query.bind(1, of.digest.data(), 32);
      return query.executeStep() ? query.getColumn(0).getInt64() : -2;
    });
  }
};

TEST_F(TeamPolicyTest, CreatesATeamWithItsGroupsCreditsAndKey) {
  make_group("a");
  make_group("b");
  make_team("first");
  const auto made = write([&](Write& w) {
    NewTeam document = new_team("acme-prod");
    document.team_alias = "Production";
    document.access_groups = groups({"b", "a", "b"});
    document.credits_allocated = 1000 * kMicroPerCredit;
    document.budget_mode = BudgetMode::consumption_usd;
    document.credits_per_dollar = 5 * kMicroPerCredit;
    document.tokens_per_credit = 500;
    document.rpm_limit = 60;
    document.refill = Refill{5 * kMicroPerCredit, RefillPeriod::weekly, RefillMode::top_up};
    document.low_balance_thresholds = {0, kMicroPerCredit / 2};
    document.metadata = R"({"k":"v"})";
    document.first_key = secret(1, "abcd");
    return create_team(w, document);
  });
  EXPECT_EQ(made.team_id, TeamId("acme-prod"));
  EXPECT_EQ(made.organization_id, OrganizationId("org"));
  EXPECT_EQ(made.team_alias, "Production");
  EXPECT_EQ(made.access_groups, groups({"b", "a"}));
  EXPECT_EQ(made.budget_mode, BudgetMode::consumption_usd);
  EXPECT_EQ(made.credits_per_dollar, 5 * kMicroPerCredit);
  EXPECT_EQ(made.tokens_per_credit, 500);
  EXPECT_EQ(made.rpm_limit, 60);
  EXPECT_EQ(made.tpm_limit, std::nullopt);
  EXPECT_EQ(made.metadata, R"({"k":"v"})");
  EXPECT_EQ(made.revision, revision_);
  EXPECT_EQ(balance("acme-prod").remaining, 1000 * kMicroPerCredit);
  ASSERT_EQ(keys("acme-prod").size(), 1U);
  EXPECT_EQ(keys("acme-prod")[0].name, "default");
  EXPECT_EQ(keys("acme-prod")[0].last_four, "abcd");
  EXPECT_TRUE(changed(ChangeKind::team) && changed(ChangeKind::key));
  EXPECT_EQ(audit().front().action, "team.create");
  EXPECT_EQ(
      audit().front().after,
      R"({"team_id":"acme-prod","organization_id":"org","team_alias":"Production","suspended":false,)"
      R"("access_groups":["b","a"],"credits_allocated":1000,"budget_mode":"consumption_usd","credits_per_dollar":5,)"
      R"("tokens_per_credit":500,"rpm_limit":60,"tpm_limit":null,"refill":{"credits":5,"period":"weekly","mode":"top_up"},)"
      R"("low_balance_thresholds":[0.5,0],"metadata":{"k":"v"}})");
}

TEST_F(TeamPolicyTest, ReportsEveryProblemOfATeam) {
  const auto fields = invalid_fields([&] {
    write([&](Write& w) {
      NewTeam document = new_team("a b");
      document.team_alias = std::string(257, 'x');
      document.access_groups = groups({"x", "y"});
      document.credits_allocated = kMaxMicroCredits + 1;
      document.credits_per_dollar = 0;
      document.tokens_per_credit = 0;
      document.rpm_limit = 0;
      document.tpm_limit = 1'000'000'000'001;
      document.refill = Refill{0, RefillPeriod::daily, RefillMode::add};
      document.low_balance_thresholds = {-1};
      document.metadata = "x";
      create_team(w, document);
    });
  });
  EXPECT_EQ(fields,
            "team_id team_alias credits_per_dollar tokens_per_credit rpm_limit tpm_limit refill.credits "
            "low_balance_thresholds metadata credits_allocated organization_id access_groups");
  EXPECT_EQ(count("team"), 0);
}

TEST_F(TeamPolicyTest, NamesAnUnknownOrganizationAndGroups) {
  EXPECT_EQ(message_of<Invalid>([&] {
              write([&](Write& w) {
                NewTeam document = new_team("t");
                document.access_groups = groups({"x", "y"});
                create_team(w, document);
              });
            }),
            "organization_id: Organization 'org' does not exist; access_groups: Access groups 'x', 'y' do not exist");
}

TEST_F(TeamPolicyTest, NeverGivesATeamIdTwice) {
  make_team("t");
  EXPECT_EQ(message_of<Conflict>([&] { make_team("t"); }), "Team 't' already exists");
  write([](Write& w) { delete_team(w, TeamId("t")); });
  EXPECT_EQ(message_of<Conflict>([&] { make_team("t"); }),
            "Team id 't' belonged to a deleted team and can't be used again");
}

TEST_F(TeamPolicyTest, UpdatesOnlyWhatAPatchNames) {
  make_group("a");
  make_group("b");
  make_team("t", groups({"a"}));
  TeamPatch patch;
  patch.rpm_limit.emplace(10);
  patch.tpm_limit.emplace(20);
  write([&](Write& w) { return update_team(w, TeamId("t"), patch); });
  patch = {};
  patch.access_groups = groups({"b", "a"});
  patch.rpm_limit.emplace(std::nullopt);
  patch.budget_mode = BudgetMode::consumption_tokens;
  patch.credits_allocated = 7 * kMicroPerCredit;
  const auto updated = write([&](Write& w) { return update_team(w, TeamId("t"), patch); });
  EXPECT_EQ(updated.access_groups, groups({"b", "a"}));
  EXPECT_EQ(updated.rpm_limit, std::nullopt);
  EXPECT_EQ(updated.tpm_limit, 20);
  EXPECT_EQ(updated.budget_mode, BudgetMode::consumption_tokens);
  EXPECT_EQ(updated.revision, revision_);
  EXPECT_EQ(balance("t").allocated, 7 * kMicroPerCredit);
  EXPECT_TRUE(changed(ChangeKind::team));
}

TEST_F(TeamPolicyTest, AnInvalidUpdateChangesNothing) {
  make_group("a");
  make_team("t", groups({"a"}));
  TeamPatch patch;
  patch.team_alias = "new";
  patch.access_groups = groups({"a", "missing"});
  patch.credits_allocated = -1;
  EXPECT_EQ(invalid_fields([&] { write([&](Write& w) { update_team(w, TeamId("t"), patch); }); }),
            "credits_allocated access_groups");
  EXPECT_EQ(team("t").team_alias, "");
  EXPECT_EQ(team("t").access_groups, groups({"a"}));
  EXPECT_EQ(message_of<NotFound>([&] { write([&](Write& w) { update_team(w, TeamId("x"), {}); }); }),
            "Team 'x' does not exist");
}

TEST_F(TeamPolicyTest, SuspendsAndResumesATeam) {
  make_team("t");
  EXPECT_TRUE(write([](Write& w) { return suspend_team(w, TeamId("t"), true); }).suspended);
  EXPECT_EQ(audit().front().action, "team.suspend");
  EXPECT_TRUE(changed(ChangeKind::team));
  EXPECT_FALSE(write([](Write& w) { return suspend_team(w, TeamId("t"), false); }).suspended);
  EXPECT_EQ(audit().front().action, "team.resume");
}

TEST_F(TeamPolicyTest, ADeletedTeamIsGoneButItsBooksStay) {
  make_group("g");
  make_team("t", groups({"g"}));
  TeamPatch patch;
  patch.credits_allocated = kMicroPerCredit;
  write([&](Write& w) { update_team(w, TeamId("t"), patch); });
  make_key("t", {"k", {}, {}, secret(1)});
  write([](Write& w) { create_grant(w, TeamId("t"), {GroupName("g"), {}, kNow + 5000, ""}); });
  write([](Write& w) { delete_team(w, TeamId("t")); });
  EXPECT_TRUE(changed(ChangeKind::team) && changed(ChangeKind::key));
  EXPECT_TRUE(group("g").teams_with_access.empty());
  EXPECT_EQ(count("team_access_group") + count("team_grant"), 0);
  EXPECT_EQ(count("virtual_key WHERE revoked_at_ms IS NOT NULL"), 1);
  EXPECT_EQ(count("key_secret"), 1);
  EXPECT_EQ(balance("t").allocated, kMicroPerCredit);
  EXPECT_THROW(team("t"), NotFound);
  EXPECT_THROW(keys("t"), NotFound);
  EXPECT_THROW(grants("t"), NotFound);
  EXPECT_THROW(write([](Write& w) { delete_team(w, TeamId("t")); }), NotFound);
  EXPECT_EQ(audit().front().action, "team.delete");
}

TEST_F(TeamPolicyTest, GrantsAGroupForATime) {
  make_group("g");
  make_team("t");
  const auto made =
      write([](Write& w) { return create_grant(w, TeamId("t"), {GroupName("g"), {}, kNow + 60'000, "trial"}); });
  EXPECT_EQ(made.access_group, GroupName("g"));
  EXPECT_LE(made.starts_at_ms, kNow);
  EXPECT_EQ(made.reason, "trial");
  EXPECT_EQ(team("t").revision, revision_);
  EXPECT_TRUE(changed(ChangeKind::team));
  EXPECT_EQ(audit().front().action, "grant.create");
  EXPECT_EQ(audit().front().target_id, "t");
  EXPECT_EQ(group("g").teams_with_access, teams({"t"}));
  now_ms_ = kNow + 60'000;
  EXPECT_TRUE(group("g").teams_with_access.empty());
  ASSERT_EQ(grants("t").size(), 1U);
  EXPECT_EQ(grants("t")[0].grant_id, made.grant_id);
}

TEST_F(TeamPolicyTest, RefusesABadGrant) {
  make_group("g");
  make_team("t");
  const auto fields = [&](const NewGrant& grant) {
    return invalid_fields([&] { write([&](Write& w) { create_grant(w, TeamId("t"), grant); }); });
  };
  EXPECT_EQ(fields({GroupName("x"), {}, kNow + 5000, std::string(1025, 'r')}), "access_group reason");
  EXPECT_EQ(fields({GroupName("g"), kNow - 9000, kNow, ""}), "expires_at");
  EXPECT_EQ(fields({GroupName("g"), kNow + 5000, kNow + 5000, ""}), "expires_at");
  EXPECT_EQ(fields({GroupName("g"), -1, kNow + 5000, ""}), "starts_at");
  EXPECT_EQ(fields({GroupName("g"), {}, std::numeric_limits<UnixMs>::max(), ""}), "expires_at");
  EXPECT_EQ(count("team_grant"), 0);
}

TEST_F(TeamPolicyTest, EndsAGrantEarly) {
  make_group("g");
  make_team("t");
  make_team("other");
  const auto grant =
      write([](Write& w) { return create_grant(w, TeamId("t"), {GroupName("g"), {}, kNow + 5000, ""}); });
  EXPECT_EQ(message_of<NotFound>([&] { write([&](Write& w) { delete_grant(w, TeamId("other"), grant.grant_id); }); }),
            "Grant '" + grant.grant_id.str() + "' of team 'other' does not exist");
  write([&](Write& w) { delete_grant(w, TeamId("t"), grant.grant_id); });
  EXPECT_TRUE(grants("t").empty());
  EXPECT_TRUE(changed(ChangeKind::team));
  EXPECT_EQ(team("t").revision, revision_);
}

TEST_F(TeamPolicyTest, CreatesANarrowedKey) {
  make_alias("a");
  make_alias("b");
  make_team("t");
  const auto made = make_key("t", {"ci", kNow + 5000, aliases({"b", "a", "b"}), secret(1, "1234")});
  EXPECT_EQ(made.name, "ci");
  EXPECT_EQ(made.team_id, TeamId("t"));
  EXPECT_EQ(made.last_four, "1234");
  EXPECT_EQ(made.status, KeyStatus::active);
  EXPECT_EQ(made.model_aliases, aliases({"b", "a"}));
  EXPECT_EQ(made.expires_at_ms, kNow + 5000);
  EXPECT_EQ(made.last_used_at_ms, std::nullopt);
  EXPECT_TRUE(changed(ChangeKind::key));
  EXPECT_EQ(audit().front().target_type, "key");
  EXPECT_EQ(audit().front().target_id, made.key_id.str());
  EXPECT_NE(audit().front().after.find(R"("team_id":"t")"), std::string::npos);
  now_ms_ = kNow + 5000;
  EXPECT_EQ(keys("t")[0].status, KeyStatus::expired);
}

TEST_F(TeamPolicyTest, TellsANarrowedToNothingFromANotNarrowedKey) {
  make_team("t");
  EXPECT_EQ(make_key("t", {"", {}, {}, secret(1)}).model_aliases, std::nullopt);
  EXPECT_EQ(make_key("t", {"", {}, std::vector<AliasName>{}, secret(2)}).model_aliases, std::vector<AliasName>{});
}

TEST_F(TeamPolicyTest, ForcedDeletionOfAnAliasNeverWidensAKey) {
  make_alias("a");
  make_team("t");
  make_key("t", {"", {}, aliases({"a"}), secret(1)});
  write([](Write& w) { delete_model_alias(w, AliasName("a"), true); });
  EXPECT_EQ(keys("t")[0].model_aliases, std::vector<AliasName>{});
  EXPECT_EQ(keys("t")[0].revision, revision_);
}

TEST_F(TeamPolicyTest, RefusesABadKey) {
  make_team("t");
  EXPECT_EQ(invalid_fields([&] { make_key("t", {std::string(257, 'n'), kNow, aliases({"x"}), secret(1)}); }),
            "name expires_at model_aliases");
  EXPECT_EQ(message_of<NotFound>([&] { make_key("x", {"", {}, {}, secret(1)}); }), "Team 'x' does not exist");
  EXPECT_THROW(make_key("t", {"", {}, {}, {}}), Error);
  EXPECT_THROW(make_key("t", {"", {}, {}, secret(1, "sk-whole-secret")}), Error);
  make_key("t", {"", {}, {}, secret(1)});
  EXPECT_THROW(make_key("t", {"", {}, {}, secret(1)}), Conflict);
  EXPECT_EQ(keys("t").size(), 1U);
}

TEST_F(TeamPolicyTest, ADryRunNeedsNoSecret) {
  make_team("t");
  WriteOptions options;
  options.dry_run = true;
  EXPECT_EQ(write([](Write& w) { return create_key(w, TeamId("t"), {"", {}, {}, {}}); }, options).last_four, "");
  EXPECT_TRUE(keys("t").empty());
}

TEST_F(TeamPolicyTest, RotatesAKeyUnderItsId) {
  make_team("t");
  const auto key = make_key("t", {"", {}, {}, secret(1, "1111")});
  const auto rotated = rotate(key, 60, secret(2, "2222"));
  EXPECT_EQ(rotated.key_id, key.key_id);
  EXPECT_EQ(rotated.last_four, "2222");
  EXPECT_EQ(rotated.revision, revision_);
  EXPECT_EQ(valid_until(secret(1)), kNow + 60'000);
  EXPECT_EQ(valid_until(secret(2)), -1);
  EXPECT_TRUE(changed(ChangeKind::key));
  EXPECT_EQ(audit().front().action, "key.rotate");
}

TEST_F(TeamPolicyTest, ALaterRotationNeverLengthensASecretsLife) {
  make_team("t");
  const auto key = make_key("t", {"", {}, {}, secret(1)});
  rotate(key, 60, secret(2));
  rotate(key, 3600, secret(3));
  EXPECT_EQ(valid_until(secret(1)), kNow + 60'000);
  EXPECT_EQ(valid_until(secret(2)), kNow + 3'600'000);
  rotate(key, 0, secret(4));
  for (std::uint8_t earlier = 1; earlier <= 3; ++earlier) EXPECT_EQ(valid_until(secret(earlier)), kNow);
  EXPECT_EQ(valid_until(secret(4)), -1);
}

TEST_F(TeamPolicyTest, RotatesOnlyActiveKeys) {
  make_team("t");
  const auto revoked = make_key("t", {"", {}, {}, secret(1)});
  const auto expiring = make_key("t", {"", kNow + 1, {}, secret(2)});
  EXPECT_EQ(invalid_fields([&] { rotate(revoked, -1, secret(3)); }), "grace_seconds");
  EXPECT_EQ(invalid_fields([&] { rotate(revoked, 365 * 24 * 3600 + 1, secret(3)); }), "grace_seconds");
  write([&](Write& w) { revoke_key(w, revoked.team_id, revoked.key_id); });
  EXPECT_EQ(message_of<Conflict>([&] { rotate(revoked, 0, secret(3)); }),
            "Key '" + revoked.key_id.str() + "' of team 't' is revoked and can't be rotated");
  now_ms_ += 1;
  EXPECT_THROW(rotate(expiring, 0, secret(3)), Conflict);
  EXPECT_EQ(valid_until(secret(2)), -1);
}

TEST_F(TeamPolicyTest, RevokesAKeyOnceAndForAll) {
  make_team("t");
  make_team("other");
  const auto key = make_key("t", {"", {}, {}, secret(1)});
  const auto revoke = [&] { return write([&](Write& w) { return revoke_key(w, TeamId("t"), key.key_id); }); };
  EXPECT_EQ(revoke().status, KeyStatus::revoked);
  EXPECT_TRUE(changed(ChangeKind::key));
  now_ms_ += 5000;
  EXPECT_EQ(revoke().status, KeyStatus::revoked);
  EXPECT_EQ(count("virtual_key WHERE revoked_at_ms = " + std::to_string(kNow)), 1);
  EXPECT_EQ(message_of<NotFound>([&] { write([&](Write& w) { revoke_key(w, TeamId("other"), key.key_id); }); }),
            "Key '" + key.key_id.str() + "' of team 'other' does not exist");
}

TEST_F(TeamPolicyTest, ChecksTheRevisionOfAKey) {
  make_team("t");
  const auto key = make_key("t", {"", {}, {}, secret(1)});
  WriteOptions stale;
  stale.if_revision = key.revision;
  rotate(key, 0, secret(2));
  EXPECT_THROW(write([&](Write& w) { revoke_key(w, TeamId("t"), key.key_id); }, stale), PreconditionFailed);
  EXPECT_THROW(write([&](Write& w) { rotate_key(w, TeamId("t"), key.key_id, 0, secret(3)); }, stale),
               PreconditionFailed);
  EXPECT_EQ(keys("t")[0].status, KeyStatus::active);
}

TEST_F(TeamPolicyTest, NeverAuditsADigest) {
  make_team("t");
  const auto key = make_key("t", {"", {}, {}, secret(0x41)});  // the digest is 32 times 'A'
  rotate(key, 60, secret(0x42));
  for (const auto& entry : audit()) {
    for (const auto* text : {&entry.before, &entry.after}) {
      EXPECT_EQ(text->find("AAAA"), std::string::npos);
      EXPECT_EQ(text->find("BBBB"), std::string::npos);
      EXPECT_EQ(text->find("4141"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace saas_access
