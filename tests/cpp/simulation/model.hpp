#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "saas_access/connection.hpp"
#include "saas_access/jobs.hpp"
#include "saas_access/ledger.hpp"

namespace saas_access::simulation {

/// The model: the books as plain code keeps them, and what the store's are read into, so that the two compare.
struct Books {
  struct Team {
    MicroCredits allocated = 0;
    MicroCredits balance = 0;
    MicroCredits held = 0;
    std::int64_t entries = 0;
    bool operator==(const Team&) const = default;
  };
  struct Call {  ///< one that runs
    std::string team;
    std::string job;
    MicroCredits held = 0;
    BudgetMode mode = BudgetMode::job_based;
    std::string owner;
    std::optional<std::int64_t> known_tokens;  ///< set: it is being answered
    bool operator==(const Call&) const = default;
  };
  struct Job {
    std::string team;
    JobStatus status = JobStatus::pending;
    MicroCredits held = 0;
    MicroCredits charged = 0;
    std::int64_t answered = 0;
    std::int64_t failed = 0;
    std::optional<MicroCredits> remaining;  ///< of its team when it ended
    bool operator==(const Job&) const = default;
  };

  std::map<std::string, Team> teams;
  std::map<std::string, Call> calls;
  std::map<std::string, MicroCredits> charged;  ///< what each ended call was charged, if anything
  std::map<std::string, Job> jobs;
  std::map<std::string, std::string> credits_requests;  ///< idempotency key -> its first answer
  bool operator==(const Books&) const = default;

  // Each does what the product's function of this name does, and returns what that answers, in words. An answer that
  // begins with "refused" changed nothing.
  std::string add_credits(const std::string& team, std::int64_t credits, const std::string& idempotency_key);
  std::string create_job(const std::string& job_id, const std::string& team);
  std::string complete_job(const std::string& job_id, JobStatus status);
  std::string reserve(const std::string& call_id, const Call& call, std::int64_t tokens);
  std::string mark_answering(const std::string& call_id, std::int64_t tokens);
  std::string settle(const std::string& call_id, std::int64_t tokens);
  std::string release(const std::string& call_id, bool failed);
  std::string recover(const std::set<std::string>& dead_owners);

 private:
  void charge(Team& team, MicroCredits amount);
};

/// The store's. Throws SQLite::Exception.
Books read_books(Connection& db);

/// Where two books differ, in a few lines.
std::string difference(const Books& seen, const Books& expected);

/// What is wrong with the store by itself; empty if nothing is: balances that their entries don't add up to, gaps in a
/// team's chain of entries, holds without a reason, calls charged twice, damage.
std::string problem_of(Connection& db);

// The words in which the product's answers and the model's are compared.
std::string in_words(const CreditsAdded& added);
std::string in_words(const Reservation& reservation);
std::string in_words(const Settlement& settlement);
std::string in_words(const Recovered& recovered);
std::string in_words(const Job& job);

}  // namespace saas_access::simulation
