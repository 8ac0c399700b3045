#pragma once

#include <optional>
#include <string>
#include <vector>

#include "saas_access/records.hpp"
#include "saas_access/snapshot.hpp"
#include "saas_access/write.hpp"

// The admin writes. Each runs inside one Write, validates everything before it changes anything, and throws: NotFound
// when the thing it is about (its first parameter) is absent, Invalid (listing every problem, under the field names of
// http-api.md) when the document is malformed or names something absent, Conflict when a name is taken or a thing is
// still in use, PreconditionFailed on a stale `if_revision`. Every successful one leaves one audit entry.

namespace saas_access {

struct NewOrganization {
  OrganizationId organization_id;
  std::string name;
  std::string metadata = "{}";
};
struct OrganizationPatch {  // absent: unchanged, here and in every Patch
  std::optional<std::string> name;
  std::optional<std::string> metadata;
};
Organization create_organization(Write&, const NewOrganization&);
Organization update_organization(Write&, const OrganizationId&, const OrganizationPatch&);
Organization suspend_organization(Write&, const OrganizationId&, bool suspended);
void delete_organization(Write&, const OrganizationId&);  ///< Conflict while it has teams

struct NewModelAlias {
  AliasName alias;
  std::string litellm_model;
  std::string description;
  bool active = true;
  MicroCredits credits_per_call = kMicroPerCredit;
  std::string metadata = "{}";
  std::optional<UnixMs> retires_at_ms = {};
  std::optional<AliasName> successor = {};  ///< another alias, which exists
};
struct ModelAliasPatch {
  std::optional<std::string> litellm_model;
  std::optional<std::string> description;
  std::optional<bool> active;
  std::optional<MicroCredits> credits_per_call;
  std::optional<std::string> metadata;
  std::optional<std::optional<UnixMs>> retires_at_ms;  ///< present and empty: none any more
  std::optional<std::optional<AliasName>> successor;
};
ModelAlias create_model_alias(Write&, const NewModelAlias&);
ModelAlias update_model_alias(Write&, const AliasName&, const ModelAliasPatch&);
/// Conflict, naming the groups, while groups list it; with `force` it is taken out of them. Whose successor it was has
/// none any more.
void delete_model_alias(Write&, const AliasName&, bool force);

struct NewAccessGroup {
  GroupName group_name;
  std::string description;
  std::vector<AliasName> model_aliases;  ///< duplicates are kept once
};
struct AccessGroupPatch {
  std::optional<std::string> description;
  std::optional<std::vector<AliasName>> model_aliases;  ///< replaces the list
};
AccessGroup create_access_group(Write&, const NewAccessGroup&);
AccessGroup update_access_group(Write&, const GroupName&, const AccessGroupPatch&);
AccessGroup add_models(Write&, const GroupName&, const std::vector<AliasName>&);     ///< idempotent; appended in order
AccessGroup remove_models(Write&, const GroupName&, const std::vector<AliasName>&);  ///< idempotent
/// Takes the group from every team and grant; returns those that held it, as `teams_with_access` counts them. With
/// `only_unused`, Conflict if any team has it or is granted it, be it in the past or to come.
std::vector<TeamId> delete_access_group(Write&, const GroupName&, bool only_unused = false);

/// What the store may know of a new secret.
struct KeySecret {
  KeyDigest digest{};
  std::string last_four;
};

struct NewTeam {
  OrganizationId organization_id;
  TeamId team_id;
  std::string team_alias;
  std::vector<GroupName> access_groups;
  MicroCredits credits_allocated = 0;  ///< one allocation entry, if not 0
  BudgetMode budget_mode = BudgetMode::job_based;
  MicroCredits credits_per_dollar = 10 * kMicroPerCredit;
  std::int64_t tokens_per_credit = 10'000;
  std::optional<std::int64_t> rpm_limit;
  std::optional<std::int64_t> tpm_limit;
  std::optional<Refill> refill;                      ///< first at the beginning of the next period
  std::vector<MicroCredits> low_balance_thresholds;  ///< at most 5, in any order
  std::string metadata = "{}";
  std::optional<KeySecret> first_key;  ///< absent in a dry run
};
struct TeamPatch {
  std::optional<std::string> team_alias;
  std::optional<std::vector<GroupName>> access_groups;  ///< replaces
  std::optional<MicroCredits> credits_allocated;        ///< sets the total by an adjustment entry
  std::optional<BudgetMode> budget_mode;
  std::optional<MicroCredits> credits_per_dollar;
  std::optional<std::int64_t> tokens_per_credit;
  std::optional<std::optional<std::int64_t>> rpm_limit;  ///< present and empty: no limit any more
  std::optional<std::optional<std::int64_t>> tpm_limit;
  std::optional<std::optional<Refill>> refill;  ///< present and empty: none any more
  std::optional<std::vector<MicroCredits>> low_balance_thresholds;
  std::optional<std::string> metadata;
};
/// Conflict when the team_id is taken, also by a deleted team.
Team create_team(Write&, const NewTeam&);
Team update_team(Write&, const TeamId&, const TeamPatch&);
Team suspend_team(Write&, const TeamId&, bool suspended);
/// Its keys stop working at once; ledger, jobs and audit stay. The id is never free again.
void delete_team(Write&, const TeamId&);

struct NewGrant {
  GroupName access_group;
  std::optional<UnixMs> starts_at_ms;  ///< absent: now
  UnixMs expires_at_ms = 0;            ///< must lie after the start and in the future
  std::string reason;
};
Grant create_grant(Write&, const TeamId&, const NewGrant&);
void delete_grant(Write&, const TeamId&, const GrantId&);

struct NewVirtualKey {
  std::string name;
  std::optional<UnixMs> expires_at_ms;                  ///< must lie in the future
  std::optional<std::vector<AliasName>> model_aliases;  ///< narrows; every one must exist
  std::optional<KeySecret> secret;                      ///< absent in a dry run
};
VirtualKey create_key(Write&, const TeamId&, const NewVirtualKey&);
/// A new secret under the same key_id; earlier ones work `grace_seconds` longer (0 to a year), then are revoked.
VirtualKey rotate_key(Write&, const TeamId&, const KeyId&, std::int64_t grace_seconds, const std::optional<KeySecret>&);
VirtualKey revoke_key(Write&, const TeamId&, const KeyId&);  ///< idempotent

/// Creates each alias and group that is absent; leaves those that exist as they are.
/// For a configuration file's `bootstrap`: where all exist, it writes nothing.
struct Bootstrapped {
  std::vector<AliasName> model_aliases;  ///< the ones created
  std::vector<GroupName> access_groups;
};
Bootstrapped bootstrap(Write&, const std::vector<NewModelAlias>&, const std::vector<NewAccessGroup>&);

}  // namespace saas_access
