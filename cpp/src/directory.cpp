#include "saas_access/directory.hpp"

#include <limits>

#include "paging.hpp"
#include "rows.hpp"
#include "search_sql.hpp"
#include "sql.hpp"

namespace saas_access {

namespace {

Organization read_organization(const SQLite::Statement& statement) {
  Organization organization;
  organization.organization_id = OrganizationId(statement.getColumn(1).getString());
  organization.name = statement.getColumn(2).getString();
  organization.suspended = statement.getColumn(3).getInt() != 0;
  organization.metadata = statement.getColumn(4).getString();
  organization.created_at_ms = statement.getColumn(5).getInt64();
  organization.revision = static_cast<Revision>(statement.getColumn(6).getInt64());
  return organization;
}

constexpr const char* kOrganizations =
    "SELECT row, organization_id, name, suspended, metadata, created_at_ms, revision FROM organization ";

ModelAlias read_model_alias(const SQLite::Statement& statement) {
  ModelAlias alias;
  alias.alias = AliasName(statement.getColumn(1).getString());
  alias.litellm_model = statement.getColumn(2).getString();
  alias.description = statement.getColumn(3).getString();
  alias.active = statement.getColumn(4).getInt() != 0;
  alias.credits_per_call = statement.getColumn(5).getInt64();
  alias.metadata = statement.getColumn(6).getString();
  alias.created_at_ms = statement.getColumn(7).getInt64();
  alias.revision = static_cast<Revision>(statement.getColumn(8).getInt64());
  alias.retires_at_ms = optional_integer(statement.getColumn(9));
  if (const auto successor = statement.getColumn(10); !successor.isNull()) {
    alias.successor = AliasName(successor.getString());
  }
  return alias;
}

constexpr const char* kModelAliases =
    "SELECT row, alias, litellm_model, description, active, credits_per_call_micro, metadata, created_at_ms, revision, "
    "retires_at_ms, (SELECT other.alias FROM model_alias other WHERE other.row = model_alias.successor) "
    "FROM model_alias ";

Page<ModelAlias> read_model_aliases(Connection& db, Query statement, const PageRequest& request) {
  std::vector<RowId> rows;
  auto page = read_page<ModelAlias>(statement, request, read_model_alias, &rows);
  add_details(db, rows,
              "SELECT member.alias, access_group.group_name FROM access_group_alias member "
              "JOIN access_group ON access_group.row = member.access_group "
              "WHERE member.alias IN (SELECT value FROM json_each(?)) ORDER BY access_group.row",
              [&](std::size_t index, const SQLite::Statement& member) {
                page.items[index].access_groups.emplace_back(member.getColumn(1).getString());
              });
  return page;
}

// Every team that has the group: by membership (by_grant 0) or by a grant that runs at ?2; maybe both.
constexpr const char* kTeamsWithAccess =
    "SELECT team, 0 AS by_grant FROM team_access_group WHERE access_group = ?1 "
    "UNION ALL SELECT team, 1 FROM team_grant WHERE access_group = ?1 AND starts_at_ms <= ?2 AND ?2 < expires_at_ms";

std::vector<TeamId> teams_with_access(Connection& db, RowId group, UnixMs now_ms) {
  std::vector<TeamId> teams;
  Query statement = prepare(db,
                            "SELECT team.team_id FROM (" + std::string(kTeamsWithAccess) +
                                ") AS holder JOIN team ON team.row = holder.team WHERE team.deleted_at_ms IS NULL "
                                "GROUP BY team.row ORDER BY min(holder.by_grant), team.row",
                            group, now_ms);
  while (statement.executeStep()) teams.emplace_back(statement.getColumn(0).getString());
  return teams;
}

std::vector<AliasName> aliases_of_group(Connection& db, RowId group) {
  std::vector<AliasName> aliases;
  Query statement = prepare(db,
                            "SELECT model_alias.alias FROM access_group_alias member "
                            "JOIN model_alias ON model_alias.row = member.alias "
                            "WHERE member.access_group = ? ORDER BY member.position",
                            group);
  while (statement.executeStep()) aliases.emplace_back(statement.getColumn(0).getString());
  return aliases;
}

}  // namespace

Organization find_organization(Connection& db, const OrganizationId& id) {
  Query statement = prepare(db, std::string(kOrganizations) + "WHERE organization_id = ?", id);
  return only(read_page<Organization>(statement, {}, read_organization), id);
}

Page<Organization> list_organizations(Connection& db, const PageRequest& request,
                                      const std::optional<std::string>& search) {
  Query statement = prepare(
      db,
      kOrganizations + ("WHERE row > ?1 AND " + holds("?3", {"organization_id", "name"}) + " ORDER BY row LIMIT ?2"),
      request.after.value_or(0), limit_of(request), search);
  return read_page<Organization>(statement, request, read_organization);
}

ModelAlias find_model_alias(Connection& db, const AliasName& alias) {
  return only(read_model_aliases(db, prepare(db, std::string(kModelAliases) + "WHERE alias = ?", alias), {}), alias);
}

Page<ModelAlias> list_model_aliases(Connection& db, const PageRequest& request,
                                    const std::optional<std::string>& search) {
  const std::string sql =
      kModelAliases + ("WHERE row > ?1 AND " + holds("?3", {"alias", "litellm_model"}) + " ORDER BY row LIMIT ?2");
  return read_model_aliases(db, prepare(db, sql, request.after.value_or(0), limit_of(request), search), request);
}

AccessGroup find_access_group(Connection& db, const GroupName& name, UnixMs now_ms) {
  const RowId row = require_row(db, name);
  Query statement = prepare(db, "SELECT description, created_at_ms, revision FROM access_group WHERE row = ?", row);
  statement.executeStep();
  AccessGroup group;
  group.group_name = name;
  group.description = statement.getColumn(0).getString();
  group.created_at_ms = statement.getColumn(1).getInt64();
  group.revision = static_cast<Revision>(statement.getColumn(2).getInt64());
  group.model_aliases = aliases_of_group(db, row);
  group.teams_with_access = teams_with_access(db, row, now_ms);
  return group;
}

Page<AccessGroupSummary> list_access_groups(Connection& db, const PageRequest& request, UnixMs now_ms,
                                            const std::optional<std::string>& search) {
  // The same teams as kTeamsWithAccess, counted for every group of the page. A deleted team has neither kind of row.
  Query statement =
      prepare(db,
              "SELECT row, group_name, description, "
              "(SELECT count(*) FROM access_group_alias WHERE access_group = access_group.row), "
              "(SELECT count(*) FROM (SELECT team FROM team_access_group WHERE access_group = access_group.row "
              "UNION SELECT team FROM team_grant WHERE access_group = access_group.row "
              "AND starts_at_ms <= ?3 AND ?3 < expires_at_ms)) "
              "FROM access_group WHERE row > ?1 AND " +
                  holds("?4", {"group_name", "description"}) + " ORDER BY row LIMIT ?2",
              request.after.value_or(0), limit_of(request), now_ms, search);
  return read_page<AccessGroupSummary>(statement, request, [](const SQLite::Statement& row) {
    return AccessGroupSummary{GroupName(row.getColumn(1).getString()), row.getColumn(2).getString(),
                              row.getColumn(3).getInt64(), row.getColumn(4).getInt64()};
  });
}

Counts count_records(Connection& db, UnixMs now_ms) {
  const auto count = [&](const char* sql, const auto&... values) {
    return find_integer(db, sql, values...).value_or(0);
  };
  return {.organizations = count("SELECT count(*) FROM organization"),
          .teams = count("SELECT count(*) FROM team WHERE deleted_at_ms IS NULL"),
          .active_teams = count("SELECT count(*) FROM team WHERE deleted_at_ms IS NULL AND NOT suspended"),
          .access_groups = count("SELECT count(*) FROM access_group"),
          .model_aliases = count("SELECT count(*) FROM model_alias"),
          .active_model_aliases = count("SELECT count(*) FROM model_alias WHERE active"),
          .keys = count("SELECT count(*) FROM virtual_key JOIN team ON team.row = virtual_key.team "
                        "WHERE deleted_at_ms IS NULL"),
          // A deleted team's keys are revoked.
          .active_keys = count("SELECT count(*) FROM virtual_key "
                               "WHERE revoked_at_ms IS NULL AND (expires_at_ms IS NULL OR expires_at_ms > ?)",
                               now_ms)};
}

Page<AuditEntry> list_audit(Connection& db, const AuditFilter& filter, const PageRequest& request) {
  constexpr auto kLast = std::numeric_limits<std::int64_t>::max();
  Query statement =
      prepare(db,
              "SELECT id, at_ms, actor, action, target_type, target_id, before, after, revision FROM audit "
              "WHERE id < ?1 AND at_ms >= ?3 AND at_ms < ?4 AND (?5 IS NULL OR actor = ?5) "
              "AND (?7 IS NULL OR action = ?7) AND (?8 IS NULL OR target_type = ?8) " +
                  std::string(filter.target ? "AND target_id = ?6 " : "AND ?6 IS NULL ") + "ORDER BY id DESC LIMIT ?2",
              request.after.value_or(kLast), limit_of(request), filter.from_ms.value_or(0),
              filter.to_ms.value_or(kLast), filter.actor, filter.target, filter.action, filter.target_type);
  return read_page<AuditEntry>(statement, request, [](const SQLite::Statement& row) {
    AuditEntry entry;
    entry.id = row.getColumn(0).getInt64();
    entry.at_ms = row.getColumn(1).getInt64();
    entry.actor = row.getColumn(2).getString();
    entry.action = row.getColumn(3).getString();
    entry.target_type = row.getColumn(4).getString();
    entry.target_id = row.getColumn(5).getString();
    entry.before = row.getColumn(6).getString();
    entry.after = row.getColumn(7).getString();
    entry.revision = static_cast<Revision>(row.getColumn(8).getInt64());
    return entry;
  });
}

}  // namespace saas_access
