#include "saas_access/organization_sums.hpp"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "rows.hpp"
#include "saas_access/saturated_sum.hpp"
#include "saas_access/write.hpp"
#include "sql.hpp"
#include "usage_rows.hpp"

namespace saas_access {

namespace {

// ?1: the organizations' rows as a JSON array.
constexpr const char* kCredits =
    "SELECT team.organization, team.suspended, account.allocated_micro, account.balance_micro, account.held_micro "
    "FROM json_each(?1) asked CROSS JOIN team ON team.organization = asked.value "
    "JOIN account ON account.team = team.row WHERE team.deleted_at_ms IS NULL";

// Each team's days are sought by themselves: what other organizations used isn't read.
constexpr const char* kUse =
    "WITH RECURSIVE day (period) AS "
    "(VALUES (?2) UNION ALL SELECT period + 1 FROM day WHERE period < (SELECT max(period) FROM usage_day)) "
    "SELECT team.organization, used.outcome, used.calls, used.last_ms, used.period "
    "FROM json_each(?1) asked CROSS JOIN team ON team.organization = asked.value "
    "CROSS JOIN day CROSS JOIN usage_day used ON used.period = day.period AND used.team = team.row "
    "WHERE team.deleted_at_ms IS NULL";

void add_credits(OrganizationSums& sums, const SQLite::Statement& row) {
  sums.teams += 1;
  if (row.getColumn(1).getInt() == 0) sums.active_teams += 1;
  const MicroCredits allocated = row.getColumn(2).getInt64();
  sums.allocated = saturated_sum(sums.allocated, allocated);
  sums.used = saturated_sum(sums.used, allocated - row.getColumn(3).getInt64());
  sums.held = saturated_sum(sums.held, row.getColumn(4).getInt64());
}

void add_use(OrganizationSums& sums, const SQLite::Statement& row) {
  const int outcome = row.getColumn(1).getInt();
  const std::int64_t calls = row.getColumn(2).getInt64();
  if (outcome == kAnswered) sums.calls = saturated_sum(sums.calls, calls);
  if (outcome != kAnswered && outcome != kFailed) {
    sums.denials = saturated_sum(sums.denials, calls);
  } else if (const std::int64_t last = row.getColumn(3).getInt64(); last >= 0) {
    const UnixMs at_ms = row.getColumn(4).getInt64() * kDayMs + last;
    sums.last_call_at_ms = std::max(sums.last_call_at_ms.value_or(0), at_ms);
  }
}

}  // namespace

std::vector<OrganizationSums> sum_organizations(Connection& db, const std::vector<OrganizationId>& organization_ids,
                                                UnixMs from_ms) {
  std::vector<OrganizationSums> found;
  std::vector<RowId> rows;
  std::unordered_map<RowId, std::size_t> index;
  for (const OrganizationId& id : organization_ids) {
    const RowId row = require_row(db, id);
    if (!index.emplace(row, found.size()).second) continue;
    rows.push_back(row);
    found.push_back({.organization_id = id, .last_call_at_ms = {}});
  }
  const std::string asked = Json(rows).dump();
  Query credits = prepare(db, kCredits, asked);
  while (credits.executeStep()) add_credits(found[index.at(credits.getColumn(0).getInt64())], credits);
  Query use = prepare(db, kUse, asked, from_ms / kDayMs);
  while (use.executeStep()) add_use(found[index.at(use.getColumn(0).getInt64())], use);
  return found;
}

}  // namespace saas_access
