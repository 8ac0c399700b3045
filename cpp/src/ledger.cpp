#include "saas_access/ledger.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <utility>

#include "audit_json.hpp"
#include "books.hpp"
#include "columns.hpp"
#include "paging.hpp"
#include "text.hpp"
#include "validation.hpp"

namespace saas_access {

namespace {

constexpr std::int64_t kMostCreditsAdded = 1'000'000'000;

void require_addable(std::int64_t credits, std::string_view description,
                     const std::optional<std::string>& idempotency_key) {
  Problems problems;
  problems.range("amount", credits, 1, kMostCreditsAdded);
  problems.text("description", std::string(description), kMaxText);
  if (idempotency_key) {
    problems.text("idempotency_key", *idempotency_key, kMaxName);
    if (idempotency_key->empty()) problems.add("idempotency_key", "is empty");
  }
  problems.raise();
}

// The answer that the same request got before; Conflict if another one came under this key.
std::optional<CreditsAdded> earlier_answer(Connection& db, const std::string& idempotency_key, const TeamId& team_id,
                                           MicroCredits amount, std::string_view description) {
  auto query = prepare(db,
                       "SELECT t.team_id, r.amount_micro, r.description, r.team, r.seq, r.allocated_micro, "
                       "r.balance_micro, r.held_micro FROM credits_request r JOIN team t ON t.row = r.team "
                       "WHERE r.idempotency_key = ?",
                       idempotency_key);
  if (!query.executeStep()) return std::nullopt;
  if (query.getColumn(0).getString() != team_id.str() || query.getColumn(1).getInt64() != amount ||
      query.getColumn(2).getString() != description) {
    throw Conflict("Idempotency key " + quote(idempotency_key) + " was used for another request");
  }
  const Account then{query.getColumn(3).getInt64(), query.getColumn(5).getInt64(), query.getColumn(6).getInt64(),
                     query.getColumn(7).getInt64(), query.getColumn(4).getInt64()};
  return CreditsAdded{team_id, amount, then.summary(), transaction_id(then.team, then.last_seq)};
}

void remember_answer(const Write& write, const std::string& idempotency_key, const Account& account,
                     MicroCredits amount, std::string_view description) {
  execute(write.db,
          "INSERT INTO credits_request (idempotency_key, team, amount_micro, description, seq, allocated_micro, "
          "balance_micro, held_micro, created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
          idempotency_key, account.team, amount, std::string(description), account.last_seq, account.allocated,
          account.balance, account.held, write.created_at_ms());
}

void require_allocatable(MicroCredits allocated) {
  Problems problems;
  problems.credits("credits_allocated", allocated, 0);
  problems.raise();
}

// What a call costs. A usage so large that its price is no longer countable costs the most that is.
MicroCredits capped_price(const Pricing& pricing, const Usage& usage, bool in_job) {
  Problems problems;
  problems.range("total_tokens", usage.total_tokens, 0, std::numeric_limits<std::int64_t>::max());
  problems.range("cost", usage.cost, 0, std::numeric_limits<PicoDollars>::max());
  problems.raise();
  try {
    return price_of_call(pricing, usage, in_job);
  } catch (const Invalid&) {
    return kMaxMicroCredits;
  }
}

// What has to be free for a call, whoever of those that may answer does.
MicroCredits dearest_price(const ReserveRequest& request, bool in_job) {
  MicroCredits dearest = capped_price(request.pricing, request.estimate, in_job);
  for (const Substitute& substitute : request.substitutes) {
    dearest = std::max(dearest, capped_price(substitute.pricing, substitute.estimate, in_job));
  }
  return dearest;
}

void insert_reservation(Connection& db, const ReserveRequest& request, const Account& account,
                        const std::optional<JobState>& job, const CallId& call_id, MicroCredits amount,
                        std::string_view owner, UnixMs now_ms) {
  execute(db,
          "INSERT INTO reservation (call_id, team, virtual_key, job, alias, purpose, amount_micro, budget_mode, "
          "credits_per_call_micro, credits_per_dollar_micro, tokens_per_credit, owner, created_at_ms) "
          "VALUES (?, ?, (SELECT row FROM virtual_key WHERE key_id = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          call_id, account.team, request.key_id, job ? std::optional(job->row) : std::nullopt, request.alias,
          request.purpose, amount, static_cast<int>(request.pricing.mode), request.pricing.credits_per_call,
          request.pricing.credits_per_dollar, request.pricing.tokens_per_credit, std::string(owner), now_ms);
}

void start_job(Connection& db, const JobState& job, MicroCredits newly_held) {
  execute(db, "UPDATE job SET status = ?, held_micro = held_micro + ? WHERE row = ?",
          static_cast<int>(JobStatus::in_progress), newly_held, job.row);
}

// A call whose reservation row has just been deleted: it is ours to settle, and nobody else's.
struct TakenCall {
  CallId call_id;
  RowId team = 0;
  std::optional<RowId> virtual_key;
  std::optional<RowId> job;
  std::string alias;
  std::string purpose;
  MicroCredits amount = 0;
  Pricing pricing;
  UnixMs created_at_ms = 0;
};

std::optional<TakenCall> take_reservation(Connection& db, const CallId& call_id) {
  auto remove = prepare(db,
                        "DELETE FROM reservation WHERE call_id = ? RETURNING team, virtual_key, job, alias, purpose, "
                        "amount_micro, budget_mode, credits_per_call_micro, credits_per_dollar_micro, "
                        "tokens_per_credit, created_at_ms",
                        call_id);
  if (!remove.executeStep()) return std::nullopt;
  return TakenCall{
      .call_id = call_id,
      .team = remove.getColumn(0).getInt64(),
      .virtual_key = optional_integer(remove.getColumn(1)),
      .job = optional_integer(remove.getColumn(2)),
      .alias = remove.getColumn(3).getString(),
      .purpose = remove.getColumn(4).getString(),
      .amount = remove.getColumn(5).getInt64(),
      .pricing = {enum_column(remove.getColumn(6), BudgetMode::consumption_tokens), remove.getColumn(7).getInt64(),
                  remove.getColumn(8).getInt64(), remove.getColumn(9).getInt64()},
      .created_at_ms = remove.getColumn(10).getInt64()};
}

void record_call(Connection& db, const TakenCall& call, bool succeeded, const Usage& usage, std::int64_t latency_ms,
                 MicroCredits charged) {
  if (!call.job) return;
  execute(db,
          "INSERT INTO call (call_id, job, alias, purpose, succeeded, total_tokens, price_known, cost_picodollars, "
          "latency_ms, created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          call.call_id, call.job, call.alias, call.purpose, succeeded, usage.total_tokens, usage.price_known,
          usage.price_known ? usage.cost : 0, latency_ms, call.created_at_ms);
  execute(db, "UPDATE job SET credits_charged_micro = credits_charged_micro + ? WHERE row = ?", charged, call.job);
}

}  // namespace

std::string_view slug(EntryType type) noexcept {
  switch (type) {
    case EntryType::allocation:
      return "allocation";
    case EntryType::adjustment:
      return "adjustment";
    case EntryType::charge:
      return "charge";
    case EntryType::refund:
      return "refund";
    case EntryType::interrupted:
      return "interrupted";
    case EntryType::shortfall:
      return "shortfall";
  }
  std::abort();  // no such type can be made without a cast
}

CreditsAdded add_credits(Write& write, const TeamId& team_id, std::int64_t credits, std::string_view description,
                         const std::optional<std::string>& idempotency_key) {
  require_addable(credits, description, idempotency_key);
  const MicroCredits amount = credits * kMicroPerCredit;
  if (idempotency_key) {
    if (auto earlier = earlier_answer(write.db, *idempotency_key, team_id, amount, description)) return *earlier;
  }
  const auto team = find_row(write.db, team_id);
  if (!team) throw Invalid("team_id", describe(team_id) + " does not exist");
  Account account = read_account(write.db, *team);
  if (account.allocated > kMaxMicroCredits - amount) {
    throw Invalid("amount", "would bring the team above " + credits_text(kMaxMicroCredits) + " credits");
  }

  const Json before = {{"credits_allocated", credits_json(account.allocated)}};
  account.allocated += amount;
  append_entry(write.db, account,
               {.type = EntryType::allocation, .amount = amount, .description = std::string(description)},
               write.now_ms);
  store_account(write.db, account);
  if (idempotency_key) remember_answer(write, *idempotency_key, account, amount, description);
  write.audit("credits.add", "team", team_id.str(), before,
              {{"credits_allocated", credits_json(account.allocated)}, {"description", std::string(description)}});
  return {team_id, amount, account.summary(), transaction_id(account.team, account.last_seq)};
}

void open_account(Write& write, RowId team, MicroCredits allocated) {
  require_allocatable(allocated);
  execute(write.db, "INSERT INTO account (team) VALUES (?)", team);
  if (allocated == 0) return;
  Account account{.team = team, .allocated = allocated};
  append_entry(write.db, account,
               {.type = EntryType::allocation, .amount = allocated, .description = "Initial allocation"}, write.now_ms);
  store_account(write.db, account);
}

void set_allocated(Write& write, RowId team, MicroCredits allocated) {
  require_allocatable(allocated);
  Account account = read_account(write.db, team);
  const MicroCredits difference = allocated - account.allocated;
  if (difference == 0) return;
  const MicroCredits least = account.allocated - account.remaining();
  if (allocated < least) {
    throw Invalid("credits_allocated", quote(credits_text(allocated)) + " is less than the " + credits_text(least) +
                                           " credits already used or reserved");
  }
  account.allocated = allocated;
  append_entry(write.db, account,
               {.type = EntryType::adjustment,
                .amount = difference,
                .description = "Allocation set to " + credits_text(allocated) + " credits"},
               write.now_ms);
  store_account(write.db, account);
}

Balance find_balance(Connection& db, const TeamId& team_id) {
  return read_account(db, require_team_ever(db, team_id)).summary();
}

Page<LedgerEntry> list_entries(Connection& db, const TeamId& team_id, const PageRequest& request) {
  const RowId team = require_team_ever(db, team_id);
  auto query = prepare(db,
                       "SELECT e.seq, e.type, e.amount_micro, e.balance_after_micro, e.description, j.job_id, e.alias, "
                       "e.created_at_ms FROM ledger_entry e LEFT JOIN job j ON j.row = e.job "
                       "WHERE e.team = ? AND e.seq < ? ORDER BY e.seq DESC LIMIT ?",
                       team, request.after.value_or(std::numeric_limits<std::int64_t>::max()), limit_of(request));
  return read_page<LedgerEntry>(query, request, [team](const SQLite::Statement& row) {
    LedgerEntry entry;
    entry.transaction_id = transaction_id(team, row.getColumn(0).getInt64());
    entry.type = enum_column(row.getColumn(1), EntryType::shortfall);
    entry.amount = row.getColumn(2).getInt64();
    entry.balance_after = row.getColumn(3).getInt64();
    entry.description = row.getColumn(4).getString();
    if (const auto job_id = optional_text(row.getColumn(5))) entry.job_id = JobId(*job_id);
    if (const auto alias = optional_text(row.getColumn(6))) entry.alias = AliasName(*alias);
    entry.created_at_ms = row.getColumn(7).getInt64();
    return entry;
  });
}

Reservation reserve(Connection& db, const ReserveRequest& request, std::string_view owner, UnixMs now_ms) {
  const RowId team = require_row(db, request.team_id);
  std::optional<JobState> job;
  if (request.job_id) {
    job = find_job_state(db, *request.job_id);
    if (!job || job->team != team) return {.outcome = ReserveOutcome::job_unknown, .call_id = {}};
    if (job->ended()) return {.outcome = ReserveOutcome::job_ended, .call_id = {}};
  }

  Account account = read_account(db, team);
  const bool opens_job = job && job->held == 0 && request.pricing.mode == BudgetMode::job_based;
  const MicroCredits for_job = opens_job ? kMicroPerCredit : 0;
  const MicroCredits for_call = dearest_price(request, job.has_value());
  Reservation reservation{ReserveOutcome::credits_exhausted, {}, for_job + for_call, account.remaining()};
  if (reservation.needed > reservation.remaining) return reservation;

  account.held += reservation.needed;
  store_account(db, account);
  if (job) start_job(db, *job, for_job);
  reservation.call_id = CallId(random_id("call_"));
  insert_reservation(db, request, account, job, reservation.call_id, for_call, owner, now_ms);
  reservation.outcome = ReserveOutcome::reserved;
  return reservation;
}

Settlement settle(Connection& db, const CallId& call_id, const Usage& usage, std::int64_t latency_ms, UnixMs now_ms,
                  const std::optional<Substitute>& answered_by) {
  auto call = take_reservation(db, call_id);
  if (!call) return {};
  std::string name = "Call of " + quote(call->alias);
  if (answered_by) {
    name = "Call of " + quote(answered_by->alias.str()) + " in place of " + quote(call->alias);
    call->alias = answered_by->alias.str();
    call->pricing = answered_by->pricing;
  }
  const MicroCredits price = capped_price(call->pricing, usage, call->job.has_value());
  Account account = read_account(db, call->team);
  account.held -= call->amount;
  const MicroCredits charged = std::min(price, account.remaining());
  const Settlement settlement{charged, price - charged};
  NewEntry entry{.job = call->job, .virtual_key = call->virtual_key, .call_id = call_id.str(), .alias = call->alias};
  if (charged > 0) {
    entry.type = EntryType::charge;
    entry.amount = -charged;
    entry.description = name;
    append_entry(db, account, entry, now_ms);
  }
  if (settlement.shortfall > 0) {
    entry.type = EntryType::shortfall;
    entry.amount = 0;
    entry.description = name + " cost " + credits_text(settlement.shortfall) + " credits more than were left";
    append_entry(db, account, entry, now_ms);
  }
  store_account(db, account);
  record_call(db, *call, true, usage, latency_ms, charged);
  return settlement;
}

void release(Connection& db, const CallId& call_id, bool failed, std::int64_t latency_ms, UnixMs /*now_ms*/) {
  const auto call = take_reservation(db, call_id);
  if (!call) return;
  Account account = read_account(db, call->team);
  account.held -= call->amount;
  store_account(db, account);
  if (failed) record_call(db, *call, false, {}, latency_ms, 0);
}

}  // namespace saas_access
