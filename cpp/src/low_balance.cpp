#include "saas_access/low_balance.hpp"

#include <string>

#include "books.hpp"
#include "calendar.hpp"
#include "columns.hpp"
#include "saas_access/webhooks.hpp"
#include "sql.hpp"

namespace saas_access {

namespace {

std::vector<MicroCredits> read_amounts(Query query) {
  std::vector<MicroCredits> amounts;
  while (query.executeStep()) amounts.push_back(query.getColumn(0).getInt64());
  return amounts;
}

std::optional<MicroCredits> arm(Connection& db, RowId team, MicroCredits balance) {
  const auto next_low = find_integer(
      db, "SELECT max(amount_micro) FROM low_balance_threshold WHERE team = ? AND amount_micro < ?", team, balance);
  execute(db, "UPDATE account SET next_low_micro = ? WHERE team = ?", next_low, team);
  return next_low;
}

// Written by hand, since JSON libraries' numbers don't hold every amount exactly.
std::string data_of(Connection& db, RowId team, MicroCredits threshold, MicroCredits balance) {
  Query query = prepare(db,
                        "SELECT team_id, organization_id FROM team LEFT JOIN organization "
                        "ON organization.row = team.organization WHERE team.row = ?",
                        team);
  query.executeStep();
  return "{\"team_id\":" + Json(query.getColumn(0).getString()).dump() +
         ",\"organization_id\":" + Json(query.getColumn(1).getString()).dump() +
         ",\"threshold\":" + credits_text(threshold) + ",\"balance\":" + credits_text(balance) + "}";
}

}  // namespace

void set_low_balance_thresholds(Connection& db, RowId team, const std::vector<MicroCredits>& thresholds) {
  execute(db, "DELETE FROM low_balance_threshold WHERE team = ?", team);
  for (const MicroCredits amount : thresholds) {
    execute(db, "INSERT OR IGNORE INTO low_balance_threshold (team, amount_micro) VALUES (?, ?)", team, amount);
  }
  arm(db, team, read_account(db, team).balance);
}

std::vector<MicroCredits> find_low_balance_thresholds(Connection& db, const TeamId& team_id) {
  return read_amounts(
      prepare(db, "SELECT amount_micro FROM low_balance_threshold WHERE team = ? ORDER BY amount_micro DESC",
              require_team_ever(db, team_id)));
}

std::optional<MicroCredits> note_balance(Connection& db, RowId team, MicroCredits balance, UnixMs now_ms) {
  // Whatever lies between the balance and the highest that was below it.
  const auto crossed = read_amounts(
      prepare(db,
              "SELECT amount_micro FROM low_balance_threshold WHERE team = ?1 AND amount_micro BETWEEN ?2 AND "
              "(SELECT next_low_micro FROM account WHERE team = ?1) ORDER BY amount_micro DESC",
              team, balance));
  for (const MicroCredits threshold : crossed) {
    add_webhook_event(db, threshold > 0 ? "credits.low" : "credits.exhausted", team,
                      data_of(db, team, threshold, balance), now_ms);
  }
  return arm(db, team, balance);
}

}  // namespace saas_access
