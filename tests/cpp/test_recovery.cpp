#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "ledger_test.hpp"
#include "saas_access/ledger_writer.hpp"
#include "saas_access/owner.hpp"
#include "saas_access/usage.hpp"

namespace saas_access {
namespace {

namespace fs = std::filesystem;

/// Calls of another process on the same database: an engine of its own is as good as one, since the locks that tell
/// the living from the dead belong to open files.
class RecoveryTest : public LedgerTest {
 protected:
  RecoveryTest() { add(100); }

  Reservation reserve_as(Engine& engine, const ReserveRequest& request) {
    return engine.transact([&](Connection& db) { return reserve(db, request, engine.owner(), engine.now_ms()); });
  }
  std::unique_ptr<Engine> other() { return std::make_unique<Engine>(file_.path(), clock()); }

  void mark(const CallId& call_id, const Usage& known, const std::optional<Substitute>& answered_by = std::nullopt) {
    engine_.transact([&](Connection& db) { mark_answering(db, call_id, known, answered_by); });
  }

  /// Kills a process that holds an engine, after it has reserved one call.
  void reserve_and_die(int signal) {
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto engine = other();
      reserve_as(*engine, call());
      [[maybe_unused]] const auto written = write_byte(ready[1]);
      pause();
      _exit(1);
    }
    char byte = 0;
    ASSERT_EQ(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    EXPECT_EQ(engine_.recover().released, 0) << "it lives";
    EXPECT_EQ(whole_balance(), "100 0 1 99");
    kill(child, signal);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
  }
  static bool write_byte(int descriptor) { return ::write(descriptor, "x", 1) == 1; }

  std::vector<std::string> process_files() {
    std::vector<std::string> files;
    for (const auto& file : fs::directory_iterator(file_.folder())) {
      const std::string name = file.path().filename().string();
      if (name.find("-process_") != std::string::npos) files.push_back(name);
    }
    return files;
  }
};

TEST_F(RecoveryTest, TheCallsOfALivingProcessAreLeftAlone) {
  const auto living = other();
  reserve_as(*living, call());
  reserve_call(call());
  const Recovered recovered = engine_.recover();
  EXPECT_EQ(recovered.released, 0);
  EXPECT_EQ(recovered.charged, 0);
  EXPECT_EQ(whole_balance(), "100 0 2 98");
}

TEST_F(RecoveryTest, WhatNothingShowsToBeAnsweredIsReleased) {
  auto dead = other();
  for (int i = 0; i < 3; ++i) reserve_as(*dead, call());
  dead.reset();
  EXPECT_EQ(engine_.recover().released, 3);
  EXPECT_EQ(whole_balance(), "100 0 0 100");
  EXPECT_EQ(entries().items.size(), 1U);
  EXPECT_EQ(engine_.recover().released, 0);
}

TEST_F(RecoveryTest, AKilledProcessIsFoundDead) {
  reserve_and_die(SIGKILL);
  EXPECT_EQ(engine_.recover().released, 1);
  EXPECT_EQ(whole_balance(), "100 0 0 100");
  EXPECT_EQ(process_files().size(), 1U) << "only the living one's";
}

TEST_F(RecoveryTest, AStreamThatWasCutOffIsChargedByWhatWasKnown) {
  auto dead = other();
  const auto flat = reserve_as(*dead, call()).call_id;
  const auto by_tokens = reserve_as(*dead, call(BudgetMode::consumption_tokens, {40'000, false, 0})).call_id;
  dead.reset();
  mark(flat, {});
  mark(by_tokens, {25'000, false, 0});
  EXPECT_EQ(engine_.recover().charged, 2);
  EXPECT_EQ(credits_text(balance().used), "3.5");
  EXPECT_EQ(balance().reserved, 0);
  const LedgerEntry newest = entries().items.front();
  EXPECT_EQ(newest.type, EntryType::interrupted);
  EXPECT_EQ(newest.alias, AliasName("a"));
  EXPECT_EQ(newest.description, "Call of 'a' was cut off when its process ended");
}

TEST_F(RecoveryTest, ItIsChargedAsWhatWasAnswering) {
  auto dead = other();
  ReserveRequest asked = call();
  asked.access_group = GroupName("ab");
  const auto call_id = reserve_as(*dead, asked).call_id;
  dead.reset();
  Substitute cheap{AliasName("b"), {}, {}};
  cheap.pricing.credits_per_call = kMicroPerCredit / 4;
  mark(call_id, {}, cheap);
  engine_.recover();
  EXPECT_EQ(credits_text(balance().used), "0.25");
  EXPECT_EQ(entries().items.front().description, "Call of 'b' in place of 'a' was cut off when its process ended");
  UsageQuery query;
  query.to_ms = kNow + 1;
  query.group_by = {UsageBy::alias, UsageBy::access_group};
  const auto used = engine_.read([&](Connection& db) { return report_usage(db, query, {}); }).rows.items;
  ASSERT_EQ(used.size(), 1U);
  EXPECT_EQ(used[0].alias, AliasName("b"));
  EXPECT_EQ(used[0].access_group, std::nullopt) << "it was the group of 'a'";
}

TEST_F(RecoveryTest, AMarkChangesNothingForACallThatEndsAsItShould) {
  const auto settled = reserve_call(call()).call_id;
  const auto released = reserve_call(call()).call_id;
  for (const auto& call_id : {settled, released}) mark(call_id, {});
  settle_call(settled);
  release_call(released, false);
  mark(settled, {});
  EXPECT_EQ(whole_balance(), "100 1 0 99");
  EXPECT_EQ(entries().items.front().type, EntryType::charge);
}

TEST_F(RecoveryTest, AJobWhoseProcessDiedCanBeCompleted) {
  auto dead = other();
  const JobId job_id = make_job().job_id;
  const auto answering = reserve_as(*dead, call_in(job_id)).call_id;
  reserve_as(*dead, call_in(job_id));
  dead.reset();
  mark(answering, {});
  EXPECT_THROW(complete(job_id), Conflict);
  engine_.recover();
  const Job job = complete(job_id);
  EXPECT_EQ(job.costs.successful_calls, 1);
  EXPECT_EQ(job.costs.failed_calls, 1);
  EXPECT_EQ(whole_balance(), "100 1 0 99");
}

TEST_F(RecoveryTest, ManyAreRecoveredInBoundedTransactions) {
  add(2000);
  auto dead = other();
  dead->transact([&](Connection& db) {
    for (int i = 0; i < 1203; ++i) reserve(db, call(), dead->owner(), dead->now_ms());
  });
  dead.reset();
  EXPECT_EQ(engine_.recover().released, 1203);
  EXPECT_EQ(balance().reserved, 0);
}

TEST_F(RecoveryTest, AProcessWhoseFileWasRemovedSaysSo) {
  fs::remove(file_.path().string() + "-" + engine_.owner());
  const Health health = engine_.health();
  EXPECT_FALSE(health.ok);
  EXPECT_NE(health.problem.find("by which others see that this process lives"), std::string::npos) << health.problem;
}

TEST_F(RecoveryTest, AFileLeftBehindGoesWithTheNextStart) {
  const Owner gone(file_.path());
  const std::string left = file_.path().string() + "-process_0123456789abcdef01234567";
  ASSERT_TRUE(std::filesystem::exists(file_.path().string() + "-" + gone.name()));
  fclose(fopen(left.c_str(), "w"));
  const Owner next(file_.path());
  EXPECT_FALSE(fs::exists(left));
  EXPECT_FALSE(Owner::has_ended(file_.path(), gone.name()));
  EXPECT_TRUE(Owner::has_ended(file_.path(), "process_0123456789abcdef01234567"));
}

}  // namespace
}  // namespace saas_access
