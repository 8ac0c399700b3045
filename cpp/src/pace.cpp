#include "saas_access/pace.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "books.hpp"
#include "rows.hpp"
#include "saas_access/directory.hpp"
#include "saas_access/usage.hpp"
#include "usage_rows.hpp"
#include "validation.hpp"

namespace saas_access {

namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t kLookBackMs = 7 * kDayMs;

struct TeamCredits {
  RowId row = 0;
  UnixMs created_at_ms = 0;
  Balance balance = {};
};

Pace pace_of(const TeamCredits& team, const Charges& charges, UnixMs now_ms) {
  const auto found = charges.by_team.find(team.row);
  const MicroCredits charged = found == charges.by_team.end() ? 0 : found->second;
  Pace pace;
  pace.balance = team.balance;
  pace.counted_from_ms = std::max(charges.from_ms, team.created_at_ms);
  pace.charged = charged;
  if (now_ms - team.created_at_ms < kDayMs) return pace;
  const UnixMs measured_ms = now_ms - pace.counted_from_ms;
  pace.per_day = static_cast<MicroCredits>((Wide{charged} * kDayMs + measured_ms / 2) / measured_ms);
  if (charged > 0) {
    const Wide lasts_ms = Wide{team.balance.remaining} * measured_ms / charged;
    pace.lasts_ms = static_cast<std::int64_t>(std::min(lasts_ms, Wide{kMaxTime - now_ms}));
  }
  return pace;
}

// What will run out first is the less.
bool runs_out_before(const Pace& one, const Pace& other) {
  if (one.lasts_ms && other.lasts_ms) return *one.lasts_ms < *other.lasts_ms;
  if (one.lasts_ms || other.lasts_ms) return one.lasts_ms.has_value();
  return Wide{one.balance.remaining} * other.balance.allocated < Wide{other.balance.remaining} * one.balance.allocated;
}

std::vector<TeamCredits> spending_teams(Connection& db) {
  auto query = prepare(db,
                       "SELECT team.row, team.created_at_ms, allocated_micro, balance_micro, held_micro FROM team "
                       "JOIN account ON account.team = team.row JOIN organization ON organization.row = organization "
                       "WHERE deleted_at_ms IS NULL AND NOT team.suspended AND NOT organization.suspended "
                       "AND allocated_micro > 0 ORDER BY team.row");
  std::vector<TeamCredits> teams;
  while (query.executeStep()) {
    const Account account{.team = query.getColumn(0).getInt64(),
                          .allocated = query.getColumn(2).getInt64(),
                          .balance = query.getColumn(3).getInt64(),
                          .held = query.getColumn(4).getInt64()};
    teams.push_back({account.team, query.getColumn(1).getInt64(), account.summary()});
  }
  return teams;
}

void name_team(Connection& db, RowId row, Pace& pace) {
  auto query = prepare(db,
                       "SELECT team_id, organization_id FROM team JOIN organization ON organization.row = organization "
                       "WHERE team.row = ?",
                       row);
  query.executeStep();
  pace.team_id = TeamId(query.getColumn(0).getString());
  pace.organization_id = OrganizationId(query.getColumn(1).getString());
}

}  // namespace

Pace find_pace(Connection& db, const TeamId& team_id, UnixMs now_ms) {
  const RowId row = require_row(db, team_id);
  const TeamCredits team{row, find_integer(db, "SELECT created_at_ms FROM team WHERE row = ?", row).value_or(0),
                         read_account(db, row).summary()};
  Pace pace = pace_of(team, charges_since(db, now_ms - kLookBackMs, now_ms, row), now_ms);
  name_team(db, row, pace);
  return pace;
}

std::vector<Pace> lowest_paces(Connection& db, std::int64_t limit, UnixMs now_ms) {
  Problems problems;
  problems.range("limit", limit, 1, kMaxCount);
  problems.raise();
  const Charges charges = charges_since(db, now_ms - kLookBackMs, now_ms);
  const std::vector<TeamCredits> teams = spending_teams(db);
  std::vector<Pace> paces;
  paces.reserve(teams.size());
  for (const TeamCredits& team : teams) paces.push_back(pace_of(team, charges, now_ms));

  std::vector<std::size_t> order(paces.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto shown = order.begin() + std::min(limit, static_cast<std::int64_t>(order.size()));
  std::ranges::partial_sort(order, shown, [&](std::size_t one, std::size_t other) {
    if (runs_out_before(paces[one], paces[other])) return true;
    return one < other && !runs_out_before(paces[other], paces[one]);
  });
  std::vector<Pace> lowest;
  for (auto at = order.begin(); at != shown; ++at) {
    lowest.push_back(std::move(paces[*at]));
    name_team(db, teams[*at].row, lowest.back());
  }
  return lowest;
}

}  // namespace saas_access
