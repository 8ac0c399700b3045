#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "saas_access/connection.hpp"
#include "saas_access/decision.hpp"
#include "saas_access/recent_denials.hpp"
#include "saas_access/snapshot.hpp"

namespace saas_access {

/// A refused call of a team.
struct Denial {
  TeamId team_id;
  std::optional<KeyId> key_id = {};
  std::optional<AliasName> alias = {};  ///< whatever the client named as its model; absent if it didn't come to that
  std::optional<GroupName> access_group = {};
  Reason reason = Reason::model_not_granted;
};

/// Refusals of one process, counted in memory until they are written, and the latest of each team one by one: a team
/// that is refused a thousand times a second makes no thousand transactions. What it holds is bounded by the policy,
/// not by what clients send. Thread-safe.
class DenialCounts {
 public:
  /// No I/O. A team that isn't in the snapshot is not counted; what names no alias of it counts as kUnknownModel.
  void note(const Snapshot& snapshot, const Denial& denial, UnixMs now_ms);

  /// Writes what was noted, by `transact(work(Connection&))`, if there is anything; keeps it if that throws.
  template <class Transact>
  void flush(Transact&& transact) {
    Noted noted = take();
    if (noted.counts.empty()) return;
    try {
      transact([&](Connection& db) { write(db, noted); });
    } catch (...) {
      put_back(std::move(noted));
      throw;
    }
  }

 private:
  // hour, team, key or 0, reason, alias, group
  using Key = std::tuple<std::int64_t, RowId, RowId, Reason, std::string, std::string>;
  struct Count {
    std::int64_t denials = 0;
    UnixMs last_ms = 0;
  };
  struct Noted {
    std::map<Key, Count> counts;
    RecentDenials recent;
  };

  Noted take();
  void put_back(Noted noted);
  static void write(Connection& db, const Noted& noted);

  std::mutex mutex_;
  Noted noted_;
};

}  // namespace saas_access
