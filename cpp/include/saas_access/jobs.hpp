#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "saas_access/ledger.hpp"

namespace saas_access {

enum class JobStatus : std::uint8_t { pending, in_progress, completed, failed };
[[nodiscard]] std::string_view slug(JobStatus status) noexcept;

enum class CallStatus : std::uint8_t { running, succeeded, failed };
[[nodiscard]] std::string_view slug(CallStatus status) noexcept;

struct Call {
  CallId call_id;
  AliasName alias;
  std::string purpose;
  CallStatus status = CallStatus::running;
  Usage usage;
  std::int64_t latency_ms = 0;
  UnixMs created_at_ms = 0;
};

struct JobCosts {
  std::int64_t total_calls = 0;
  std::int64_t successful_calls = 0;
  std::int64_t failed_calls = 0;
  std::int64_t total_tokens = 0;
  PicoDollars total_cost = 0;
  MicroCredits credits_charged = 0;
  MicroCredits credits_remaining = 0;  ///< of the team: when the job ended, or now while it is open
};

struct Job {
  JobId job_id;
  TeamId team_id;
  std::string job_type;
  std::optional<std::string> user_id;
  JobStatus status = JobStatus::pending;
  std::string metadata = "{}";
  std::optional<std::string> error_message;
  UnixMs created_at_ms = 0;
  std::optional<UnixMs> completed_at_ms;
  JobCosts costs;
  std::vector<Call> calls;  ///< empty in lists
};

struct NewJob {
  TeamId team_id;
  std::string job_type;
  std::optional<std::string> user_id;
  std::string metadata = "{}";
};
// Jobs are traffic, not policy: Engine::transact runs them, they move no revision and leave no audit entry.

/// Costs and holds nothing. Invalid under "team_id" for an unknown team.
Job create_job(Connection&, const NewJob&, UnixMs now_ms);

struct JobCompletion {
  JobStatus status = JobStatus::completed;  ///< completed or failed
  std::optional<std::string> metadata;      ///< replaces, if given
  std::optional<std::string> error_message;
  bool failed_jobs_are_free = false;  ///< the setting of that name
};
/// Charges the one credit that the first call of a job_based team's job holds if at least one call was answered, else
/// frees it. Again with the same status: the same answer. Conflict with another status, or while one of its calls runs.
Job complete_job(Connection&, const JobId&, const JobCompletion&, UnixMs now_ms);

struct Overdue {
  std::int64_t after_hours = 24;  ///< since the job was created; the setting `job_timeout_hours`
  bool failed_jobs_are_free = false;
  std::int64_t limit = 100;  ///< how many jobs at most, so that the transaction stays short
};
/// Completes jobs that were left open, the oldest first, as complete_job does with status completed; an error message
/// says so. One with a running call stays open. Returns how many ended: fewer than the limit if no other is overdue.
std::int64_t complete_overdue_jobs(Connection&, const Overdue&, UnixMs now_ms);

/// Throws NotFound.
Job find_job(Connection&, const JobId&);
struct JobFilter {
  std::optional<JobStatus> status = {};
  std::optional<UnixMs> from_ms = {};  ///< created at or after
  std::optional<UnixMs> to_ms = {};    ///< created before
};
Page<Job> list_jobs(Connection&, const TeamId&, const PageRequest&, const JobFilter& = {});  ///< newest first

}  // namespace saas_access
