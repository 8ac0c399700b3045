#pragma once

#include <optional>
#include <string>
#include <vector>

#include "saas_access/change.hpp"
#include "saas_access/records.hpp"

// Reading records for people: lists and details as the admin API shows them. Each runs inside one read transaction.
// Single records throw NotFound, with a sentence naming it ("Team 'x' does not exist"). Lists are in order of creation.
// `search` keeps what has this text anywhere in its id or name (an alias: in its model too; a group: in its description
// too), ASCII letters of either case being the same; absent or empty, everything.

namespace saas_access {

Organization find_organization(Connection&, const OrganizationId&);
Page<Organization> list_organizations(Connection&, const PageRequest&, const std::optional<std::string>& search = {});

ModelAlias find_model_alias(Connection&, const AliasName&);
Page<ModelAlias> list_model_aliases(Connection&, const PageRequest&, const std::optional<std::string>& search = {});

AccessGroup find_access_group(Connection&, const GroupName&, UnixMs now_ms);
Page<AccessGroupSummary> list_access_groups(Connection&, const PageRequest&, UnixMs now_ms,
                                            const std::optional<std::string>& search = {});

struct TeamFilter {
  std::optional<OrganizationId> organization_id = {};
  std::optional<GroupName> access_group = {};  ///< own or by a running grant
  std::optional<bool> suspended = {};
  std::optional<AliasName> alias = {};   ///< has it among its models now, so that nobody has an inactive one
  std::optional<bool> low_balance = {};  ///< is what it has not used at or below one of its thresholds?
  std::optional<std::string> search = {};
};
Team find_team(Connection&, const TeamId&);  ///< a deleted team is NotFound
/// NotFound for an organization, group or alias that does not exist.
Page<Team> list_teams(Connection&, const TeamFilter&, const PageRequest&, UnixMs now_ms);
std::vector<Grant> list_grants(Connection&, const TeamId&);  ///< ended ones too

VirtualKey find_key(Connection&, const TeamId&, const KeyId&, UnixMs now_ms);
std::vector<VirtualKey> list_keys(Connection&, const TeamId&, UnixMs now_ms);

/// How many there are. Nothing of deleted teams counts.
struct Counts {
  std::int64_t organizations = 0;
  std::int64_t teams = 0;
  std::int64_t active_teams = 0;  ///< not suspended themselves
  std::int64_t access_groups = 0;
  std::int64_t model_aliases = 0;
  std::int64_t active_model_aliases = 0;
  std::int64_t keys = 0;  ///< revoked and expired ones too
  std::int64_t active_keys = 0;
};
Counts count_records(Connection&, UnixMs now_ms);

struct AuditFilter {
  std::optional<std::string> target;  ///< target_id
  std::optional<std::string> actor;
  std::optional<UnixMs> from_ms;  ///< at or after
  std::optional<UnixMs> to_ms;    ///< before
  std::optional<std::string> action = {};
  std::optional<std::string> target_type = {};
};
Page<AuditEntry> list_audit(Connection&, const AuditFilter&, const PageRequest&);  ///< newest first

}  // namespace saas_access
