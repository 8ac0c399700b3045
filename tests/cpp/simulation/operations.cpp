#include "operations.hpp"

#include "saas_access/errors.hpp"

namespace saas_access::simulation {

namespace {

constexpr std::int64_t kLatencyMs = 250;

ReserveRequest request_of(const CallWanted& call) {
  ReserveRequest request;
  request.team_id = TeamId(call.team);
  request.alias = AliasName("a");
  if (!call.job.empty()) request.job_id = JobId(call.job);
  request.purpose = "summarize";
  request.pricing.mode = call.mode;
  request.estimate.total_tokens = call.tokens;
  return request;
}

}  // namespace

Operation reserving(const CallWanted& call, const std::string& owner, UnixMs now_ms) {
  Operation operation;
  operation.what = "reserve for " + call.team + (call.job.empty() ? "" : " in " + call.job);
  operation.run = [call, owner, now_ms, made = operation.made](Connection& db) {
    const Reservation reservation = reserve(db, request_of(call), owner, now_ms);
    *made = reservation.call_id.str();
    return in_words(reservation);
  };
  operation.apply = [call, owner, made = operation.made](Books& books) {
    return books.reserve(*made, {call.team, call.job, 0, call.mode, owner}, call.tokens);
  };
  return operation;
}

Operation settling(const std::string& call_id, std::int64_t tokens, UnixMs now_ms) {
  Operation operation;
  operation.repeatable = true;
  operation.what = "settle " + call_id;
  operation.run = [=](Connection& db) {
    return in_words(settle(db, CallId(call_id), {.total_tokens = tokens}, kLatencyMs, now_ms));
  };
  operation.apply = [=](Books& books) { return books.settle(call_id, tokens); };
  return operation;
}

Operation releasing(const std::string& call_id, bool failed, UnixMs now_ms) {
  Operation operation;
  operation.repeatable = true;
  operation.what = "release " + call_id;
  operation.run = [=](Connection& db) {
    release(db, CallId(call_id), failed, kLatencyMs, now_ms);
    return std::string("released");
  };
  operation.apply = [=](Books& books) { return books.release(call_id, failed); };
  return operation;
}

Operation adding_credits(const std::string& team, std::int64_t credits, const std::string& idempotency_key) {
  Operation operation;
  operation.repeatable = true;
  operation.what = "add " + std::to_string(credits) + " credits to " + team + " under " + idempotency_key;
  operation.run_as_admin = [=](Write& write) {
    return in_words(add_credits(write, TeamId(team), credits, "Top-up", idempotency_key));
  };
  operation.apply = [=](Books& books) { return books.add_credits(team, credits, idempotency_key); };
  return operation;
}

Operation creating_job(const std::string& team, UnixMs now_ms) {
  Operation operation;
  operation.what = "create a job of " + team;
  operation.run = [=, made = operation.made](Connection& db) {
    NewJob job;
    job.team_id = TeamId(team);
    job.job_type = "report";
    *made = create_job(db, job, now_ms).job_id.str();
    return "job " + *made;
  };
  operation.apply = [team, made = operation.made](Books& books) { return books.create_job(*made, team); };
  return operation;
}

Operation completing_job(const std::string& job_id, JobStatus status, UnixMs now_ms) {
  Operation operation;
  operation.repeatable = true;
  operation.what = "end " + job_id + " as " + std::string(slug(status));
  operation.run = [=](Connection& db) {
    JobCompletion completion;
    completion.status = status;
    return in_words(complete_job(db, JobId(job_id), completion, now_ms));
  };

  operation.apply = [=](Books& books) { return books.complete_job(job_id, status); };
  return operation;
}

Operation together(const std::vector<Operation>& operations) {
  Operation batch;
  const char* separator = "";
  for (const Operation& each : operations) {
    batch.what += std::exchange(separator, ", ") + each.what;
  }
  batch.run = [operations](Connection& db) {
    std::string answers;
    for (const Operation& each : operations) answers += each.run(db) + "; ";
    return answers;
  };
  batch.apply = [operations](Books& books) {
    std::string answers;
    for (const Operation& each : operations) answers += each.apply(books) + "; ";
    return answers;
  };
  return batch;
}

}  // namespace saas_access::simulation
