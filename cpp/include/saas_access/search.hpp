#pragma once

#include <string>
#include <vector>

#include "saas_access/connection.hpp"
#include "saas_access/records.hpp"

// Finding a thing by a part of its name, whatever kind it is of.

namespace saas_access {

struct FoundTeam {
  TeamId team_id;
  std::string team_alias;
  OrganizationId organization_id;
};

struct FoundAccessGroup {
  GroupName group_name;
  std::string description;
};

struct FoundModelAlias {
  AliasName alias;
  std::string litellm_model;
  bool active = false;
};

struct FoundOrganization {
  OrganizationId organization_id;
  std::string name;
};

struct FoundKey {
  KeyId key_id;
  std::string name;
  TeamId team_id;
  std::string last_four;
  KeyStatus status = KeyStatus::active;
};

struct Found {
  std::vector<FoundTeam> teams;
  std::vector<FoundAccessGroup> access_groups;
  std::vector<FoundModelAlias> model_aliases;
  std::vector<FoundOrganization> organizations;
  std::vector<FoundKey> keys;
};

/// At most `limit` of each kind that have `text` anywhere in an id or name (of a key: in its last four characters too),
/// ASCII letters of either case being the same and no character standing for others. First what is named exactly so,
/// then what begins so, each by its id. Nothing of deleted teams. Reads every name: milliseconds for ten thousand teams
/// and three times as many keys. Throws Invalid under "q" unless `text` has 1 to 256 characters, and for a limit
/// below 1.
Found search(Connection& db, const std::string& text, std::int64_t limit, UnixMs now_ms);

}  // namespace saas_access
