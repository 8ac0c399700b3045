#include "saas_access/ledger_batch.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "books.hpp"
#include "columns.hpp"
#include "rows.hpp"
#include "saas_access/usage.hpp"
#include "sql.hpp"
#include "text.hpp"
#include "validation.hpp"

namespace saas_access {

namespace {

// What the latency of a call may seem to be whose process died: it is found when somebody starts again.
constexpr std::int64_t kLongestCallMs = 600'000;

void require_countable(const Usage& usage) {
  Problems problems;
  problems.range("total_tokens", usage.total_tokens, 0, std::numeric_limits<std::int64_t>::max());
  problems.range("cost", usage.cost, 0, std::numeric_limits<PicoDollars>::max());
  problems.raise();
}

// What a call costs. A usage so large that its price is no longer countable costs the most that is.
MicroCredits capped_price(const Pricing& pricing, const Usage& usage, bool in_job) {
  try {
    return price_of_call(pricing, usage, in_job);
  } catch (const Invalid&) {
    return kMaxMicroCredits;
  }
}

// What has to be free for a call, whoever of those that may answer does.
MicroCredits dearest_price(const ReserveRequest& request, bool in_job) {
  require_countable(request.estimate);
  MicroCredits dearest = capped_price(request.pricing, request.estimate, in_job);
  for (const Substitute& substitute : request.substitutes) {
    require_countable(substitute.estimate);
    dearest = std::max(dearest, capped_price(substitute.pricing, substitute.estimate, in_job));
  }
  return dearest;
}

void start_job(Connection& db, const JobState& job, MicroCredits newly_held) {
  execute(db, "UPDATE job SET status = ?, held_micro = held_micro + ? WHERE row = ?",
          static_cast<int>(JobStatus::in_progress), newly_held, job.row);
}

// A call whose reservation has just been removed: it is ours to settle, and nobody else's.
struct TakenCall {
  CallNumber call = 0;
  RowId team = 0;
  std::optional<RowId> virtual_key;
  std::optional<RowId> job;
  RowId alias = 0;  // what answers
  std::optional<RowId> asked;
  std::optional<RowId> access_group;
  std::string purpose;
  MicroCredits amount = 0;
  Pricing pricing;
  std::optional<Usage> known;
  UnixMs created_at_ms = 0;

  [[nodiscard]] UsedBy used_by() const { return {team, virtual_key, alias, access_group}; }
};

std::optional<TakenCall> take_reservation(Connection& db, CallNumber call) {
  auto remove = prepare(db,
                        "DELETE FROM reservation WHERE call = ? RETURNING team, virtual_key, job, alias, asked, "
                        "purpose, amount_micro, budget_mode, credits_per_call_micro, credits_per_dollar_micro, "
                        "tokens_per_credit, known_tokens, known_cost_picodollars, created_at_ms, access_group",
                        call);
  if (!remove.executeStep()) return std::nullopt;
  TakenCall taken{
      .call = call,
      .team = remove.getColumn(0).getInt64(),
      .virtual_key = optional_integer(remove.getColumn(1)),
      .job = optional_integer(remove.getColumn(2)),
      .alias = remove.getColumn(3).getInt64(),
      .asked = optional_integer(remove.getColumn(4)),
      .access_group = optional_integer(remove.getColumn(14)),
      .purpose = remove.getColumn(5).getString(),
      .amount = remove.getColumn(6).getInt64(),
      .pricing = {enum_column(remove.getColumn(7), BudgetMode::consumption_tokens), remove.getColumn(8).getInt64(),
                  remove.getColumn(9).getInt64(), remove.getColumn(10).getInt64()},
      .known = std::nullopt,
      .created_at_ms = remove.getColumn(13).getInt64()};
  if (const auto tokens = optional_integer(remove.getColumn(11))) {
    const auto cost = optional_integer(remove.getColumn(12));
    taken.known = Usage{*tokens, cost.has_value(), cost.value_or(0)};
  }
  return taken;
}

void record_call(Connection& db, const TakenCall& call, bool succeeded, const Usage& usage, std::int64_t latency_ms,
                 MicroCredits charged) {
  if (!call.job) return;
  execute(db,
          "INSERT INTO call (call, job, alias, purpose, succeeded, total_tokens, price_known, cost_picodollars, "
          "latency_ms, created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          call.call, call.job, call.alias, call.purpose, succeeded, usage.total_tokens, usage.price_known,
          usage.price_known ? usage.cost : 0, latency_ms, call.created_at_ms);
  execute(db, "UPDATE job SET credits_charged_micro = credits_charged_micro + ? WHERE row = ?", charged, call.job);
}

std::string name_of(Connection& db, RowId recorded_name) {
  auto query = prepare(db, "SELECT name FROM recorded_name WHERE row = ?", recorded_name);
  return query.executeStep() ? query.getColumn(0).getString() : std::string();
}

// How an entry speaks of the call; nothing where the entry's alias says it all.
std::optional<std::string> description_of(Connection& db, const TakenCall& call) {
  if (!call.asked) return std::nullopt;
  return "Call of " + quote(name_of(db, call.alias)) + " in place of " + quote(name_of(db, *call.asked));
}

}  // namespace

/// What one transaction has read so far, by name and row, and the accounts as they will be.
class LedgerBatch::Books {
 public:
  explicit Books(Connection& connection) : db(connection) {}

  Connection& db;
  UsageRollup usage;

  Account& account(RowId team) {
    const auto known = accounts_.find(team);
    if (known != accounts_.end()) return known->second.now;
    const Account read = read_account(db, team);
    return accounts_.emplace(team, Kept{read, read}).first->second.now;
  }

  RowId team(const TeamId& team_id) {
    return kept(teams_, team_id.str(), [&] { return require_row(db, team_id); });
  }
  RowId name(const std::string& name) {
    return kept(names_, name, [&] { return record_name(db, name); });
  }
  std::optional<RowId> name(const std::optional<GroupName>& group) {
    if (!group) return std::nullopt;
    return name(group->str());
  }
  /// The key's row; nothing where it is unknown, or none was used.
  std::optional<RowId> key(const std::optional<KeyId>& key_id) {
    if (!key_id) return std::nullopt;
    return kept(keys_, key_id->str(),
                [&] { return find_integer(db, "SELECT row FROM virtual_key WHERE key_id = ?", *key_id); });
  }

  void store() {
    for (auto& [team, account] : accounts_) {
      if (account.now == account.stored) continue;
      store_account(db, account.now);
      account.stored = account.now;
    }
    usage.write(db);
  }

 private:
  struct Kept {
    Account stored;
    Account now;
  };

  template <class Row, class Find>
  static Row kept(std::unordered_map<std::string, Row>& rows, const std::string& name, Find&& find) {
    const auto known = rows.find(name);
    if (known != rows.end()) return known->second;
    return rows.emplace(name, find()).first->second;
  }

  std::map<RowId, Kept> accounts_;  // in one order in every process
  std::unordered_map<std::string, RowId> teams_;
  std::unordered_map<std::string, RowId> names_;
  std::unordered_map<std::string, std::optional<RowId>> keys_;
};

namespace {

void insert_reservation(Connection& db, const ReserveRequest& request, CallNumber call, RowId team,
                        std::optional<RowId> virtual_key, std::optional<RowId> job, RowId alias,
                        std::optional<RowId> access_group, MicroCredits amount, const std::string& owner,
                        UnixMs now_ms) {
  execute(db,
          "INSERT INTO reservation (call, team, virtual_key, job, alias, access_group, purpose, amount_micro, "
          "budget_mode, credits_per_call_micro, credits_per_dollar_micro, tokens_per_credit, owner, created_at_ms) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          call, team, virtual_key, job, alias, access_group, request.purpose, amount,
          static_cast<int>(request.pricing.mode), request.pricing.credits_per_call, request.pricing.credits_per_dollar,
          request.pricing.tokens_per_credit, owner, now_ms);
}

// Takes the price from what is free; what goes beyond that is recorded, never silently lost.
Settlement charge(Connection& db, Account& account, const TakenCall& call, EntryType type, MicroCredits price,
                  UnixMs now_ms) {
  account.held -= call.amount;
  const MicroCredits charged = std::min(price, account.remaining());
  const Settlement settlement{charged, price - charged};
  if (price == 0) return settlement;
  NewEntry entry{.type = type,
                 .amount = -charged,
                 .description = description_of(db, call),
                 .job = call.job,
                 .virtual_key = call.virtual_key,
                 .call = call.call,
                 .alias = call.alias};
  const std::string name = entry.description.value_or("Call of " + quote(name_of(db, call.alias)));
  if (type == EntryType::interrupted) entry.description = name + " was cut off when its process ended";
  if (charged > 0) append_entry(db, account, entry, now_ms);
  if (settlement.shortfall > 0) {
    entry.type = EntryType::shortfall;
    entry.amount = 0;
    entry.description = name + " cost " + credits_text(settlement.shortfall) + " credits more than were left";
    append_entry(db, account, entry, now_ms);
  }
  return settlement;
}

}  // namespace

LedgerBatch::LedgerBatch(Connection& db, std::string_view owner, UnixMs now_ms)
    : books_(std::make_unique<Books>(db)), owner_(owner), now_ms_(now_ms) {}

LedgerBatch::~LedgerBatch() = default;

Reservation LedgerBatch::reserve(const ReserveRequest& request) {
  Connection& db = books_->db;
  const MicroCredits for_call = dearest_price(request, request.job_id.has_value());
  const RowId team = books_->team(request.team_id);
  std::optional<JobState> job;
  if (request.job_id) {
    job = find_job_state(db, *request.job_id);
    if (!job || job->team != team) return {.outcome = ReserveOutcome::job_unknown, .call_id = {}};
    if (job->ended()) return {.outcome = ReserveOutcome::job_ended, .call_id = {}};
  }

  Account& account = books_->account(team);
  const bool opens_job = job && job->held == 0 && request.pricing.mode == BudgetMode::job_based;
  const MicroCredits for_job = opens_job ? kMicroPerCredit : 0;
  Reservation reservation{ReserveOutcome::credits_exhausted, {}, for_job + for_call, account.remaining()};
  if (reservation.needed > reservation.remaining) return reservation;

  const CallNumber call = random_call_number();
  insert_reservation(db, request, call, team, books_->key(request.key_id), job ? std::optional(job->row) : std::nullopt,
                     books_->name(request.alias.str()), books_->name(request.access_group), for_call, owner_, now_ms_);
  if (job) start_job(db, *job, for_job);
  account.held += reservation.needed;
  reservation.call_id = call_id_of(call);
  reservation.outcome = ReserveOutcome::reserved;
  return reservation;
}

void LedgerBatch::mark_answering(const CallId& call_id, const Usage& known,
                                 const std::optional<Substitute>& answered_by) {
  require_countable(known);
  const auto call = call_number(call_id);
  if (!call) return;
  const auto cost = known.price_known ? std::optional(known.cost) : std::nullopt;
  execute(books_->db, "UPDATE reservation SET known_tokens = ?, known_cost_picodollars = ? WHERE call = ?",
          known.total_tokens, cost, *call);
  if (!answered_by) return;
  const Pricing& pricing = answered_by->pricing;
  execute(books_->db,
          "UPDATE reservation SET asked = alias, alias = ?, budget_mode = ?, credits_per_call_micro = ?, "
          "credits_per_dollar_micro = ?, tokens_per_credit = ? WHERE call = ? AND asked IS NULL",
          books_->name(answered_by->alias.str()), static_cast<int>(pricing.mode), pricing.credits_per_call,
          pricing.credits_per_dollar, pricing.tokens_per_credit, *call);
}

Settlement LedgerBatch::settle(const CallId& call_id, const Usage& usage, std::int64_t latency_ms,
                               const std::optional<Substitute>& answered_by) {
  require_countable(usage);
  const auto number = call_number(call_id);
  auto call = number ? take_reservation(books_->db, *number) : std::nullopt;
  if (!call) return {};
  if (answered_by) {
    if (!call->asked) call->asked = call->alias;
    call->alias = books_->name(answered_by->alias.str());
    call->pricing = answered_by->pricing;
    call->access_group = std::nullopt;  // it was the group of what was asked for
  }
  const MicroCredits price = capped_price(call->pricing, usage, call->job.has_value());
  const Settlement settlement =
      charge(books_->db, books_->account(call->team), *call, EntryType::charge, price, now_ms_);
  record_call(books_->db, *call, true, usage, latency_ms, settlement.charged);
  books_->usage.call(call->used_by(), usage, settlement.charged, latency_ms, now_ms_);
  return settlement;
}

void LedgerBatch::release(const CallId& call_id, bool failed, std::int64_t latency_ms) {
  const auto number = call_number(call_id);
  const auto call = number ? take_reservation(books_->db, *number) : std::nullopt;
  if (!call) return;
  books_->account(call->team).held -= call->amount;
  if (!failed) return;
  record_call(books_->db, *call, false, {}, latency_ms, 0);
  books_->usage.failure(call->used_by(), now_ms_);
}

Recovered LedgerBatch::recover(std::string_view dead_owner, std::int64_t limit) {
  Connection& db = books_->db;
  std::vector<CallNumber> calls;
  auto query = prepare(db, "SELECT call FROM reservation WHERE owner = ? LIMIT ?", std::string(dead_owner), limit);
  while (query.executeStep()) calls.push_back(query.getColumn(0).getInt64());

  Recovered recovered;
  for (const CallNumber number : calls) {
    const auto call = take_reservation(db, number);
    if (!call) continue;
    const std::int64_t latency_ms = std::clamp<std::int64_t>(now_ms_ - call->created_at_ms, 0, kLongestCallMs);
    if (!call->known) {
      books_->account(call->team).held -= call->amount;
      record_call(db, *call, false, {}, latency_ms, 0);
      books_->usage.failure(call->used_by(), now_ms_);
      recovered.released += 1;
      continue;
    }
    const MicroCredits price = capped_price(call->pricing, *call->known, call->job.has_value());
    const Settlement settlement =
        charge(db, books_->account(call->team), *call, EntryType::interrupted, price, now_ms_);
    record_call(db, *call, true, *call->known, latency_ms, settlement.charged);
    books_->usage.call(call->used_by(), *call->known, settlement.charged, latency_ms, now_ms_);
    recovered.charged += 1;
  }
  return recovered;
}

void LedgerBatch::finish() { books_->store(); }

// One operation in a transaction of its own.

namespace {

template <class Work>
auto alone(Connection& db, std::string_view owner, UnixMs now_ms, Work&& work) {
  LedgerBatch batch(db, owner, now_ms);
  if constexpr (std::is_void_v<decltype(work(batch))>) {
    work(batch);
    batch.finish();
  } else {
    auto result = work(batch);
    batch.finish();
    return result;
  }
}

}  // namespace

Reservation reserve(Connection& db, const ReserveRequest& request, std::string_view owner, UnixMs now_ms) {
  return alone(db, owner, now_ms, [&](LedgerBatch& batch) { return batch.reserve(request); });
}

void mark_answering(Connection& db, const CallId& call_id, const Usage& known,
                    const std::optional<Substitute>& answered_by) {
  alone(db, {}, 0, [&](LedgerBatch& batch) { batch.mark_answering(call_id, known, answered_by); });
}

Settlement settle(Connection& db, const CallId& call_id, const Usage& usage, std::int64_t latency_ms, UnixMs now_ms,
                  const std::optional<Substitute>& answered_by) {
  return alone(db, {}, now_ms,
               [&](LedgerBatch& batch) { return batch.settle(call_id, usage, latency_ms, answered_by); });
}

void release(Connection& db, const CallId& call_id, bool failed, std::int64_t latency_ms, UnixMs now_ms) {
  alone(db, {}, now_ms, [&](LedgerBatch& batch) { batch.release(call_id, failed, latency_ms); });
}

Recovered recover(Connection& db, std::string_view dead_owner, std::int64_t limit, UnixMs now_ms) {
  return alone(db, {}, now_ms, [&](LedgerBatch& batch) { return batch.recover(dead_owner, limit); });
}

}  // namespace saas_access
