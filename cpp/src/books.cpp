#include "books.hpp"

#include <array>
#include <charconv>

#include "columns.hpp"
#include "rows.hpp"
#include "saas_access/errors.hpp"
#include "saas_access/low_balance.hpp"
#include "sql.hpp"

namespace saas_access {

namespace {

constexpr std::string_view kCallPrefix = "call_";
constexpr std::size_t kCallDigits = 16;

}  // namespace

CallId call_id_of(CallNumber number) {
  std::array<char, kCallDigits> digits{};
  const auto [end, error] = std::to_chars(digits.begin(), digits.end(), static_cast<std::uint64_t>(number), 16);
  const auto written = static_cast<std::size_t>(end - digits.begin());
  return CallId(std::string(kCallPrefix) + std::string(kCallDigits - written, '0') +
                std::string(digits.begin(), written));
}

std::optional<CallNumber> call_number(const CallId& call_id) {
  const std::string& text = call_id.str();
  if (!text.starts_with(kCallPrefix) || text.size() != kCallPrefix.size() + kCallDigits) return std::nullopt;
  std::uint64_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + kCallPrefix.size(), last, number, 16);
  if (error != std::errc{} || end != last) return std::nullopt;
  return static_cast<CallNumber>(number);
}

CallNumber random_call_number() {
  const std::string digits = random_id({});
  std::uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + kCallDigits, number, 16);
  return static_cast<CallNumber>(number);
}

Account read_account(Connection& db, RowId team) {
  auto query = prepare(
      db, "SELECT allocated_micro, balance_micro, held_micro, last_seq, next_low_micro FROM account WHERE team = ?",
      team);
  if (!query.executeStep()) throw StoreUnavailable("The database holds a team without an account");
  return {.team = team,
          .allocated = query.getColumn(0).getInt64(),
          .balance = query.getColumn(1).getInt64(),
          .held = query.getColumn(2).getInt64(),
          .last_seq = query.getColumn(3).getInt64(),
          .stored_balance = query.getColumn(1).getInt64(),
          .next_low = optional_integer(query.getColumn(4))};
}

void store_account(Connection& db, Account& account) {
  execute(db, "UPDATE account SET allocated_micro = ?, balance_micro = ?, held_micro = ?, last_seq = ? WHERE team = ?",
          account.allocated, account.balance, account.held, account.last_seq, account.team);
  const bool fell_to_threshold = account.next_low && account.balance <= *account.next_low;
  if (fell_to_threshold || account.balance > account.stored_balance) {
    account.next_low = note_balance(db, account.team, account.balance, account.moved_at_ms);
  }
  account.stored_balance = account.balance;
}

void append_entry(Connection& db, Account& account, const NewEntry& entry, UnixMs now_ms) {
  account.balance += entry.amount;
  account.last_seq += 1;
  account.moved_at_ms = now_ms;
  execute(db,
          "INSERT INTO ledger_entry (team, seq, type, amount_micro, balance_after_micro, created_at_ms, call, alias, "
          "virtual_key, job, description) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          account.team, account.last_seq, static_cast<int>(entry.type), entry.amount, account.balance,
          whole_second(now_ms), entry.call, entry.alias, entry.virtual_key, entry.job, entry.description);
}

std::string transaction_id(RowId team, std::int64_t seq) {
  return "txn_" + std::to_string(team) + "_" + std::to_string(seq);
}

RowId require_team_ever(Connection& db, const TeamId& team_id) {
  if (const auto row = find_integer(db, "SELECT row FROM team WHERE team_id = ?", team_id)) return *row;
  throw NotFound(describe(team_id) + " does not exist");
}

RowId record_name(Connection& db, const std::string& name) {
  if (const auto row = find_integer(db, "SELECT row FROM recorded_name WHERE name = ?", name)) return *row;
  execute(db, "INSERT INTO recorded_name (name) VALUES (?)", name);
  return db.getLastInsertRowid();
}

std::optional<JobState> find_job_state(Connection& db, const JobId& job_id) {
  auto query = prepare(db, "SELECT row, team, job_type, status, held_micro FROM job WHERE job_id = ?", job_id);
  if (!query.executeStep()) return std::nullopt;
  return JobState{query.getColumn(0).getInt64(), query.getColumn(1).getInt64(), query.getColumn(2).getString(),
                  enum_column(query.getColumn(3), JobStatus::failed), query.getColumn(4).getInt64()};
}

}  // namespace saas_access
