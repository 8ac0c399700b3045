#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "child_processes.hpp"
#include "expectations.hpp"
#include "saas_access/database.hpp"
#include "saas_access/engine.hpp"
#include "saas_access/jobs.hpp"
#include "schema.hpp"
#include "temporary_database.hpp"

namespace saas_access {
namespace {

namespace fs = std::filesystem;

// Any row will do for what a transaction keeps or loses: `revision` of the one row of policy_state.
std::int64_t value_of(const Database& database) {
  std::int64_t value = 0;
  database.read([&](Connection& db) { value = db.execAndGet("SELECT revision FROM policy_state").getInt64(); });
  return value;
}

void increment(Database& database) {
  database.write([](Connection& db) { return db.exec("UPDATE policy_state SET revision = revision + 1"), true; });
}

std::string opening_fails(const fs::path& path) {
  return message_of<StoreUnavailable>([&] { const Database database(path); });
}

std::string content_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Database, KeepsWhatWasCommitted) {
  const TemporaryDatabase file;
  {
    Database database(file.path());
    EXPECT_EQ(value_of(database), 0);
    increment(database);
  }
  EXPECT_EQ(value_of(Database(file.path())), 1);
}

TEST(Database, IsForItsOwnerOnly) {
  const TemporaryDatabase file;
  Database database(file.path());
  increment(database);
  for (const char* suffix : {"", "-wal", "-shm", "-lock"}) {
    struct stat status{};
    ASSERT_EQ(stat((file.path().string() + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << suffix;
  }
}

TEST(Database, UndoesWorkThatReturnsFalse) {
  const TemporaryDatabase file;
  Database database(file.path());
  database.write([](Connection& db) { return db.exec("UPDATE policy_state SET revision = 9"), false; });
  EXPECT_EQ(value_of(database), 0);
}

TEST(Database, UndoesWorkThatThrowsAndPassesItsErrorOn) {
  const TemporaryDatabase file;
  Database database(file.path());
  const auto message = message_of<Conflict>([&] {
    database.write([](Connection& db) -> bool {
      db.exec("UPDATE policy_state SET revision = 9");
      throw Conflict("already there");
    });
  });
  EXPECT_EQ(message, "already there");
  EXPECT_EQ(value_of(database), 0);
  increment(database);
  EXPECT_EQ(value_of(database), 1);
}

TEST(Database, ReadsOneMoment) {
  const TemporaryDatabase file;
  Database database(file.path());
  database.read([&](Connection& db) {
    EXPECT_EQ(db.execAndGet("SELECT revision FROM policy_state").getInt64(), 0);
    increment(database);
    EXPECT_EQ(db.execAndGet("SELECT revision FROM policy_state").getInt64(), 0);
  });
  EXPECT_EQ(value_of(database), 1);
}

TEST(Database, ReadersCanNotWrite) {
  const TemporaryDatabase file;
  const Database database(file.path());
  EXPECT_THROW(database.read([](Connection& db) { db.exec("UPDATE policy_state SET revision = 9"); }),
               StoreUnavailable);
  EXPECT_EQ(value_of(database), 0);
}

TEST(Database, IsDurableAndChecksForeignKeys) {
  const TemporaryDatabase file;
  Database database(file.path());
  database.write([](Connection& db) {
    EXPECT_EQ(db.execAndGet("PRAGMA journal_mode").getString(), "wal");
    EXPECT_EQ(db.execAndGet("PRAGMA synchronous").getInt(), 2);
    return false;
  });
  const auto message = message_of<StoreUnavailable>(
      [&] { database.write([](Connection& db) { return db.exec("INSERT INTO account (team) VALUES (7)"), true; }); });
  EXPECT_TRUE(has(message, "FOREIGN KEY")) << message;
}

TEST(Database, LeavesTheLogUncheckpointedWhenClosed) {
  const TemporaryDatabase file;
  {
    Database database(file.path());
    increment(database);
    value_of(database);
  }
  EXPECT_GT(fs::file_size(file.path().string() + "-wal"), 0U);
}

TEST(Database, RefusesAFileThatIsNoDatabase) {
  const TemporaryDatabase file;
  std::ofstream(file.path()) << std::string(8192, 'x');
  const auto message = opening_fails(file.path());
  EXPECT_EQ(message, "Database '" + file.path().string() + "' is damaged or not a database: restore it from a backup");
}

TEST(Database, RefusesAFolder) {
  const TemporaryDatabase file;
  fs::create_directory(file.path());
  EXPECT_TRUE(has(opening_fails(file.path()), "can't be opened"));
}

TEST(Database, RefusesAMissingFolder) {
  const TemporaryDatabase file;
  const auto message = opening_fails(file.folder() / "missing" / "access.db");
  EXPECT_TRUE(has(message, "'" + (file.folder() / "missing" / "access.db").string() + "'")) << message;
  EXPECT_TRUE(has(message, "check that the folder exists")) << message;
}

TEST(Database, RefusesANewerSchema) {
  const TemporaryDatabase file;
  {
    const Database database(file.path());
  }
  SQLite::Database(file.path().string(), SQLite::OPEN_READWRITE).exec("PRAGMA user_version = 99");
  const auto message = opening_fails(file.path());
  EXPECT_TRUE(has(message, "schema version '99'")) << message;
}

// As the first schema wrote it: names and ids of calls were text, in the entries themselves.
TEST(Database, BringsTheBooksOfTheFirstSchemaAlong) {
  const TemporaryDatabase file;
  {
    SQLite::Database old(file.path().string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    old.exec(std::string(schema_migrations().front()));
    old.exec("PRAGMA user_version = 1; PRAGMA application_id = " + std::to_string(kApplicationId));
    old.exec(R"sql(
      INSERT INTO organization (organization_id, name, metadata, created_at_ms, revision) VALUES ('o', '', '{}', 0, 1);
      INSERT INTO team (team_id, organization, team_alias, budget_mode, credits_per_dollar_micro, tokens_per_credit,
        metadata, created_at_ms, revision) VALUES ('t', 1, '', 0, 1, 1, '{}', 0, 1);
      INSERT INTO account VALUES (1, 9000000, 8000000, 1000000, 2);
      INSERT INTO job (job_id, team, job_type, status, metadata, created_at_ms) VALUES ('job_1', 1, 'x', 1, '{}', 0);
      INSERT INTO ledger_entry VALUES
        (1, 1, 0, 9000000, 9000000, 'Initial allocation', NULL, NULL, NULL, NULL, 0),
        (1, 2, 2, -1000000, 8000000, 'Call of ''a''', 1, NULL, 'call_89abcdef0123456789abcdef', 'a', 5000);
      INSERT INTO reservation (call_id, team, job, alias, purpose, amount_micro, budget_mode, credits_per_call_micro,
        credits_per_dollar_micro, tokens_per_credit, owner, created_at_ms) VALUES
        ('call_00000000000000ffffffffff', 1, 1, 'b', '', 1000000, 0, 1000000, 1, 1, 'process_gone', 7);
      INSERT INTO call (call_id, job, alias, purpose, succeeded, total_tokens, price_known, cost_picodollars,
        latency_ms, created_at_ms) VALUES ('call_89abcdef0123456789abcdef', 1, 'a', 'p', 1, 12, 0, 0, 30, 6);
    )sql");
  }
  Engine engine(file.path());
  const auto entries = engine.read([](Connection& db) { return list_entries(db, TeamId("t"), {}); }).items;
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].description, "Call of 'a'");
  EXPECT_EQ(entries[0].alias, AliasName("a"));
  EXPECT_EQ(entries[0].balance_after, 8 * kMicroPerCredit);
  EXPECT_EQ(entries[1].description, "Initial allocation");
  const auto calls = engine.read([](Connection& db) { return find_job(db, JobId("job_1")); }).calls;
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[0].call_id, CallId("call_89abcdef01234567"));
  EXPECT_EQ(calls[0].usage.total_tokens, 12);
  EXPECT_EQ(calls[1].call_id, CallId("call_00000000000000ff"));
  EXPECT_EQ(engine.recover().released, 1);
  EXPECT_EQ(engine.read([](Connection& db) { return find_balance(db, TeamId("t")); }).reserved, 0);
}

// As the fifth schema wrote it: no sessions, no refusals one by one, and no end of an alias.
TEST(Database, BringsTheCatalogOfTheFifthSchemaAlong) {
  const TemporaryDatabase file;
  {
    SQLite::Database old(file.path().string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    for (const auto step : schema_migrations().first(5)) old.exec(std::string(step));
    old.exec("PRAGMA user_version = 5; PRAGMA application_id = " + std::to_string(kApplicationId));
    old.exec("INSERT INTO model_alias VALUES (7, 'a', 'openai/a', 'A', 1, 2000000, '{}', 5000, 3)");
  }
  Engine engine(file.path());
  const ModelAlias alias = engine.read([](Connection& db) { return find_model_alias(db, AliasName("a")); });
  EXPECT_EQ(alias.litellm_model, "openai/a");
  EXPECT_EQ(alias.revision, 3U);
  EXPECT_EQ(engine.read([](Connection& db) {
    return db.execAndGet("SELECT (SELECT count(*) FROM dashboard_session) + (SELECT count(*) FROM recent_denial)")
        .getInt();
  }),
            0);
}

TEST(Database, RefusesAnotherProgramsDatabaseAndLeavesItAsItIs) {
  const TemporaryDatabase file;
  SQLite::Database(file.path().string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec("CREATE TABLE theirs (a)");
  const std::string before = content_of(file.path());
  EXPECT_TRUE(has(opening_fails(file.path()), "belongs to another program"));
  EXPECT_EQ(content_of(file.path()), before);
}

TEST(Database, SaysWhenTheDiskIsFull) {
  const TemporaryDatabase file;
  Database database(file.path());
  const auto message = message_of<StoreUnavailable>([&] {
    database.write([](Connection& db) {
      db.exec("PRAGMA max_page_count = 1");  // SQLite rounds this up to the present size
      db.exec(
          "INSERT INTO audit (at_ms, actor, action, target_type, target_id, before, after, revision) "
          "VALUES (0, '', '', '', '', hex(zeroblob(1000000)), '', 0)");
      return true;
    });
  });
  EXPECT_TRUE(has(message, "free some space")) << message;
  EXPECT_EQ(value_of(database), 0);
}

/// Runs `work` as a user who isn't root, for whom permissions count.
void as_nobody(const TemporaryDatabase& file, const std::function<bool()>& work) {
  constexpr uid_t kNobody = 65534;
  if (geteuid() == 0) {
    for (const auto& entry : fs::directory_iterator(file.folder())) {
      ASSERT_EQ(chown(entry.path().c_str(), kNobody, kNobody), 0);
    }
    ASSERT_EQ(chown(file.folder().c_str(), kNobody, kNobody), 0);
  }
  expect_in_processes(1, [&](int) { return (geteuid() != 0 || setuid(kNobody) == 0) && work(); });
}

TEST(Database, RefusesAFileThatCanNotBeWritten) {
  const TemporaryDatabase file;
  {
    const Database database(file.path());
  }
  fs::permissions(file.path(), fs::perms::owner_read);
  as_nobody(file, [&] { return has(opening_fails(file.path()), "can't be written"); });
}

TEST(Database, RefusesAFolderThatCanNotBeWritten) {
  const TemporaryDatabase file;
  fs::permissions(file.folder(), fs::perms::owner_read | fs::perms::owner_exec);
  as_nobody(file, [&] { return has(opening_fails(file.path()), "this user may write it"); });
  fs::permissions(file.folder(), fs::perms::owner_all);
}

TEST(Database, NoticesThatItsFileIsGone) {
  const TemporaryDatabase file;
  Database database(file.path());
  database.check_file();
  fs::remove(file.path());
  EXPECT_THROW(database.check_file(), StoreUnavailable);
  EXPECT_THROW(increment(database), StoreUnavailable);
  EXPECT_FALSE(fs::exists(file.path()));
}

TEST(Database, NoticesThatItsFileWasReplaced) {
  const TemporaryDatabase file;
  const TemporaryDatabase other;
  {
    const Database database(other.path());
  }
  Database database(file.path());
  fs::rename(other.path(), file.path());
  EXPECT_TRUE(has(message_of<StoreUnavailable>([&] { database.check_file(); }), "was replaced"));
  EXPECT_TRUE(has(message_of<StoreUnavailable>([&] { increment(database); }), "was replaced"));
}

TEST(Database, NoticesThatItsFileWasOverwritten) {
  const TemporaryDatabase file;
  Database database(file.path());
  std::ofstream(file.path(), std::ios::in | std::ios::out) << std::string(200, 'x');
  EXPECT_THROW(database.check_file(), StoreUnavailable);
}

TEST(Database, TakesOnePathForAllNamesOfAFile) {
  const TemporaryDatabase file;
  fs::create_directory(file.folder() / "real");
  fs::create_directory_symlink(file.folder() / "real", file.folder() / "link");
  const Database one(file.folder() / "real" / "access.db");
  const Database other(file.folder() / "link" / "." / "access.db");
  EXPECT_EQ(one.path(), other.path());
}

/// The lock file, opened once more: as another process would.
class OtherLocker {
 public:
  explicit OtherLocker(const TemporaryDatabase& file)
      : descriptor_(open((file.path().string() + "-lock").c_str(), O_RDWR)) {}
  ~OtherLocker() { close(descriptor_); }
  OtherLocker(const OtherLocker&) = delete;
  OtherLocker& operator=(const OtherLocker&) = delete;

  bool try_lock() const { return flock(descriptor_, LOCK_EX | LOCK_NB) == 0; }
  void unlock() const { flock(descriptor_, LOCK_UN); }
  /// Is somebody in line for the lock?
  bool has_waiter() const {
    struct flock turn{};
    turn.l_type = F_WRLCK;
    turn.l_whence = SEEK_SET;
    turn.l_len = 1;
    return fcntl(descriptor_, F_OFD_GETLK, &turn) == 0 && turn.l_type != F_UNLCK;
  }

 private:
  int descriptor_;
};

TEST(Database, HoldsTheLockFileWhileItWrites) {
  const TemporaryDatabase file;
  Database database(file.path());
  const OtherLocker other(file);
  database.write([&](Connection&) {
    EXPECT_FALSE(other.try_lock());
    return true;
  });
  EXPECT_TRUE(other.try_lock());
}

TEST(Database, WaitsInLineForTheLockFile) {
  const TemporaryDatabase file;
  Database database(file.path());
  const OtherLocker other(file);
  ASSERT_TRUE(other.try_lock());
  std::atomic<bool> released{false};
  std::atomic<bool> ended{false};
  std::thread writer([&] {
    database.write([&](Connection&) {
      EXPECT_TRUE(released);
      return true;
    });
    ended = true;
  });
  while (!other.has_waiter() && !ended) std::this_thread::yield();
  EXPECT_FALSE(ended);
  EXPECT_EQ(value_of(database), 0);  // readers don't wait
  released = true;
  other.unlock();
  writer.join();
  EXPECT_FALSE(other.has_waiter());
}

TEST(Database, IsOpenedByManyProcessesAtOnce) {
  for (int round = 0; round < 5; ++round) {
    const TemporaryDatabase file;
    expect_in_processes(6, [&](int) {
      Database database(file.path());
      increment(database);
      return value_of(database) >= 1;
    });
    EXPECT_EQ(value_of(Database(file.path())), 6);
  }
}

TEST(Database, LosesNoWriteOfManyThreadsAndProcesses) {
  constexpr int kEach = 6;  // all of them together have to fit into the time that one may wait for the lock
  const TemporaryDatabase file;
  expect_in_processes(3, [&](int) {
    Database one(file.path());
    Database other(file.path());
    std::vector<std::thread> threads;
    for (Database* database : {&one, &one, &other}) {
      threads.emplace_back([database] {
        for (int i = 0; i < kEach; ++i) increment(*database);
      });
    }
    for (auto& thread : threads) thread.join();
    return true;
  });
  EXPECT_EQ(value_of(Database(file.path())), 3 * 3 * kEach);
}

}  // namespace
}  // namespace saas_access
