#include "schema.hpp"

namespace saas_access {

namespace {

// Rows are named by integer keys that are never used twice (AUTOINCREMENT), so that a snapshot may hold one after the
// row is gone. Names carry their unit. Deleted teams keep their row, so that books, jobs and audit stay readable.
constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE policy_state (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  revision INTEGER NOT NULL
) STRICT;
INSERT INTO policy_state (id, revision) VALUES (1, 0);

CREATE TABLE policy_change (
  revision INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  subject INTEGER NOT NULL,
  PRIMARY KEY (revision, kind, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target_type TEXT NOT NULL,
  target_id TEXT NOT NULL,
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  revision INTEGER NOT NULL
) STRICT;
CREATE INDEX audit_target ON audit (target_id, id);

CREATE TABLE organization (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  organization_id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  suspended INTEGER NOT NULL DEFAULT 0,
  metadata TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  revision INTEGER NOT NULL
) STRICT;

CREATE TABLE model_alias (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  alias TEXT NOT NULL UNIQUE,
  litellm_model TEXT NOT NULL,
  description TEXT NOT NULL,
  active INTEGER NOT NULL,
  credits_per_call_micro INTEGER NOT NULL CHECK (credits_per_call_micro >= 0),
  metadata TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  revision INTEGER NOT NULL
) STRICT;

CREATE TABLE access_group (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  group_name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  revision INTEGER NOT NULL
) STRICT;

CREATE TABLE access_group_alias (
  access_group INTEGER NOT NULL REFERENCES access_group ON DELETE CASCADE,
  alias INTEGER NOT NULL REFERENCES model_alias ON DELETE CASCADE,
  position INTEGER NOT NULL,
  PRIMARY KEY (access_group, alias)
) STRICT, WITHOUT ROWID;
CREATE INDEX access_group_alias_alias ON access_group_alias (alias);

CREATE TABLE team (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  team_id TEXT NOT NULL UNIQUE,
  organization INTEGER REFERENCES organization ON DELETE SET NULL,
  team_alias TEXT NOT NULL,
  suspended INTEGER NOT NULL DEFAULT 0,
  budget_mode INTEGER NOT NULL,
  credits_per_dollar_micro INTEGER NOT NULL CHECK (credits_per_dollar_micro > 0),
  tokens_per_credit INTEGER NOT NULL CHECK (tokens_per_credit > 0),
  rpm_limit INTEGER CHECK (rpm_limit > 0),
  tpm_limit INTEGER CHECK (tpm_limit > 0),
  metadata TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  deleted_at_ms INTEGER,
  revision INTEGER NOT NULL,
  CHECK (deleted_at_ms IS NOT NULL OR organization IS NOT NULL)
) STRICT;
CREATE INDEX team_organization ON team (organization);

CREATE TABLE team_access_group (
  team INTEGER NOT NULL REFERENCES team ON DELETE CASCADE,
  access_group INTEGER NOT NULL REFERENCES access_group ON DELETE CASCADE,
  position INTEGER NOT NULL,
  PRIMARY KEY (team, access_group)
) STRICT, WITHOUT ROWID;
CREATE INDEX team_access_group_group ON team_access_group (access_group);

CREATE TABLE team_grant (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  grant_id TEXT NOT NULL UNIQUE,
  team INTEGER NOT NULL REFERENCES team ON DELETE CASCADE,
  access_group INTEGER NOT NULL REFERENCES access_group ON DELETE CASCADE,
  starts_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL CHECK (expires_at_ms > starts_at_ms),
  reason TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX team_grant_team ON team_grant (team);
CREATE INDEX team_grant_group ON team_grant (access_group);

CREATE TABLE virtual_key (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  key_id TEXT NOT NULL UNIQUE,
  team INTEGER NOT NULL REFERENCES team,
  name TEXT NOT NULL,
  narrowed INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER,
  revoked_at_ms INTEGER,
  last_used_at_ms INTEGER,
  revision INTEGER NOT NULL
) STRICT;
CREATE INDEX virtual_key_team ON virtual_key (team);

-- The newest secret of a key has no valid_until_ms; rotation gives the earlier ones theirs.
CREATE TABLE key_secret (
  digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
  virtual_key INTEGER NOT NULL REFERENCES virtual_key ON DELETE CASCADE,
  last_four TEXT NOT NULL,
  valid_until_ms INTEGER,
  created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX key_secret_key ON key_secret (virtual_key);

CREATE TABLE key_alias (
  virtual_key INTEGER NOT NULL REFERENCES virtual_key ON DELETE CASCADE,
  alias INTEGER NOT NULL REFERENCES model_alias ON DELETE CASCADE,
  position INTEGER NOT NULL,
  PRIMARY KEY (virtual_key, alias)
) STRICT, WITHOUT ROWID;
CREATE INDEX key_alias_alias ON key_alias (alias);

-- balance = sum(ledger_entry.amount); held = sum(reservation.amount) + sum(job.held).
CREATE TABLE account (
  team INTEGER PRIMARY KEY REFERENCES team,
  allocated_micro INTEGER NOT NULL DEFAULT 0,
  balance_micro INTEGER NOT NULL DEFAULT 0,
  held_micro INTEGER NOT NULL DEFAULT 0,
  last_seq INTEGER NOT NULL DEFAULT 0,
  CHECK (allocated_micro >= 0 AND balance_micro >= 0 AND held_micro >= 0 AND held_micro <= balance_micro)
) STRICT;

CREATE TABLE ledger_entry (
  team INTEGER NOT NULL REFERENCES team,
  seq INTEGER NOT NULL,
  type INTEGER NOT NULL,
  amount_micro INTEGER NOT NULL,
  balance_after_micro INTEGER NOT NULL CHECK (balance_after_micro >= 0),
  description TEXT NOT NULL,
  job INTEGER REFERENCES job,
  virtual_key INTEGER REFERENCES virtual_key,
  call_id TEXT,
  alias TEXT,
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (team, seq)
) STRICT, WITHOUT ROWID;

-- The first answer to a credits/add under each idempotency key.
CREATE TABLE credits_request (
  idempotency_key TEXT PRIMARY KEY,
  team INTEGER NOT NULL REFERENCES team,
  amount_micro INTEGER NOT NULL,
  description TEXT NOT NULL,
  seq INTEGER NOT NULL,
  allocated_micro INTEGER NOT NULL,
  balance_micro INTEGER NOT NULL,
  held_micro INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE job (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id TEXT NOT NULL UNIQUE,
  team INTEGER NOT NULL REFERENCES team,
  job_type TEXT NOT NULL,
  user_id TEXT,
  status INTEGER NOT NULL,
  metadata TEXT NOT NULL,
  error_message TEXT,
  held_micro INTEGER NOT NULL DEFAULT 0 CHECK (held_micro >= 0),
  credits_charged_micro INTEGER NOT NULL DEFAULT 0,
  created_at_ms INTEGER NOT NULL,
  completed_at_ms INTEGER
) STRICT;
CREATE INDEX job_team ON job (team);

-- A call that runs: what it holds, and all that settling it needs. Row present = not yet charged.
CREATE TABLE reservation (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  call_id TEXT NOT NULL UNIQUE,
  team INTEGER NOT NULL REFERENCES team,
  virtual_key INTEGER REFERENCES virtual_key,
  job INTEGER REFERENCES job,
  alias TEXT NOT NULL,
  purpose TEXT NOT NULL,
  amount_micro INTEGER NOT NULL CHECK (amount_micro >= 0),
  budget_mode INTEGER NOT NULL,
  credits_per_call_micro INTEGER NOT NULL,
  credits_per_dollar_micro INTEGER NOT NULL,
  tokens_per_credit INTEGER NOT NULL,
  owner TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX reservation_job ON reservation (job);

-- The ended calls of jobs.
CREATE TABLE call (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  call_id TEXT NOT NULL UNIQUE,
  job INTEGER NOT NULL REFERENCES job,
  alias TEXT NOT NULL,
  purpose TEXT NOT NULL,
  succeeded INTEGER NOT NULL,
  total_tokens INTEGER NOT NULL,
  price_known INTEGER NOT NULL,
  cost_picodollars INTEGER NOT NULL,
  latency_ms INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX call_job ON call (job);
)sql";

// Books in integers: text ids made a row three times as long. A call's id is now 64 random bits, of those before the
// first 16 of their 24 hexadecimal digits. `recorded_name` keeps the names of aliases and groups as they were when
// something was recorded under them, since they may be deleted; it never loses one. The books refer to rows that are
// never removed, so that nothing need be looked up for each entry.
constexpr std::string_view kVersion2 = R"sql(
CREATE TABLE recorded_name (
  row INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO recorded_name (name)
  SELECT alias FROM ledger_entry WHERE alias IS NOT NULL UNION SELECT alias FROM reservation UNION SELECT alias FROM call;

CREATE TEMP TABLE renumbered AS
  WITH RECURSIVE
    old (call_id) AS (
      SELECT call_id FROM ledger_entry WHERE call_id IS NOT NULL
      UNION SELECT call_id FROM reservation UNION SELECT call_id FROM call),
    digits (call_id, done, number) AS (
      SELECT call_id, 0, 0 FROM old
      UNION ALL
      SELECT call_id, done + 1, (number << 4) | (instr('0123456789abcdef', substr(call_id, 6 + done, 1)) - 1)
      FROM digits WHERE done < 16)
  SELECT call_id, number FROM digits WHERE done = 16;

ALTER TABLE ledger_entry RENAME TO old_entry;
-- A NULL description: "Call of '<alias>'".
CREATE TABLE ledger_entry (
  team INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  type INTEGER NOT NULL,
  amount_micro INTEGER NOT NULL,
  balance_after_micro INTEGER NOT NULL CHECK (balance_after_micro >= 0),
  created_at_ms INTEGER NOT NULL,
  call INTEGER,
  alias INTEGER,
  virtual_key INTEGER,
  job INTEGER,
  description TEXT,
  PRIMARY KEY (team, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO ledger_entry
  SELECT team, seq, type, amount_micro, balance_after_micro, created_at_ms,
    (SELECT number FROM renumbered r WHERE r.call_id = e.call_id),
    (SELECT row FROM recorded_name WHERE name = e.alias), virtual_key, job, description
  FROM old_entry e;
DROP TABLE old_entry;

ALTER TABLE reservation RENAME TO old_reservation;
DROP INDEX reservation_job;
-- A call that runs: what it holds, and all that settling it needs. Row present = not yet charged. `alias` is what
-- answers, `asked` what was asked for if that is another. `known_tokens` is set before the first byte of a stream
-- leaves: with it, what the call is charged by if its process dies.
CREATE TABLE reservation (
  call INTEGER PRIMARY KEY,
  team INTEGER NOT NULL,
  virtual_key INTEGER,
  job INTEGER,
  alias INTEGER NOT NULL,
  asked INTEGER,
  access_group INTEGER,
  purpose TEXT NOT NULL,
  amount_micro INTEGER NOT NULL CHECK (amount_micro >= 0),
  budget_mode INTEGER NOT NULL,
  credits_per_call_micro INTEGER NOT NULL,
  credits_per_dollar_micro INTEGER NOT NULL,
  tokens_per_credit INTEGER NOT NULL,
  known_tokens INTEGER,
  known_cost_picodollars INTEGER,
  owner TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL
) STRICT;
INSERT INTO reservation
  SELECT (SELECT number FROM renumbered r WHERE r.call_id = o.call_id), team, virtual_key, job,
    (SELECT row FROM recorded_name WHERE name = o.alias), NULL, NULL, purpose, amount_micro, budget_mode,
    credits_per_call_micro, credits_per_dollar_micro, tokens_per_credit, NULL, NULL, owner, created_at_ms
  FROM old_reservation o;
DROP TABLE old_reservation;
CREATE INDEX reservation_job ON reservation (job) WHERE job IS NOT NULL;

ALTER TABLE call RENAME TO old_call;
DROP INDEX call_job;
-- The ended calls of jobs.
CREATE TABLE call (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  call INTEGER NOT NULL,
  job INTEGER NOT NULL REFERENCES job,
  alias INTEGER NOT NULL REFERENCES recorded_name,
  purpose TEXT NOT NULL,
  succeeded INTEGER NOT NULL,
  total_tokens INTEGER NOT NULL,
  price_known INTEGER NOT NULL,
  cost_picodollars INTEGER NOT NULL,
  latency_ms INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL
) STRICT;
INSERT INTO call
  SELECT row, (SELECT number FROM renumbered r WHERE r.call_id = o.call_id), job,
    (SELECT row FROM recorded_name WHERE name = o.alias), purpose, succeeded, total_tokens, price_known,
    cost_picodollars, latency_ms, created_at_ms
  FROM old_call o;
DROP TABLE old_call;
CREATE INDEX call_job ON call (job);
DROP TABLE renumbered;
)sql";

// Sums over an hour and over a day of UTC, by the number of hours or days since 1970. Beside the rows of teams stands
// one with team 0 for all of them together, so that a question about everybody needn't read everybody's rows. 0 as key,
// alias or group: none. Outcome: 0 answered, -1 failed, else the reason of a refusal.
constexpr std::string_view kVersion3 = R"sql(
CREATE TABLE usage_hour (
  period INTEGER NOT NULL,
  team INTEGER NOT NULL,
  virtual_key INTEGER NOT NULL,
  alias INTEGER NOT NULL,
  access_group INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  calls INTEGER NOT NULL,
  tokens INTEGER NOT NULL,
  cost_picodollars INTEGER NOT NULL,
  charged_micro INTEGER NOT NULL,
  latency_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL, -- of the last one, since the period began; -1: there is none
  latencies BLOB NOT NULL,
  PRIMARY KEY (period, team, virtual_key, alias, access_group, outcome)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_day (
  period INTEGER NOT NULL,
  team INTEGER NOT NULL,
  virtual_key INTEGER NOT NULL,
  alias INTEGER NOT NULL,
  access_group INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  calls INTEGER NOT NULL,
  tokens INTEGER NOT NULL,
  cost_picodollars INTEGER NOT NULL,
  charged_micro INTEGER NOT NULL,
  latency_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  latencies BLOB NOT NULL,
  PRIMARY KEY (period, team, virtual_key, alias, access_group, outcome)
) STRICT, WITHOUT ROWID;

-- The hours of earlier days may have been dropped.
CREATE TABLE usage_kept (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  first_day_with_hours INTEGER NOT NULL
) STRICT;
INSERT INTO usage_kept (id, first_day_with_hours) VALUES (1, 0);

-- What stands for every text that was no alias when it was refused.
INSERT INTO recorded_name (name) VALUES ('(unknown model)');
)sql";

// Credits that come by themselves, thresholds below which somebody shall hear of it, and what is to be told to whom.
constexpr std::string_view kVersion4 = R"sql(
CREATE TABLE refill (
  team INTEGER PRIMARY KEY REFERENCES team,
  amount_micro INTEGER NOT NULL CHECK (amount_micro > 0),
  period INTEGER NOT NULL,
  mode INTEGER NOT NULL,
  next_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX refill_next ON refill (next_at_ms);

CREATE TABLE low_balance_threshold (
  team INTEGER NOT NULL REFERENCES team,
  amount_micro INTEGER NOT NULL CHECK (amount_micro >= 0),
  PRIMARY KEY (team, amount_micro)
) STRICT, WITHOUT ROWID;

-- The highest threshold below the balance: what the next charge is compared with.
ALTER TABLE account ADD COLUMN next_low_micro INTEGER;

-- Pending while it has a next attempt; then delivered, or given up.
CREATE TABLE webhook_event (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  team INTEGER REFERENCES team,
  payload TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_attempt_at_ms INTEGER,
  delivered_at_ms INTEGER,
  last_error TEXT
) STRICT;
CREATE INDEX webhook_event_next ON webhook_event (next_attempt_at_ms) WHERE next_attempt_at_ms IS NOT NULL;
)sql";

// What the team had left when the job ended, so that completing it again answers the same. The open jobs have an index
// of their own: those left open are looked for again and again, among any number that ended.
constexpr std::string_view kVersion5 = R"sql(
ALTER TABLE job ADD COLUMN remaining_micro INTEGER;
CREATE INDEX job_open ON job (created_at_ms) WHERE completed_at_ms IS NULL;
)sql";

// A charge is found by its number or time. What is none is rare, and wanted by its type: the credits that were added in
// a time, among a million charges.
constexpr std::string_view kVersion6 = R"sql(
CREATE INDEX ledger_entry_other ON ledger_entry (team, type) WHERE type <> 2;
)sql";

}  // namespace

std::span<const std::string_view> schema_migrations() {
  static constexpr std::array kMigrations = {kVersion1, kVersion2, kVersion3, kVersion4, kVersion5, kVersion6};
  return kMigrations;
}

}  // namespace saas_access
