#pragma once

#include <optional>
#include <string>

#include "saas_access/directory.hpp"
#include "saas_access/errors.hpp"
#include "saas_access/snapshot.hpp"

namespace saas_access {

/// A thing as messages name it: "Team 'x'".
std::string describe(const OrganizationId&);
std::string describe(const AliasName&);
std::string describe(const GroupName&);
std::string describe(const TeamId&);
std::string describe(const TeamId&, const KeyId&);    ///< "Key 'x' of team 'y'"
std::string describe(const TeamId&, const GrantId&);  ///< "Grant 'x' of team 'y'"

/// The row of the thing with this name. A deleted team has none.
std::optional<RowId> find_row(Connection&, const OrganizationId&);
std::optional<RowId> find_row(Connection&, const AliasName&);
std::optional<RowId> find_row(Connection&, const GroupName&);
std::optional<RowId> find_row(Connection&, const TeamId&);

/// The same, where it must exist. Throws NotFound.
template <class Name>
RowId require_row(Connection& db, const Name& name) {
  if (const auto row = find_row(db, name)) return *row;
  throw NotFound(describe(name) + " does not exist");
}
RowId require_row(Connection&, const TeamId&, const KeyId&);

/// What became of a key by `now_ms`.
KeyStatus key_status(bool revoked, const std::optional<UnixMs>& expires_at_ms, UnixMs now_ms);

}  // namespace saas_access
