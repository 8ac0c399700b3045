#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "saas_access/database.hpp"
#include "saas_access/ids.hpp"

namespace saas_access {

/// The first thing that is wrong in one team's books; whatever comes after it is in doubt.
struct LedgerFault {
  std::string team_id;              ///< "#17" where the row of that number is no team's
  std::optional<std::int64_t> seq;  ///< the wrong entry; absent if the account itself is wrong
  std::string transaction_id;       ///< of that entry, else empty
  std::string problem;              ///< what is wrong, for people
  std::string expected;             ///< amounts in credits
  std::string found;
};

struct LedgerReport {
  std::int64_t teams = 0;           ///< checked, deleted ones included
  std::int64_t entries = 0;         ///< read
  std::vector<LedgerFault> faults;  ///< at most one a team
};

/// Told after every few thousand entries: how many were read, and how many there were at the start.
using VerifyProgress = std::function<void(std::int64_t entries, std::int64_t of)>;

/// Checks the books of one team, or of all: entries numbered from 1 without a gap; every balance the one before plus
/// the amount, and never negative; a shortfall moves nothing; no call and no job charged twice; the account's balance,
/// allocation and held credits are what entries, running calls and open jobs add up to. Changes nothing, and may run
/// beside processes that use the store: it reads in many short transactions, an account and what it holds in one.
/// Memory: 8 bytes for each charge of the largest team. Throws NotFound for a team that never was, StoreUnavailable if
/// the file can't be read, and whatever `progress` throws.
LedgerReport verify_ledger(const Database& database, const std::optional<TeamId>& team_id = std::nullopt,
                           const VerifyProgress& progress = {});

}  // namespace saas_access
