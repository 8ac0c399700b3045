#include <gtest/gtest.h>

#include <set>

#include "saas_access/authorizer.hpp"

namespace saas_access {
namespace {

constexpr UnixMs kNow = 1'700'000'000'000;
constexpr RowId kTeam = 1;
constexpr RowId kKey = 1;
constexpr RowId kOrganization = 1;
const TeamId kTeamId("acme-prod");
const KeyId kKeyId("key_1");

KeyDigest digest_of(std::uint8_t first) {
  KeyDigest digest{};
  digest[0] = first;
  return digest;
}
const KeyDigest kSecret = digest_of(1);

std::vector<std::string> names(const std::vector<AvailableModel>& models) {
  std::vector<std::string> list;
  for (const AvailableModel& model : models) list.push_back(model.alias.str());
  return list;
}

std::vector<GroupName> groups(std::initializer_list<const char*> list) {
  std::vector<GroupName> result;
  for (const char* name : list) result.emplace_back(name);
  return result;
}

// One organization, one team, one key with one secret, and the catalog of the documentation's example.
class AuthorizerTest : public testing::Test {
 protected:
  AuthorizerTest() {
    aliases_ = {alias(10, "gpt-4"), alias(11, "gpt-3.5-turbo"), alias(12, "claude-3-opus"), alias(13, "retired")};
    aliases_[3].active = false;
    groups_ = {{20, GroupName("gpt-models"), {0, 1, 3}},
               {21, GroupName("claude-models"), {2}},
               {22, GroupName("best-models"), {2, 0}}};
    team_ = {.row = kTeam,
             .organization = kOrganization,
             .team_id = kTeamId,
             .groups = {20, 21},
             .grants = {},
             .credits_per_dollar = 5,
             .tokens_per_credit = 6,
             .rpm_limit = 60,
             .tpm_limit = std::nullopt};
    key_ = {.row = kKey, .team = kTeam, .key_id = kKeyId, .expires_at_ms = {}, .narrowed_to = {}, .secrets = {kSecret}};
  }

  static AliasEntry alias(RowId row, const std::string& name) {
    return {.row = row, .alias = AliasName(name), .litellm_model = "provider/" + name, .active = true, .in_group = {}};
  }

  [[nodiscard]] Snapshot snapshot() const {
    Snapshot snapshot;
    snapshot.revision = 7;
    snapshot.catalog = std::make_shared<const Catalog>(build_catalog(aliases_, groups_));
    snapshot.organizations.put(kOrganization, {OrganizationId("org_acme"), organization_suspended_});
    if (team_exists_) {
      snapshot.teams.put(kTeam, team_);
      snapshot.team_rows.put(kTeamId.str(), kTeam);
    }
    snapshot.keys.put(kKey, key_);
    snapshot.key_rows.put(kKeyId.str(), kKey);
    snapshot.secrets.put(kSecret, secret_);
    return snapshot;
  }

  [[nodiscard]] Decision decide(const std::string& model) const {
    return authorize(snapshot(), kSecret, AliasName(model), kNow);
  }

  std::vector<AliasEntry> aliases_;
  std::vector<GroupEntry> groups_;
  TeamEntry team_;
  KeyEntry key_;
  SecretEntry secret_{kKey, std::nullopt};
  bool organization_suspended_ = false;
  bool team_exists_ = true;
};

TEST_F(AuthorizerTest, DefaultDecisionDenies) {
  EXPECT_FALSE(Decision{}.allowed());
  EXPECT_EQ(Authentication{}.reason, Reason::key_unknown);
}

TEST_F(AuthorizerTest, GrantsAnAliasOfAGroupOfTheTeam) {
  const Decision decision = decide("gpt-4");
  EXPECT_TRUE(decision.allowed());
  EXPECT_EQ(decision.reason, Reason::granted);
  EXPECT_EQ(decision.team_id, kTeamId);
  EXPECT_EQ(decision.key_id, kKeyId);
  EXPECT_EQ(decision.alias, AliasName("gpt-4"));
  EXPECT_EQ(decision.litellm_model, "provider/gpt-4");
  EXPECT_EQ(decision.groups, groups({"gpt-models"}));
  EXPECT_EQ(decision.pricing, (Pricing{BudgetMode::job_based, kMicroPerCredit, 5, 6}));
  EXPECT_EQ(decision.policy_revision, 7U);
}

TEST_F(AuthorizerTest, DeniesEverythingThatIsNotExactlyAGrantedActiveAlias) {
  for (const char* model : {"gpt-5", "GPT-4", "gpt-4 ", " gpt-4", "provider/gpt-4", "gpt-models", "retired", "*", ""}) {
    const Decision decision = decide(model);
    EXPECT_FALSE(decision.allowed()) << model;
    EXPECT_EQ(decision.reason, Reason::model_not_granted) << model;
    EXPECT_EQ(decision.alias, AliasName(model));
    EXPECT_EQ(decision.team_id, kTeamId);
    EXPECT_TRUE(decision.litellm_model.empty()) << model;
    EXPECT_TRUE(decision.groups.empty()) << model;
    EXPECT_EQ(decision.policy_revision, 7U);
  }
}

TEST_F(AuthorizerTest, ATeamWithoutGroupsIsGrantedNothing) {
  team_.groups.clear();
  EXPECT_EQ(decide("gpt-4").reason, Reason::model_not_granted);
  EXPECT_TRUE(available_models(snapshot(), kTeamId, kNow).empty());
}

TEST_F(AuthorizerTest, UnknownKeysAndTeamsAreDenied) {
  const Decision by_secret = authorize(snapshot(), digest_of(9), AliasName("gpt-4"), kNow);
  EXPECT_EQ(by_secret.reason, Reason::key_unknown);
  EXPECT_TRUE(by_secret.team_id.empty());
  EXPECT_EQ(authorize(snapshot(), KeyId("key_9"), AliasName("gpt-4"), kNow).reason, Reason::key_unknown);
  EXPECT_EQ(authorize(snapshot(), TeamId("other"), AliasName("gpt-4"), kNow).reason, Reason::model_not_granted);
  EXPECT_TRUE(available_models(snapshot(), digest_of(9), kNow).empty());
  EXPECT_TRUE(available_models(snapshot(), KeyId("key_9"), kNow).empty());
  EXPECT_TRUE(available_models(snapshot(), TeamId("other"), kNow).empty());
}

TEST_F(AuthorizerTest, ARevokedKeyIsRevokedForAnyModel) {
  key_.revoked = true;
  EXPECT_EQ(decide("gpt-4").reason, Reason::key_revoked);
  EXPECT_EQ(decide("unknown").reason, Reason::key_revoked);
  EXPECT_EQ(decide("gpt-4").key_id, kKeyId);
  EXPECT_TRUE(decide("gpt-4").groups.empty());
  EXPECT_TRUE(available_models(snapshot(), kSecret, kNow).empty());
  EXPECT_EQ(authenticate(snapshot(), kSecret, kNow).reason, Reason::key_revoked);
}

TEST_F(AuthorizerTest, AKeyExpiresAtItsMoment) {
  key_.expires_at_ms = kNow + 1;
  EXPECT_TRUE(decide("gpt-4").allowed());
  key_.expires_at_ms = kNow;
  EXPECT_EQ(decide("gpt-4").reason, Reason::key_expired);
  EXPECT_EQ(authenticate(snapshot(), kSecret, kNow).reason, Reason::key_expired);
  EXPECT_TRUE(available_models(snapshot(), kSecret, kNow).empty());
}

TEST_F(AuthorizerTest, ARotatedSecretIsRevokedAtItsMomentWhileTheKeyLivesOn) {
  secret_.valid_until_ms = kNow + 1;
  EXPECT_TRUE(decide("gpt-4").allowed());
  secret_.valid_until_ms = kNow;
  EXPECT_EQ(decide("gpt-4").reason, Reason::key_revoked);
  EXPECT_TRUE(authorize(snapshot(), kKeyId, AliasName("gpt-4"), kNow).allowed());
  key_.expires_at_ms = kNow;
  EXPECT_EQ(decide("gpt-4").reason, Reason::key_revoked);
}

TEST_F(AuthorizerTest, AKeyWhoseTeamIsGoneIsRevoked) {
  team_exists_ = false;
  EXPECT_EQ(decide("gpt-4").reason, Reason::key_revoked);
  EXPECT_TRUE(available_models(snapshot(), kSecret, kNow).empty());
}

TEST_F(AuthorizerTest, SuspensionComesAfterTheModelAndKeepsWhatIsGranted) {
  team_.suspended = true;
  organization_suspended_ = true;
  EXPECT_EQ(decide("unknown").reason, Reason::model_not_granted);
  EXPECT_EQ(decide("gpt-4").reason, Reason::team_suspended);
  team_.suspended = false;
  const Decision decision = decide("gpt-4");
  EXPECT_EQ(decision.reason, Reason::organization_suspended);
  EXPECT_FALSE(decision.allowed());
  EXPECT_EQ(decision.litellm_model, "provider/gpt-4");
  EXPECT_EQ(decision.groups, groups({"gpt-models"}));
  EXPECT_EQ(names(available_models(snapshot(), kSecret, kNow)),
            (std::vector<std::string>{"gpt-4", "gpt-3.5-turbo", "claude-3-opus"}));
  EXPECT_EQ(authenticate(snapshot(), kSecret, kNow).reason, Reason::granted);
}

TEST_F(AuthorizerTest, ATeamWithoutItsOrganizationMayDoNothing) {
  team_.organization = 99;
  EXPECT_FALSE(decide("gpt-4").allowed());
}

TEST_F(AuthorizerTest, AGrantRunsFromItsStartToJustBeforeItsEnd) {
  team_.groups = {20};
  team_.grants = {{21, kNow, kNow + 10}};
  const Snapshot granted = snapshot();
  const auto allowed_at = [&](UnixMs now) {
    return authorize(granted, kSecret, AliasName("claude-3-opus"), now).allowed();
  };
  EXPECT_FALSE(allowed_at(kNow - 1));
  EXPECT_TRUE(allowed_at(kNow));
  EXPECT_TRUE(allowed_at(kNow + 9));
  EXPECT_FALSE(allowed_at(kNow + 10));
}

TEST_F(AuthorizerTest, OwnGroupsComeInTheTeamsOrderThenGrantsInTheirs) {
  team_.groups = {22, 20};
  team_.grants = {{21, 0, kNow + 1}, {20, 0, kNow + 1}, {21, 0, kNow + 1}, {20, 0, kNow}};
  EXPECT_EQ(decide("claude-3-opus").groups, groups({"best-models", "claude-models"}));
  EXPECT_EQ(decide("gpt-4").groups, groups({"best-models", "gpt-models"}));
  const auto models = available_models(snapshot(), kSecret, kNow);
  EXPECT_EQ(names(models), (std::vector<std::string>{"claude-3-opus", "gpt-4", "gpt-3.5-turbo"}));
  EXPECT_EQ(models[0].via, groups({"best-models", "claude-models"}));
  EXPECT_EQ(models[0].litellm_model, "provider/claude-3-opus");
}

TEST_F(AuthorizerTest, AKeyNarrowsButNeverWidens) {
  key_.narrowed_to = {{11, 12}};
  team_.groups = {20};
  EXPECT_EQ(decide("gpt-4").reason, Reason::model_not_granted);
  EXPECT_EQ(decide("claude-3-opus").reason, Reason::model_not_granted);
  EXPECT_TRUE(decide("gpt-3.5-turbo").allowed());
  EXPECT_EQ(names(available_models(snapshot(), kSecret, kNow)), (std::vector<std::string>{"gpt-3.5-turbo"}));
  EXPECT_EQ(available_models(snapshot(), kTeamId, kNow).size(), 2U);
  key_.narrowed_to = std::vector<RowId>{};
  EXPECT_EQ(decide("gpt-3.5-turbo").reason, Reason::model_not_granted);
}

TEST_F(AuthorizerTest, AuthenticationCarriesTheTeamAndItsLimits) {
  const Authentication authentication = authenticate(snapshot(), kSecret, kNow);
  EXPECT_EQ(authentication.reason, Reason::granted);
  EXPECT_EQ(authentication.key_id, kKeyId);
  EXPECT_EQ(authentication.team_id, kTeamId);
  EXPECT_EQ(authentication.rpm_limit, 60);
  EXPECT_EQ(authentication.tpm_limit, std::nullopt);
}

TEST_F(AuthorizerTest, ExplainsWhatWouldGrantAModel) {
  key_.narrowed_to = {{11}};
  const Explanation narrowed = explain(snapshot(), kKeyId, AliasName("gpt-4"), kNow);
  EXPECT_EQ(narrowed.decision.reason, Reason::model_not_granted);
  EXPECT_TRUE(narrowed.alias_exists && narrowed.alias_active && narrowed.key_narrowed_away);
  EXPECT_EQ(narrowed.groups_with_alias, groups({"gpt-models", "best-models"}));

  team_.groups = {20};
  const Explanation not_held = explain(snapshot(), kKeyId, AliasName("claude-3-opus"), kNow);
  EXPECT_FALSE(not_held.key_narrowed_away);
  EXPECT_EQ(not_held.groups_with_alias, groups({"claude-models", "best-models"}));

  const Explanation inactive = explain(snapshot(), kTeamId, AliasName("retired"), kNow);
  EXPECT_TRUE(inactive.alias_exists);
  EXPECT_FALSE(inactive.alias_active);
  EXPECT_FALSE(explain(snapshot(), kTeamId, AliasName("gpt-5"), kNow).alias_exists);
}

TEST_F(AuthorizerTest, TellsGroupsApartBeyondOneWordOfBits) {
  groups_.clear();
  for (RowId row = 0; row < 200; ++row) groups_.push_back({100 + row, GroupName("g" + std::to_string(row)), {}});
  groups_[130].aliases = {0};
  team_.groups = {100 + 130 - 64, 100 + 130 - 128};
  EXPECT_FALSE(decide("gpt-4").allowed());
  team_.groups = {100 + 130};
  EXPECT_EQ(decide("gpt-4").groups, groups({"g130"}));
}

TEST(Decision, EveryReasonHasItsOwnSlug) {
  std::set<std::string_view> slugs;
  for (const Reason reason : kAllReasons) slugs.insert(slug(reason));
  EXPECT_EQ(slugs.size(), kAllReasons.size());
  EXPECT_EQ(slug(Reason::model_not_granted), "model_not_granted");
  EXPECT_EQ(slug(Outcome::allowed), "allowed");
  EXPECT_EQ(slug(KeyStatus::revoked), "revoked");
}

std::string text(const std::vector<AliasReach>& reached) {
  std::string list;
  for (const AliasReach& each : reached) list += each.alias.str() + " " + std::to_string(each.teams) + ", ";
  return list;
}

TEST_F(AuthorizerTest, ReachCountsTeamsThatHaveAnAliasAndThoseThatHaveItThroughOneGroupAlone) {
  team_.groups = {20, 22};                      // gpt-4 through both
  team_.grants = {{21, kNow - 10, kNow + 10},   // running: claude-3-opus through it and 22
                  {21, kNow - 10, kNow + 20},   // the same group counts once
                  {20, kNow - 10, kNow + 10}};  // its own already
  Snapshot shared = snapshot();
  TeamEntry other = team_;
  other.suspended = true;
  other.groups = {20};
  other.grants.clear();
  shared.teams.put(2, other);
  TeamEntry late = team_;
  late.groups.clear();
  late.grants = {{22, kNow - 20, kNow}};
  shared.teams.put(3, late);
  const Reach found = reach(shared, kNow);
  EXPECT_EQ(found.revision, 7U);
  EXPECT_EQ(text(found.model_aliases), "gpt-4 2, gpt-3.5-turbo 2, claude-3-opus 1, retired 0, ");
  ASSERT_EQ(found.access_groups.size(), 3U);
  EXPECT_EQ(found.access_groups[0].teams, 2);
  EXPECT_EQ(text(found.access_groups[0].only_here), "gpt-4 1, gpt-3.5-turbo 2, retired 0, ");
  EXPECT_EQ(found.access_groups[1].teams, 1);
  EXPECT_EQ(text(found.access_groups[1].only_here), "claude-3-opus 0, ");
  EXPECT_EQ(found.access_groups[2].teams, 1);
  EXPECT_EQ(text(found.access_groups[2].only_here), "claude-3-opus 0, gpt-4 0, ");
}

}  // namespace
}  // namespace saas_access
