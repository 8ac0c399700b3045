#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "saas_access/connection.hpp"
#include "saas_access/records.hpp"

// How fast credits go. A look back at what was charged, and what follows if that goes on just so: no forecast, and no
// promise. It knows nothing of refills to come, of holidays, or of a customer's plans.

namespace saas_access {

struct Pace {
  TeamId team_id;
  OrganizationId organization_id;
  Balance balance;
  UnixMs counted_from_ms = 0;            ///< a whole hour seven days ago, or when the team was created if that is later
  MicroCredits charged = 0;              ///< since then
  std::optional<MicroCredits> per_day;   ///< rounded; absent for a team younger than a day
  std::optional<std::int64_t> lasts_ms;  ///< until nothing is left; absent also where nothing was charged. At most
                                         ///< until the end of the year 9999
};

/// Where the hours of the eighth day back are dropped already, that whole day is counted. NotFound for a team that does
/// not exist.
Pace find_pace(Connection& db, const TeamId& team_id, UnixMs now_ms);

/// At most `limit` active teams of active organizations that have an allocation: by what they will run out of first,
/// then those without a pace, by the share of the allocation that is left. Throws Invalid for a limit below 1.
std::vector<Pace> lowest_paces(Connection& db, std::int64_t limit, UnixMs now_ms);

}  // namespace saas_access
