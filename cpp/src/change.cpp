#include "saas_access/change.hpp"

#include <algorithm>

#include "saas_access/authorizer.hpp"
#include "sql.hpp"

namespace saas_access {

std::optional<ChangeSet> read_changes(Connection& db, Revision since) {
  const Revision now = read_revision(db);
  if (since > now || now - since > kFeedLength) return std::nullopt;
  ChangeSet changes;
  auto query = prepare(db, "SELECT kind, subject FROM policy_change WHERE revision > ?", since);
  while (query.executeStep()) {
    const int kind = query.getColumn(0).getInt();
    if (kind < 1 || kind > static_cast<int>(ChangeKind::key)) return std::nullopt;  // a newer build's: be safe
    changes.add(static_cast<ChangeKind>(kind), query.getColumn(1).getInt64());
  }
  return changes;
}

void append_changes(Connection& db, const ChangeSet& changes, Revision revision) {
  for (const auto& [kind, row] : changes) {
    execute(db, "INSERT INTO policy_change (revision, kind, subject) VALUES (?, ?, ?)", revision,
            static_cast<int>(kind), row);
  }
  if (revision <= kFeedLength) return;
  execute(db, "DELETE FROM policy_change WHERE revision <= ?", revision - kFeedLength);
}

namespace {

std::set<std::string> active_aliases(const Catalog& catalog, RowId group_row) {
  std::set<std::string> aliases;
  const GroupEntry* group = catalog.group(group_row);
  if (group == nullptr) return aliases;
  for (const std::uint32_t index : group->aliases) {
    const AliasEntry& alias = catalog.aliases[index];
    if (alias.active) aliases.insert(alias.alias.str());
  }
  return aliases;
}

std::set<RowId> changed_groups(const Catalog& before, const Catalog& after) {
  std::set<RowId> groups;
  for (const Catalog* catalog : {&before, &after}) {
    for (const GroupEntry& group : catalog->groups) {
      if (active_aliases(before, group.row) != active_aliases(after, group.row)) groups.insert(group.row);
    }
  }
  return groups;
}

void add_holders(const Snapshot& snapshot, const std::set<RowId>& groups, std::set<TeamId>& teams) {
  snapshot.teams.for_each([&](RowId, const TeamEntry& team) {
    const bool holds =
        std::any_of(team.groups.begin(), team.groups.end(), [&](RowId group) { return groups.contains(group); }) ||
        std::any_of(team.grants.begin(), team.grants.end(),
                    [&](const TeamGrant& grant) { return groups.contains(grant.group); });
    if (holds) teams.insert(team.team_id);
  });
}

// The teams whose models may differ. Keys narrow, and organizations suspend, but neither changes what a team is
// granted.
std::set<TeamId> touched_teams(const Snapshot& before, const Snapshot& after, const ChangeSet& changes) {
  std::set<TeamId> teams;
  for (const auto& [kind, row] : changes) {
    if (kind == ChangeKind::team) {
      for (const Snapshot* snapshot : {&before, &after}) {
        if (const TeamEntry* team = snapshot->teams.find(row)) teams.insert(team->team_id);
      }
    } else if (kind == ChangeKind::catalog) {
      // Who holds a group only since this change is named as a team itself.
      const std::set<RowId> groups = changed_groups(*before.catalog, *after.catalog);
      if (!groups.empty()) add_holders(before, groups, teams);
    }
  }
  return teams;
}

// Aliases of `models` that are not among `others`, in the order of `models`.
std::vector<AliasName> missing_from(const std::vector<AvailableModel>& others,
                                    const std::vector<AvailableModel>& models) {
  std::set<AliasName> known;
  for (const AvailableModel& other : others) known.insert(other.alias);
  std::vector<AliasName> missing;
  for (const AvailableModel& model : models) {
    if (!known.contains(model.alias)) missing.push_back(model.alias);
  }
  return missing;
}

}  // namespace

std::vector<AccessChange> compare_access(const Snapshot& before, const Snapshot& after, const ChangeSet& changes,
                                         UnixMs now_ms) {
  std::vector<AccessChange> differences;
  for (const TeamId& team_id : touched_teams(before, after, changes)) {
    const auto old_models = available_models(before, team_id, now_ms);
    const auto new_models = available_models(after, team_id, now_ms);
    AccessChange change{team_id, missing_from(old_models, new_models), missing_from(new_models, old_models)};
    if (!change.gains.empty() || !change.loses.empty()) differences.push_back(std::move(change));
  }
  return differences;
}

}  // namespace saas_access
