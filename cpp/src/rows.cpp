#include "rows.hpp"

#include "sql.hpp"
#include "text.hpp"

namespace saas_access {

std::string describe(const OrganizationId& id) { return "Organization " + quote(id.str()); }
std::string describe(const AliasName& alias) { return "Model alias " + quote(alias.str()); }
std::string describe(const GroupName& name) { return "Access group " + quote(name.str()); }
std::string describe(const TeamId& id) { return "Team " + quote(id.str()); }
std::string describe(const TeamId& team, const KeyId& key) {
  return "Key " + quote(key.str()) + " of team " + quote(team.str());
}
std::string describe(const TeamId& team, const GrantId& grant) {
  return "Grant " + quote(grant.str()) + " of team " + quote(team.str());
}

std::optional<RowId> find_row(Connection& db, const OrganizationId& id) {
  return find_integer(db, "SELECT row FROM organization WHERE organization_id = ?", id);
}
std::optional<RowId> find_row(Connection& db, const AliasName& alias) {
  return find_integer(db, "SELECT row FROM model_alias WHERE alias = ?", alias);
}
std::optional<RowId> find_row(Connection& db, const GroupName& name) {
  return find_integer(db, "SELECT row FROM access_group WHERE group_name = ?", name);
}
std::optional<RowId> find_row(Connection& db, const TeamId& id) {
  return find_integer(db, "SELECT row FROM team WHERE team_id = ? AND deleted_at_ms IS NULL", id);
}

RowId require_row(Connection& db, const TeamId& team_id, const KeyId& key_id) {
  const RowId team = require_row(db, team_id);
  const auto row = find_integer(db, "SELECT row FROM virtual_key WHERE key_id = ? AND team = ?", key_id, team);
  if (row) return *row;
  throw NotFound(describe(team_id, key_id) + " does not exist");
}

KeyStatus key_status(bool revoked, const std::optional<UnixMs>& expires_at_ms, UnixMs now_ms) {
  if (revoked) return KeyStatus::revoked;
  return expires_at_ms && *expires_at_ms <= now_ms ? KeyStatus::expired : KeyStatus::active;
}

}  // namespace saas_access
