#include "saas_access/ledger.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "audit_json.hpp"
#include "books.hpp"
#include "rows.hpp"
#include "sql.hpp"
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
  const Account then{.team = query.getColumn(3).getInt64(),
                     .allocated = query.getColumn(5).getInt64(),
                     .balance = query.getColumn(6).getInt64(),
                     .held = query.getColumn(7).getInt64(),
                     .last_seq = query.getColumn(4).getInt64()};
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

}  // namespace saas_access
