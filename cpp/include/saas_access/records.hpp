#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "saas_access/ids.hpp"
#include "saas_access/money.hpp"

namespace saas_access {

/// Milliseconds since 1970-01-01 UTC. `created_at_ms` of records is a whole second, as the API prints it.
using UnixMs = std::int64_t;

/// Policy revision: grows by one with every committed admin write; 0 before the first.
using Revision = std::uint64_t;

// Plain records, as the store holds them. `metadata` is always the text of one JSON object. `revision` is that of the
// last write that changed what an operator can set on the record: the value behind its ETag.

struct Organization {
  OrganizationId organization_id;
  std::string name;
  bool suspended = false;
  std::string metadata = "{}";
  UnixMs created_at_ms = 0;
  Revision revision = 0;
};

struct ModelAlias {
  AliasName alias;
  std::string litellm_model;
  std::string description;
  bool active = true;
  MicroCredits credits_per_call = kMicroPerCredit;
  std::string metadata = "{}";
  std::optional<UnixMs> retires_at_ms;   ///< announced: it goes on working
  std::optional<AliasName> successor;    ///< the alias to use then
  std::vector<GroupName> access_groups;  ///< the groups that list it, in order of the groups' creation
  UnixMs created_at_ms = 0;
  Revision revision = 0;
};

struct AccessGroup {
  GroupName group_name;
  std::string description;
  std::vector<AliasName> model_aliases;   ///< as the operator ordered them, inactive ones too
  std::vector<TeamId> teams_with_access;  ///< by membership, then by a running grant; each team once
  UnixMs created_at_ms = 0;
  Revision revision = 0;
};

struct AccessGroupSummary {
  GroupName group_name;
  std::string description;
  std::int64_t model_count = 0;
  std::int64_t team_count = 0;  ///< the size of `teams_with_access`
};

/// A group for a time, beside the team's own groups. Running when starts_at_ms <= now < expires_at_ms.
struct Grant {
  GrantId grant_id;
  GroupName access_group;
  UnixMs starts_at_ms = 0;
  UnixMs expires_at_ms = 0;
  std::string reason;
  UnixMs created_at_ms = 0;
};

/// Calendar periods in UTC: they begin at midnight, on Mondays, on the 1st.
enum class RefillPeriod : std::uint8_t { daily, weekly, monthly };
[[nodiscard]] std::string_view slug(RefillPeriod period) noexcept;

/// add: so many credits more; top_up: as many as bring what remains to so many, and none where more remain.
enum class RefillMode : std::uint8_t { add, top_up };
[[nodiscard]] std::string_view slug(RefillMode mode) noexcept;

/// Credits that a team gets at the beginning of each period.
struct Refill {
  MicroCredits credits = 0;
  RefillPeriod period = RefillPeriod::monthly;
  RefillMode mode = RefillMode::add;
};

struct Team {
  TeamId team_id;
  OrganizationId organization_id;
  std::string team_alias;
  bool suspended = false;
  std::vector<GroupName> access_groups;  ///< as the operator ordered them
  BudgetMode budget_mode = BudgetMode::job_based;
  MicroCredits credits_per_dollar = 10 * kMicroPerCredit;
  std::int64_t tokens_per_credit = 10'000;
  std::optional<std::int64_t> rpm_limit;
  std::optional<std::int64_t> tpm_limit;
  std::optional<Refill> refill;
  std::optional<UnixMs> next_refill_at_ms;           ///< set if `refill` is
  std::vector<MicroCredits> low_balance_thresholds;  ///< falling, each once
  std::string metadata = "{}";
  UnixMs created_at_ms = 0;
  Revision revision = 0;
};

enum class KeyStatus : std::uint8_t { active, revoked, expired };

/// A virtual key without its secret. The store holds only SHA-256 digests of secrets.
struct VirtualKey {
  KeyId key_id;
  TeamId team_id;
  std::string name;
  std::string last_four;
  KeyStatus status = KeyStatus::active;
  std::optional<std::vector<AliasName>> model_aliases;  ///< set: narrowed to these (an empty list grants nothing)
  UnixMs created_at_ms = 0;
  std::optional<UnixMs> expires_at_ms;
  std::optional<UnixMs> last_used_at_ms;
  Revision revision = 0;
};

/// allocated - used - reserved = remaining; none is ever negative.
struct Balance {
  MicroCredits allocated = 0;
  MicroCredits used = 0;
  MicroCredits reserved = 0;
  MicroCredits remaining = 0;
};

struct AuditEntry {
  std::int64_t id = 0;
  UnixMs at_ms = 0;
  std::string actor;
  std::string action;       ///< "team.create", "access_group.add_models", ...
  std::string target_type;  ///< "team", "access_group", ...
  std::string target_id;
  std::string before;  ///< JSON object or "null"
  std::string after;   ///< JSON object or "null"
  Revision revision = 0;
};

/// One page of a list, oldest first unless the reader says otherwise.
template <class T>
struct Page {
  std::vector<T> items;
  std::optional<std::int64_t> next;  ///< pass as PageRequest::after for the next page; absent on the last
};

struct PageRequest {
  std::optional<std::int64_t> after;
  std::optional<std::int64_t> limit;  ///< absent: everything
};

}  // namespace saas_access
