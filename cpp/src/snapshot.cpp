#include "saas_access/snapshot.hpp"

#include <cstring>
#include <utility>

namespace saas_access {

std::size_t KeyDigestHash::operator()(const KeyDigest& digest) const noexcept {
  std::size_t hash = 0;
  std::memcpy(&hash, digest.data(), sizeof hash);
  return hash;
}

const AliasEntry* Catalog::find(const AliasName& alias) const {
  const auto it = alias_index.find(alias.str());
  return it == alias_index.end() ? nullptr : &aliases[it->second];
}

const GroupEntry* Catalog::group(RowId row) const {
  const auto it = group_slot.find(row);
  return it == group_slot.end() ? nullptr : &groups[it->second];
}

Catalog build_catalog(std::vector<AliasEntry> aliases, std::vector<GroupEntry> groups) {
  Catalog catalog;
  catalog.aliases = std::move(aliases);
  catalog.groups = std::move(groups);
  for (std::uint32_t index = 0; index < catalog.aliases.size(); ++index) {
    AliasEntry& alias = catalog.aliases[index];
    alias.in_group.assign((catalog.groups.size() + 63) / 64, 0);
    catalog.alias_index.emplace(alias.alias.str(), index);
  }
  for (std::uint32_t slot = 0; slot < catalog.groups.size(); ++slot) {
    const GroupEntry& group = catalog.groups[slot];
    catalog.group_slot.emplace(group.row, slot);
    for (const std::uint32_t index : group.aliases) {
      catalog.aliases[index].in_group[slot / 64] |= std::uint64_t{1} << (slot % 64);
    }
  }
  return catalog;
}

const TeamEntry* Snapshot::team(const TeamId& team_id) const {
  const RowId* row = team_rows.find(team_id.str());
  return row == nullptr ? nullptr : teams.find(*row);
}

const KeyEntry* Snapshot::key(const KeyId& key_id) const {
  const RowId* row = key_rows.find(key_id.str());
  return row == nullptr ? nullptr : keys.find(*row);
}

}  // namespace saas_access
