#pragma once

#include <initializer_list>
#include <map>
#include <set>
#include <string>

#include "saas_access/snapshot.hpp"

namespace saas_access {

/// Everything a decision can depend on, as text in a fixed order. A row that no longer exists may still be named in a
/// snapshot that was caught up (rows are never given out again), so such names are left out.
class SnapshotText {
 public:
  explicit SnapshotText(const Snapshot& snapshot) : snapshot_(snapshot) {
    line("revision", {static_cast<std::int64_t>(snapshot.revision)});
    for (const AliasEntry& alias : snapshot.catalog->aliases) {
      line("alias " + alias.alias.str() + " " + alias.litellm_model, {alias.row, alias.active, alias.credits_per_call});
      alias_rows_.insert(alias.row);
    }
    for (const GroupEntry& group : snapshot.catalog->groups) {
      line("group " + group.name.str(), {group.row});
      for (const std::uint32_t index : group.aliases) line("  lists", {snapshot.catalog->aliases[index].row});
    }
    sorted(snapshot.organizations, [&](RowId row, const OrganizationEntry& organization) {
      line("organization " + organization.organization_id.str(), {row, organization.suspended});
    });
    sorted(snapshot.teams, [&](RowId row, const TeamEntry& team) { add_team(row, team); });
    sorted(snapshot.team_rows, [&](const std::string& id, RowId row) { line("team_row " + id, {row}); });
    sorted(snapshot.keys, [&](RowId row, const KeyEntry& key) { add_key(row, key); });
    sorted(snapshot.key_rows, [&](const std::string& id, RowId row) { line("key_row " + id, {row}); });
    sorted(snapshot.secrets, [&](const KeyDigest& digest, const SecretEntry& secret) {
      line("secret", {digest[0], digest[1], secret.key, secret.valid_until_ms.value_or(-1)});
    });
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  template <class Key, class Value, class Hash, class Visit>
  static void sorted(const ShardedMap<Key, Value, Hash>& map, Visit&& visit) {
    std::map<Key, Value> ordered;
    map.for_each([&](const Key& key, const Value& value) { ordered.emplace(key, value); });
    for (const auto& [key, value] : ordered) visit(key, value);
  }

  void add_team(RowId row, const TeamEntry& team) {
    line("team " + team.team_id.str(),
         {row, team.organization, team.suspended, static_cast<std::int64_t>(team.budget_mode), team.credits_per_dollar,
          team.tokens_per_credit, team.rpm_limit.value_or(-1), team.tpm_limit.value_or(-1)});
    for (const RowId group : team.groups) {
      if (snapshot_.catalog->group(group) != nullptr) line("  holds", {group});
    }
    for (const TeamGrant& grant : team.grants) {
      if (snapshot_.catalog->group(grant.group) == nullptr) continue;
      line("  grant", {grant.group, grant.starts_at_ms, grant.expires_at_ms});
    }
  }

  void add_key(RowId row, const KeyEntry& key) {
    line("key " + key.key_id.str(), {row, key.team, key.revoked, key.expires_at_ms.value_or(-1),
                                     key.narrowed_to.has_value(), static_cast<std::int64_t>(key.secrets.size())});
    if (!key.narrowed_to) return;
    for (const RowId alias : *key.narrowed_to) {
      if (alias_rows_.contains(alias)) line("  narrowed to", {alias});
    }
  }

  void line(const std::string& what, std::initializer_list<std::int64_t> numbers) {
    text_ += what;
    for (const std::int64_t number : numbers) text_ += " " + std::to_string(number);
    text_ += "\n";
  }

  const Snapshot& snapshot_;
  std::set<RowId> alias_rows_;
  std::string text_;
};

}  // namespace saas_access
