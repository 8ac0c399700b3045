#pragma once

#include <functional>
#include <string>
#include <vector>

#include "model.hpp"
#include "saas_access/engine.hpp"
#include "saas_access/ledger_batch.hpp"

namespace saas_access::simulation {

/// One thing a caller wants, twice: as the product does it in a transaction, and as the model does it.
struct Operation {
  std::string what;
  bool repeatable = false;                          ///< a caller that hears nothing asks again: it must happen once
  std::function<std::string(Connection&)> run;      ///< returns its answer in words
  std::function<std::string(Write&)> run_as_admin;  ///< this instead, for an admin write
  std::function<std::string(Books&)> apply;         ///< returns the answer it must have; after `run`
};
Operation adding_credits(const std::string& team, std::int64_t credits, const std::string& idempotency_key);
Operation creating_job(const std::string& team, UnixMs now_ms);
Operation completing_job(const std::string& job_id, JobStatus status, UnixMs now_ms);

/// What is wanted for one call. Any number of these share a transaction.
struct CallOperation {
  std::string what;
  bool repeatable = true;
  std::function<std::string(LedgerBatch&)> run;
  std::function<std::string(Books&)> apply;
};
struct CallWanted {
  std::string team;
  std::string job;  ///< empty: none
  BudgetMode mode = BudgetMode::job_based;
  std::int64_t tokens = 0;  ///< at most, and by them a call costs where the mode says so
};
CallOperation reserving(const CallWanted& call, const std::string& owner);
CallOperation marking(const std::string& call_id, std::int64_t known_tokens);
CallOperation settling(const std::string& call_id, std::int64_t tokens);
CallOperation releasing(const std::string& call_id, bool failed);

/// These in one transaction of the process `owner`, as the ledger's writer makes it.
Operation together(const std::vector<CallOperation>& operations, const std::string& owner, UnixMs now_ms);

}  // namespace saas_access::simulation
