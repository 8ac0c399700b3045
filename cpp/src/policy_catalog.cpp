#include "audit_json.hpp"
#include "rows.hpp"
#include "saas_access/policy.hpp"
#include "sql.hpp"
#include "text.hpp"
#include "validation.hpp"

namespace saas_access {

namespace {

Json settable(const ModelAlias& alias) {
  return {{"alias", alias.alias.str()},
          {"litellm_model", alias.litellm_model},
          {"description", alias.description},
          {"active", alias.active},
          {"credits_per_call", credits_json(alias.credits_per_call)},
          {"metadata", Json::parse(alias.metadata)},
          {"retires_at_ms", optional_json(alias.retires_at_ms)},
          {"successor", alias.successor ? Json(alias.successor->str()) : Json(nullptr)}};
}

Json settable(const AccessGroup& group) {
  return {{"group_name", group.group_name.str()},
          {"description", group.description},
          {"model_aliases", names_json(group.model_aliases)}};
}

void validate(Problems& problems, const ModelAlias& alias) {
  problems.litellm_model(alias.litellm_model);
  problems.text("description", alias.description, kMaxText);
  problems.credits("credits_per_call", alias.credits_per_call, 0);
  problems.metadata(alias.metadata);
  problems.range("retires_at", alias.retires_at_ms, 0, kMaxTime);
}

std::optional<RowId> successor_row(Problems& problems, Connection& db, const ModelAlias& alias) {
  if (!alias.successor) return std::nullopt;
  const auto row = find_row(db, *alias.successor);
  if (*alias.successor == alias.alias) {
    problems.add("successor", describe(alias.alias) + " can't succeed itself");
  } else if (!row) {
    problems.add("successor", describe(*alias.successor) + " does not exist");
  }
  return row;
}

ModelAlias find_for_write(const Write& write, const AliasName& name) {
  ModelAlias alias = find_model_alias(write.db, name);
  write.require_revision(alias.revision, describe(name));
  return alias;
}

AccessGroup find_for_write(const Write& write, const GroupName& name) {
  AccessGroup group = find_access_group(write.db, name, write.now_ms);
  write.require_revision(group.revision, describe(name));
  return group;
}

void append_members(Write& write, RowId group, const std::vector<RowId>& aliases) {
  for (const RowId alias : aliases) {
    execute(write.db,
            "INSERT INTO access_group_alias (access_group, alias, position) VALUES (?1, ?2, "
            "(SELECT coalesce(max(position), -1) + 1 FROM access_group_alias WHERE access_group = ?1)) "
            "ON CONFLICT DO NOTHING",
            group, alias);
  }
}

/// Marks the group as changed and tells what has become of it since `before`.
AccessGroup finish(Write& write, const char* action, RowId row, const AccessGroup& before) {
  execute(write.db, "UPDATE access_group SET revision = ? WHERE row = ?", write.revision, row);
  write.changes.catalog();
  AccessGroup after = find_access_group(write.db, before.group_name, write.now_ms);
  write.audit(action, "access_group", before.group_name.str(), settable(before), settable(after));
  return after;
}

}  // namespace

ModelAlias create_model_alias(Write& write, const NewModelAlias& document) {
  ModelAlias alias;
  alias.alias = document.alias;
  alias.litellm_model = document.litellm_model;
  alias.description = document.description;
  alias.active = document.active;
  alias.credits_per_call = document.credits_per_call;
  alias.metadata = document.metadata;
  alias.retires_at_ms = document.retires_at_ms;
  alias.successor = document.successor;
  Problems problems;
  problems.well_formed("alias", alias.alias);
  validate(problems, alias);
  const auto successor = successor_row(problems, write.db, alias);
  problems.raise();
  if (find_row(write.db, alias.alias)) throw Conflict(describe(alias.alias) + " already exists");
  execute(write.db,
          "INSERT INTO model_alias (alias, litellm_model, description, active, credits_per_call_micro, metadata, "
          "retires_at_ms, successor, created_at_ms, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          alias.alias, alias.litellm_model, alias.description, alias.active, alias.credits_per_call, alias.metadata,
          alias.retires_at_ms, successor, write.created_at_ms(), write.revision);
  write.changes.catalog();
  write.audit("model_alias.create", "model_alias", alias.alias.str(), nullptr, settable(alias));
  return find_model_alias(write.db, alias.alias);
}

ModelAlias update_model_alias(Write& write, const AliasName& name, const ModelAliasPatch& patch) {
  const ModelAlias before = find_for_write(write, name);
  ModelAlias after = before;
  if (patch.litellm_model) after.litellm_model = *patch.litellm_model;
  if (patch.description) after.description = *patch.description;
  if (patch.active) after.active = *patch.active;
  if (patch.credits_per_call) after.credits_per_call = *patch.credits_per_call;
  if (patch.metadata) after.metadata = *patch.metadata;
  if (patch.retires_at_ms) after.retires_at_ms = *patch.retires_at_ms;
  if (patch.successor) after.successor = *patch.successor;
  Problems problems;
  validate(problems, after);
  const auto successor = successor_row(problems, write.db, after);
  problems.raise();
  execute(write.db,
          "UPDATE model_alias SET litellm_model = ?, description = ?, active = ?, credits_per_call_micro = ?, "
          "metadata = ?, retires_at_ms = ?, successor = ?, revision = ? WHERE alias = ?",
          after.litellm_model, after.description, after.active, after.credits_per_call, after.metadata,
          after.retires_at_ms, successor, write.revision, name);
  write.changes.catalog();
  write.audit("model_alias.update", "model_alias", name.str(), settable(before), settable(after));
  return find_model_alias(write.db, name);
}

void delete_model_alias(Write& write, const AliasName& name, bool force) {
  const ModelAlias before = find_for_write(write, name);
  const auto& groups = before.access_groups;
  if (!groups.empty() && !force) {
    throw Conflict(describe(name) + " is still in access group" + (groups.size() == 1 ? " " : "s ") +
                   quote_list(groups));
  }
  const RowId row = require_row(write.db, name);
  execute(
      write.db,
      "UPDATE access_group SET revision = ? WHERE row IN (SELECT access_group FROM access_group_alias WHERE alias = ?)",
      write.revision, row);
  execute(write.db,
          "UPDATE virtual_key SET revision = ? WHERE row IN (SELECT virtual_key FROM key_alias WHERE alias = ?)",
          write.revision, row);
  execute(write.db, "UPDATE model_alias SET successor = NULL, revision = ? WHERE successor = ?", write.revision, row);
  execute(write.db, "DELETE FROM model_alias WHERE row = ?", row);
  write.changes.catalog();
  write.audit("model_alias.delete", "model_alias", name.str(), settable(before), nullptr);
}

AccessGroup create_access_group(Write& write, const NewAccessGroup& document) {
  const GroupName& name = document.group_name;
  Problems problems;
  problems.well_formed("group_name", name);
  problems.text("description", document.description, kMaxText);
  const auto aliases = problems.rows(write.db, document.model_aliases);
  problems.raise();
  if (find_row(write.db, name)) throw Conflict(describe(name) + " already exists");
  execute(write.db, "INSERT INTO access_group (group_name, description, created_at_ms, revision) VALUES (?, ?, ?, ?)",
          name, document.description, write.created_at_ms(), write.revision);
  append_members(write, write.db.getLastInsertRowid(), aliases);
  write.changes.catalog();
  AccessGroup group = find_access_group(write.db, name, write.now_ms);
  write.audit("access_group.create", "access_group", name.str(), nullptr, settable(group));
  return group;
}

AccessGroup update_access_group(Write& write, const GroupName& name, const AccessGroupPatch& patch) {
  const AccessGroup before = find_for_write(write, name);
  const RowId row = require_row(write.db, name);
  Problems problems;
  if (patch.description) problems.text("description", *patch.description, kMaxText);
  const auto aliases = problems.rows(write.db, patch.model_aliases.value_or(std::vector<AliasName>{}));
  problems.raise();
  if (patch.description) {
    execute(write.db, "UPDATE access_group SET description = ? WHERE row = ?", *patch.description, row);
  }
  if (patch.model_aliases) {
    execute(write.db, "DELETE FROM access_group_alias WHERE access_group = ?", row);
    append_members(write, row, aliases);
  }
  return finish(write, "access_group.update", row, before);
}

AccessGroup add_models(Write& write, const GroupName& name, const std::vector<AliasName>& model_aliases) {
  const AccessGroup before = find_for_write(write, name);
  const RowId row = require_row(write.db, name);
  Problems problems;
  const auto aliases = problems.rows(write.db, model_aliases);
  problems.raise();
  append_members(write, row, aliases);
  const AccessGroup after = finish(write, "access_group.add_models", row, before);
  if (after.model_aliases.size() > kMaxListed) {
    throw Invalid("model_aliases", describe(name) + " would list '" + std::to_string(after.model_aliases.size()) +
                                       "' model aliases, at most " + std::to_string(kMaxListed) + " are allowed");
  }
  return after;
}

AccessGroup remove_models(Write& write, const GroupName& name, const std::vector<AliasName>& model_aliases) {
  const AccessGroup before = find_for_write(write, name);
  const RowId row = require_row(write.db, name);
  Problems problems;
  const auto aliases = problems.rows(write.db, model_aliases);
  problems.raise();
  for (const RowId alias : aliases) {
    execute(write.db, "DELETE FROM access_group_alias WHERE access_group = ? AND alias = ?", row, alias);
  }
  return finish(write, "access_group.remove_models", row, before);
}

std::vector<TeamId> delete_access_group(Write& write, const GroupName& name, bool only_unused) {
  const AccessGroup before = find_for_write(write, name);
  const RowId row = require_row(write.db, name);
  if (only_unused && find_integer(write.db,
                                  "SELECT 1 FROM team_access_group WHERE access_group = ?1 "
                                  "UNION ALL SELECT 1 FROM team_grant WHERE access_group = ?1",
                                  row)) {
    throw Conflict(describe(name) + " is some team's, or granted to one");
  }
  execute(write.db,
          "UPDATE team SET revision = ?1 WHERE row IN (SELECT team FROM team_access_group WHERE access_group = ?2 "
          "UNION SELECT team FROM team_grant WHERE access_group = ?2)",
          write.revision, row);
  execute(write.db, "DELETE FROM access_group WHERE row = ?", row);
  write.changes.catalog();
  write.audit("access_group.delete", "access_group", name.str(), settable(before), nullptr);
  return before.teams_with_access;
}

Bootstrapped bootstrap(Write& write, const std::vector<NewModelAlias>& model_aliases,
                       const std::vector<NewAccessGroup>& access_groups) {
  Bootstrapped created;
  for (const NewModelAlias& alias : model_aliases) {
    if (find_row(write.db, alias.alias)) continue;
    created.model_aliases.push_back(create_model_alias(write, alias).alias);
  }
  for (const NewAccessGroup& group : access_groups) {
    if (find_row(write.db, group.group_name)) continue;
    created.access_groups.push_back(create_access_group(write, group).group_name);
  }
  return created;
}

}  // namespace saas_access
