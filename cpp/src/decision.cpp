#include "saas_access/decision.hpp"

#include <cstdlib>

namespace saas_access {

// Each switch names every value and has no default, so that the compiler finds a value without a slug. A value outside
// its enum can only be made by a cast: a defect, on which to stop.

std::string_view slug(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::denied:
      return "denied";
    case Outcome::allowed:
      return "allowed";
  }
  std::abort();
}

std::string_view slug(KeyStatus status) noexcept {
  switch (status) {
    case KeyStatus::active:
      return "active";
    case KeyStatus::revoked:
      return "revoked";
    case KeyStatus::expired:
      return "expired";
  }
  std::abort();
}

std::string_view slug(Reason reason) noexcept {
  switch (reason) {
    case Reason::granted:
      return "granted";
    case Reason::store_unavailable:
      return "store_unavailable";
    case Reason::hook_missing:
      return "hook_missing";
    case Reason::route_not_allowed:
      return "route_not_allowed";
    case Reason::key_unknown:
      return "key_unknown";
    case Reason::key_revoked:
      return "key_revoked";
    case Reason::key_expired:
      return "key_expired";
    case Reason::model_not_granted:
      return "model_not_granted";
    case Reason::team_suspended:
      return "team_suspended";
    case Reason::organization_suspended:
      return "organization_suspended";
    case Reason::credits_exhausted:
      return "credits_exhausted";
  }
  std::abort();
}

}  // namespace saas_access
