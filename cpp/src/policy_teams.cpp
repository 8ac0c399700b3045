#include <algorithm>

#include "audit_json.hpp"
#include "new_key.hpp"
#include "rows.hpp"
#include "saas_access/ledger.hpp"
#include "saas_access/low_balance.hpp"
#include "saas_access/policy.hpp"
#include "saas_access/refills.hpp"
#include "sql.hpp"
#include "text.hpp"
#include "validation.hpp"

namespace saas_access {

namespace {

constexpr std::size_t kMaxThresholds = 5;

Json refill_json(const std::optional<Refill>& refill) {
  if (!refill) return nullptr;
  return {{"credits", credits_json(refill->credits)}, {"period", slug(refill->period)}, {"mode", slug(refill->mode)}};
}

Json amounts_json(const std::vector<MicroCredits>& amounts) {
  Json list = Json::array();
  for (const MicroCredits amount : amounts) list.push_back(credits_json(amount));
  return list;
}

Json settable(Connection& db, const Team& team) {
  return {{"team_id", team.team_id.str()},
          {"organization_id", team.organization_id.str()},
          {"team_alias", team.team_alias},
          {"suspended", team.suspended},
          {"access_groups", names_json(team.access_groups)},
          {"credits_allocated", credits_json(find_balance(db, team.team_id).allocated)},
          {"budget_mode", slug(team.budget_mode)},
          {"credits_per_dollar", credits_json(team.credits_per_dollar)},
          {"tokens_per_credit", team.tokens_per_credit},
          {"rpm_limit", optional_json(team.rpm_limit)},
          {"tpm_limit", optional_json(team.tpm_limit)},
          {"refill", refill_json(team.refill)},
          {"low_balance_thresholds", amounts_json(team.low_balance_thresholds)},
          {"metadata", Json::parse(team.metadata)}};
}

Json settable(const Grant& grant) {
  return {{"grant_id", grant.grant_id.str()},
          {"access_group", grant.access_group.str()},
          {"starts_at_ms", grant.starts_at_ms},
          {"expires_at_ms", grant.expires_at_ms},
          {"reason", grant.reason}};
}

void validate(Problems& problems, const Team& team) {
  problems.text("team_alias", team.team_alias, kMaxName);
  problems.credits("credits_per_dollar", team.credits_per_dollar, 1);
  problems.range("tokens_per_credit", team.tokens_per_credit, 1, kMaxCount);
  problems.range("rpm_limit", team.rpm_limit, 1, kMaxCount);
  problems.range("tpm_limit", team.tpm_limit, 1, kMaxCount);
  if (team.refill) problems.credits("refill.credits", team.refill->credits, 1);
  if (team.low_balance_thresholds.size() > kMaxThresholds) {
    problems.add("low_balance_thresholds", "lists " + quote(std::to_string(team.low_balance_thresholds.size())) +
                                               " amounts, at most " + std::to_string(kMaxThresholds) + " are allowed");
  }
  for (const MicroCredits amount : team.low_balance_thresholds) problems.credits("low_balance_thresholds", amount, 0);
  problems.metadata(team.metadata);
}

Team find_for_write(const Write& write, const TeamId& id) {
  Team team = find_team(write.db, id);
  write.require_revision(team.revision, describe(id));
  return team;
}

void insert_groups(Write& write, RowId team, const std::vector<RowId>& groups) {
  std::int64_t position = 0;
  for (const RowId group : groups) {
    execute(write.db, "INSERT INTO team_access_group (team, access_group, position) VALUES (?, ?, ?)", team, group,
            position++);
  }
}

void require_free(Connection& db, const TeamId& id) {
  if (find_row(db, id)) throw Conflict(describe(id) + " already exists");
  if (find_integer(db, "SELECT row FROM team WHERE team_id = ?", id)) {
    throw Conflict("Team id " + quote(id.str()) + " belonged to a deleted team and can't be used again");
  }
}

RowId insert_team(Write& write, RowId organization, const Team& team) {
  execute(
      write.db,
      "INSERT INTO team (team_id, organization, team_alias, budget_mode, credits_per_dollar_micro, tokens_per_credit, "
      "rpm_limit, tpm_limit, metadata, created_at_ms, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      team.team_id, organization, team.team_alias, static_cast<int>(team.budget_mode), team.credits_per_dollar,
      team.tokens_per_credit, team.rpm_limit, team.tpm_limit, team.metadata, write.created_at_ms(), write.revision);
  return write.db.getLastInsertRowid();
}

Team patched(const Team& before, const TeamPatch& patch) {
  Team after = before;
  if (patch.team_alias) after.team_alias = *patch.team_alias;
  if (patch.budget_mode) after.budget_mode = *patch.budget_mode;
  if (patch.credits_per_dollar) after.credits_per_dollar = *patch.credits_per_dollar;
  if (patch.tokens_per_credit) after.tokens_per_credit = *patch.tokens_per_credit;
  if (patch.rpm_limit) after.rpm_limit = *patch.rpm_limit;
  if (patch.tpm_limit) after.tpm_limit = *patch.tpm_limit;
  if (patch.refill) after.refill = *patch.refill;
  if (patch.low_balance_thresholds) after.low_balance_thresholds = *patch.low_balance_thresholds;
  if (patch.metadata) after.metadata = *patch.metadata;
  return after;
}

/// Marks the team as changed and tells what has become of it; `before` is how it was.
Team finish(Write& write, const char* action, RowId row, const TeamId& id, const Json& before) {
  execute(write.db, "UPDATE team SET revision = ? WHERE row = ?", write.revision, row);
  write.changes.team(row);
  Team after = find_team(write.db, id);
  write.audit(action, "team", id.str(), before, settable(write.db, after));
  return after;
}

void revoke_keys(Write& write, RowId team) {
  execute(write.db, "UPDATE virtual_key SET revoked_at_ms = coalesce(revoked_at_ms, ?), revision = ? WHERE team = ?",
          write.now_ms, write.revision, team);
  Query keys = prepare(write.db, "SELECT row FROM virtual_key WHERE team = ?", team);
  while (keys.executeStep()) write.changes.key(keys.getColumn(0).getInt64());
}

}  // namespace

Team create_team(Write& write, const NewTeam& document) {
  Team team;
  team.team_id = document.team_id;
  team.team_alias = document.team_alias;
  team.budget_mode = document.budget_mode;
  team.credits_per_dollar = document.credits_per_dollar;
  team.tokens_per_credit = document.tokens_per_credit;
  team.rpm_limit = document.rpm_limit;
  team.tpm_limit = document.tpm_limit;
  team.refill = document.refill;
  team.low_balance_thresholds = document.low_balance_thresholds;
  team.metadata = document.metadata;
  Problems problems;
  problems.well_formed("team_id", team.team_id);
  validate(problems, team);
  problems.credits("credits_allocated", document.credits_allocated, 0);
  const auto organization = find_row(write.db, document.organization_id);
  if (!organization) problems.add("organization_id", describe(document.organization_id) + " does not exist");
  const auto groups = problems.rows(write.db, document.access_groups);
  problems.raise();
  require_free(write.db, team.team_id);
  const RowId row = insert_team(write, *organization, team);
  insert_groups(write, row, groups);
  open_account(write, row, document.credits_allocated);
  set_refill(write.db, row, team.refill, write.now_ms);
  set_low_balance_thresholds(write.db, row, team.low_balance_thresholds);
  if (document.first_key) insert_key(write, row, {"default", std::nullopt, std::nullopt, document.first_key}, {});
  return finish(write, "team.create", row, team.team_id, nullptr);
}

Team update_team(Write& write, const TeamId& id, const TeamPatch& patch) {
  const Team before = find_for_write(write, id);
  const Json was = settable(write.db, before);
  const Team after = patched(before, patch);
  Problems problems;
  validate(problems, after);
  if (patch.credits_allocated) problems.credits("credits_allocated", *patch.credits_allocated, 0);
  const auto groups = problems.rows(write.db, patch.access_groups.value_or(std::vector<GroupName>{}));
  problems.raise();
  const RowId row = require_row(write.db, id);
  execute(write.db,
          "UPDATE team SET team_alias = ?, budget_mode = ?, credits_per_dollar_micro = ?, tokens_per_credit = ?, "
          "rpm_limit = ?, tpm_limit = ?, metadata = ? WHERE row = ?",
          after.team_alias, static_cast<int>(after.budget_mode), after.credits_per_dollar, after.tokens_per_credit,
          after.rpm_limit, after.tpm_limit, after.metadata, row);
  if (patch.access_groups) {
    execute(write.db, "DELETE FROM team_access_group WHERE team = ?", row);
    insert_groups(write, row, groups);
  }
  if (patch.refill) set_refill(write.db, row, *patch.refill, write.now_ms);
  if (patch.low_balance_thresholds) set_low_balance_thresholds(write.db, row, *patch.low_balance_thresholds);
  if (patch.credits_allocated) set_allocated(write, row, *patch.credits_allocated);
  return finish(write, "team.update", row, id, was);
}

Team suspend_team(Write& write, const TeamId& id, bool suspended) {
  const Json before = settable(write.db, find_for_write(write, id));
  const RowId row = require_row(write.db, id);
  execute(write.db, "UPDATE team SET suspended = ? WHERE row = ?", suspended, row);
  return finish(write, suspended ? "team.suspend" : "team.resume", row, id, before);
}

void delete_team(Write& write, const TeamId& id) {
  const Json before = settable(write.db, find_for_write(write, id));
  const RowId row = require_row(write.db, id);
  execute(write.db, "DELETE FROM team_access_group WHERE team = ?", row);
  execute(write.db, "DELETE FROM team_grant WHERE team = ?", row);
  execute(write.db, "DELETE FROM refill WHERE team = ?", row);
  execute(write.db, "DELETE FROM recent_denial WHERE team = ?", row);
  set_low_balance_thresholds(write.db, row, {});
  revoke_keys(write, row);
  execute(write.db, "UPDATE team SET deleted_at_ms = ?, revision = ? WHERE row = ?", write.now_ms, write.revision, row);
  write.changes.team(row);
  write.audit("team.delete", "team", id.str(), before, nullptr);
}

Grant create_grant(Write& write, const TeamId& team_id, const NewGrant& document) {
  find_for_write(write, team_id);
  Grant grant{
      GrantId(random_id("grant_")), document.access_group, document.starts_at_ms.value_or(write.created_at_ms()),
      document.expires_at_ms,       document.reason,       write.created_at_ms()};
  Problems problems;
  const auto group = find_row(write.db, grant.access_group);
  if (!group) problems.add("access_group", describe(grant.access_group) + " does not exist");
  problems.range("starts_at", grant.starts_at_ms, 0, kMaxTime);
  problems.range("expires_at", grant.expires_at_ms, 0, kMaxTime);
  if (grant.expires_at_ms <= grant.starts_at_ms) problems.add("expires_at", "must lie after the start");
  if (grant.expires_at_ms <= write.now_ms) problems.add("expires_at", "must lie in the future");
  problems.text("reason", grant.reason, kMaxText);
  problems.raise();
  const RowId team = require_row(write.db, team_id);
  execute(write.db,
          "INSERT INTO team_grant (grant_id, team, access_group, starts_at_ms, expires_at_ms, reason, created_at_ms) "
          "VALUES (?, ?, ?, ?, ?, ?, ?)",
          grant.grant_id, team, *group, grant.starts_at_ms, grant.expires_at_ms, grant.reason, grant.created_at_ms);
  execute(write.db, "UPDATE team SET revision = ? WHERE row = ?", write.revision, team);
  write.changes.team(team);
  write.audit("grant.create", "team", team_id.str(), nullptr, settable(grant));
  return grant;
}

void delete_grant(Write& write, const TeamId& team_id, const GrantId& grant_id) {
  find_for_write(write, team_id);
  const auto grants = list_grants(write.db, team_id);
  const auto grant = std::find_if(grants.begin(), grants.end(), [&](const Grant& g) { return g.grant_id == grant_id; });
  if (grant == grants.end()) throw NotFound(describe(team_id, grant_id) + " does not exist");
  const RowId team = require_row(write.db, team_id);
  execute(write.db, "DELETE FROM team_grant WHERE grant_id = ?", grant_id);
  execute(write.db, "UPDATE team SET revision = ? WHERE row = ?", write.revision, team);
  write.changes.team(team);
  write.audit("grant.delete", "team", team_id.str(), settable(*grant), nullptr);
}

}  // namespace saas_access
