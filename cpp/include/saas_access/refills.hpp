#pragma once

#include <optional>

#include "saas_access/connection.hpp"
#include "saas_access/records.hpp"
#include "saas_access/snapshot.hpp"

// Credits that come by themselves. What is due is kept in the database and moved on in the transaction that writes the
// entry, so every period fires once, whichever process comes first and however long none ran. Suspended teams are
// refilled as well; deleted ones have no refill.

namespace saas_access {

/// For policy writes: sets or takes away a team's refill. What was due under the earlier one is applied first. The
/// first of a new one is at the beginning of the next period.
void set_refill(Connection&, RowId team, const std::optional<Refill>&, UnixMs now_ms);

/// Whether apply_due_refills would find anything. Reads only.
bool has_due_refills(Connection&, UnixMs now_ms);

/// Applies one due period of each of at most `limit` teams, the longest overdue first; returns how many. Not 0: call
/// it again, for more teams and for further periods of the same. In a catch-up each missed period of mode `add` has an
/// entry of its own; `top_up` comes once. One that would bring the team above kMaxMicroCredits is an entry of 0 that
/// says so.
std::int64_t apply_due_refills(Connection&, UnixMs now_ms, std::int64_t limit);

}  // namespace saas_access
