#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ledger_test.hpp"
#include "rows.hpp"
#include "saas_access/usage.hpp"

namespace saas_access {

inline constexpr UnixMs kHour = 3'600'000;
inline constexpr UnixMs kDay = 24 * kHour;
inline constexpr UnixMs kMidnight = 19'675 * kDay;  // of the day of EngineTest::kNow

/// Three teams that hold "ab", with two keys each, and what their usage comes to.
class UsageTest : public LedgerTest {
 protected:
  UsageTest() {
    for (int i = 0; i < 3; ++i) {
      const TeamId team("team-" + std::to_string(i));
      write([&](Write& w) { create_team(w, new_team(team.str(), groups({"ab"}))); });
      teams_.push_back(team);
      for (int k = 0; k < 2; ++k) {
        keys_.push_back(
            write([&](Write& w) { return create_key(w, team, new_key(digest_of(10 * i + k))); }).value.key_id);
      }
    }
  }

  UsageReport report(const UsageQuery& query, const PageRequest& page = {}) {
    return engine_.read([&](Connection& db) { return report_usage(db, query, page); });
  }
  UsageRow total(UnixMs from_ms, UnixMs to_ms) { return report({.from_ms = from_ms, .to_ms = to_ms}).rows.items.at(0); }

  template <class Gather>
  void record(Gather&& gather) {
    engine_.transact([&](Connection& db) {
      UsageRollup rollup;
      gather(rollup, db);
      rollup.write(db);
    });
  }

  [[nodiscard]] RowId row_of(const TeamId& team) const {
    return engine_.read([&](Connection& db) { return require_row(db, team); });
  }

  std::vector<TeamId> teams_;
  std::vector<KeyId> keys_;  // two of each team
};

}  // namespace saas_access
