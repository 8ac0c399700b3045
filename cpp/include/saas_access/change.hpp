#pragma once

#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "saas_access/connection.hpp"
#include "saas_access/snapshot.hpp"

namespace saas_access {

/// What a write touched, as the change feed keeps it (table `policy_change`). A row named here is to be read again: it
/// may have been made, changed or removed.
enum class ChangeKind : std::uint8_t { catalog = 1, organization = 2, team = 3, key = 4 };

class ChangeSet {
 public:
  void catalog() { changes_.emplace(ChangeKind::catalog, 0); }
  void organization(RowId row) { changes_.emplace(ChangeKind::organization, row); }
  void team(RowId row) { changes_.emplace(ChangeKind::team, row); }
  void key(RowId row) { changes_.emplace(ChangeKind::key, row); }
  void add(ChangeKind kind, RowId row) { changes_.emplace(kind, row); }

  [[nodiscard]] bool empty() const noexcept { return changes_.empty(); }
  [[nodiscard]] auto begin() const { return changes_.begin(); }
  [[nodiscard]] auto end() const { return changes_.end(); }

 private:
  std::set<std::pair<ChangeKind, RowId>> changes_;
};

// Reading the policy out of an open transaction. All throw SQLite::Exception (Database turns it into StoreUnavailable).

/// The committed revision that this transaction sees.
Revision read_revision(Connection& db);

/// Everything, at the transaction's revision.
Snapshot load_snapshot(Connection& db);

/// `base` with the named rows read again; shares with `base` whatever is untouched.
Snapshot apply_changes(Connection& db, const Snapshot& base, const ChangeSet& changes, Revision revision);

/// What changed after `since`, or nothing if the feed no longer reaches back that far (then load everything).
std::optional<ChangeSet> read_changes(Connection& db, Revision since);

/// Appends to the feed and drops what is more than kFeedLength revisions old.
inline constexpr Revision kFeedLength = 10'000;
void append_changes(Connection& db, const ChangeSet& changes, Revision revision);

/// A team that has more or fewer models after a change than before.
struct AccessChange {
  TeamId team_id;
  std::vector<AliasName> gains;
  std::vector<AliasName> loses;
};

/// Every team, by team_id, whose available models differ between two snapshots. Looks only at teams that `changes` can
/// have touched: those named, and on a change of the catalog those holding a group whose active aliases differ.
std::vector<AccessChange> compare_access(const Snapshot& before, const Snapshot& after, const ChangeSet& changes,
                                         UnixMs now_ms);

}  // namespace saas_access
