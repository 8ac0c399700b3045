#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "saas_access/connection.hpp"
#include "saas_access/decision.hpp"
#include "saas_access/snapshot.hpp"

// The latest refusals of each team, one by one. Their number is bounded: counts, which nothing is left out of, are
// those of usage.

namespace saas_access {

/// So many are kept of a team.
inline constexpr std::size_t kMostDenialsOfTeam = 100;

/// One refusal, as it is read.
struct RecentDenial {
  UnixMs at_ms = 0;
  Reason reason = Reason::model_not_granted;
  std::optional<AliasName> alias;  ///< what was asked, or kUnknownModel; absent if it didn't come to a model
  std::optional<KeyId> key_id;
  std::optional<std::string> key_name;  ///< set if `key_id` is
  /// What the key is narrowed to. It has been so since the key was made, but that deleted aliases are gone from it.
  std::optional<std::vector<AliasName>> key_model_aliases;
};

/// Newest first. NotFound for a team that doesn't exist or is deleted, Invalid for a limit below 1.
std::vector<RecentDenial> list_denials(Connection&, const TeamId&, std::optional<std::int64_t> limit);

/// Gathers refusals until they are written. Used by one thread at a time.
class RecentDenials {
 public:
  struct Denied {
    UnixMs at_ms = 0;
    RowId virtual_key = 0;  ///< 0: none
    Reason reason = Reason::model_not_granted;
    std::string alias = {};  ///< empty: none
  };

  /// Beyond the bounds, the team's oldest one gives way; a team that has none goes without while others fill them all.
  void note(RowId team, Denied denied);

  /// What couldn't be written comes before what was noted since.
  void put_back(RecentDenials older);

  /// Keeps the newest of each team in the store. A team that is deleted has none.
  void write(Connection&) const;

 private:
  static constexpr std::size_t kMostHeld = 5'000;

  std::map<RowId, std::list<Denied>> by_team_;
  std::size_t held_ = 0;
};

}  // namespace saas_access
