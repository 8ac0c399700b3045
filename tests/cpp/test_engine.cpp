#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "engine_test.hpp"
#include "saas_access/revision_counter.hpp"

namespace saas_access {
namespace {

bool allows(Engine& engine, const char* alias) {
  return engine.decide([&](const Snapshot& snapshot, UnixMs now_ms) {
    return authorize(snapshot, TeamId("team"), AliasName(alias), now_ms).allowed();
  });
}

bool decides(Engine& engine) {
  try {
    return allows(engine, "a"), true;
  } catch (const StoreUnavailable&) {
    return false;
  }
}

/// Waits for the engine's background check to bring something about: looks again and again, for at most ten seconds.
template <class Condition>
bool comes_true(Condition&& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

void give_c(Write& w) { update_team(w, TeamId("team"), patch(&TeamPatch::access_groups, groups({"ab", "c"}))); }

TEST_F(EngineTest, AWriteCountsOneRevisionAndIsSeenByTheNextDecision) {
  fill();
  EXPECT_FALSE(allows(engine_, "c"));
  EXPECT_EQ(write(give_c).receipt.revision, 2U);
  EXPECT_TRUE(allows(engine_, "c"));
  EXPECT_EQ(engine_.snapshot()->revision, 2U);
  EXPECT_EQ(engine_.decide([](const Snapshot& snapshot, UnixMs) { return snapshot.revision; }), 2U);
}

TEST_F(EngineTest, DecisionsGetTheEnginesTime) {
  now_ms_ = 42;
  EXPECT_EQ(engine_.decide([](const Snapshot&, UnixMs now_ms) { return now_ms; }), 42);
  EXPECT_EQ(engine_.now_ms(), 42);
}

TEST_F(EngineTest, AWriteReturnsWhatItsWorkReturns) {
  fill();
  const auto written = write([](Write& w) { return suspend_team(w, TeamId("team"), true); });
  EXPECT_TRUE(written.value.suspended);
  EXPECT_EQ(written.value.revision, written.receipt.revision);
  EXPECT_TRUE(written.receipt.changes.empty());
}

TEST_F(EngineTest, AWriteThatThrowsChangesNothing) {
  fill();
  EXPECT_THROW(write([](Write& w) {
                 give_c(w);
                 throw Conflict("no");
               }),
               Conflict);
  EXPECT_FALSE(allows(engine_, "c"));
  EXPECT_EQ(engine_.health().revision, 1U);
}

TEST_F(EngineTest, ADryRunReportsAndChangesNothing) {
  fill();
  const auto audit_entries = [&] {
    return engine_.read([](Connection& db) { return list_audit(db, {}, {}).items.size(); });
  };
  const std::size_t before = audit_entries();
  WriteOptions options;
  options.dry_run = true;
  const auto written = engine_.write(options, [](Write& w) {
    give_c(w);
    return w.revision;
  });
  EXPECT_EQ(written.value, 2U);
  EXPECT_EQ(written.receipt.revision, 1U);
  ASSERT_EQ(written.receipt.changes.size(), 1U);
  EXPECT_EQ(written.receipt.changes[0].gains, aliases({"c"}));
  EXPECT_FALSE(allows(engine_, "c"));
  EXPECT_EQ(engine_.health().revision, 1U);
  EXPECT_EQ(audit_entries(), before);
}

TEST_F(EngineTest, ADryRunComparesWithTheCommittedPolicyThoughTheSnapshotIsBehind) {
  Engine other(file_.path(), clock());
  fill();
  write(give_c);
  WriteOptions options;
  options.dry_run = true;
  EXPECT_TRUE(other.write(options, give_c).receipt.changes.empty());
}

TEST_F(EngineTest, AnotherEngineOnTheFileSeesEveryAnsweredWriteAtOnce) {
  Engine other(file_.path(), clock(), 3'600'000);  // its background check never comes to its help
  fill();
  for (int i = 0; i < 50; ++i) {
    write([&](Write& w) { suspend_team(w, TeamId("team"), i % 2 == 0); });
    ASSERT_EQ(allows(other, "a"), i % 2 != 0) << i;
  }
}

TEST_F(EngineTest, EveryNameOfTheFileMeansTheSamePolicy) {
  std::filesystem::create_symlink(file_.path(), file_.folder() / "link.db");
  Engine other(file_.folder() / "link.db", clock(), 3'600'000);
  fill();
  EXPECT_TRUE(allows(other, "a"));
}

TEST_F(EngineTest, ReadersInManyThreadsNeverSeeLessThanWhatWasAnswered) {
  fill();
  Engine other(file_.path(), clock());
  std::atomic<Revision> answered{1};
  std::atomic<bool> done{false};
  std::atomic<bool> failed{false};
  std::vector<std::thread> readers;
  for (Engine* engine : {&engine_, &other, &other}) {
    readers.emplace_back([&, engine] {
      while (!done) {
        const Revision least = answered;
        if (engine->decide([](const Snapshot& snapshot, UnixMs) { return snapshot.revision; }) < least) failed = true;
      }
    });
  }
  for (int i = 0; i < 100; ++i) {
    answered = write([&](Write& w) { suspend_team(w, TeamId("team"), i % 2 == 0); }).receipt.revision;
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_FALSE(failed);
}

TEST_F(EngineTest, TheCheckHealsACounterThatACrashLeftBehind) {
  fill();
  Engine other(file_.path(), clock(), 1);
  // A process that died between its commit and the step of the counter: its write is in the file alone.
  Database crashed(file_.path());
  crashed.write([&](Connection& db) {
    Write w{db, {}, kNow, read_revision(db) + 1, {}};
    give_c(w);
    db.exec("UPDATE policy_state SET revision = revision + 1");
    append_changes(db, w.changes, w.revision);
    return true;
  });
  EXPECT_TRUE(comes_true([&] { return allows(other, "c"); }));
  EXPECT_TRUE(allows(engine_, "c"));  // the counter is everybody's
}

TEST_F(EngineTest, ACounterThatWasLostIsRestoredOnOpening) {
  fill();
  write(give_c);
  std::filesystem::remove(file_.path().string() + "-revision");
  Engine other(file_.path(), clock(), 3'600'000);
  EXPECT_TRUE(allows(other, "c"));
  EXPECT_EQ(RevisionCounter(file_.path()).load(), 2U);
}

TEST_F(EngineTest, AReplacedFileStopsDecisionsUntilItIsBack) {
  fill();
  Engine other(file_.path(), clock(), 1);
  const auto aside = file_.folder() / "aside.db";
  std::filesystem::rename(file_.path(), aside);
  EXPECT_TRUE(comes_true([&] { return !decides(other); }));
  const Health health = other.health();
  EXPECT_FALSE(health.ok);
  EXPECT_NE(health.problem.find(file_.path().string()), std::string::npos) << health.problem;
  EXPECT_EQ(health.snapshot_revision, 1U);
  std::filesystem::rename(aside, file_.path());
  EXPECT_TRUE(comes_true([&] { return decides(other); }));
  EXPECT_TRUE(other.health().ok);
}

TEST_F(EngineTest, AWriteThatWritesNothingLeavesNoRevision) {
  fill();
  const auto bootstrap_b = [&](const char* group) {
    return write([&](Write& w) { return bootstrap(w, {new_alias("b")}, {{GroupName(group), "", aliases({"b"})}}); });
  };
  const auto file_bytes = [&] { return std::filesystem::file_size(file_.path().string() + "-wal"); };
  const auto before = file_bytes();
  const auto again = bootstrap_b("ab");
  EXPECT_TRUE(again.value.model_aliases.empty() && again.value.access_groups.empty());
  EXPECT_EQ(again.receipt.revision, 1U);
  EXPECT_EQ(engine_.health().revision, 1U);
  EXPECT_EQ(file_bytes(), before);
  EXPECT_EQ(bootstrap_b("new").receipt.revision, 2U);
  EXPECT_EQ(engine_.health().revision, 2U);
}

TEST_F(EngineTest, ALostRevisionFileStopsDecisionsAndWritesUntilItIsBack) {
  fill();
  Engine other(file_.path(), clock(), 1);
  const auto revisions = file_.path().string() + "-revision";
  const auto aside = file_.folder() / "aside";
  std::filesystem::rename(revisions, aside);
  EXPECT_THROW(write(give_c), StoreUnavailable);  // no check had to come first
  EXPECT_TRUE(comes_true([&] { return !decides(other); }));
  EXPECT_NE(other.health().problem.find(revisions), std::string::npos) << other.health().problem;

  const Engine started_since(file_.path(), clock());  // makes a new one: not the one that the others look at
  EXPECT_THROW(write(give_c), StoreUnavailable);
  EXPECT_FALSE(engine_.health().ok);

  std::filesystem::rename(aside, revisions);
  EXPECT_TRUE(comes_true([&] { return decides(other); }));
  EXPECT_EQ(write(give_c).receipt.revision, 2U);
  EXPECT_TRUE(allows(other, "c"));
}

TEST_F(EngineTest, ADamagedFileStopsDecisions) {
  fill();
  Engine other(file_.path(), clock(), 1);
  other.transact([](Connection& db) { db.exec("CREATE TABLE other (x)"); });
  for (const char* suffix : {"", "-wal"}) {
    std::fstream file(file_.path().string() + suffix, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(0);
    file << std::string(64, 'x');
  }
  EXPECT_TRUE(comes_true([&] { return !decides(other); }));
  EXPECT_FALSE(other.health().ok);
}

TEST_F(EngineTest, APolicyThatContradictsItselfDoesNotReplaceAGoodSnapshot) {
  fill();
  EXPECT_TRUE(allows(engine_, "a"));
  write([](Write& w) {
    w.db.exec("UPDATE team SET budget_mode = 9");
    w.changes.team(1);
  });
  EXPECT_FALSE(decides(engine_));
  EXPECT_EQ(engine_.health().snapshot_revision, 1U);
  engine_.transact([](Connection& db) { db.exec("UPDATE team SET budget_mode = 0"); });
  EXPECT_TRUE(allows(engine_, "a"));
}

TEST_F(EngineTest, HealthOfAWorkingEngine) {
  fill();
  EXPECT_TRUE(allows(engine_, "a"));
  const Health health = engine_.health();
  EXPECT_TRUE(health.ok);
  EXPECT_TRUE(health.problem.empty());
  EXPECT_EQ(health.database, file_.path());
  EXPECT_EQ(health.sqlite_version, SQLite::getLibVersion());
  EXPECT_EQ(health.schema_version, kSchemaVersion);
  EXPECT_EQ(health.revision, 1U);
  EXPECT_EQ(health.snapshot_revision, 1U);
}

TEST_F(EngineTest, RefusesAFileThatIsNoDatabaseAndAnIntervalOfNothing) {
  const auto path = file_.folder() / "notes.txt";
  std::ofstream(path) << std::string(4096, 'x');
  EXPECT_THROW(Engine(path, clock()), StoreUnavailable);
  EXPECT_THROW(Engine(file_.path(), clock(), 0), Invalid);
}

TEST_F(EngineTest, KeyUsesAreWrittenWhenTheEngineCloses) {
  fill();
  const KeyId key_id =
      write([](Write& w) { return create_key(w, TeamId("team"), new_key(digest_of(1))); }).value.key_id;
  const auto last_use = [&] {
    return engine_.read([&](Connection& db) { return find_key(db, TeamId("team"), key_id, kNow); }).last_used_at_ms;
  };
  {
    Engine other(file_.path(), clock());
    other.touch_key(key_id);
    now_ms_ = kNow + 7'000;
    other.touch_key(key_id);
    other.touch_key(KeyId("key_gone"));
  }
  EXPECT_EQ(last_use(), kNow + 7'000);
  now_ms_ = kNow;
  {
    Engine(file_.path(), clock()).touch_key(key_id);
  }
  EXPECT_EQ(last_use(), kNow + 7'000);  // never goes back
  EXPECT_EQ(engine_.health().revision, 2U);
}

TEST_F(EngineTest, EveryEngineHasAnOwnersNameOfItsOwn) {
  Engine other(file_.path(), clock());
  EXPECT_FALSE(engine_.owner().empty());
  EXPECT_NE(engine_.owner(), other.owner());
}

void make_team_with_access(Engine& engine) {
  engine.write({}, [](Write& w) {
    create_organization(w, {OrganizationId("org"), "Org", "{}"});
    create_model_alias(w, new_alias("a"));
    create_access_group(w, {GroupName("g"), "", aliases({"a"})});
    NewTeam team;
    team.organization_id = OrganizationId("org");
    team.team_id = TeamId("team");
    team.access_groups = groups({"g"});
    create_team(w, team);
  });
}

TEST(EngineOnABackup, SkipsTheRevisionsThatTheBackupLacks) {
  const TemporaryDatabase file;
  const auto backup = file.folder() / "backup.db";
  {
    Engine engine(file.path());
    make_team_with_access(engine);
    SQLite::Database(file.path().string(), SQLite::OPEN_READWRITE).exec("VACUUM INTO '" + backup.string() + "'");
    for (const bool suspended : {true, false, true}) {
      engine.write({}, [&](Write& w) { suspend_team(w, TeamId("team"), suspended); });
    }
  }
  for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(file.path().string() + suffix);
  std::filesystem::rename(backup, file.path());

  Engine engine(file.path(), system_clock_ms, 3'600'000);
  EXPECT_TRUE(allows(engine, "a"));
  EXPECT_TRUE(engine.is_fresh());  // a decision reads nothing
  EXPECT_EQ(engine.health().revision, 4U);
  Engine other(file.path(), system_clock_ms, 3'600'000);
  EXPECT_EQ(engine.write({}, [](Write& w) { suspend_team(w, TeamId("team"), true); }).receipt.revision, 5U);
  EXPECT_FALSE(allows(other, "a"));
}

// Two real processes. Neither test lets this process open the database before it forks.

class Pipe {
 public:
  Pipe() {
    if (pipe(ends_.data()) != 0) throw std::runtime_error("no pipe");
  }
  ~Pipe() {
    close(ends_[0]);
    close(ends_[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void send(char word) const {
    if (::write(ends_[1], &word, 1) != 1) throw std::runtime_error("pipe closed");
  }
  [[nodiscard]] char receive() const {
    char word = 0;
    if (::read(ends_[0], &word, 1) != 1) throw std::runtime_error("pipe closed");
    return word;
  }

 private:
  std::array<int, 2> ends_{};
};

TEST(EngineProcesses, ADecisionInAnotherProcessSeesAWriteThatWasAnswered) {
  const TemporaryDatabase file;
  const Pipe asked;
  const Pipe told;
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    try {
      Engine engine(file.path(), system_clock_ms, 3'600'000);
      told.send('r');
      while (asked.receive() == '?') told.send(allows(engine, "a") ? 'y' : 'n');
    } catch (const std::exception&) {
      _exit(1);
    }
    _exit(0);
  }
  ASSERT_EQ(told.receive(), 'r');
  Engine engine(file.path());
  make_team_with_access(engine);
  for (int i = 0; i < 50; ++i) {
    engine.write({}, [&](Write& w) { suspend_team(w, TeamId("team"), i % 2 != 0); });
    asked.send('?');
    ASSERT_EQ(told.receive(), i % 2 != 0 ? 'n' : 'y') << i;
  }
  asked.send('.');
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(EngineProcesses, AWriteThatWasAnsweredSurvivesKill9) {
  const TemporaryDatabase file;
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Engine engine(file.path());
    make_team_with_access(engine);
    raise(SIGKILL);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  Engine engine(file.path());
  EXPECT_TRUE(allows(engine, "a"));
  EXPECT_EQ(engine.write({}, [](Write& w) { suspend_team(w, TeamId("team"), true); }).receipt.revision, 2U);
}

}  // namespace
}  // namespace saas_access
