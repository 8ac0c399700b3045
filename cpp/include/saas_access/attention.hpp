#pragma once

#include <optional>
#include <vector>

#include "saas_access/connection.hpp"
#include "saas_access/decision.hpp"
#include "saas_access/records.hpp"

// What an operator may have to act on, over all teams at once: each is one query, however many teams there are. Deleted
// teams are left out.

namespace saas_access {

struct EndingGrant {
  TeamId team_id;
  Grant grant;
};
/// Grants that run at `now_ms` and end before `until_ms`, the first to end first.
std::vector<EndingGrant> list_ending_grants(Connection&, UnixMs now_ms, UnixMs until_ms);

struct LowBalance {
  TeamId team_id;
  MicroCredits remaining = 0;  ///< not used, and not reserved either
  MicroCredits threshold = 0;  ///< the highest of the team's that what it has not used is at or below
};
/// The teams at or below one of their thresholds, those with the least remaining first, at most `limit`.
std::vector<LowBalance> list_low_balances(Connection&, std::int64_t limit);

struct TeamDenials {
  TeamId team_id;
  std::optional<AliasName> alias;  ///< absent: of no single model
  Reason reason{};
  std::int64_t denials = 0;
  UnixMs last_denied_at_ms = 0;
};
/// What teams were refused since the day (UTC) that `since_ms` lies in, the most frequent first, at most `limit`.
std::vector<TeamDenials> list_team_denials(Connection&, UnixMs since_ms, std::int64_t limit);

struct CalledModel {
  TeamId team_id;
  AliasName alias;
};
/// Each model that each team got an answer of since the day that `since_ms` lies in, in no order.
std::vector<CalledModel> list_called_models(Connection&, UnixMs since_ms);

}  // namespace saas_access
