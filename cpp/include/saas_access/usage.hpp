#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "saas_access/connection.hpp"
#include "saas_access/decision.hpp"
#include "saas_access/latency.hpp"
#include "saas_access/records.hpp"
#include "saas_access/snapshot.hpp"

// Usage: what was called and refused, kept as sums over an hour and over a day of UTC, never by the call. Calls are
// counted in the transaction that charges them, so that usage and ledger agree after any crash.

namespace saas_access {

/// Whose call or refusal it was, and of what: rows of team and virtual_key, and of recorded_name.
struct UsedBy {
  RowId team = 0;
  std::optional<RowId> virtual_key = {};
  std::optional<RowId> alias = {};         ///< of a call: what answered. Absent for what belongs to no model
  std::optional<RowId> access_group = {};  ///< through which the team has the alias; absent where that isn't known
};

/// Gathers what one transaction adds to the sums, so that each sum is stored once in it. Used by one thread.
class UsageRollup {
 public:
  /// An answered call. A call counts with a trillion tokens and 1,000 dollars at most, as a job's calls do.
  void call(const UsedBy& by, const Usage& usage, MicroCredits charged, std::int64_t latency_ms, UnixMs now_ms);
  /// One that was let through and not answered.
  void failure(const UsedBy& by, UnixMs now_ms);
  /// What was charged for no single call: a job's credit.
  void charge(const UsedBy& by, MicroCredits charged, UnixMs now_ms);
  /// `count` refusals, the last of them now.
  void denial(const UsedBy& by, Reason reason, std::int64_t count, UnixMs now_ms);

  /// Adds everything to the store, and forgets it.
  void write(Connection& db);

 private:
  struct Key {
    std::int64_t period;
    RowId team;
    RowId virtual_key;
    RowId alias;
    RowId access_group;
    int outcome;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Sums {
    std::int64_t calls = 0;
    std::int64_t tokens = 0;
    PicoDollars cost = 0;
    MicroCredits charged = 0;
    std::int64_t latency_ms = 0;
    std::int64_t last_ms = -1;
    LatencyCounts latencies = {};

    void add(const Sums& other);
  };
  using Table = std::map<Key, Sums>;

  void add(const UsedBy& by, int outcome, const Sums& sums, UnixMs now_ms);
  static void store(Connection& db, std::string_view table, const Table& rows);

  Table hours_;
  Table days_;
};

/// What the rows of a report are told apart by.
enum class UsageBy : std::uint8_t { team_id, key_id, alias, access_group, hour, day, reason };
[[nodiscard]] std::string_view slug(UsageBy by) noexcept;

/// A figure that rows can be listed by, the most first.
enum class UsageFigure : std::uint8_t { calls, denials, tokens, credits };
[[nodiscard]] std::string_view slug(UsageFigure figure) noexcept;

struct UsageQuery {
  std::vector<TeamId> team_ids = {};  ///< also deleted ones; empty: all
  std::optional<KeyId> key_id = {};   ///< also a revoked one
  std::optional<AliasName> alias = {};
  std::optional<GroupName> access_group = {};
  UnixMs from_ms = 0;  ///< at or after
  UnixMs to_ms = 0;    ///< before
  std::vector<UsageBy> group_by = {};
  /// Models that were refused as not granted are kUnknownModel: a team must not learn which of them exist.
  bool hides_refused_models = false;
  std::optional<UsageFigure> most = {};  ///< set: rows with most of it first, and none that has none of it
};

struct UsageRow {
  std::optional<TeamId> team_id;
  std::optional<KeyId> key_id;
  std::optional<AliasName> alias;  ///< kUnknownModel for any text that was no alias when it was refused
  std::optional<GroupName> access_group;
  std::optional<UnixMs> period_ms;  ///< the hour's or day's beginning
  std::optional<Reason> reason;     ///< of refusals
  std::int64_t calls = 0;           ///< answered
  std::int64_t failed_calls = 0;    ///< let through, and not answered
  std::int64_t denials = 0;
  std::int64_t tokens = 0;
  std::int64_t cost_microdollars =
      0;                      ///< the whole ones; a year's cost of a large proxy exceeds 64 bits of picodollars
  PicoDollars cost_rest = 0;  ///< and what is left, below 1,000,000
  MicroCredits charged = 0;
  std::int64_t latency_ms = 0;  ///< of all answered calls together
  LatencyCounts latencies;
  std::optional<UnixMs> last_call_at_ms;  ///< answered or failed
  std::optional<UnixMs> last_denial_at_ms;
};

struct UsageReport {
  UnixMs from_ms = 0;  ///< what was counted: the query's times, rounded outward
  UnixMs to_ms = 0;
  Page<UsageRow> rows;  ///< by time, then in order of creation, unless the query says `most`; without `group_by` one
                        ///< row, of everything
};

/// An alias can't be called that. It stands for all texts that name no alias, so that a client can't fill the store.
inline constexpr std::string_view kUnknownModel = "(unknown model)";

/// Rounds outward to whole hours, and to whole days where the hours are dropped already; rows by hour end there. A row
/// that would hold nothing but zeros isn't there. NotFound for a team, key, alias or group that never was; Invalid
/// under "to" unless it is after `from`, under "group_by" for more than kMostUsageRows rows.
UsageReport report_usage(Connection& db, const UsageQuery& query, const PageRequest& page);
inline constexpr std::size_t kMostUsageRows = 100'000;

struct Charges {
  UnixMs from_ms = 0;  ///< rounded outward as a report's
  std::unordered_map<RowId, MicroCredits> by_team = {};
};

/// What each team was charged from then to now, or one team alone. Whoever was charged nothing may be missing.
Charges charges_since(Connection& db, UnixMs from_ms, UnixMs now_ms, std::optional<RowId> team = {});

/// Drops the oldest hour if it is before the whole days, `days_kept` and today, that are kept. Tells whether it did,
/// and so whether there may be more: a caller repeats it, so that no transaction is long. Days are never dropped.
bool prune_usage(Connection& db, std::int64_t days_kept, UnixMs now_ms);

}  // namespace saas_access
