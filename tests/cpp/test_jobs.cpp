#include <gtest/gtest.h>

#include <set>

#include "ledger_test.hpp"

namespace saas_access {
namespace {

JobCompletion as(JobStatus status, bool failed_jobs_are_free = false) {
  JobCompletion completion;
  completion.status = status;
  completion.failed_jobs_are_free = failed_jobs_are_free;
  return completion;
}

class JobsTest : public LedgerTest {
 protected:
  /// One call of the job, from its reservation to its end.
  void answered_call(const JobId& job_id, const Usage& usage = {}) {
    settle_call(reserve_call(call_in(job_id)).call_id, usage);
  }
  void failed_call(const JobId& job_id) { release_call(reserve_call(call_in(job_id)).call_id, true); }
};

TEST_F(JobsTest, AJobIsCreatedPendingAndHoldsNothing) {
  NewJob document;
  document.team_id = team_;
  document.job_type = "report";
  document.user_id = "user-1";
  document.metadata = R"({"page": 1})";
  const Job made = engine_.transact([&](Connection& db) { return create_job(db, document, kNow); });
  EXPECT_TRUE(made.job_id.str().starts_with("job_"));
  EXPECT_EQ(made.team_id, team_);
  EXPECT_EQ(made.job_type, "report");
  EXPECT_EQ(made.user_id, "user-1");
  EXPECT_EQ(made.status, JobStatus::pending);
  EXPECT_EQ(made.metadata, R"({"page": 1})");
  EXPECT_EQ(made.created_at_ms, kNow / 1000 * 1000);
  EXPECT_EQ(made.completed_at_ms, std::nullopt);
  EXPECT_EQ(whole_balance(), "0 0 0 0");
}

TEST_F(JobsTest, RefusesAJobOfNobodyOrWithoutAType) {
  NewJob document;
  document.team_id = TeamId("nobody");
  document.metadata = "[]";
  document.user_id = std::string(300, 'u');
  const auto create = [&] { engine_.transact([&](Connection& db) { return create_job(db, document, kNow); }); };
  EXPECT_EQ(invalid_fields(create), "team_id job_type user_id metadata");
  EXPECT_EQ(message_of<NotFound>([&] { job(JobId("job_x")); }), "Job 'job_x' does not exist");
  EXPECT_EQ(message_of<NotFound>([&] { complete(JobId("job_x")); }), "Job 'job_x' does not exist");
}

TEST_F(JobsTest, JobsMoveNoRevision) {
  const Revision before = engine_.health().revision;
  add(1);
  const JobId id = make_job().job_id;
  answered_call(id);
  complete(id);
  EXPECT_EQ(engine_.health().revision, before + 1);  // that of `add` alone
}

TEST_F(JobsTest, TheFirstCallHoldsTheJobsOneCredit) {
  add(3);
  const JobId id = make_job().job_id;
  const Reservation first = reserve_call(call_in(id));
  EXPECT_EQ(first.needed, credits(1));
  EXPECT_EQ(job(id).status, JobStatus::in_progress);
  const Reservation second = reserve_call(call_in(id));
  EXPECT_EQ(second.needed, 0);
  EXPECT_EQ(whole_balance(), "3 0 1 2");
  EXPECT_EQ(settle_call(first.call_id).charged, 0);
  release_call(second.call_id, false);
  EXPECT_EQ(whole_balance(), "3 0 1 2");
}

TEST_F(JobsTest, TheLastCreditIsNotPromisedToTwoJobs) {
  add(1);
  const JobId first = make_job().job_id;
  const JobId second = make_job().job_id;
  EXPECT_EQ(reserve_call(call_in(first)).outcome, ReserveOutcome::reserved);
  const Reservation refused = reserve_call(call_in(second));
  EXPECT_EQ(refused.outcome, ReserveOutcome::credits_exhausted);
  EXPECT_EQ(refused.needed, credits(1));
  EXPECT_EQ(job(second).status, JobStatus::pending);
  EXPECT_EQ(reserve_call(call_in(first)).outcome, ReserveOutcome::reserved);  // it has its credit
}

TEST_F(JobsTest, ACompletedJobCostsOneCreditHoweverManyCallsItMade) {
  add(5);
  const JobId id = make_job().job_id;
  answered_call(id, {.total_tokens = 100, .price_known = true, .cost = 700});
  answered_call(id, {.total_tokens = 20});
  failed_call(id);
  JobCompletion completion = as(JobStatus::completed);
  completion.metadata = R"({"pages": 3})";
  const Job done = complete(id, completion);
  EXPECT_EQ(done.status, JobStatus::completed);
  EXPECT_EQ(done.completed_at_ms, kNow / 1000 * 1000);
  EXPECT_EQ(done.metadata, R"({"pages": 3})");
  EXPECT_EQ(done.costs.total_calls, 3);
  EXPECT_EQ(done.costs.successful_calls, 2);
  EXPECT_EQ(done.costs.failed_calls, 1);
  EXPECT_EQ(done.costs.total_tokens, 120);
  EXPECT_EQ(done.costs.total_cost, 700);
  EXPECT_EQ(done.costs.credits_charged, credits(1));
  EXPECT_EQ(done.costs.credits_remaining, credits(4));
  EXPECT_EQ(whole_balance(), "5 1 0 4");
  const LedgerEntry entry = entries().items.front();
  EXPECT_EQ(entry.type, EntryType::charge);
  EXPECT_EQ(entry.job_id, id);
  EXPECT_EQ(entry.description, "Job 'report'");
}

TEST_F(JobsTest, AJobListsItsCallsInTheOrderTheyBegan) {
  add(1);
  const JobId id = make_job().job_id;
  const CallId first = reserve_call(call_in(id)).call_id;
  now_ms_ = kNow + 1;
  const CallId second = reserve_call(call_in(id)).call_id;
  now_ms_ = kNow + 2;
  const CallId third = reserve_call(call_in(id)).call_id;
  release_call(second, true);
  settle_call(first, {.total_tokens = 7, .price_known = true, .cost = 9});
  const auto calls = job(id).calls;
  ASSERT_EQ(calls.size(), 3U);
  EXPECT_EQ(calls[0].call_id, first);
  EXPECT_EQ(calls[0].status, CallStatus::succeeded);
  EXPECT_EQ(calls[0].usage, (Usage{7, true, 9}));
  EXPECT_EQ(calls[0].alias, AliasName("a"));
  EXPECT_EQ(calls[0].purpose, "summarize");
  EXPECT_EQ(calls[0].latency_ms, 250);
  EXPECT_EQ(calls[0].created_at_ms, kNow);
  EXPECT_EQ(calls[1].call_id, second);
  EXPECT_EQ(calls[1].status, CallStatus::failed);
  EXPECT_EQ(calls[2].call_id, third);
  EXPECT_EQ(calls[2].status, CallStatus::running);
}

TEST_F(JobsTest, ARefusedCallLeavesNoTraceInTheJob) {
  add(1);
  const JobId id = make_job().job_id;
  release_call(reserve_call(call_in(id)).call_id, false);
  EXPECT_TRUE(job(id).calls.empty());
  EXPECT_EQ(job(id).costs.total_calls, 0);
}

TEST_F(JobsTest, AJobWithoutAnAnsweredCallCostsNothing) {
  add(1);
  const JobId unused = make_job().job_id;
  EXPECT_EQ(complete(unused).costs.credits_charged, 0);
  const JobId failed = make_job().job_id;
  failed_call(failed);
  EXPECT_EQ(whole_balance(), "1 0 1 0");
  EXPECT_EQ(complete(failed, as(JobStatus::failed)).costs.credits_charged, 0);
  EXPECT_EQ(whole_balance(), "1 0 0 1");
}

TEST_F(JobsTest, FailedJobsAreFreeOnlyWhereTheSettingSaysSo) {
  add(10);
  const auto charged = [&](JobStatus status, bool with_failed_call, bool free) {
    const JobId id = make_job().job_id;
    answered_call(id);
    if (with_failed_call) failed_call(id);
    return complete(id, as(status, free)).costs.credits_charged / kMicroPerCredit;
  };
  EXPECT_EQ(charged(JobStatus::failed, false, false), 1);
  EXPECT_EQ(charged(JobStatus::completed, true, false), 1);
  EXPECT_EQ(charged(JobStatus::failed, false, true), 0);
  EXPECT_EQ(charged(JobStatus::completed, true, true), 0);
  EXPECT_EQ(charged(JobStatus::completed, false, true), 1);
  EXPECT_EQ(whole_balance(), "10 3 0 7");
}

TEST_F(JobsTest, CompletingAgainGivesTheSameAnswerOrAConflict) {
  add(2);
  const JobId id = make_job().job_id;
  answered_call(id);
  JobCompletion completion = as(JobStatus::failed);
  completion.error_message = "upstream timed out";
  complete(id, completion);
  now_ms_ = kNow + 60'000;
  const Job again = complete(id, as(JobStatus::failed));
  EXPECT_EQ(again.error_message, "upstream timed out");
  EXPECT_EQ(again.completed_at_ms, kNow / 1000 * 1000);
  EXPECT_EQ(again.costs.credits_charged, credits(1));
  EXPECT_EQ(whole_balance(), "2 1 0 1");
  EXPECT_EQ(message_of<Conflict>([&] { complete(id, as(JobStatus::completed)); }),
            "Job '" + id.str() + "' has already ended as 'failed'");
}

TEST_F(JobsTest, AJobCannotEndWhileACallRuns) {
  add(1);
  const JobId id = make_job().job_id;
  const CallId call_id = reserve_call(call_in(id)).call_id;
  EXPECT_EQ(message_of<Conflict>([&] { complete(id); }), "Job '" + id.str() + "' still has a running call");
  settle_call(call_id);
  EXPECT_EQ(complete(id).status, JobStatus::completed);
}

TEST_F(JobsTest, RefusesACompletionThatIsNone) {
  const JobId id = make_job().job_id;
  JobCompletion completion = as(JobStatus::in_progress);
  completion.metadata = "no JSON";
  completion.error_message = std::string(2'000, 'x');
  EXPECT_EQ(invalid_fields([&] { complete(id, completion); }), "status metadata error_message");
}

TEST_F(JobsTest, AnEndedUnknownOrForeignJobTakesNoCalls) {
  add(5);
  const JobId ended = make_job().job_id;
  complete(ended);
  EXPECT_EQ(reserve_call(call_in(ended)).outcome, ReserveOutcome::job_ended);
  EXPECT_EQ(reserve_call(call_in(JobId("job_x"))).outcome, ReserveOutcome::job_unknown);

  write([](Write& w) { create_team(w, new_team("other")); });
  ReserveRequest foreign = call_in(make_job().job_id);
  foreign.team_id = TeamId("other");
  EXPECT_EQ(reserve_call(foreign).outcome, ReserveOutcome::job_unknown);
  EXPECT_EQ(whole_balance(), "5 0 0 5");
}

TEST_F(JobsTest, CallsOfConsumptionTeamsAreChargedOneByOne) {
  add(10);
  const JobId id = make_job().job_id;
  const auto consume = [&](std::int64_t total) {
    const Usage usage{.total_tokens = total};
    return settle_call(reserve_call(call(BudgetMode::consumption_tokens, usage, id)).call_id, usage).charged;
  };
  EXPECT_EQ(consume(10'000), credits(1));
  EXPECT_EQ(consume(5'000), 500'000);
  EXPECT_EQ(entries().items.front().job_id, id);
  EXPECT_EQ(complete(id).costs.credits_charged, 1'500'000);
  EXPECT_EQ(whole_balance(), "10 1.5 0 8.5");
}

TEST_F(JobsTest, AJobOfADeletedTeamCanEnd) {
  add(1);
  const JobId id = make_job().job_id;
  answered_call(id);
  write([&](Write& w) { delete_team(w, team_); });
  EXPECT_EQ(complete(id).costs.credits_charged, credits(1));
  EXPECT_EQ(engine_.read([&](Connection& db) { return list_jobs(db, team_, {}).items.size(); }), 1U);
}

TEST_F(JobsTest, JobsComeNewestFirstInPages) {
  add(3);
  for (const char* type : {"one", "two", "three"}) answered_call(make_job(type).job_id);
  const auto list = [&](const PageRequest& request) {
    return engine_.read([&](Connection& db) { return list_jobs(db, team_, request); });
  };
  const auto first = list({.after = {}, .limit = 2});
  ASSERT_EQ(first.items.size(), 2U);
  EXPECT_EQ(first.items[0].job_type, "three");
  EXPECT_EQ(first.items[0].costs.successful_calls, 1);
  EXPECT_TRUE(first.items[0].calls.empty());
  const auto second = list({.after = first.next, .limit = 2});
  ASSERT_EQ(second.items.size(), 1U);
  EXPECT_EQ(second.items[0].job_type, "one");
  EXPECT_EQ(second.next, std::nullopt);
}

TEST_F(JobsTest, JobsAreListedByStatusAndTime) {
  const JobId failed = make_job("one").job_id;
  complete(failed, as(JobStatus::failed));
  now_ms_ += 1000;
  const UnixMs second = make_job("two").created_at_ms;
  const auto types = [&](const JobFilter& filter) {
    const auto found = engine_.read([&](Connection& db) { return list_jobs(db, team_, {}, filter); }).items;
    std::string text;
    for (const Job& job : found) text += job.job_type + " ";
    return text;
  };
  EXPECT_EQ(types({}), "two one ");
  EXPECT_EQ(types({.status = JobStatus::failed}), "one ");
  EXPECT_EQ(types({.status = JobStatus::pending}), "two ");
  EXPECT_EQ(types({.status = JobStatus::completed}), "");
  EXPECT_EQ(types({.from_ms = second}), "two ");
  EXPECT_EQ(types({.to_ms = second}), "one ");
  EXPECT_EQ(types({.status = JobStatus::failed, .from_ms = second}), "");
}

TEST(JobSlugs, EveryStatusHasItsOwn) {
  EXPECT_EQ(slug(JobStatus::pending), "pending");
  EXPECT_EQ(slug(JobStatus::in_progress), "in_progress");
  EXPECT_EQ(slug(JobStatus::completed), "completed");
  EXPECT_EQ(slug(JobStatus::failed), "failed");
  EXPECT_EQ(slug(CallStatus::running), "running");
  EXPECT_EQ(slug(CallStatus::succeeded), "succeeded");
  EXPECT_EQ(slug(CallStatus::failed), "failed");
}

}  // namespace
}  // namespace saas_access
