#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "saas_access/ids.hpp"
#include "saas_access/records.hpp"

namespace saas_access {

enum class Outcome : std::uint8_t { denied, allowed };
[[nodiscard]] std::string_view slug(Outcome outcome) noexcept;
[[nodiscard]] std::string_view slug(KeyStatus status) noexcept;

/// Why a decision came out as it did. Slugs are stable: clients and logs rely on them.
enum class Reason : std::uint8_t {
  granted,
  store_unavailable,
  hook_missing,
  route_not_allowed,
  key_unknown,
  key_revoked,
  key_expired,
  model_not_granted,
  team_suspended,
  organization_suspended,
  credits_exhausted,
};

/// Every reason, in declaration order, for tables that must be complete.
inline constexpr std::array kAllReasons = {
    Reason::granted,           Reason::store_unavailable,
    Reason::hook_missing,      Reason::route_not_allowed,
    Reason::key_unknown,       Reason::key_revoked,
    Reason::key_expired,       Reason::model_not_granted,
    Reason::team_suspended,    Reason::organization_suspended,
    Reason::credits_exhausted,
};

/// The lower_snake name of a reason: "model_not_granted".
[[nodiscard]] std::string_view slug(Reason reason) noexcept;

/// What was decided about one request for one model, and what it rests on. Default-constructed it denies.
struct Decision {
  Outcome outcome = Outcome::denied;
  Reason reason = Reason::store_unavailable;
  TeamId team_id;                 ///< empty when no team could be told
  KeyId key_id;                   ///< empty when the team was named directly
  AliasName alias;                ///< what the client asked for
  std::string litellm_model;      ///< the one actual model; empty unless the alias is granted
  std::vector<GroupName> groups;  ///< the team's groups that grant the alias, in the team's order; empty unless granted
  Pricing pricing;                ///< meaningful only if allowed
  Revision policy_revision = 0;   ///< revision of the snapshot it was made on

  [[nodiscard]] bool allowed() const noexcept { return outcome == Outcome::allowed; }
};

}  // namespace saas_access
