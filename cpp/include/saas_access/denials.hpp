#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>

#include "saas_access/connection.hpp"
#include "saas_access/decision.hpp"
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

/// Refusals of one process, counted in memory until they are written: a team that is refused a thousand times a second
/// makes no thousand transactions. What it holds is bounded by the policy, not by what clients send. Thread-safe.
class DenialCounts {
 public:
  /// No I/O. A team that isn't in the snapshot is not counted; what names no alias of it counts as kUnknownModel.
  void note(const Snapshot& snapshot, const Denial& denial, UnixMs now_ms);

  /// Writes what was noted, by `transact(work(Connection&))`, if there is anything; keeps it if that throws.
  template <class Transact>
  void flush(Transact&& transact) {
    const Counts noted = take();
    if (noted.empty()) return;
    try {
      transact([&](Connection& db) { write(db, noted); });
    } catch (...) {
      put_back(noted);
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
  using Counts = std::map<Key, Count>;

  Counts take();
  void put_back(const Counts& noted);
  static void write(Connection& db, const Counts& noted);

  std::mutex mutex_;
  Counts counts_;
};

}  // namespace saas_access
