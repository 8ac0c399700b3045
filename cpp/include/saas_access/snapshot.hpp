#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "saas_access/ids.hpp"
#include "saas_access/records.hpp"
#include "saas_access/sharded_map.hpp"

namespace saas_access {

/// SHA-256 of a virtual key's secret.
using KeyDigest = std::array<std::uint8_t, 32>;
struct KeyDigestHash {
  std::size_t operator()(const KeyDigest& digest) const noexcept;  ///< its first eight bytes: it is uniform already
};

/// A row's primary key in the store: names a thing for as long as it lives and is never given to another.
using RowId = std::int64_t;

/// An alias as a decision reads it. `in_group` has bit `slot` set for each group that lists it.
struct AliasEntry {
  RowId row = 0;
  AliasName alias;
  std::string litellm_model;
  bool active = false;
  MicroCredits credits_per_call = kMicroPerCredit;
  std::vector<std::uint64_t> in_group;
};

struct GroupEntry {
  RowId row = 0;
  GroupName name;
  std::vector<std::uint32_t> aliases;  ///< indices into Catalog::aliases, in the operator's order
};

/// What is sold: aliases and groups, flattened. Small (thousands), rebuilt whole whenever one of them changes; teams
/// refer to groups by row, so a change here touches no team.
struct Catalog {
  std::vector<AliasEntry> aliases;
  std::vector<GroupEntry> groups;  ///< a group's index is its slot
  std::unordered_map<std::string, std::uint32_t> alias_index;
  std::unordered_map<RowId, std::uint32_t> group_slot;

  [[nodiscard]] const AliasEntry* find(const AliasName& alias) const;
  [[nodiscard]] const GroupEntry* group(RowId row) const;  ///< nullptr when it no longer exists
};

/// A catalog of these, in this order, with everything that is derived from the lists: `in_group` and the indices.
[[nodiscard]] Catalog build_catalog(std::vector<AliasEntry> aliases, std::vector<GroupEntry> groups);

struct OrganizationEntry {
  OrganizationId organization_id;
  bool suspended = false;
};

struct TeamGrant {
  RowId group = 0;
  UnixMs starts_at_ms = 0;
  UnixMs expires_at_ms = 0;
};

struct TeamEntry {
  RowId row = 0;
  RowId organization = 0;
  TeamId team_id;
  bool suspended = false;
  std::vector<RowId> groups;      ///< the team's own, in the operator's order
  std::vector<TeamGrant> grants;  ///< in order of creation
  BudgetMode budget_mode = BudgetMode::job_based;
  MicroCredits credits_per_dollar = 0;
  std::int64_t tokens_per_credit = 1;
  std::optional<std::int64_t> rpm_limit;
  std::optional<std::int64_t> tpm_limit;
};

struct KeyEntry {
  RowId row = 0;
  RowId team = 0;
  KeyId key_id;
  bool revoked = false;
  std::optional<UnixMs> expires_at_ms;
  std::optional<std::vector<RowId>> narrowed_to;  ///< rows of aliases; empty list: nothing
  std::vector<KeyDigest> secrets;                 ///< where Snapshot::secrets names this key
};

/// One secret of a key. A rotated key has several; an old one works until `valid_until_ms`.
struct SecretEntry {
  RowId key = 0;
  std::optional<UnixMs> valid_until_ms;
};

/// The whole policy at one revision, ready to decide on. Immutable once built: any number of threads may read it. The
/// next one shares every shard that a change did not touch.
struct Snapshot {
  Revision revision = 0;
  std::shared_ptr<const Catalog> catalog = std::make_shared<const Catalog>();
  ShardedMap<RowId, OrganizationEntry> organizations;
  ShardedMap<RowId, TeamEntry> teams;
  ShardedMap<std::string, RowId> team_rows;  ///< by team_id
  ShardedMap<RowId, KeyEntry> keys;
  ShardedMap<std::string, RowId> key_rows;  ///< by key_id
  ShardedMap<KeyDigest, SecretEntry, KeyDigestHash> secrets;

  [[nodiscard]] const TeamEntry* team(const TeamId& team_id) const;
  [[nodiscard]] const KeyEntry* key(const KeyId& key_id) const;
};

}  // namespace saas_access
