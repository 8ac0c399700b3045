#include "saas_access/attention.hpp"

#include "columns.hpp"
#include "sql.hpp"
#include "usage_rows.hpp"

namespace saas_access {

std::vector<EndingGrant> list_ending_grants(Connection& db, UnixMs now_ms, UnixMs until_ms) {
  Query query = prepare(db,
                        "SELECT team_id, grant_id, group_name, starts_at_ms, expires_at_ms, reason, g.created_at_ms "
                        "FROM team_grant g JOIN team ON team.row = g.team "
                        "JOIN access_group ON access_group.row = g.access_group "
                        "WHERE starts_at_ms <= ?1 AND ?1 < expires_at_ms AND expires_at_ms < ?2 "
                        "ORDER BY expires_at_ms, g.row",
                        now_ms, until_ms);
  std::vector<EndingGrant> found;
  while (query.executeStep()) {
    found.push_back({TeamId(query.getColumn(0).getString()),
                     {GrantId(query.getColumn(1).getString()), GroupName(query.getColumn(2).getString()),
                      query.getColumn(3).getInt64(), query.getColumn(4).getInt64(), query.getColumn(5).getString(),
                      query.getColumn(6).getInt64()}});
  }
  return found;
}

std::vector<LowBalance> list_low_balances(Connection& db, std::int64_t limit) {
  Query query = prepare(db,
                        "SELECT team_id, balance_micro - held_micro AS remaining, max(low.amount_micro) "
                        "FROM low_balance_threshold low JOIN account ON account.team = low.team "
                        "JOIN team ON team.row = low.team "
                        "WHERE balance_micro <= low.amount_micro AND deleted_at_ms IS NULL "
                        "GROUP BY low.team ORDER BY remaining, low.team LIMIT ?",
                        limit);
  std::vector<LowBalance> found;
  while (query.executeStep()) {
    found.push_back(
        {TeamId(query.getColumn(0).getString()), query.getColumn(1).getInt64(), query.getColumn(2).getInt64()});
  }
  return found;
}

std::vector<TeamDenials> list_team_denials(Connection& db, UnixMs since_ms, std::int64_t limit) {
  // `outcome > 0`: refusals.
  Query query = prepare(db,
                        "SELECT team_id, name, outcome, denials, last_ms FROM (SELECT team, alias, outcome, "
                        "sum(calls) AS denials, max(period * ?3 + last_ms) AS last_ms FROM usage_day "
                        "WHERE period >= ?1 AND team > 0 AND outcome > 0 GROUP BY team, alias, outcome) AS d "
                        "JOIN team ON team.row = d.team LEFT JOIN recorded_name ON recorded_name.row = d.alias "
                        "WHERE deleted_at_ms IS NULL ORDER BY denials DESC, last_ms DESC LIMIT ?2",
                        since_ms / kDayMs, limit, kDayMs);
  std::vector<TeamDenials> found;
  while (query.executeStep()) {
    TeamDenials denials{TeamId(query.getColumn(0).getString()), {}, {}, query.getColumn(3).getInt64(), 0};
    if (const auto alias = optional_text(query.getColumn(1))) denials.alias = AliasName(*alias);
    denials.reason = enum_column(query.getColumn(2), Reason::credits_exhausted);
    denials.last_denied_at_ms = query.getColumn(4).getInt64();
    found.push_back(std::move(denials));
  }
  return found;
}

std::vector<CalledModel> list_called_models(Connection& db, UnixMs since_ms) {
  Query query = prepare(db,
                        "SELECT team_id, name FROM (SELECT DISTINCT team, alias FROM usage_day "
                        "WHERE period >= ? AND team > 0 AND outcome = ?) AS u "
                        "JOIN team ON team.row = u.team JOIN recorded_name ON recorded_name.row = u.alias "
                        "WHERE deleted_at_ms IS NULL",
                        since_ms / kDayMs, kAnswered);
  std::vector<CalledModel> found;
  while (query.executeStep()) {
    found.push_back({TeamId(query.getColumn(0).getString()), AliasName(query.getColumn(1).getString())});
  }
  return found;
}

}  // namespace saas_access
