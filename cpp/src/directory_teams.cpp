#include <string>

#include "columns.hpp"
#include "paging.hpp"
#include "rows.hpp"
#include "saas_access/directory.hpp"
#include "search_sql.hpp"
#include "sql.hpp"

namespace saas_access {

namespace {

constexpr const char* kTeams =
    "SELECT team.row, team_id, organization_id, team_alias, team.suspended, budget_mode, credits_per_dollar_micro, "
    "tokens_per_credit, rpm_limit, tpm_limit, team.metadata, team.created_at_ms, team.revision, "
    "refill.amount_micro, refill.period, refill.mode, refill.next_at_ms "
    "FROM team JOIN organization ON organization.row = team.organization LEFT JOIN refill ON refill.team = team.row "
    "WHERE deleted_at_ms IS NULL ";

Team read_team(const SQLite::Statement& statement) {
  Team team;
  team.team_id = TeamId(statement.getColumn(1).getString());
  team.organization_id = OrganizationId(statement.getColumn(2).getString());
  team.team_alias = statement.getColumn(3).getString();
  team.suspended = statement.getColumn(4).getInt() != 0;
  team.budget_mode = enum_column(statement.getColumn(5), BudgetMode::consumption_tokens);
  team.credits_per_dollar = statement.getColumn(6).getInt64();
  team.tokens_per_credit = statement.getColumn(7).getInt64();
  team.rpm_limit = optional_integer(statement.getColumn(8));
  team.tpm_limit = optional_integer(statement.getColumn(9));
  team.metadata = statement.getColumn(10).getString();
  team.created_at_ms = statement.getColumn(11).getInt64();
  team.revision = static_cast<Revision>(statement.getColumn(12).getInt64());
  if (const auto credits = optional_integer(statement.getColumn(13))) {
    team.refill = Refill{*credits, enum_column(statement.getColumn(14), RefillPeriod::monthly),
                         enum_column(statement.getColumn(15), RefillMode::top_up)};
    team.next_refill_at_ms = statement.getColumn(16).getInt64();
  }
  return team;
}

Page<Team> read_teams(Connection& db, Query statement, const PageRequest& request) {
  std::vector<RowId> rows;
  auto page = read_page<Team>(statement, request, read_team, &rows);
  add_details(db, rows,
              "SELECT member.team, access_group.group_name FROM team_access_group member "
              "JOIN access_group ON access_group.row = member.access_group "
              "WHERE member.team IN (SELECT value FROM json_each(?)) ORDER BY member.team, member.position",
              [&](std::size_t index, const SQLite::Statement& member) {
                page.items[index].access_groups.emplace_back(member.getColumn(1).getString());
              });
  add_details(db, rows,
              "SELECT team, amount_micro FROM low_balance_threshold "
              "WHERE team IN (SELECT value FROM json_each(?)) ORDER BY team, amount_micro DESC",
              [&](std::size_t index, const SQLite::Statement& threshold) {
                page.items[index].low_balance_thresholds.push_back(threshold.getColumn(1).getInt64());
              });
  return page;
}

// Those that have one of these groups (SQL) now, ?3: as their own or by a grant.
std::string held_by(const std::string& groups) {
  return "AND team.row IN (SELECT team FROM team_access_group WHERE access_group IN (" + groups +
         ") UNION SELECT team FROM team_grant WHERE access_group IN (" + groups +
         ") AND starts_at_ms <= ?3 AND ?3 < expires_at_ms) ";
}

constexpr const char* kGroupsWithAlias =
    "SELECT member.access_group FROM access_group_alias member JOIN model_alias ON model_alias.row = member.alias "
    "WHERE member.alias = ?6 AND model_alias.active";

constexpr const char* kLowBalance =
    "EXISTS (SELECT 1 FROM low_balance_threshold low JOIN account ON account.team = low.team "
    "WHERE low.team = team.row AND account.balance_micro <= low.amount_micro) ";

// One text for each set of filters, since the connection keeps its statements. Every parameter is named in each, so
// that all can be bound.
std::string condition_of(const TeamFilter& filter) {
  std::string condition = "AND ?3 IS NOT NULL ";
  condition += filter.organization_id ? "AND team.organization = ?4 " : "AND ?4 IS NULL ";
  condition += filter.access_group ? held_by("SELECT ?5") : "AND ?5 IS NULL ";
  condition += filter.alias ? held_by(kGroupsWithAlias) : "AND ?6 IS NULL ";
  if (filter.suspended) condition += *filter.suspended ? "AND team.suspended " : "AND NOT team.suspended ";
  if (filter.low_balance) condition += std::string(*filter.low_balance ? "AND " : "AND NOT ") + kLowBalance;
  return condition + "AND " + holds("?7", {"team_id", "team_alias"}) + " ";
}

template <class Name>
std::optional<RowId> required_row(Connection& db, const std::optional<Name>& name) {
  return name ? std::optional(require_row(db, *name)) : std::nullopt;
}

// Only the newest secret has no end.
constexpr const char* kKeys =
    "SELECT virtual_key.row, key_id, team_id, name, "
    "(SELECT last_four FROM key_secret WHERE virtual_key = virtual_key.row AND valid_until_ms IS NULL), "
    "revoked_at_ms, expires_at_ms, narrowed, virtual_key.created_at_ms, last_used_at_ms, virtual_key.revision "
    "FROM virtual_key JOIN team ON team.row = virtual_key.team ";

Page<VirtualKey> read_keys(Connection& db, Query statement, UnixMs now_ms) {
  std::vector<RowId> rows;
  auto page = read_page<VirtualKey>(
      statement, {},
      [&](const SQLite::Statement& row) {
        VirtualKey key;
        key.key_id = KeyId(row.getColumn(1).getString());
        key.team_id = TeamId(row.getColumn(2).getString());
        key.name = row.getColumn(3).getString();
        key.last_four = row.getColumn(4).getString();
        key.expires_at_ms = optional_integer(row.getColumn(6));
        key.status = key_status(!row.getColumn(5).isNull(), key.expires_at_ms, now_ms);
        if (row.getColumn(7).getInt() != 0) key.model_aliases.emplace();
        key.created_at_ms = row.getColumn(8).getInt64();
        key.last_used_at_ms = optional_integer(row.getColumn(9));
        key.revision = static_cast<Revision>(row.getColumn(10).getInt64());
        return key;
      },
      &rows);
  add_details(db, rows,
              "SELECT key_alias.virtual_key, model_alias.alias FROM key_alias "
              "JOIN model_alias ON model_alias.row = key_alias.alias "
              "WHERE key_alias.virtual_key IN (SELECT value FROM json_each(?)) ORDER BY key_alias.position",
              [&](std::size_t index, const SQLite::Statement& row) {
                page.items[index].model_aliases->emplace_back(row.getColumn(1).getString());
              });
  return page;
}

}  // namespace

Team find_team(Connection& db, const TeamId& id) {
  return only(read_teams(db, prepare(db, std::string(kTeams) + "AND team_id = ?", id), {}), id);
}

Page<Team> list_teams(Connection& db, const TeamFilter& filter, const PageRequest& request, UnixMs now_ms) {
  const std::string sql = kTeams + condition_of(filter) + "AND team.row > ?1 ORDER BY team.row LIMIT ?2";
  return read_teams(
      db,
      prepare(db, sql, request.after.value_or(0), limit_of(request), now_ms, required_row(db, filter.organization_id),
              required_row(db, filter.access_group), required_row(db, filter.alias), filter.search),
      request);
}

std::vector<Grant> list_grants(Connection& db, const TeamId& team_id) {
  Query statement = prepare(
      db,
      "SELECT team_grant.row, grant_id, group_name, starts_at_ms, expires_at_ms, reason, team_grant.created_at_ms "
      "FROM team_grant JOIN access_group ON access_group.row = team_grant.access_group "
      "WHERE team = ? ORDER BY team_grant.row",
      require_row(db, team_id));
  return read_page<Grant>(statement, {},
                          [](const SQLite::Statement& row) {
                            return Grant{GrantId(row.getColumn(1).getString()), GroupName(row.getColumn(2).getString()),
                                         row.getColumn(3).getInt64(),           row.getColumn(4).getInt64(),
                                         row.getColumn(5).getString(),          row.getColumn(6).getInt64()};
                          })
      .items;
}

VirtualKey find_key(Connection& db, const TeamId& team_id, const KeyId& key_id, UnixMs now_ms) {
  const RowId row = require_row(db, team_id, key_id);
  return only(read_keys(db, prepare(db, std::string(kKeys) + "WHERE virtual_key.row = ?", row), now_ms), team_id,
              key_id);
}

std::vector<VirtualKey> list_keys(Connection& db, const TeamId& team_id, UnixMs now_ms) {
  const RowId team = require_row(db, team_id);
  return read_keys(db, prepare(db, std::string(kKeys) + "WHERE team = ? ORDER BY virtual_key.row", team), now_ms).items;
}

}  // namespace saas_access
