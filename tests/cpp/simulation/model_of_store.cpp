#include "model.hpp"
#include "sql.hpp"

// The store's books, read straight from its tables: what is checked must not be read by what is to be checked.

namespace saas_access::simulation {

namespace {

// Each finds nothing in a store that is right.
constexpr const char* kFindProblems[][2] = {
    {"a balance is not the sum of its entries",
     "SELECT 1 FROM account a WHERE balance_micro <> "
     "(SELECT COALESCE(sum(amount_micro), 0) FROM ledger_entry e WHERE e.team = a.team)"},
    {"a team's entries have a gap, or a balance in between is wrong",
     "SELECT 1 FROM (SELECT team, seq, balance_after_micro, row_number() OVER w AS number, "
     "sum(amount_micro) OVER w AS balance FROM ledger_entry WINDOW w AS (PARTITION BY team ORDER BY seq)) "
     "WHERE number <> seq OR balance <> balance_after_micro"},
    {"the number of a team's last entry is wrong",
     "SELECT 1 FROM account a WHERE last_seq <> (SELECT count(*) FROM ledger_entry e WHERE e.team = a.team)"},
    {"a hold is not the sum of what calls and jobs hold",
     "SELECT 1 FROM account a WHERE held_micro <> "
     "(SELECT COALESCE(sum(amount_micro), 0) FROM reservation r WHERE r.team = a.team) + "
     "(SELECT COALESCE(sum(held_micro), 0) FROM job j WHERE j.team = a.team)"},
    {"a balance is below zero or below what is held",
     "SELECT 1 FROM account WHERE balance_micro < 0 OR held_micro < 0 OR held_micro > balance_micro"},
    {"a call was charged twice",
     "SELECT 1 FROM ledger_entry WHERE call IS NOT NULL AND amount_micro <> 0 GROUP BY call HAVING count(*) > 1"},
    {"a call that runs was charged", "SELECT 1 FROM ledger_entry e JOIN reservation r ON r.call = e.call"},
};

}  // namespace

Books read_books(Connection& db) {
  Books books;
  auto teams = prepare(db,
                       "SELECT t.team_id, a.allocated_micro, a.balance_micro, a.held_micro, a.last_seq "
                       "FROM account a JOIN team t ON t.row = a.team");
  while (teams.executeStep()) {
    books.teams[teams.getColumn(0).getString()] = {teams.getColumn(1).getInt64(), teams.getColumn(2).getInt64(),
                                                   teams.getColumn(3).getInt64(), teams.getColumn(4).getInt64()};
  }
  auto calls = prepare(db,
                       "SELECT printf('call_%016x', r.call), t.team_id, COALESCE(j.job_id, ''), r.amount_micro, "
                       "r.budget_mode, r.owner, r.known_tokens "
                       "FROM reservation r JOIN team t ON t.row = r.team LEFT JOIN job j ON j.row = r.job");
  while (calls.executeStep()) {
    books.calls[calls.getColumn(0).getString()] = {
        calls.getColumn(1).getString(), calls.getColumn(2).getString(),
        calls.getColumn(3).getInt64(),  static_cast<BudgetMode>(calls.getColumn(4).getInt()),
        calls.getColumn(5).getString(), optional_integer(calls.getColumn(6))};
  }
  auto charged = prepare(db,
                         "SELECT printf('call_%016x', call), -amount_micro FROM ledger_entry "
                         "WHERE call IS NOT NULL AND amount_micro <> 0");
  while (charged.executeStep()) books.charged[charged.getColumn(0).getString()] = charged.getColumn(1).getInt64();
  auto jobs = prepare(db,
                      "SELECT j.job_id, t.team_id, j.status, j.held_micro, j.credits_charged_micro, "
                      "(SELECT COALESCE(sum(succeeded), 0) FROM call c WHERE c.job = j.row), "
                      "(SELECT COALESCE(sum(1 - succeeded), 0) FROM call c WHERE c.job = j.row), j.remaining_micro "
                      "FROM job j JOIN team t ON t.row = j.team");
  while (jobs.executeStep()) {
    books.jobs[jobs.getColumn(0).getString()] = {
        jobs.getColumn(1).getString(),      static_cast<JobStatus>(jobs.getColumn(2).getInt()),
        jobs.getColumn(3).getInt64(),       jobs.getColumn(4).getInt64(),
        jobs.getColumn(5).getInt64(),       jobs.getColumn(6).getInt64(),
        optional_integer(jobs.getColumn(7))};
  }
  auto requests =
      prepare(db, "SELECT idempotency_key, allocated_micro, balance_micro, held_micro FROM credits_request");
  while (requests.executeStep()) {
    const MicroCredits allocated = requests.getColumn(1).getInt64();
    const MicroCredits balance = requests.getColumn(2).getInt64();
    const MicroCredits held = requests.getColumn(3).getInt64();
    const Balance answered{allocated, allocated - balance, held, balance - held};
    books.credits_requests[requests.getColumn(0).getString()] = in_words(CreditsAdded{{}, 0, answered, {}});
  }
  return books;
}

std::string problem_of(Connection& db) {
  for (const auto& [problem, sql] : kFindProblems) {
    if (find_integer(db, sql)) return problem;
  }
  const std::string damage = db.execAndGet("PRAGMA integrity_check").getString();
  return damage == "ok" ? "" : "integrity_check says: " + damage;
}

}  // namespace saas_access::simulation
