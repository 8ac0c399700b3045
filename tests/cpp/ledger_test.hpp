#pragma once

#include <optional>
#include <string>

#include "engine_test.hpp"
#include "saas_access/jobs.hpp"
#include "saas_access/ledger.hpp"

namespace saas_access {

constexpr MicroCredits credits(std::int64_t whole) { return whole * kMicroPerCredit; }

/// The team "team" of EngineTest::fill, and calls and jobs of it.
class LedgerTest : public EngineTest {
 protected:
  LedgerTest() { fill(); }

  const TeamId team_{"team"};

  CreditsAdded add(std::int64_t whole, const std::optional<std::string>& idempotency_key = std::nullopt) {
    return write([&](Write& w) { return add_credits(w, team_, whole, "Top-up", idempotency_key); }).value;
  }
  void allocate(MicroCredits total) {
    write([&](Write& w) { update_team(w, team_, patch(&TeamPatch::credits_allocated, total)); });
  }

  [[nodiscard]] ReserveRequest call(BudgetMode mode = BudgetMode::job_based, const Usage& estimate = {},
                                    const std::optional<JobId>& job_id = std::nullopt) const {
    ReserveRequest request;
    request.team_id = team_;
    request.alias = AliasName("a");
    request.job_id = job_id;
    request.purpose = "summarize";
    request.pricing.mode = mode;
    request.estimate = estimate;
    return request;
  }
  [[nodiscard]] ReserveRequest call_in(const JobId& job_id) const { return call(BudgetMode::job_based, {}, job_id); }

  Reservation reserve_call(const ReserveRequest& request) {
    return engine_.transact([&](Connection& db) { return reserve(db, request, engine_.owner(), engine_.now_ms()); });
  }
  Settlement settle_call(const CallId& call_id, const Usage& usage = {},
                         const std::optional<Substitute>& answered_by = std::nullopt) {
    return engine_.transact(
        [&](Connection& db) { return settle(db, call_id, usage, 250, engine_.now_ms(), answered_by); });
  }
  void release_call(const CallId& call_id, bool failed) {
    engine_.transact([&](Connection& db) { release(db, call_id, failed, 90, engine_.now_ms()); });
  }

  Job make_job(const std::string& job_type = "report") {
    NewJob job;
    job.team_id = team_;
    job.job_type = job_type;
    return engine_.transact([&](Connection& db) { return create_job(db, job, engine_.now_ms()); });
  }
  Job complete(const JobId& job_id, const JobCompletion& completion = {}) {
    return engine_.transact([&](Connection& db) { return complete_job(db, job_id, completion, engine_.now_ms()); });
  }
  Job job(const JobId& job_id) {
    return engine_.read([&](Connection& db) { return find_job(db, job_id); });
  }

  Balance balance() {
    return engine_.read([&](Connection& db) { return find_balance(db, team_); });
  }
  Page<LedgerEntry> entries(const PageRequest& request = {}) {
    return engine_.read([&](Connection& db) { return list_entries(db, team_, request); });
  }

  /// The balance in whole credits, as "allocated used reserved remaining".
  std::string whole_balance() {
    const Balance now = balance();
    return credits_text(now.allocated) + " " + credits_text(now.used) + " " + credits_text(now.reserved) + " " +
           credits_text(now.remaining);
  }
};

}  // namespace saas_access
