#pragma once

#include <optional>
#include <string>
#include <vector>

#include "saas_access/change.hpp"
#include "saas_access/records.hpp"

// Reading records for people: lists and details as the admin API shows them. Each runs inside one read transaction.
// Single records throw NotFound, with a sentence naming it ("Team 'x' does not exist"). Lists are in order of creation.

namespace saas_access {

Organization find_organization(Connection&, const OrganizationId&);
Page<Organization> list_organizations(Connection&, const PageRequest&);

ModelAlias find_model_alias(Connection&, const AliasName&);
Page<ModelAlias> list_model_aliases(Connection&, const PageRequest&);

AccessGroup find_access_group(Connection&, const GroupName&, UnixMs now_ms);
Page<AccessGroupSummary> list_access_groups(Connection&, const PageRequest&, UnixMs now_ms);

struct TeamFilter {
  std::optional<OrganizationId> organization_id;
  std::optional<GroupName> access_group;  ///< own or by a running grant
  std::optional<bool> suspended;
};
Team find_team(Connection&, const TeamId&);  ///< a deleted team is NotFound
Page<Team> list_teams(Connection&, const TeamFilter&, const PageRequest&, UnixMs now_ms);
std::vector<Grant> list_grants(Connection&, const TeamId&);  ///< ended ones too

VirtualKey find_key(Connection&, const TeamId&, const KeyId&, UnixMs now_ms);
std::vector<VirtualKey> list_keys(Connection&, const TeamId&, UnixMs now_ms);

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
