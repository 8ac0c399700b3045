#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "saas_access/connection.hpp"
#include "saas_access/ids.hpp"
#include "saas_access/money.hpp"
#include "saas_access/records.hpp"

namespace saas_access {

/// An organization's teams, their credits and their use together. Sums stay at the largest 64-bit number.
struct OrganizationSums {
  OrganizationId organization_id;
  std::int64_t teams = 0;
  std::int64_t active_teams = 0;
  MicroCredits allocated = 0;
  MicroCredits used = 0;
  MicroCredits held = 0;   ///< for calls and jobs that run
  std::int64_t calls = 0;  ///< answered
  std::int64_t denials = 0;
  std::optional<UnixMs> last_call_at_ms;  ///< answered or failed
};

/// Of these organizations, in their order. Use is counted from the UTC day that `from_ms` lies in. Deleted teams count
/// nowhere. NotFound for one that doesn't exist.
std::vector<OrganizationSums> sum_organizations(Connection& db, const std::vector<OrganizationId>& organization_ids,
                                                UnixMs from_ms);

}  // namespace saas_access
