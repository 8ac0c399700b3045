#include "saas_access/authorizer.hpp"

#include <algorithm>
#include <span>

namespace saas_access {

namespace {

// Who asks: a key of a team, or a team as such (then `key` is null). `reason` is granted unless the key is refused.
struct Caller {
  Reason reason = Reason::key_unknown;
  const KeyEntry* key = nullptr;
  const TeamEntry* team = nullptr;
};

Caller identify_entry(const Snapshot& snapshot, const KeyEntry* key, bool secret_retired, UnixMs now_ms) {
  if (key == nullptr) return {};
  Caller caller{Reason::granted, key, snapshot.teams.find(key->team)};
  if (key->revoked || secret_retired || caller.team == nullptr) {
    caller.reason = Reason::key_revoked;
  } else if (key->expires_at_ms && now_ms >= *key->expires_at_ms) {
    caller.reason = Reason::key_expired;
  }
  return caller;
}

Caller identify(const Snapshot& snapshot, const KeyDigest& digest, UnixMs now_ms) {
  const SecretEntry* secret = snapshot.secrets.find(digest);
  if (secret == nullptr) return {};
  const bool retired = secret->valid_until_ms && now_ms >= *secret->valid_until_ms;
  return identify_entry(snapshot, snapshot.keys.find(secret->key), retired, now_ms);
}

Caller identify(const Snapshot& snapshot, const KeyId& key_id, UnixMs now_ms) {
  return identify_entry(snapshot, snapshot.key(key_id), false, now_ms);
}

Caller identify(const Snapshot& snapshot, const TeamId& team_id, UnixMs /*now_ms*/) {
  const TeamEntry* team = snapshot.team(team_id);
  return {team == nullptr ? Reason::model_not_granted : Reason::granted, nullptr, team};
}

bool holds_group(const TeamEntry& team, std::span<const TeamGrant> grants, RowId group, UnixMs now_ms) {
  return std::find(team.groups.begin(), team.groups.end(), group) != team.groups.end() ||
         std::any_of(grants.begin(), grants.end(), [&](const TeamGrant& grant) {
           return grant.group == group && grant.starts_at_ms <= now_ms && now_ms < grant.expires_at_ms;
         });
}

// Calls `visit(slot)` for each group the team has now: its own in their order, then running grants, each group once.
template <class Visit>
void for_each_group(const Catalog& catalog, const TeamEntry& team, UnixMs now_ms, Visit&& visit) {
  const auto visit_row = [&](RowId row) {
    const auto slot = catalog.group_slot.find(row);
    if (slot != catalog.group_slot.end()) visit(slot->second);
  };
  for (const RowId group : team.groups) visit_row(group);
  const std::span<const TeamGrant> grants = team.grants;
  for (std::size_t i = 0; i < grants.size(); ++i) {
    const bool running = grants[i].starts_at_ms <= now_ms && now_ms < grants[i].expires_at_ms;
    if (running && !holds_group(team, grants.first(i), grants[i].group, now_ms)) visit_row(grants[i].group);
  }
}

bool lists(const AliasEntry& alias, std::uint32_t slot) {
  return ((alias.in_group[slot / 64] >> (slot % 64)) & 1U) != 0;
}

bool narrowed_away(const KeyEntry* key, const AliasEntry& alias) {
  if (key == nullptr || !key->narrowed_to) return false;
  return std::find(key->narrowed_to->begin(), key->narrowed_to->end(), alias.row) == key->narrowed_to->end();
}

std::vector<GroupName> granting_groups(const Catalog& catalog, const TeamEntry& team, const AliasEntry& alias,
                                       UnixMs now_ms) {
  std::vector<GroupName> groups;
  for_each_group(catalog, team, now_ms, [&](std::uint32_t slot) {
    if (lists(alias, slot)) groups.push_back(catalog.groups[slot].name);
  });
  return groups;
}

// What stands in the way of a team that is granted the model. A team whose organization is missing may do nothing.
Reason suspension(const Snapshot& snapshot, const TeamEntry& team) {
  if (team.suspended) return Reason::team_suspended;
  const OrganizationEntry* organization = snapshot.organizations.find(team.organization);
  if (organization == nullptr || organization->suspended) return Reason::organization_suspended;
  return Reason::granted;
}

Decision decide(const Snapshot& snapshot, const Caller& caller, const AliasName& alias_name, UnixMs now_ms) {
  Decision decision;
  decision.policy_revision = snapshot.revision;
  decision.alias = alias_name;
  if (caller.key != nullptr) decision.key_id = caller.key->key_id;
  if (caller.team != nullptr) decision.team_id = caller.team->team_id;
  decision.reason = caller.reason;
  if (caller.reason != Reason::granted) return decision;

  const TeamEntry& team = *caller.team;
  decision.reason = Reason::model_not_granted;
  const AliasEntry* alias = snapshot.catalog->find(alias_name);
  if (alias == nullptr || !alias->active || narrowed_away(caller.key, *alias)) return decision;
  decision.groups = granting_groups(*snapshot.catalog, team, *alias, now_ms);
  if (decision.groups.empty()) return decision;

  decision.litellm_model = alias->litellm_model;
  decision.pricing = {team.budget_mode, alias->credits_per_call, team.credits_per_dollar, team.tokens_per_credit};
  decision.reason = suspension(snapshot, team);
  if (decision.reason == Reason::granted) decision.outcome = Outcome::allowed;
  return decision;
}

std::vector<AvailableModel> list_models(const Snapshot& snapshot, const Caller& caller, UnixMs now_ms) {
  std::vector<AvailableModel> models;
  if (caller.reason != Reason::granted) return models;
  const Catalog& catalog = *snapshot.catalog;
  std::unordered_map<std::uint32_t, std::size_t> position;  // of an alias in `models`
  for_each_group(catalog, *caller.team, now_ms, [&](std::uint32_t slot) {
    const GroupEntry& group = catalog.groups[slot];
    for (const std::uint32_t index : group.aliases) {
      const AliasEntry& alias = catalog.aliases[index];
      if (!alias.active || narrowed_away(caller.key, alias)) continue;
      const auto [it, is_new] = position.emplace(index, models.size());
      if (is_new) models.push_back({alias.alias, alias.litellm_model, {}});
      models[it->second].via.push_back(group.name);
    }
  });
  return models;
}

// Adds one team; `given` has a place for each alias, and is left all zeros.
struct Given {
  std::uint32_t groups = 0;
  std::int64_t* only_here = nullptr;  // of the group that gave it first
};
void add_team(Reach& reach, const Catalog& catalog, const TeamEntry& team, UnixMs now_ms, std::vector<Given>& given) {
  std::vector<std::uint32_t> has;
  for_each_group(catalog, team, now_ms, [&](std::uint32_t slot) {
    GroupReach& group = reach.access_groups[slot];
    ++group.teams;
    for (std::size_t i = 0; i < group.only_here.size(); ++i) {
      const std::uint32_t index = catalog.groups[slot].aliases[i];
      if (!catalog.aliases[index].active) continue;
      if (given[index].groups++ > 0) continue;
      given[index].only_here = &group.only_here[i].teams;
      has.push_back(index);
    }
  });
  for (const std::uint32_t index : has) {
    ++reach.model_aliases[index].teams;
    if (given[index].groups == 1) ++*given[index].only_here;
    given[index] = {};
  }
}

Explanation explain_caller(const Snapshot& snapshot, const Caller& caller, const AliasName& alias_name, UnixMs now_ms) {
  Explanation explanation;
  explanation.decision = decide(snapshot, caller, alias_name, now_ms);
  const Catalog& catalog = *snapshot.catalog;
  const AliasEntry* alias = catalog.find(alias_name);
  if (alias == nullptr) return explanation;
  explanation.alias_exists = true;
  explanation.alias_active = alias->active;
  for (std::uint32_t slot = 0; slot < catalog.groups.size(); ++slot) {
    if (lists(*alias, slot)) explanation.groups_with_alias.push_back(catalog.groups[slot].name);
  }
  explanation.key_narrowed_away = caller.team != nullptr && alias->active && narrowed_away(caller.key, *alias) &&
                                  !granting_groups(catalog, *caller.team, *alias, now_ms).empty();
  return explanation;
}

}  // namespace

Authentication authenticate(const Snapshot& snapshot, const KeyDigest& digest, UnixMs now_ms) {
  const Caller caller = identify(snapshot, digest, now_ms);
  Authentication result;
  result.reason = caller.reason;
  if (caller.key != nullptr) result.key_id = caller.key->key_id;
  if (caller.team != nullptr) {
    result.team_id = caller.team->team_id;
    result.rpm_limit = caller.team->rpm_limit;
    result.tpm_limit = caller.team->tpm_limit;
  }
  return result;
}

Decision authorize(const Snapshot& snapshot, const KeyDigest& digest, const AliasName& alias, UnixMs now_ms) {
  return decide(snapshot, identify(snapshot, digest, now_ms), alias, now_ms);
}
Decision authorize(const Snapshot& snapshot, const KeyId& key_id, const AliasName& alias, UnixMs now_ms) {
  return decide(snapshot, identify(snapshot, key_id, now_ms), alias, now_ms);
}
Decision authorize(const Snapshot& snapshot, const TeamId& team_id, const AliasName& alias, UnixMs now_ms) {
  return decide(snapshot, identify(snapshot, team_id, now_ms), alias, now_ms);
}

std::vector<AvailableModel> available_models(const Snapshot& snapshot, const KeyDigest& digest, UnixMs now_ms) {
  return list_models(snapshot, identify(snapshot, digest, now_ms), now_ms);
}
std::vector<AvailableModel> available_models(const Snapshot& snapshot, const KeyId& key_id, UnixMs now_ms) {
  return list_models(snapshot, identify(snapshot, key_id, now_ms), now_ms);
}
std::vector<AvailableModel> available_models(const Snapshot& snapshot, const TeamId& team_id, UnixMs now_ms) {
  return list_models(snapshot, identify(snapshot, team_id, now_ms), now_ms);
}

Reach reach(const Snapshot& snapshot, UnixMs now_ms) {
  const Catalog& catalog = *snapshot.catalog;
  Reach reach{snapshot.revision, {}, {}};
  for (const AliasEntry& alias : catalog.aliases) reach.model_aliases.push_back({alias.alias});
  for (const GroupEntry& group : catalog.groups) {
    GroupReach& added = reach.access_groups.emplace_back(GroupReach{group.name, 0, {}});
    for (const std::uint32_t index : group.aliases) added.only_here.push_back({catalog.aliases[index].alias});
  }
  std::vector<Given> given(catalog.aliases.size());
  snapshot.teams.for_each([&](RowId, const TeamEntry& team) { add_team(reach, catalog, team, now_ms, given); });
  return reach;
}

Explanation explain(const Snapshot& snapshot, const KeyId& key_id, const AliasName& alias, UnixMs now_ms) {
  return explain_caller(snapshot, identify(snapshot, key_id, now_ms), alias, now_ms);
}
Explanation explain(const Snapshot& snapshot, const TeamId& team_id, const AliasName& alias, UnixMs now_ms) {
  return explain_caller(snapshot, identify(snapshot, team_id, now_ms), alias, now_ms);
}

}  // namespace saas_access
