#include "audit_json.hpp"
#include "new_key.hpp"
#include "rows.hpp"
#include "saas_access/decision.hpp"
#include "saas_access/policy.hpp"
#include "sql.hpp"
#include "text.hpp"
#include "validation.hpp"

namespace saas_access {

namespace {

constexpr std::int64_t kMaxGraceSeconds = std::int64_t{365} * 24 * 3600;

Json settable(const VirtualKey& key) {
  return {{"key_id", key.key_id.str()},
          {"team_id", key.team_id.str()},
          {"name", key.name},
          {"status", slug(key.status)},
          {"model_aliases", key.model_aliases ? names_json(*key.model_aliases) : Json(nullptr)},
          {"expires_at_ms", optional_json(key.expires_at_ms)}};
}

VirtualKey find_for_write(const Write& write, const TeamId& team_id, const KeyId& key_id) {
  VirtualKey key = find_key(write.db, team_id, key_id, write.now_ms);
  write.require_revision(key.revision, describe(team_id, key_id));
  return key;
}

void insert_secret(Write& write, RowId key, const std::optional<KeySecret>& secret) {
  if (!secret) {
    if (write.options.dry_run) return;  // it makes no secret
    throw Error("A virtual key needs a secret");
  }
  if (secret->last_four.size() > 4) throw Error("More than the last four characters of a secret must not be stored");
  if (find_integer(write.db, "SELECT 1 FROM key_secret WHERE digest = ?", secret->digest)) {
    throw Conflict("The secret is already in use by a virtual key");
  }
  execute(write.db, "INSERT INTO key_secret (digest, virtual_key, last_four, created_at_ms) VALUES (?, ?, ?, ?)",
          secret->digest, key, secret->last_four, write.created_at_ms());
}

/// Marks the key as changed and tells what has become of it since `before`.
VirtualKey finish(Write& write, const char* action, RowId row, const VirtualKey& before) {
  execute(write.db, "UPDATE virtual_key SET revision = ? WHERE row = ?", write.revision, row);
  write.changes.key(row);
  VirtualKey after = find_key(write.db, before.team_id, before.key_id, write.now_ms);
  write.audit(action, "key", before.key_id.str(), settable(before), settable(after));
  return after;
}

}  // namespace

KeyId insert_key(Write& write, RowId team, const NewVirtualKey& document, const std::vector<RowId>& aliases) {
  const KeyId key_id(random_id("key_"));
  execute(write.db,
          "INSERT INTO virtual_key (key_id, team, name, narrowed, created_at_ms, expires_at_ms, revision) "
          "VALUES (?, ?, ?, ?, ?, ?, ?)",
          key_id, team, document.name, document.model_aliases.has_value(), write.created_at_ms(),
          document.expires_at_ms, write.revision);
  const RowId row = write.db.getLastInsertRowid();
  insert_secret(write, row, document.secret);
  std::int64_t position = 0;
  for (const RowId alias : aliases) {
    execute(write.db, "INSERT INTO key_alias (virtual_key, alias, position) VALUES (?, ?, ?)", row, alias, position++);
  }
  write.changes.key(row);
  return key_id;
}

VirtualKey create_key(Write& write, const TeamId& team_id, const NewVirtualKey& document) {
  write.require_revision(find_team(write.db, team_id).revision, describe(team_id));
  Problems problems;
  problems.text("name", document.name, kMaxName);
  problems.range("expires_at", document.expires_at_ms, 0, kMaxTime);
  if (document.expires_at_ms && *document.expires_at_ms <= write.now_ms) {
    problems.add("expires_at", "must lie in the future");
  }
  const auto aliases = problems.rows(write.db, document.model_aliases.value_or(std::vector<AliasName>{}));
  problems.raise();
  const KeyId key_id = insert_key(write, require_row(write.db, team_id), document, aliases);
  VirtualKey key = find_key(write.db, team_id, key_id, write.now_ms);
  write.audit("key.create", "key", key_id.str(), nullptr, settable(key));
  return key;
}

VirtualKey rotate_key(Write& write, const TeamId& team_id, const KeyId& key_id, std::int64_t grace_seconds,
                      const std::optional<KeySecret>& secret) {
  const VirtualKey before = find_for_write(write, team_id, key_id);
  Problems problems;
  problems.range("grace_seconds", grace_seconds, 0, kMaxGraceSeconds);
  problems.raise();
  if (before.status != KeyStatus::active) {
    throw Conflict(describe(team_id, key_id) + " is " + std::string(slug(before.status)) + " and can't be rotated");
  }
  const RowId row = require_row(write.db, team_id, key_id);
  execute(write.db,
          "UPDATE key_secret SET valid_until_ms = min(coalesce(valid_until_ms, ?1), ?1) WHERE virtual_key = ?2",
          write.now_ms + grace_seconds * 1000, row);
  insert_secret(write, row, secret);
  return finish(write, "key.rotate", row, before);
}

VirtualKey revoke_key(Write& write, const TeamId& team_id, const KeyId& key_id) {
  const VirtualKey before = find_for_write(write, team_id, key_id);
  const RowId row = require_row(write.db, team_id, key_id);
  execute(write.db, "UPDATE virtual_key SET revoked_at_ms = coalesce(revoked_at_ms, ?) WHERE row = ?", write.now_ms,
          row);
  return finish(write, "key.revoke", row, before);
}

}  // namespace saas_access
