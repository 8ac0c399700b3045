#include "saas_access/refills.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "books.hpp"
#include "calendar.hpp"
#include "columns.hpp"
#include "sql.hpp"

namespace saas_access {

namespace {

struct DueRefill {
  RowId team = 0;
  Refill refill;
  UnixMs due_at_ms = 0;
};

constexpr const char* kSelectDue =
    "SELECT team, amount_micro, period, mode, next_at_ms FROM refill WHERE next_at_ms <= ? ";

std::vector<DueRefill> read_due(SQLite::Statement& query) {
  std::vector<DueRefill> found;
  while (query.executeStep()) {
    found.push_back({query.getColumn(0).getInt64(),
                     {query.getColumn(1).getInt64(), enum_column(query.getColumn(2), RefillPeriod::monthly),
                      enum_column(query.getColumn(3), RefillMode::top_up)},
                     query.getColumn(4).getInt64()});
  }
  return found;
}

std::string name_of(RefillPeriod period, UnixMs start_ms) {
  std::string name(slug(period));
  name.front() = static_cast<char>(name.front() - 'a' + 'A');
  return name + " refill " + period_text(period, start_ms);
}

void apply(Connection& db, const DueRefill& due, UnixMs now_ms) {
  const auto& [credits, period, mode] = due.refill;
  const bool adds = mode == RefillMode::add;
  // Each missed period is worth its credits, but raising to a level many times is raising to it once.
  const UnixMs start_ms = adds ? due.due_at_ms : period_start(period, now_ms);
  Account account = read_account(db, due.team);
  MicroCredits amount = adds ? credits : std::max<MicroCredits>(0, credits - account.remaining());
  if (adds || amount > 0) {
    std::string description = name_of(period, start_ms);
    if (amount > kMaxMicroCredits - account.allocated) {
      amount = 0;
      description += " skipped: it would bring the team above " + credits_text(kMaxMicroCredits) + " credits";
    }
    account.allocated += amount;
    append_entry(db, account, {.type = EntryType::allocation, .amount = amount, .description = description}, now_ms);
    store_account(db, account);
  }
  execute(db, "UPDATE refill SET next_at_ms = ? WHERE team = ?", next_period_start(period, start_ms), due.team);
}

// Everything that is due to one team.
void catch_up(Connection& db, RowId team, UnixMs now_ms) {
  for (;;) {
    Query query = prepare(db, std::string(kSelectDue) + "AND team = ?", now_ms, team);
    const auto due = read_due(query);
    if (due.empty()) return;
    apply(db, due.front(), now_ms);
  }
}

}  // namespace

std::string_view slug(RefillPeriod period) noexcept {
  switch (period) {
    case RefillPeriod::daily:
      return "daily";
    case RefillPeriod::weekly:
      return "weekly";
    case RefillPeriod::monthly:
      return "monthly";
  }
  std::abort();  // no such period can be made without a cast
}

std::string_view slug(RefillMode mode) noexcept {
  switch (mode) {
    case RefillMode::add:
      return "add";
    case RefillMode::top_up:
      return "top_up";
  }
  std::abort();  // no such mode can be made without a cast
}

void set_refill(Connection& db, RowId team, const std::optional<Refill>& refill, UnixMs now_ms) {
  catch_up(db, team, now_ms);
  if (!refill) {
    execute(db, "DELETE FROM refill WHERE team = ?", team);
    return;
  }
  // With the same period the next stays the next: a clock that was set back must not make one fire twice.
  execute(db,
          "INSERT INTO refill (team, amount_micro, period, mode, next_at_ms) VALUES (?, ?, ?, ?, ?) "
          "ON CONFLICT (team) DO UPDATE SET amount_micro = excluded.amount_micro, mode = excluded.mode, "
          "next_at_ms = CASE period WHEN excluded.period THEN next_at_ms ELSE excluded.next_at_ms END, "
          "period = excluded.period",
          team, refill->credits, static_cast<int>(refill->period), static_cast<int>(refill->mode),
          next_period_start(refill->period, now_ms));
}

bool has_due_refills(Connection& db, UnixMs now_ms) {
  return find_integer(db, "SELECT 1 FROM refill WHERE next_at_ms <= ? LIMIT 1", now_ms).has_value();
}

std::int64_t apply_due_refills(Connection& db, UnixMs now_ms, std::int64_t limit) {
  // Accounts are locked in one order everywhere, where a store locks them one by one.
  Query query = prepare(db, "SELECT * FROM (" + std::string(kSelectDue) + "ORDER BY next_at_ms LIMIT ?) ORDER BY team",
                        now_ms, limit);
  const auto due = read_due(query);
  for (const DueRefill& each : due) apply(db, each, now_ms);
  return static_cast<std::int64_t>(due.size());
}

}  // namespace saas_access
