#include "operations.hpp"

#include <memory>
#include <utility>

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

Operation adding_credits(const std::string& team, std::int64_t credits, const std::string& idempotency_key) {
  Operation operation;
  operation.what = "add " + std::to_string(credits) + " credits to " + team + " under " + idempotency_key;
  operation.repeatable = true;
  operation.run_as_admin = [=](Write& write) {
    return in_words(add_credits(write, TeamId(team), credits, "Top-up", idempotency_key));
  };
  operation.apply = [=](Books& books) { return books.add_credits(team, credits, idempotency_key); };
  return operation;
}

Operation creating_job(const std::string& team, UnixMs now_ms) {
  const auto made = std::make_shared<std::string>();
  Operation operation;
  operation.what = "create a job of " + team;
  operation.run = [=](Connection& db) {
    NewJob job;
    job.team_id = TeamId(team);
    job.job_type = "report";
    *made = create_job(db, job, now_ms).job_id.str();
    return "job " + *made;
  };
  operation.apply = [=](Books& books) { return books.create_job(*made, team); };
  return operation;
}

Operation completing_job(const std::string& job_id, JobStatus status, UnixMs now_ms) {
  Operation operation;
  operation.what = "end " + job_id + " as " + std::string(slug(status));
  operation.repeatable = true;
  operation.run = [=](Connection& db) {
    JobCompletion completion;
    completion.status = status;
    return in_words(complete_job(db, JobId(job_id), completion, now_ms));
  };
  operation.apply = [=](Books& books) { return books.complete_job(job_id, status); };
  return operation;
}

CallOperation reserving(const CallWanted& call, const std::string& owner) {
  const auto made = std::make_shared<std::string>();
  CallOperation operation;
  operation.what = "reserve for " + call.team + (call.job.empty() ? "" : " in " + call.job);
  operation.repeatable = false;
  operation.run = [=](LedgerBatch& batch) {
    const Reservation reservation = batch.reserve(request_of(call));
    *made = reservation.call_id.str();
    return in_words(reservation);
  };
  operation.apply = [=](Books& books) {
    return books.reserve(*made, {call.team, call.job, 0, call.mode, owner, std::nullopt}, call.tokens);
  };
  return operation;
}

CallOperation marking(const std::string& call_id, std::int64_t known_tokens) {
  CallOperation operation;
  operation.what = "mark " + call_id;
  operation.run = [=](LedgerBatch& batch) {
    batch.mark_answering(CallId(call_id), {.total_tokens = known_tokens}, std::nullopt);
    return std::string("marked");
  };
  operation.apply = [=](Books& books) { return books.mark_answering(call_id, known_tokens); };
  return operation;
}

CallOperation settling(const std::string& call_id, std::int64_t tokens) {
  CallOperation operation;
  operation.what = "settle " + call_id;
  operation.run = [=](LedgerBatch& batch) {
    return in_words(batch.settle(CallId(call_id), {.total_tokens = tokens}, kLatencyMs, std::nullopt));
  };
  operation.apply = [=](Books& books) { return books.settle(call_id, tokens); };
  return operation;
}

CallOperation releasing(const std::string& call_id, bool failed) {
  CallOperation operation;
  operation.what = "release " + call_id;
  operation.run = [=](LedgerBatch& batch) {
    batch.release(CallId(call_id), failed, kLatencyMs);
    return std::string("released");
  };
  operation.apply = [=](Books& books) { return books.release(call_id, failed); };
  return operation;
}

Operation together(const std::vector<CallOperation>& operations, const std::string& owner, UnixMs now_ms) {
  Operation all;
  all.repeatable = true;
  const char* separator = "";
  for (const CallOperation& each : operations) {
    all.what += std::exchange(separator, ", ") + each.what;
    all.repeatable = all.repeatable && each.repeatable;
  }
  all.run = [=](Connection& db) {
    LedgerBatch batch(db, owner, now_ms);
    std::string answers;
    for (const CallOperation& each : operations) answers += each.run(batch) + "; ";
    batch.finish();
    return answers;
  };
  all.apply = [=](Books& books) {
    std::string answers;
    for (const CallOperation& each : operations) answers += each.apply(books) + "; ";
    return answers;
  };
  return all;
}

}  // namespace saas_access::simulation
