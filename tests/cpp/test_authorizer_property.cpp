#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <set>

#include "saas_access/authorizer.hpp"

namespace saas_access {
namespace {

constexpr UnixMs kNow = 1'700'000'000'000;
constexpr RowId kTeam = 1;
constexpr RowId kKey = 1;
constexpr RowId kOrganization = 1;
constexpr KeyDigest kSecret{1};
const TeamId kTeamId("acme-prod");
const KeyId kKeyId("key_1");

// Generated policies against a model that says the rules in the fewest words.
struct Generated {
  static constexpr std::size_t kAliases = 8;
  static constexpr std::size_t kGroups = 70;  // more than one word of bits

  std::map<RowId, std::set<std::size_t>> lists;  // group row -> aliases
  std::array<bool, kAliases> active{};
  TeamEntry team;
  KeyEntry key;
  bool organization_suspended = false;

  explicit Generated(std::mt19937& random) {
    const auto chance = [&](int percent) { return static_cast<int>(random() % 100) < percent; };
    const auto group_row = [&] { return static_cast<RowId>(random() % (kGroups + 3)); };  // some do not exist
    for (std::size_t group = 0; group < kGroups; ++group) {
      for (std::size_t alias = 0; alias < kAliases; ++alias) {
        if (chance(8)) lists[static_cast<RowId>(group)].insert(alias);
      }
    }
    for (bool& is_active : active) is_active = chance(80);
    team.row = kTeam;
    team.team_id = kTeamId;
    team.organization = kOrganization;
    team.suspended = chance(10);
    organization_suspended = chance(10);
    std::set<RowId> own;
    while (chance(60)) own.insert(group_row());
    team.groups.assign(own.rbegin(), own.rend());
    while (chance(50)) {
      const UnixMs start = kNow - 2 + static_cast<UnixMs>(random() % 4);
      team.grants.push_back({group_row(), start, start + 1 + static_cast<UnixMs>(random() % 3)});
    }
    key.row = kKey;
    key.team = kTeam;
    key.key_id = kKeyId;
    key.revoked = chance(5);
    if (chance(20)) key.expires_at_ms = kNow - 1 + static_cast<UnixMs>(random() % 3);
    if (chance(30)) {
      key.narrowed_to.emplace();
      while (chance(75)) key.narrowed_to->push_back(static_cast<RowId>(random() % kAliases));
    }
  }

  static AliasName name(std::size_t alias) { return AliasName("alias-" + std::to_string(alias)); }

  [[nodiscard]] Snapshot snapshot() const {
    std::vector<AliasEntry> aliases;
    for (std::size_t i = 0; i < kAliases; ++i) {
      aliases.push_back({static_cast<RowId>(i), name(i), "actual", active[i], kMicroPerCredit, {}});
    }
    std::vector<GroupEntry> entries;
    for (std::size_t i = 0; i < kGroups; ++i) {
      GroupEntry entry{static_cast<RowId>(i), GroupName("group-" + std::to_string(i)), {}};
      const auto list = lists.find(entry.row);
      if (list != lists.end()) entry.aliases.assign(list->second.begin(), list->second.end());
      entries.push_back(std::move(entry));
    }
    Snapshot snapshot;
    snapshot.catalog = std::make_shared<const Catalog>(build_catalog(std::move(aliases), std::move(entries)));
    snapshot.organizations.put(kOrganization, {OrganizationId("org"), organization_suspended});
    snapshot.teams.put(kTeam, team);
    snapshot.team_rows.put(kTeamId.str(), kTeam);
    snapshot.keys.put(kKey, key);
    snapshot.key_rows.put(kKeyId.str(), kKey);
    snapshot.secrets.put(kSecret, {kKey, std::nullopt});
    return snapshot;
  }

  [[nodiscard]] Reason expected(std::size_t alias) const {
    std::set<RowId> held(team.groups.begin(), team.groups.end());
    for (const TeamGrant& grant : team.grants) {
      if (kNow >= grant.starts_at_ms && kNow < grant.expires_at_ms) held.insert(grant.group);
    }
    bool granted = false;
    for (const auto& [group, listed] : lists) granted = granted || (held.contains(group) && listed.contains(alias));
    const bool narrowed = key.narrowed_to && std::count(key.narrowed_to->begin(), key.narrowed_to->end(), alias) == 0;
    if (key.revoked) return Reason::key_revoked;
    if (key.expires_at_ms && *key.expires_at_ms <= kNow) return Reason::key_expired;
    if (!granted || !active[alias] || narrowed) return Reason::model_not_granted;
    if (team.suspended) return Reason::team_suspended;
    return organization_suspended ? Reason::organization_suspended : Reason::granted;
  }
};

std::vector<std::string> names_of(const std::vector<AvailableModel>& models) {
  std::vector<std::string> list;
  for (const AvailableModel& model : models) list.push_back(model.alias.str());
  return list;
}

TEST(AuthorizerProperty, EveryDecisionIsWhatTheNaiveModelSays) {
  std::mt19937 random(20'240'601);
  std::map<Reason, int> seen;
  for (int round = 0; round < 5'000; ++round) {
    const Generated policy(random);
    const Snapshot snapshot = policy.snapshot();
    for (std::size_t alias = 0; alias < Generated::kAliases; ++alias) {
      const Reason expected = policy.expected(alias);
      const Decision decision = authorize(snapshot, kSecret, Generated::name(alias), kNow);
      ASSERT_EQ(slug(decision.reason), slug(expected)) << "round " << round << ", alias " << alias;
      ASSERT_EQ(decision.allowed(), expected == Reason::granted);
      ++seen[expected];
    }
  }
  for (const Reason reason : {Reason::granted, Reason::key_revoked, Reason::key_expired, Reason::model_not_granted,
                              Reason::team_suspended, Reason::organization_suspended}) {
    EXPECT_GT(seen[reason], 200) << slug(reason);  // the generator reaches every case
  }
}

TEST(AuthorizerProperty, AvailableModelsAreExactlyWhatWouldBeAllowed) {
  std::mt19937 random(20'240'602);
  for (int round = 0; round < 5'000; ++round) {
    Generated policy(random);
    policy.team.suspended = policy.organization_suspended = false;
    const Snapshot snapshot = policy.snapshot();
    std::map<AliasName, std::vector<GroupName>> available;
    for (const AvailableModel& model : available_models(snapshot, kSecret, kNow)) {
      ASSERT_TRUE(available.emplace(model.alias, model.via).second) << "listed twice";
    }
    for (std::size_t alias = 0; alias < Generated::kAliases; ++alias) {
      const Decision decision = authorize(snapshot, kSecret, Generated::name(alias), kNow);
      const auto listed = available.find(Generated::name(alias));
      ASSERT_EQ(decision.allowed(), listed != available.end()) << "round " << round << ", alias " << alias;
      if (listed != available.end()) {
        ASSERT_EQ(decision.groups, listed->second);
      }
    }
  }
}

TEST(AuthorizerProperty, AddingAGroupNeverTakesAModelAway) {
  std::mt19937 random(20'240'603);
  for (int round = 0; round < 2'000; ++round) {
    Generated policy(random);
    const auto before = names_of(available_models(policy.snapshot(), kSecret, kNow));
    policy.team.groups.insert(policy.team.groups.begin(), static_cast<RowId>(random() % Generated::kGroups));
    const auto after = names_of(available_models(policy.snapshot(), kSecret, kNow));
    for (const std::string& alias : before) {
      ASSERT_TRUE(std::find(after.begin(), after.end(), alias) != after.end()) << "round " << round << ": " << alias;
    }
  }
}

}  // namespace
}  // namespace saas_access
