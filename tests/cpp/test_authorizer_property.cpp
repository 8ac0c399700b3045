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

template <class Subject>
void expect_listed_is_allowed(const Snapshot& snapshot, const Subject& subject) {
  std::map<AliasName, std::vector<GroupName>> available;
  for (const AvailableModel& model : available_models(snapshot, subject, kNow)) {
    ASSERT_TRUE(available.emplace(model.alias, model.via).second) << "listed twice";
  }
  for (std::size_t alias = 0; alias < Generated::kAliases; ++alias) {
    const Decision decision = authorize(snapshot, subject, Generated::name(alias), kNow);
    const auto listed = available.find(Generated::name(alias));
    ASSERT_EQ(decision.allowed(), listed != available.end()) << "alias " << alias;
    if (listed != available.end()) {
      ASSERT_EQ(decision.groups, listed->second);
      available.erase(listed);
    }
  }
  ASSERT_TRUE(available.empty()) << "something is listed that does not exist";
}

TEST(AuthorizerProperty, AvailableModelsAreExactlyWhatWouldBeAllowed) {
  std::mt19937 random(20'240'602);
  for (int round = 0; round < 5'000; ++round) {
    SCOPED_TRACE(round);
    Generated policy(random);
    policy.team.suspended = policy.organization_suspended = false;
    const Snapshot snapshot = policy.snapshot();
    ASSERT_NO_FATAL_FAILURE(expect_listed_is_allowed(snapshot, kSecret));
    ASSERT_NO_FATAL_FAILURE(expect_listed_is_allowed(snapshot, kKeyId));
    ASSERT_NO_FATAL_FAILURE(expect_listed_is_allowed(snapshot, kTeamId));
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

template <class Subject>
void expect_explained(const Generated& policy, const Subject& subject, std::size_t number) {
  const Snapshot snapshot = policy.snapshot();
  const Decision decision = authorize(snapshot, subject, Generated::name(number), kNow);
  const Explanation explanation = explain(snapshot, subject, Generated::name(number), kNow);
  ASSERT_EQ(slug(explanation.decision.reason), slug(decision.reason));
  ASSERT_EQ(explanation.decision.groups, decision.groups);
  ASSERT_EQ(explanation.alias_active, policy.active.at(number));
  std::vector<GroupName> listing;
  for (const auto& [group, listed] : policy.lists) {
    if (listed.contains(number)) listing.emplace_back("group-" + std::to_string(group));
  }
  ASSERT_EQ(explanation.groups_with_alias, listing);
  const bool of_key = std::is_same_v<Subject, KeyId>;
  const bool narrowed = of_key && policy.key.narrowed_to &&
                        std::count(policy.key.narrowed_to->begin(), policy.key.narrowed_to->end(), number) == 0;
  const bool team_has_it = !authorize(snapshot, kTeamId, Generated::name(number), kNow).groups.empty();
  ASSERT_EQ(explanation.key_narrowed_away, narrowed && team_has_it);
}

TEST(AuthorizerProperty, ExplanationsAgreeWithDecisions) {
  std::mt19937 random(20'240'604);
  for (int round = 0; round < 500; ++round) {
    SCOPED_TRACE(round);
    const Generated policy(random);
    for (std::size_t alias = 0; alias < Generated::kAliases; ++alias) {
      ASSERT_NO_FATAL_FAILURE(expect_explained(policy, kKeyId, alias));
      ASSERT_NO_FATAL_FAILURE(expect_explained(policy, kTeamId, alias));
    }
  }
}

/// Changes a policy in a way that may only take away: whatever is allowed or listed after it was so before.
template <class Change>
void expect_only_takes_away(unsigned seed, Change&& change) {
  std::mt19937 random(seed);
  int taken_away = 0;
  for (int round = 0; round < 2'000; ++round) {
    SCOPED_TRACE(round);
    Generated policy(random);
    const Snapshot before = policy.snapshot();
    change(policy, random);
    const Snapshot after = policy.snapshot();
    const auto listed = names_of(available_models(before, kSecret, kNow));
    for (const std::string& alias : names_of(available_models(after, kSecret, kNow))) {
      ASSERT_TRUE(std::find(listed.begin(), listed.end(), alias) != listed.end()) << alias;
    }
    for (std::size_t alias = 0; alias < Generated::kAliases; ++alias) {
      const bool was_allowed = authorize(before, kSecret, Generated::name(alias), kNow).allowed();
      const bool is_allowed = authorize(after, kSecret, Generated::name(alias), kNow).allowed();
      ASSERT_TRUE(was_allowed || !is_allowed) << "alias " << alias;
      taken_away += was_allowed && !is_allowed ? 1 : 0;
    }
  }
  EXPECT_GT(taken_away, 100);  // the change has an effect
}

TEST(AuthorizerProperty, NarrowingAKeyOnlyTakesAway) {
  expect_only_takes_away(20'240'605, [](Generated& policy, std::mt19937& random) {
    auto& narrowed_to = policy.key.narrowed_to;
    if (!narrowed_to) {
      narrowed_to = {static_cast<RowId>(random() % Generated::kAliases), static_cast<RowId>(random() % 100)};
    } else if (!narrowed_to->empty()) {
      narrowed_to->pop_back();
    }
  });
}

TEST(AuthorizerProperty, SuspendingOnlyTakesAway) {
  expect_only_takes_away(20'240'606, [](Generated& policy, std::mt19937&) { policy.team.suspended = true; });
  expect_only_takes_away(20'240'607, [](Generated& policy, std::mt19937&) { policy.organization_suspended = true; });
}

TEST(AuthorizerProperty, RevokingExpiringAndSwitchingOffOnlyTakeAway) {
  expect_only_takes_away(20'240'608, [](Generated& policy, std::mt19937&) { policy.key.revoked = true; });
  expect_only_takes_away(20'240'609, [](Generated& policy, std::mt19937&) { policy.key.expires_at_ms = kNow; });
  expect_only_takes_away(20'240'610, [](Generated& policy, std::mt19937& random) {
    policy.active.at(random() % Generated::kAliases) = false;
  });
}

}  // namespace
}  // namespace saas_access
