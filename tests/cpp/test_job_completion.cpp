#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "child_processes.hpp"
#include "ledger_test.hpp"

namespace saas_access {
namespace {

constexpr UnixMs kHour = 3'600'000;

class JobCompletionTest : public LedgerTest {
 protected:
  JobId job_with_an_answer() {
    const JobId id = make_job().job_id;
    settle_call(reserve_call(call_in(id)).call_id);
    return id;
  }
  std::int64_t complete_overdue(const Overdue& overdue = {}) {
    return engine_.transact([&](Connection& db) { return complete_overdue_jobs(db, overdue, engine_.now_ms()); });
  }
  std::size_t charges() { return entries().items.size() - 1; }  // the first one is the allocation
};

TEST_F(JobCompletionTest, TheSecondAnswerIsTheFirstWhateverHappenedSince) {
  add(3);
  const JobId id = job_with_an_answer();
  JobCompletion completion;
  completion.metadata = R"({"pages": 3})";
  completion.error_message = "page 4 is blank";
  const Job first = complete(id, completion);

  now_ms_ = kNow + kHour;
  complete(job_with_an_answer());
  completion.metadata = "{}";
  completion.error_message = "another";
  const Job second = complete(id, completion);
  EXPECT_EQ(second.metadata, first.metadata);
  EXPECT_EQ(second.error_message, first.error_message);
  EXPECT_EQ(second.completed_at_ms, first.completed_at_ms);
  EXPECT_EQ(second.costs.credits_charged, credits(1));
  EXPECT_EQ(second.costs.credits_remaining, credits(2));
  EXPECT_EQ(whole_balance(), "3 2 0 1");
}

TEST_F(JobCompletionTest, ManyAtOnceAreChargedOnceAndAnsweredTheSame) {
  add(2);
  const JobId id = job_with_an_answer();
  std::vector<std::string> answers(8);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      threads.emplace_back([&, i] {
        JobCompletion completion;
        completion.error_message = std::to_string(i);
        answers[i] = complete(id, completion).error_message.value_or("none");
      });
    }
  }
  for (const std::string& answer : answers) EXPECT_EQ(answer, answers.front());
  EXPECT_EQ(charges(), 1U);
  EXPECT_EQ(whole_balance(), "2 1 0 1");
}

TEST_F(JobCompletionTest, TwoProcessesChargeAJobOnce) {
  add(20);
  std::vector<JobId> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(job_with_an_answer());
  expect_in_processes(2, [&](int number) {
    Engine engine(file_.path(), clock());
    for (const JobId& id : ids) {
      JobCompletion completion;
      completion.error_message = number == 0 ? "zero" : "one";
      engine.transact([&](Connection& db) { return complete_job(db, id, completion, kNow); });
    }
    return true;
  });
  EXPECT_EQ(charges(), 20U);
  EXPECT_EQ(whole_balance(), "20 20 0 0");
}

TEST_F(JobCompletionTest, AJobLeftOpenIsCompletedAndChargedAsItsTeamWouldHaveDone) {
  add(5);
  const JobId answered = job_with_an_answer();
  const JobId failed = make_job().job_id;
  release_call(reserve_call(call_in(failed)).call_id, true);
  const JobId unused = make_job().job_id;
  EXPECT_EQ(whole_balance(), "5 0 2 3");

  now_ms_ = kNow / 1000 * 1000 + 24 * kHour - 1;
  EXPECT_EQ(complete_overdue(), 0);
  now_ms_ += 1;
  EXPECT_EQ(complete_overdue(), 3);
  for (const JobId& id : {answered, failed, unused}) {
    EXPECT_EQ(job(id).status, JobStatus::completed);
    EXPECT_EQ(job(id).completed_at_ms, now_ms_);
    EXPECT_EQ(job(id).error_message, "Completed by the server: still open after 24 hours");
  }
  EXPECT_EQ(job(answered).costs.credits_charged, credits(1));
  EXPECT_EQ(job(failed).costs.credits_charged, 0);
  EXPECT_EQ(whole_balance(), "5 1 0 4");
  EXPECT_EQ(complete_overdue(), 0);
  EXPECT_EQ(complete(answered).costs.credits_charged, credits(1));
  EXPECT_EQ(charges(), 1U);
}

TEST_F(JobCompletionTest, AnEndedJobIsNotOverdue) {
  add(2);
  JobCompletion completion;
  completion.status = JobStatus::failed;
  const JobId id = job_with_an_answer();
  complete(id, completion);
  now_ms_ = kNow + 100 * kHour;
  EXPECT_EQ(complete_overdue(), 0);
  EXPECT_EQ(job(id).error_message, std::nullopt);
}

TEST_F(JobCompletionTest, AJobWithARunningCallStaysOpenUntilItEnds) {
  add(1);
  const JobId id = make_job().job_id;
  const CallId call_id = reserve_call(call_in(id)).call_id;
  now_ms_ = kNow + 24 * kHour;
  EXPECT_EQ(complete_overdue(), 0);
  EXPECT_EQ(job(id).status, JobStatus::in_progress);
  settle_call(call_id);
  EXPECT_EQ(complete_overdue(), 1);
  EXPECT_EQ(whole_balance(), "1 1 0 0");
}

TEST_F(JobCompletionTest, TheSettingThatMakesFailedJobsFreeHoldsForOverdueOnes) {
  add(2);
  const JobId partly_failed = job_with_an_answer();
  release_call(reserve_call(call_in(partly_failed)).call_id, true);
  job_with_an_answer();
  now_ms_ = kNow + kHour;
  EXPECT_EQ(complete_overdue({.after_hours = 1, .failed_jobs_are_free = true}), 2);
  EXPECT_EQ(job(partly_failed).costs.credits_charged, 0);
  EXPECT_EQ(job(partly_failed).error_message, "Completed by the server: still open after 1 hour");
  EXPECT_EQ(whole_balance(), "2 1 0 1");
}

TEST_F(JobCompletionTest, OverdueJobsComeInBatchesTheOldestFirst) {
  add(5);
  std::vector<JobId> ids;
  for (int i = 0; i < 5; ++i) {
    ids.push_back(job_with_an_answer());
    now_ms_ += 1000;
  }
  now_ms_ = kNow + 25 * kHour;
  EXPECT_EQ(complete_overdue({.limit = 2}), 2);
  EXPECT_EQ(job(ids[1]).status, JobStatus::completed);
  EXPECT_EQ(job(ids[2]).status, JobStatus::in_progress);
  EXPECT_EQ(complete_overdue({.limit = 2}), 2);
  EXPECT_EQ(complete_overdue({.limit = 2}), 1);
  EXPECT_EQ(whole_balance(), "5 5 0 0");
}

TEST_F(JobCompletionTest, AnyNumberOfProcessesCompleteAnOverdueJobOnce) {
  add(60);
  for (int i = 0; i < 60; ++i) job_with_an_answer();
  now_ms_ = kNow + 24 * kHour;
  expect_in_processes(3, [&](int /*number*/) {
    Engine engine(file_.path(), clock());
    const auto round = [&] {
      return engine.transact([&](Connection& db) { return complete_overdue_jobs(db, {.limit = 7}, now_ms_); });
    };
    while (round() == 7) {
    }
    return true;
  });
  EXPECT_EQ(charges(), 60U);
  EXPECT_EQ(whole_balance(), "60 60 0 0");
}

TEST_F(JobCompletionTest, ATimeOutOutOfRangeIsRefused) {
  const auto fields = [&](const Overdue& overdue) { return invalid_fields([&] { complete_overdue(overdue); }); };
  EXPECT_EQ(fields({.after_hours = 0, .limit = 0}), "after_hours limit");
  EXPECT_EQ(fields({.after_hours = 8761, .limit = 1001}), "after_hours limit");
}

}  // namespace
}  // namespace saas_access
