#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "saas_access/directory.hpp"
#include "saas_access/records.hpp"
#include "saas_access/write.hpp"

// Credits. A team's balance is the sum of its entries at every commit, and nothing but an entry moves it. What running
// calls and jobs may still cost is held: `remaining = balance - held`, and neither goes below zero, which the database
// itself enforces too. Amounts are decided here, from the Pricing of the decision; callers never name one.

namespace saas_access {

enum class EntryType : std::uint8_t { allocation, adjustment, charge, refund, interrupted, shortfall };
[[nodiscard]] std::string_view slug(EntryType type) noexcept;

struct LedgerEntry {
  std::string transaction_id;
  EntryType type = EntryType::allocation;
  MicroCredits amount = 0;  ///< signed: what it added to the balance
  MicroCredits balance_after = 0;
  std::string description;
  std::optional<JobId> job_id;
  std::optional<AliasName> alias;
  UnixMs created_at_ms = 0;
};

struct CreditsAdded {
  TeamId team_id;
  MicroCredits credits_added = 0;
  Balance balance;
  std::string transaction_id;
};
/// `credits` whole credits, at least 1. With an idempotency key a repetition (same team, amount, description) returns
/// the first answer and changes nothing; another request under the same key is Conflict.
/// Unknown team: Invalid under "team_id".
CreditsAdded add_credits(Write&, const TeamId&, std::int64_t credits, std::string_view description,
                         const std::optional<std::string>& idempotency_key);

/// For policy writes: opens the account of a new team with an allocation entry unless 0; sets the allocated total of an
/// existing one by an adjustment entry (Invalid under "credits_allocated" when below used + reserved).
void open_account(Write&, RowId team, MicroCredits allocated);
void set_allocated(Write&, RowId team, MicroCredits allocated);

/// A deleted team's books stay readable. NotFound for a team that never was.
Balance find_balance(Connection&, const TeamId&);
struct EntryFilter {
  std::optional<EntryType> type = {};
  std::optional<UnixMs> from_ms = {};  ///< at or after
  std::optional<UnixMs> to_ms = {};    ///< before
};
Page<LedgerEntry> list_entries(Connection&, const TeamId&, const PageRequest&,
                               const EntryFilter& = {});  ///< newest first

struct CreditDay {
  UnixMs day_ms = 0;                ///< its beginning, in UTC
  MicroCredits charged = 0;         ///< less what was given back
  MicroCredits added = 0;           ///< allocations and adjustments; these may be negative
  MicroCredits balance_at_end = 0;  ///< of today: now. What is reserved is part of it
};
/// The last `days` days, today among them, oldest first; none before the team's first. Takes time by the number of days
/// and additions, not of charges. An entry that was made while the system's clock was set back counts with those around
/// it. Throws Invalid unless `days` is from 1 to 3660.
std::vector<CreditDay> list_credit_days(Connection&, const TeamId&, std::int64_t days, UnixMs now_ms);

/// A model that may answer in place of the one asked for, where the operator has named fallbacks.
struct Substitute {
  AliasName alias;
  Pricing pricing;
  Usage estimate;  ///< what the call may use at most, if this one answers
};

struct ReserveRequest {
  TeamId team_id;
  std::optional<KeyId> key_id;
  AliasName alias;
  std::optional<JobId> job_id;            ///< the call belongs to this job of the team
  std::string purpose;                    ///< the client's word for it, inside a job
  std::optional<GroupName> access_group;  ///< the first of those that grant it, for the usage
  Pricing pricing;
  Usage estimate;  ///< what the call may use at most, as far as is known
  std::vector<Substitute> substitutes;
};

enum class ReserveOutcome : std::uint8_t { reserved, credits_exhausted, job_unknown, job_ended };
struct Reservation {
  ReserveOutcome outcome = ReserveOutcome::credits_exhausted;
  CallId call_id;              ///< made here; set only if reserved
  MicroCredits needed = 0;     ///< what would have had to be free
  MicroCredits remaining = 0;  ///< what was free before
};
/// Holds what the call may cost, by the dearest that may answer it, and opens its record, in one transaction. In a job
/// of a job_based team the job's one credit is held by its first call.
Reservation reserve(Connection&, const ReserveRequest&, std::string_view owner, UnixMs now_ms);

struct Settlement {
  MicroCredits charged = 0;
  MicroCredits shortfall = 0;  ///< what the call cost beyond anything that was left: recorded, not charged
};
/// A stream is about to reach its client: from here on the call is charged even if this process dies, and then by what
/// is `known` now (the prompt, where the price goes by consumption) of what `answered_by` answers. Does nothing for a
/// call that has been settled or released.
void mark_answering(Connection&, const CallId&, const Usage& known,
                    const std::optional<Substitute>& answered_by = std::nullopt);

/// The call was answered: charges its real price and frees the rest. It is charged as what answered: the alias that was
/// asked for, or the substitute given here.
/// A second settle or release of a call changes nothing.
Settlement settle(Connection&, const CallId&, const Usage&, std::int64_t latency_ms, UnixMs now_ms,
                  const std::optional<Substitute>& answered_by = std::nullopt);

/// The call was not answered (failed, refused upstream, never sent): nothing is charged. `failed` counts it as a failed
/// call of its job; a refused one leaves no trace there.
void release(Connection&, const CallId&, bool failed, std::int64_t latency_ms, UnixMs now_ms);

struct Recovered {
  std::int64_t released = 0;  ///< calls that nothing shows to have been answered
  std::int64_t charged = 0;   ///< streams cut off: entries of type interrupted
};
/// Closes at most `limit` calls of a process that has ended: those marked as answering are charged by what was known
/// then, all others are released.
Recovered recover(Connection&, std::string_view dead_owner, std::int64_t limit, UnixMs now_ms);

}  // namespace saas_access
