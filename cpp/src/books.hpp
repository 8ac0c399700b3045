#pragma once

#include <optional>
#include <string>

#include "saas_access/jobs.hpp"
#include "saas_access/ledger.hpp"

// The rows that the ledger and the jobs both change. Everything here runs inside the caller's transaction.

namespace saas_access {

/// A call as the books name it; CallId is this in 16 hexadecimal digits.
using CallNumber = std::int64_t;
CallId call_id_of(CallNumber number);
/// Absent where the text names no call of this build.
std::optional<CallNumber> call_number(const CallId& call_id);
CallNumber random_call_number();

/// One team's credits: read once in a transaction, changed in memory, stored once.
struct Account {
  RowId team = 0;
  MicroCredits allocated = 0;
  MicroCredits balance = 0;
  MicroCredits held = 0;
  std::int64_t last_seq = 0;
  MicroCredits stored_balance = 0;            ///< as it was read or stored last
  std::optional<MicroCredits> next_low = {};  ///< the highest threshold below `stored_balance`
  UnixMs moved_at_ms = 0;                     ///< when its last entry was appended

  friend bool operator==(const Account&, const Account&) = default;
  [[nodiscard]] MicroCredits remaining() const noexcept { return balance - held; }
  [[nodiscard]] Balance summary() const noexcept { return {allocated, allocated - balance, held, remaining()}; }
};
Account read_account(Connection& db, RowId team);
/// Where the balance fell to one of the team's thresholds since it was read or stored, this writes the event too.
void store_account(Connection& db, Account& account);

struct NewEntry {
  EntryType type = EntryType::charge;
  MicroCredits amount = 0;
  std::optional<std::string> description = {};  ///< absent: "Call of '<alias>'"
  std::optional<RowId> job = {};
  std::optional<RowId> virtual_key = {};
  std::optional<CallNumber> call = {};
  std::optional<RowId> alias = {};  ///< of recorded_name
};
/// Moves the account's balance and stores the entry; the caller stores the account.
void append_entry(Connection& db, Account& account, const NewEntry& entry, UnixMs now_ms);

/// The id that the API gives an entry.
std::string transaction_id(RowId team, std::int64_t seq);

/// The row of a team, also of a deleted one. NotFound for one that never was.
RowId require_team_ever(Connection& db, const TeamId& team_id);

/// The row under which the name of an alias or group is recorded in books and usage; made by the first use.
RowId record_name(Connection& db, const std::string& name);

/// What deciding about a job needs of it.
struct JobState {
  RowId row = 0;
  RowId team = 0;
  std::string job_type;
  JobStatus status = JobStatus::pending;
  MicroCredits held = 0;

  [[nodiscard]] bool ended() const noexcept { return status == JobStatus::completed || status == JobStatus::failed; }
};
std::optional<JobState> find_job_state(Connection& db, const JobId& job_id);

/// The second that a moment lies in: what `created_at_ms` of a record holds.
constexpr UnixMs whole_second(UnixMs moment_ms) { return moment_ms / 1000 * 1000; }

}  // namespace saas_access
