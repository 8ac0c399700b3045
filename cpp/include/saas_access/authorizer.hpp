#pragma once

#include <optional>
#include <vector>

#include "saas_access/decision.hpp"
#include "saas_access/snapshot.hpp"

namespace saas_access {

// Pure functions of snapshot, request and time: no I/O, no lock, no clock, no allocation that grows with the number of
// teams. Safe from any number of threads. Credits are not in the snapshot: they are asked last, by the ledger.

/// The key a secret belongs to, checked for revocation, rotation and expiry.
struct Authentication {
  Reason reason = Reason::key_unknown;  ///< granted, key_unknown, key_revoked or key_expired
  KeyId key_id;                         ///< set as far as it is known, also when refused
  TeamId team_id;
  std::optional<std::int64_t> rpm_limit;  ///< of the team
  std::optional<std::int64_t> tpm_limit;
};
[[nodiscard]] Authentication authenticate(const Snapshot& snapshot, const KeyDigest& digest, UnixMs now_ms);

/// May this secret's key (or this key, or this team as such) call `alias`? Reasons in the documented order: the key,
/// the model, the team, its organization. A key whose team is gone is key_revoked; an unknown team is granted nothing.
[[nodiscard]] Decision authorize(const Snapshot&, const KeyDigest& digest, const AliasName& alias, UnixMs now_ms);
[[nodiscard]] Decision authorize(const Snapshot&, const KeyId& key_id, const AliasName& alias, UnixMs now_ms);
[[nodiscard]] Decision authorize(const Snapshot&, const TeamId& team_id, const AliasName& alias, UnixMs now_ms);

/// One alias that a team may use, and through which of its groups.
struct AvailableModel {
  AliasName alias;
  std::string litellm_model;
  std::vector<GroupName> via;
};

/// Everything `authorize` would allow, suspension and credit aside: the active aliases of the team's groups and running
/// grants, each once, in the order the groups give them (own groups first, then grants), within a key's narrowing.
/// Empty for a key that is unknown, revoked or expired, and for an unknown team.
[[nodiscard]] std::vector<AvailableModel> available_models(const Snapshot&, const KeyDigest& digest, UnixMs now_ms);
[[nodiscard]] std::vector<AvailableModel> available_models(const Snapshot&, const KeyId& key_id, UnixMs now_ms);
[[nodiscard]] std::vector<AvailableModel> available_models(const Snapshot&, const TeamId& team_id, UnixMs now_ms);

/// How many teams have each active alias now, suspended ones too, and for how many a group is the only one that gives
/// it. Visits every team: milliseconds at 10,000. In order of creation; a group's aliases in its own order, all of
/// them.
struct AliasReach {
  AliasName alias;
  std::int64_t teams = 0;
};
struct GroupReach {
  GroupName group_name;
  std::int64_t teams = 0;             ///< that have the group, by a running grant too
  std::vector<AliasReach> only_here;  ///< `teams`: those that have the alias through no other group
};
struct Reach {
  Revision revision = 0;
  std::vector<AliasReach> model_aliases;
  std::vector<GroupReach> access_groups;
};
[[nodiscard]] Reach reach(const Snapshot& snapshot, UnixMs now_ms);

/// Why a decision comes out as it does, and what would change it.
struct Explanation {
  Decision decision;
  bool alias_exists = false;
  bool alias_active = false;
  std::vector<GroupName> groups_with_alias;  ///< every group that lists the alias: those that grant or would grant it
  bool key_narrowed_away = false;            ///< the team has the alias, the key was narrowed to others
};
[[nodiscard]] Explanation explain(const Snapshot&, const KeyId& key_id, const AliasName& alias, UnixMs now_ms);
[[nodiscard]] Explanation explain(const Snapshot&, const TeamId& team_id, const AliasName& alias, UnixMs now_ms);

}  // namespace saas_access
