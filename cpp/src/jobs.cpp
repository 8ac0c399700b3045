#include "saas_access/jobs.hpp"

#include <cstdlib>
#include <limits>
#include <utility>

#include "books.hpp"
#include "columns.hpp"
#include "paging.hpp"
#include "saas_access/usage.hpp"
#include "text.hpp"
#include "usage_rows.hpp"
#include "validation.hpp"

namespace saas_access {

namespace {

constexpr std::int64_t kMostTimeoutHours = 8760;  // a year
constexpr std::int64_t kMostCompletedAtOnce = 1000;

NotFound no_such_job(const JobId& job_id) { return NotFound("Job " + quote(job_id.str()) + " does not exist"); }

// Prepared once for a whole list of jobs. A call counts with a trillion tokens and 1,000 dollars at most: whatever a
// provider claims, the sums stay within 64 bits.
class CostReader {
 public:
  explicit CostReader(Connection& db)
      : query_(db,
               "SELECT count(*), COALESCE(sum(succeeded), 0), COALESCE(sum(min(total_tokens, 1000000000000)), 0), "
               "COALESCE(sum(min(cost_picodollars, 1000000000000000)), 0) FROM call WHERE job = ?") {}

  JobCosts read(RowId job) {
    query_.reset();
    query_.bind(1, job);
    query_.executeStep();
    JobCosts costs;
    costs.total_calls = query_.getColumn(0).getInt64();
    costs.successful_calls = query_.getColumn(1).getInt64();
    costs.failed_calls = costs.total_calls - costs.successful_calls;
    costs.total_tokens = query_.getColumn(2).getInt64();
    costs.total_cost = query_.getColumn(3).getInt64();
    return costs;
  }

 private:
  Query query_;
};

constexpr const char* kSelectJob =
    "SELECT j.row, j.job_id, t.team_id, j.job_type, j.user_id, j.status, j.metadata, j.error_message, j.created_at_ms, "
    "j.completed_at_ms, j.credits_charged_micro, COALESCE(j.remaining_micro, a.balance_micro - a.held_micro) "
    "FROM job j JOIN team t ON t.row = j.team JOIN account a ON a.team = j.team ";

Job job_of(const SQLite::Statement& query, CostReader& costs) {
  Job job;
  job.job_id = JobId(query.getColumn(1).getString());
  job.team_id = TeamId(query.getColumn(2).getString());
  job.job_type = query.getColumn(3).getString();
  job.user_id = optional_text(query.getColumn(4));
  job.status = enum_column(query.getColumn(5), JobStatus::failed);
  job.metadata = query.getColumn(6).getString();
  job.error_message = optional_text(query.getColumn(7));
  job.created_at_ms = query.getColumn(8).getInt64();
  job.completed_at_ms = optional_integer(query.getColumn(9));
  job.costs = costs.read(query.getColumn(0).getInt64());
  job.costs.credits_charged = query.getColumn(10).getInt64();
  job.costs.credits_remaining = query.getColumn(11).getInt64();
  return job;
}

// Ended and running ones, in the order they began.
std::vector<Call> read_calls(Connection& db, RowId job) {
  auto query =
      prepare(db,
              "SELECT c.call, n.name, c.purpose, CASE c.succeeded WHEN 1 THEN 1 ELSE 2 END AS status, c.total_tokens, "
              "c.price_known, c.cost_picodollars, c.latency_ms, c.created_at_ms AS began, c.row FROM call c "
              "JOIN recorded_name n ON n.row = c.alias WHERE c.job = ?1 UNION ALL "
              "SELECT r.call, n.name, r.purpose, 0, 0, 0, 0, 0, r.created_at_ms, r.call FROM reservation r "
              "JOIN recorded_name n ON n.row = r.alias WHERE r.job = ?1 ORDER BY began, 10",
              job);
  std::vector<Call> calls;
  while (query.executeStep()) {
    calls.push_back(
        {.call_id = call_id_of(query.getColumn(0).getInt64()),
         .alias = AliasName(query.getColumn(1).getString()),
         .purpose = query.getColumn(2).getString(),
         .status = enum_column(query.getColumn(3), CallStatus::failed),
         .usage = {query.getColumn(4).getInt64(), query.getColumn(5).getInt() != 0, query.getColumn(6).getInt64()},
         .latency_ms = query.getColumn(7).getInt64(),
         .created_at_ms = query.getColumn(8).getInt64()});
  }
  return calls;
}

bool has_running_call(Connection& db, RowId job) {
  return find_integer(db, "SELECT call FROM reservation WHERE job = ? LIMIT 1", job).has_value();
}

// Whether the credit that the job holds is charged; its calls are those recorded so far.
bool charges(Connection& db, const JobState& job, const JobCompletion& completion) {
  if (job.held == 0) return false;  // no call came so far, or its calls were charged one by one
  const JobCosts costs = CostReader(db).read(job.row);
  const bool failed = completion.status == JobStatus::failed || costs.failed_calls > 0;
  return costs.successful_calls > 0 && !(failed && completion.failed_jobs_are_free);
}

// Charges the credit that an open job holds, or frees it, and closes the job.
void end_job(Connection& db, const JobState& job, const JobCompletion& completion, UnixMs now_ms) {
  const MicroCredits charged = charges(db, job, completion) ? job.held : 0;
  Account account = read_account(db, job.team);
  account.held -= job.held;
  if (charged > 0) {
    append_entry(
        db, account,
        {.type = EntryType::charge, .amount = -charged, .description = "Job " + quote(job.job_type), .job = job.row},
        now_ms);
    UsageRollup used;
    used.charge({.team = job.team}, job.held, now_ms);
    used.write(db);
  }
  if (job.held > 0) store_account(db, account);
  execute(db,
          "UPDATE job SET status = ?, held_micro = 0, credits_charged_micro = credits_charged_micro + ?, "
          "remaining_micro = ?, completed_at_ms = ?, metadata = COALESCE(?, metadata), error_message = ? "
          "WHERE row = ?",
          static_cast<int>(completion.status), charged, account.remaining(), whole_second(now_ms), completion.metadata,
          completion.error_message, job.row);
}

void require_valid(const JobCompletion& completion) {
  Problems problems;
  if (completion.status != JobStatus::completed && completion.status != JobStatus::failed) {
    problems.add("status", quote(slug(completion.status)) + " is neither 'completed' nor 'failed'");
  }
  if (completion.metadata) problems.metadata(*completion.metadata);
  if (completion.error_message) problems.text("error_message", *completion.error_message, kMaxText);
  problems.raise();
}

}  // namespace

std::string_view slug(JobStatus status) noexcept {
  switch (status) {
    case JobStatus::pending:
      return "pending";
    case JobStatus::in_progress:
      return "in_progress";
    case JobStatus::completed:
      return "completed";
    case JobStatus::failed:
      return "failed";
  }
  std::abort();  // no such status can be made without a cast
}

std::string_view slug(CallStatus status) noexcept {
  switch (status) {
    case CallStatus::running:
      return "running";
    case CallStatus::succeeded:
      return "succeeded";
    case CallStatus::failed:
      return "failed";
  }
  std::abort();  // no such status can be made without a cast
}

Job create_job(Connection& db, const NewJob& job, UnixMs now_ms) {
  Problems problems;
  const auto team = find_row(db, job.team_id);
  if (!team) problems.add("team_id", describe(job.team_id) + " does not exist");
  problems.text("job_type", job.job_type, kMaxName);
  if (job.job_type.empty()) problems.add("job_type", "is empty");
  if (job.user_id) problems.text("user_id", *job.user_id, kMaxName);
  problems.metadata(job.metadata);
  problems.raise();

  const JobId job_id(random_id("job_"));
  execute(
      db,
      "INSERT INTO job (job_id, team, job_type, user_id, status, metadata, created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
      job_id, team, job.job_type, job.user_id, static_cast<int>(JobStatus::pending), job.metadata,
      whole_second(now_ms));
  return find_job(db, job_id);
}

Job complete_job(Connection& db, const JobId& job_id, const JobCompletion& completion, UnixMs now_ms) {
  require_valid(completion);
  const auto job = find_job_state(db, job_id);
  if (!job) throw no_such_job(job_id);
  if (job->ended()) {
    if (job->status == completion.status) return find_job(db, job_id);
    throw Conflict("Job " + quote(job_id.str()) + " has already ended as " + quote(slug(job->status)));
  }
  if (has_running_call(db, job->row)) throw Conflict("Job " + quote(job_id.str()) + " still has a running call");

  end_job(db, *job, completion, now_ms);
  return find_job(db, job_id);
}

std::int64_t complete_overdue_jobs(Connection& db, const Overdue& overdue, UnixMs now_ms) {
  Problems problems;
  problems.range("after_hours", overdue.after_hours, 1, kMostTimeoutHours);
  problems.range("limit", overdue.limit, 1, kMostCompletedAtOnce);
  problems.raise();

  std::vector<JobId> found;
  auto query =
      prepare(db,
              "SELECT job_id FROM job j WHERE completed_at_ms IS NULL AND created_at_ms <= ? "
              "AND NOT EXISTS (SELECT 1 FROM reservation r WHERE r.job = j.row) ORDER BY created_at_ms LIMIT ?",
              now_ms - overdue.after_hours * kHourMs, overdue.limit);
  while (query.executeStep()) found.emplace_back(query.getColumn(0).getString());

  JobCompletion completion;
  completion.failed_jobs_are_free = overdue.failed_jobs_are_free;
  completion.error_message = "Completed by the server: still open after " + std::to_string(overdue.after_hours) +
                             (overdue.after_hours == 1 ? " hour" : " hours");
  for (const JobId& job_id : found) end_job(db, *find_job_state(db, job_id), completion, now_ms);
  return static_cast<std::int64_t>(found.size());
}

Job find_job(Connection& db, const JobId& job_id) {
  auto query = prepare(db, std::string(kSelectJob) + "WHERE j.job_id = ?", job_id);
  if (!query.executeStep()) throw no_such_job(job_id);
  CostReader costs(db);
  Job job = job_of(query, costs);
  job.calls = read_calls(db, query.getColumn(0).getInt64());
  return job;
}

Page<Job> list_jobs(Connection& db, const TeamId& team_id, const PageRequest& request, const JobFilter& filter) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  auto query = prepare(db,
                       std::string(kSelectJob) +
                           "WHERE j.team = ?1 AND j.row < ?2 AND (?4 = -1 OR j.status = ?4) "
                           "AND j.created_at_ms >= ?5 AND j.created_at_ms < ?6 ORDER BY j.row DESC LIMIT ?3",
                       require_team_ever(db, team_id), request.after.value_or(kMost), limit_of(request),
                       filter.status ? static_cast<int>(*filter.status) : -1, filter.from_ms.value_or(0),
                       filter.to_ms.value_or(kMost));
  CostReader costs(db);
  return read_page<Job>(query, request, [&](const SQLite::Statement& row) { return job_of(row, costs); });
}

}  // namespace saas_access
