#include <limits>
#include <string>

#include "books.hpp"
#include "columns.hpp"
#include "paging.hpp"
#include "rows.hpp"
#include "saas_access/ledger.hpp"
#include "text.hpp"
#include "usage_rows.hpp"
#include "validation.hpp"

namespace saas_access {

namespace {

constexpr std::int64_t kMostDays = 3660;

// Whatever is no charge has an index of its own, ledger_entry_other; a query must say that it asks for nothing else.
constexpr const char* kNoCharge = "e.type <> 2 ";
static_assert(static_cast<int>(EntryType::charge) == 2);

// The first entry at or after a moment, of those from `first` to `end`; `end` if there is none. Entries are numbered
// without a gap, and their times don't fall.
std::int64_t first_entry_at(Connection& db, RowId team, UnixMs moment_ms, std::int64_t first, std::int64_t end) {
  while (first < end) {
    const std::int64_t middle = first + (end - first) / 2;
    const auto at_ms =
        find_integer(db, "SELECT created_at_ms FROM ledger_entry WHERE team = ? AND seq = ?", team, middle);
    if (at_ms.value_or(0) < moment_ms) {
      first = middle + 1;
    } else {
      end = middle;
    }
  }
  return first;
}

LedgerEntry entry_of(const SQLite::Statement& row, RowId team) {
  LedgerEntry entry;
  entry.transaction_id = transaction_id(team, row.getColumn(0).getInt64());
  entry.type = enum_column(row.getColumn(1), EntryType::shortfall);
  entry.amount = row.getColumn(2).getInt64();
  entry.balance_after = row.getColumn(3).getInt64();
  entry.description =
      optional_text(row.getColumn(4)).value_or("Call of " + quote(optional_text(row.getColumn(6)).value_or("")));
  if (const auto job_id = optional_text(row.getColumn(5))) entry.job_id = JobId(*job_id);
  if (const auto alias = optional_text(row.getColumn(6))) entry.alias = AliasName(*alias);
  entry.created_at_ms = row.getColumn(7).getInt64();
  return entry;
}

constexpr const char* kColumns =
    "SELECT e.seq, e.type, e.amount_micro, e.balance_after_micro, e.description, j.job_id, n.name, e.created_at_ms ";

// The entries that may be of a type, and the condition that they are of it.
std::string entries_of(const std::optional<EntryType>& type) {
  const bool rare = type && *type != EntryType::charge;
  return std::string("FROM ledger_entry e ") + (rare ? "INDEXED BY ledger_entry_other " : "") +
         "LEFT JOIN job j ON j.row = e.job LEFT JOIN recorded_name n ON n.row = e.alias WHERE " +
         (rare ? std::string(kNoCharge) + "AND " : "") + (type ? "e.type = ?5 " : "?5 IS NULL ");
}

MicroCredits added_between(Connection& db, RowId team, std::int64_t first, std::int64_t end) {
  return find_integer(db,
                      "SELECT sum(amount_micro) FROM ledger_entry e INDEXED BY ledger_entry_other WHERE team = ? AND "
                      "e.type IN (0, 1) AND " +
                          std::string(kNoCharge) + "AND seq >= ? AND seq < ?",
                      team, first, end)
      .value_or(0);
}

MicroCredits balance_before(Connection& db, RowId team, std::int64_t entry) {
  return find_integer(db, "SELECT balance_after_micro FROM ledger_entry WHERE team = ? AND seq = ?", team, entry - 1)
      .value_or(0);
}

}  // namespace

Balance find_balance(Connection& db, const TeamId& team_id) {
  return read_account(db, require_team_ever(db, team_id)).summary();
}

Page<LedgerEntry> list_entries(Connection& db, const TeamId& team_id, const PageRequest& request,
                               const EntryFilter& filter) {
  const RowId team = require_team_ever(db, team_id);
  const std::int64_t last = read_account(db, team).last_seq + 1;
  const std::int64_t first = filter.from_ms ? first_entry_at(db, team, *filter.from_ms, 1, last) : 1;
  const std::int64_t end = filter.to_ms ? first_entry_at(db, team, *filter.to_ms, first, last) : last;
  auto query = prepare(db,
                       kColumns + entries_of(filter.type) +
                           "AND e.team = ?1 AND e.seq >= ?3 AND e.seq < ?4 ORDER BY e.seq DESC LIMIT ?2",
                       team, limit_of(request), first, std::min(end, request.after.value_or(end)),
                       filter.type ? std::optional(static_cast<int>(*filter.type)) : std::nullopt);
  return read_page<LedgerEntry>(query, request, [team](const SQLite::Statement& row) { return entry_of(row, team); });
}

std::vector<CreditDay> list_credit_days(Connection& db, const TeamId& team_id, std::int64_t days, UnixMs now_ms) {
  Problems problems;
  problems.range("days", days, 1, kMostDays);
  problems.raise();
  const RowId team = require_team_ever(db, team_id);
  const UnixMs created_ms = find_integer(db, "SELECT created_at_ms FROM team WHERE row = ?", team).value_or(0);
  const std::int64_t today = now_ms / kDayMs;
  const std::int64_t last = read_account(db, team).last_seq + 1;
  std::int64_t day = std::max(today - days + 1, created_ms / kDayMs);
  std::int64_t first = first_entry_at(db, team, day * kDayMs, 1, last);
  MicroCredits balance = balance_before(db, team, first);
  std::vector<CreditDay> listed;
  for (; day <= today; ++day) {
    const std::int64_t end = day == today ? last : first_entry_at(db, team, (day + 1) * kDayMs, first, last);
    CreditDay row{.day_ms = day * kDayMs, .balance_at_end = end == first ? balance : balance_before(db, team, end)};
    if (end > first) row.added = added_between(db, team, first, end);
    row.charged = balance + row.added - row.balance_at_end;
    listed.push_back(row);
    balance = row.balance_at_end;
    first = end;
  }
  return listed;
}

}  // namespace saas_access
