#include "saas_access/denials.hpp"

#include <algorithm>
#include <utility>

#include "books.hpp"
#include "saas_access/usage.hpp"
#include "usage_rows.hpp"

namespace saas_access {

namespace {

// Beyond this many different ones, key and model of a refusal aren't told apart any more until the next flush.
constexpr std::size_t kMostDifferent = 10'000;

std::string recorded_alias(const Snapshot& snapshot, const std::optional<AliasName>& asked) {
  if (!asked) return {};
  return snapshot.catalog->find(*asked) != nullptr ? asked->str() : std::string(kUnknownModel);
}

std::optional<RowId> name_row(Connection& db, const std::string& name) {
  return name.empty() ? std::nullopt : std::optional(record_name(db, name));
}

}  // namespace

void DenialCounts::note(const Snapshot& snapshot, const Denial& denial, UnixMs now_ms) {
  const TeamEntry* const team = snapshot.team(denial.team_id);
  if (team == nullptr) return;
  const KeyEntry* const key = denial.key_id ? snapshot.key(*denial.key_id) : nullptr;
  const RowId key_row = key != nullptr ? key->row : 0;
  const std::string alias = recorded_alias(snapshot, denial.alias);
  const std::string group = denial.access_group ? denial.access_group->str() : std::string();
  const std::int64_t hour = now_ms / kHourMs;
  Key counted(hour, team->row, key_row, denial.reason, alias, group);
  const std::lock_guard lock(mutex_);
  noted_.recent.note(team->row, {now_ms, key_row, denial.reason, alias});
  auto& counts = noted_.counts;
  if (counts.size() >= kMostDifferent && !counts.contains(counted)) {
    counted = Key(hour, team->row, 0, denial.reason, "", "");
  }
  Count& count = counts[std::move(counted)];
  count.denials += 1;
  count.last_ms = std::max(count.last_ms, now_ms);
}

DenialCounts::Noted DenialCounts::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(noted_, {});
}

void DenialCounts::put_back(Noted noted) {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, count] : noted.counts) {
    Count& now = noted_.counts[key];
    now.denials += count.denials;
    now.last_ms = std::max(now.last_ms, count.last_ms);
  }
  noted_.recent.put_back(std::move(noted.recent));
}

void DenialCounts::write(Connection& db, const Noted& noted) {
  UsageRollup rollup;
  for (const auto& [key, count] : noted.counts) {
    const auto& [hour, team, virtual_key, reason, alias, group] = key;
    const auto key_row = virtual_key != 0 ? std::optional(virtual_key) : std::nullopt;
    rollup.denial({team, key_row, name_row(db, alias), name_row(db, group)}, reason, count.denials, count.last_ms);
  }
  rollup.write(db);
  noted.recent.write(db);
}

}  // namespace saas_access
