#include <cstring>
#include <string>
#include <unordered_map>
#include <utility>

#include "columns.hpp"
#include "saas_access/change.hpp"
#include "sql.hpp"

namespace saas_access {

namespace {

// Everything below reads one row (`only`) or all of them, so that loading and catching up share their SQL.
using Only = std::optional<RowId>;

Query select(Connection& db, const std::string& columns_and_table, const std::string& key, Only only,
             const std::string& order = "") {
  Query query(db, "SELECT " + columns_and_table + (only ? " WHERE " + key + " = ?" : "") + order);
  if (only) query.bind(1, *only);
  return query;
}

std::vector<AliasEntry> read_aliases(Connection& db) {
  Query query(db, "SELECT row, alias, litellm_model, active, credits_per_call_micro FROM model_alias ORDER BY row");
  std::vector<AliasEntry> aliases;
  while (query.executeStep()) {
    aliases.push_back({.row = query.getColumn(0).getInt64(),
                       .alias = AliasName(query.getColumn(1).getString()),
                       .litellm_model = query.getColumn(2).getString(),
                       .active = query.getColumn(3).getInt() != 0,
                       .credits_per_call = query.getColumn(4).getInt64(),
                       .in_group = {}});
  }
  return aliases;
}

Catalog read_catalog(Connection& db) {
  std::vector<AliasEntry> aliases = read_aliases(db);
  std::unordered_map<RowId, std::uint32_t> alias_index;
  for (const AliasEntry& alias : aliases) {
    alias_index.emplace(alias.row, static_cast<std::uint32_t>(alias_index.size()));
  }
  std::vector<GroupEntry> groups;
  std::unordered_map<RowId, std::size_t> group_index;
  Query query(db, "SELECT row, group_name FROM access_group ORDER BY row");
  while (query.executeStep()) {
    group_index.emplace(query.getColumn(0).getInt64(), groups.size());
    groups.push_back({query.getColumn(0).getInt64(), GroupName(query.getColumn(1).getString()), {}});
  }
  Query lists(db, "SELECT access_group, alias FROM access_group_alias ORDER BY access_group, position");
  while (lists.executeStep()) {
    groups[group_index.at(lists.getColumn(0).getInt64())].aliases.push_back(
        alias_index.at(lists.getColumn(1).getInt64()));
  }
  return build_catalog(std::move(aliases), std::move(groups));
}

void put_organizations(Connection& db, Only only, Snapshot& snapshot) {
  auto query = select(db, "row, organization_id, suspended FROM organization", "row", only);
  while (query.executeStep()) {
    snapshot.organizations.put(query.getColumn(0).getInt64(),
                               {OrganizationId(query.getColumn(1).getString()), query.getColumn(2).getInt() != 0});
  }
}

// Without the deleted ones.
std::unordered_map<RowId, TeamEntry> read_teams(Connection& db, Only only) {
  std::unordered_map<RowId, TeamEntry> teams;
  auto query = select(db,
                      "row, organization, team_id, suspended, budget_mode, credits_per_dollar_micro, "
                      "tokens_per_credit, rpm_limit, tpm_limit, deleted_at_ms FROM team",
                      "row", only);
  while (query.executeStep()) {
    if (!query.isColumnNull(9)) continue;
    TeamEntry team;
    team.row = query.getColumn(0).getInt64();
    team.organization = query.getColumn(1).getInt64();
    team.team_id = TeamId(query.getColumn(2).getString());
    team.suspended = query.getColumn(3).getInt() != 0;
    team.budget_mode = enum_column(query.getColumn(4), BudgetMode::consumption_tokens);
    team.credits_per_dollar = query.getColumn(5).getInt64();
    team.tokens_per_credit = query.getColumn(6).getInt64();
    team.rpm_limit = optional_integer(query.getColumn(7));
    team.tpm_limit = optional_integer(query.getColumn(8));
    teams.emplace(team.row, std::move(team));
  }
  return teams;
}

void put_teams(Connection& db, Only only, Snapshot& snapshot) {
  auto teams = read_teams(db, only);
  auto groups = select(db, "team, access_group FROM team_access_group", "team", only, " ORDER BY team, position");
  while (groups.executeStep()) {
    const auto team = teams.find(groups.getColumn(0).getInt64());
    if (team != teams.end()) team->second.groups.push_back(groups.getColumn(1).getInt64());
  }
  auto grants =
      select(db, "team, access_group, starts_at_ms, expires_at_ms FROM team_grant", "team", only, " ORDER BY row");
  while (grants.executeStep()) {
    const auto team = teams.find(grants.getColumn(0).getInt64());
    if (team == teams.end()) continue;
    team->second.grants.push_back(
        {grants.getColumn(1).getInt64(), grants.getColumn(2).getInt64(), grants.getColumn(3).getInt64()});
  }
  for (auto& [row, team] : teams) {
    snapshot.team_rows.put(team.team_id.str(), row);
    snapshot.teams.put(row, std::move(team));
  }
}

std::unordered_map<RowId, KeyEntry> read_keys(Connection& db, Only only) {
  std::unordered_map<RowId, KeyEntry> keys;
  auto query = select(db, "row, team, key_id, narrowed, expires_at_ms, revoked_at_ms FROM virtual_key", "row", only);
  while (query.executeStep()) {
    KeyEntry key;
    key.row = query.getColumn(0).getInt64();
    key.team = query.getColumn(1).getInt64();
    key.key_id = KeyId(query.getColumn(2).getString());
    if (query.getColumn(3).getInt() != 0) key.narrowed_to.emplace();
    key.expires_at_ms = optional_integer(query.getColumn(4));
    key.revoked = !query.isColumnNull(5);
    keys.emplace(key.row, std::move(key));
  }
  auto narrowed =
      select(db, "virtual_key, alias FROM key_alias", "virtual_key", only, " ORDER BY virtual_key, position");
  while (narrowed.executeStep()) {
    keys.at(narrowed.getColumn(0).getInt64()).narrowed_to.value().push_back(narrowed.getColumn(1).getInt64());
  }
  return keys;
}

void put_keys(Connection& db, Only only, Snapshot& snapshot) {
  auto keys = read_keys(db, only);
  auto secrets = select(db, "virtual_key, digest, valid_until_ms FROM key_secret", "virtual_key", only,
                        " ORDER BY virtual_key, digest");
  while (secrets.executeStep()) {
    const RowId key = secrets.getColumn(0).getInt64();
    KeyDigest digest{};  // the table's CHECK keeps blobs of any other length out
    std::memcpy(digest.data(), secrets.getColumn(1).getBlob(), digest.size());
    keys.at(key).secrets.push_back(digest);
    snapshot.secrets.put(digest, {key, optional_integer(secrets.getColumn(2))});
  }
  for (auto& [row, key] : keys) {
    snapshot.key_rows.put(key.key_id.str(), row);
    snapshot.keys.put(row, std::move(key));
  }
}

// Each takes out what `base` holds under the row, then puts back what the store holds now.

void reread_organization(Connection& db, RowId row, Snapshot& snapshot) {
  snapshot.organizations.erase(row);
  put_organizations(db, row, snapshot);
}

void reread_team(Connection& db, RowId row, const Snapshot& base, Snapshot& snapshot) {
  if (const TeamEntry* old = base.teams.find(row)) {
    snapshot.team_rows.erase(old->team_id.str());
    snapshot.teams.erase(row);
  }
  put_teams(db, row, snapshot);
}

void reread_key(Connection& db, RowId row, const Snapshot& base, Snapshot& snapshot) {
  if (const KeyEntry* old = base.keys.find(row)) {
    for (const KeyDigest& digest : old->secrets) snapshot.secrets.erase(digest);
    snapshot.key_rows.erase(old->key_id.str());
    snapshot.keys.erase(row);
  }
  put_keys(db, row, snapshot);
}

}  // namespace

Revision read_revision(Connection& db) {
  return static_cast<Revision>(db.execAndGet("SELECT revision FROM policy_state").getInt64());
}

Snapshot load_snapshot(Connection& db) {
  Snapshot snapshot;
  snapshot.revision = read_revision(db);
  snapshot.catalog = std::make_shared<const Catalog>(read_catalog(db));
  put_organizations(db, std::nullopt, snapshot);
  put_teams(db, std::nullopt, snapshot);
  put_keys(db, std::nullopt, snapshot);
  return snapshot;
}

Snapshot apply_changes(Connection& db, const Snapshot& base, const ChangeSet& changes, Revision revision) {
  Snapshot next = base;
  next.revision = revision;
  for (const auto& [kind, row] : changes) {
    switch (kind) {
      case ChangeKind::catalog:
        next.catalog = std::make_shared<const Catalog>(read_catalog(db));
        break;
      case ChangeKind::organization:
        reread_organization(db, row, next);
        break;
      case ChangeKind::team:
        reread_team(db, row, base, next);
        break;
      case ChangeKind::key:
        reread_key(db, row, base, next);
        break;
    }
  }
  return next;
}

}  // namespace saas_access
