#pragma once

#include <optional>
#include <vector>

#include "saas_access/connection.hpp"
#include "saas_access/records.hpp"
#include "saas_access/snapshot.hpp"

// Balances that somebody shall hear of. A threshold is crossed when a team's balance (the sum of its entries) comes
// from above it to it or below; it counts again once the balance was above it. Everything here runs inside the
// caller's transaction.

namespace saas_access {

/// For policy writes: replaces a team's thresholds. Those that the balance is at or below already leave no event.
void set_low_balance_thresholds(Connection&, RowId team, const std::vector<MicroCredits>& thresholds);

/// Falling; none for a deleted team. NotFound for one that never was.
std::vector<MicroCredits> find_low_balance_thresholds(Connection&, const TeamId&);

/// For the books: the balance has moved to this. Leaves a webhook event for each threshold that it crossed; returns the
/// highest one below it.
std::optional<MicroCredits> note_balance(Connection&, RowId team, MicroCredits balance, UnixMs now_ms);

}  // namespace saas_access
