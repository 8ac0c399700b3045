#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>

#include "expectations.hpp"
#include "ledger_test.hpp"
#include "saas_access/verify.hpp"

namespace saas_access {
namespace {

class VerifyTest : public LedgerTest {
 protected:
  // Changes the file behind the product's back, whatever the schema forbids.
  void tamper(const std::string& sql) {
    SQLite::Database db(file_.path().string(), SQLite::OPEN_READWRITE, 5'000);
    db.exec("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON");
    db.exec(sql);
  }

  LedgerReport verify(const std::optional<TeamId>& team_id = std::nullopt, const VerifyProgress& progress = {}) {
    return verify_ledger(Database(file_.path(), Database::ReadOnly()), team_id, progress);
  }

  // "team transaction: problem (expected, found)" for each fault.
  std::string faults() {
    std::string text;
    for (const LedgerFault& fault : verify().faults) {
      text += fault.team_id + " " + fault.transaction_id + ": " + fault.problem + " (" + fault.expected + ", " +
              fault.found + ")";
    }
    return text;
  }

  // 10 credits in entry 1, a charge of 1 in each of 2, 3 and 4; one call and one job that run.
  void fill_books() {
    add(10);
    for (int i = 0; i < 3; ++i) settle_call(reserve_call(call()).call_id);
    reserve_call(call());
    reserve_call(call_in(make_job().job_id));
  }
};

TEST_F(VerifyTest, FindsNothingWrongWithSoundBooks) {
  fill_books();
  allocate(credits(8));
  settle_call(reserve_call(call(BudgetMode::consumption_tokens)).call_id, {.total_tokens = 1'000'000});
  write([&](Write& w) { create_team(w, new_team("another")); });
  const LedgerReport report = verify();
  EXPECT_EQ(faults(), "");
  EXPECT_EQ(report.teams, 2);
  EXPECT_EQ(report.entries, 7);  // the last call's shortfall among them
  EXPECT_EQ(entries().items.front().type, EntryType::shortfall);
}

TEST_F(VerifyTest, NamesTheFirstWrongRow) {
  struct Case {
    const char* tampering;
    const char* fault;
  };
  const Case cases[] = {
      {"DELETE FROM ledger_entry WHERE seq = 3",
       "team txn_1_4: its number is not the one after the entry before (3, 4)"},
      {"UPDATE ledger_entry SET seq = 0 WHERE seq = 1",
       "team txn_1_0: its number is not the one after the entry before (1, 0)"},
      {"DELETE FROM ledger_entry WHERE seq = 4", "team : the account's last entry is not the last there is (3, 4)"},
      {"UPDATE ledger_entry SET amount_micro = -500000 WHERE seq IN (2, 3)",
       "team txn_1_2: its balance is not the one before plus its amount (9.5, 9)"},
      {"UPDATE ledger_entry SET amount_micro = 9223372036854775807, balance_after_micro = 0 WHERE seq = 1;"
       "UPDATE ledger_entry SET type = 1, amount_micro = 1 WHERE seq = 2",
       "team txn_1_1: its balance is not the one before plus its amount (9223372036854.775807, 0)"},
      {"UPDATE ledger_entry SET balance_after_micro = -1 WHERE seq = 3",
       "team txn_1_3: its balance is negative (0 or more, -0.000001)"},
      {"UPDATE ledger_entry SET type = 5 WHERE seq = 4", "team txn_1_4: a shortfall moves the balance (0, -1)"},
      {"UPDATE ledger_entry SET type = 2 WHERE seq = 1", "team txn_1_1: a charge adds credits (0 or less, 10)"},
      {"UPDATE ledger_entry SET type = 3 WHERE seq = 2", "team txn_1_2: a refund takes credits (0 or more, -1)"},
      {"UPDATE ledger_entry SET type = 99 WHERE seq = 2", "team txn_1_2: its type is unknown (0 to 5, 99)"},
      {"UPDATE ledger_entry SET call = (SELECT call FROM ledger_entry WHERE seq = 2) WHERE seq = 4",
       "team txn_1_4: it charges what was charged before (one charge, another in txn_1_2)"},
      {"UPDATE ledger_entry SET call = NULL, job = 1 WHERE seq IN (3, 4)",
       "team txn_1_4: it charges what was charged before (one charge, another in txn_1_3)"},
      {"UPDATE ledger_entry SET call = (SELECT call FROM ledger_entry WHERE seq = 2) WHERE seq = 3;"
       "UPDATE ledger_entry SET balance_after_micro = 0 WHERE seq = 4",
       "team txn_1_3: it charges what was charged before (one charge, another in txn_1_2)"},
      {"UPDATE account SET balance_micro = 6000000",
       "team : the account's balance is not the sum of its entries (7, 6)"},
      {"UPDATE account SET allocated_micro = 9000000",
       "team : the account's allocation is not the sum of its allocations and adjustments (10, 9)"},
      {"UPDATE account SET held_micro = 1500000",
       "team : the account holds another amount than its running calls and open jobs (2, 1.5)"},
      {"DELETE FROM reservation WHERE job IS NULL",
       "team : the account holds another amount than its running calls and open jobs (1, 2)"},
      {"UPDATE job SET held_micro = 0",
       "team : the account holds another amount than its running calls and open jobs (1, 2)"},
      {"UPDATE reservation SET amount_micro = 9000000; UPDATE account SET held_micro = 19000000",
       "team : the account holds more than it has (0 to 7, 19)"},
      {"DELETE FROM account", "team : it has no account (an account, none)"},
      {"DELETE FROM team", "#1 : it has books and is no team (a team, none)"},
  };
  fill_books();
  const std::filesystem::path good = file_.folder() / "good.db";
  SQLite::Database(file_.path().string()).exec("VACUUM INTO '" + good.string() + "'");
  for (const auto& [tampering, fault] : cases) {
    SCOPED_TRACE(tampering);
    tamper(tampering);
    EXPECT_EQ(faults(), fault);
    SQLite::Database(file_.path().string(), SQLite::OPEN_READWRITE)
        .backup(good.string().c_str(), SQLite::Database::Load);
  }
  EXPECT_EQ(faults(), "");
}

TEST_F(VerifyTest, GoesOnToTheOtherTeams) {
  add(1);
  write([&](Write& w) { create_team(w, new_team("another")); });
  tamper("UPDATE account SET allocated_micro = 7000000");
  const LedgerReport report = verify();
  EXPECT_EQ(report.faults.size(), 2U);
  const auto of_one = verify(TeamId("another")).faults;
  ASSERT_EQ(of_one.size(), 1U);
  EXPECT_EQ(of_one[0].team_id, "another");
  EXPECT_FALSE(of_one[0].seq);
}

TEST_F(VerifyTest, ReadsOnPastAFullPage) {
  constexpr std::int64_t kEntries = 20'001;
  const auto fill_to = [&](std::int64_t count) {
    tamper(
        "DELETE FROM ledger_entry; WITH RECURSIVE n (seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < " +
        std::to_string(count) +
        ") INSERT INTO ledger_entry SELECT 1, seq, 0, 5, 5 * seq, 0, NULL, NULL, NULL, NULL, NULL FROM n;"
        "UPDATE account SET (allocated_micro, balance_micro, last_seq) = (SELECT 5 * max(seq), 5 * max(seq), "
        "max(seq) FROM ledger_entry)");
  };
  for (const std::int64_t count : {kEntries - 1, kEntries}) {
    fill_to(count);
    std::vector<std::int64_t> told;
    const LedgerReport report = verify({}, [&](std::int64_t entries, std::int64_t of) {
      EXPECT_EQ(of, count);
      told.push_back(entries);
    });
    EXPECT_EQ(report.entries, count);
    EXPECT_EQ(report.faults.size(), 0U);
    EXPECT_EQ(told, (std::vector<std::int64_t>{10'000, 20'000, count}));
  }
  tamper("UPDATE ledger_entry SET balance_after_micro = 1 WHERE seq = 20001");
  EXPECT_EQ(faults(), "team txn_1_20001: its balance is not the one before plus its amount (0.100005, 0.000001)");
}

TEST_F(VerifyTest, FitsTogetherWhileCallsAreCharged) {
  add(1'000'000);
  Engine quick(file_.path(), clock(), 1'000, Synchronous::normal);  // so that much changes between any two reads
  std::jthread busy([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const CallId call_id =
          quick.transact([&](Connection& db) { return reserve(db, call(), quick.owner(), quick.now_ms()).call_id; });
      quick.transact([&](Connection& db) { return settle(db, call_id, {}, 0, quick.now_ms()); });
    }
  });
  for (int round = 0; round < 200; ++round) ASSERT_EQ(faults(), "");
}

TEST_F(VerifyTest, AnUnknownTeamIsNotFound) { EXPECT_THROW(verify(TeamId("nobody")), NotFound); }

TEST(VerifyFileTest, AFileThatIsAbsentIsRefusedAndNotMade) {
  const TemporaryDatabase file;
  EXPECT_THROW(Database(file.path(), Database::ReadOnly()), StoreUnavailable);
  EXPECT_FALSE(std::filesystem::exists(file.path()));
  SQLite::Database(file.path().string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec("CREATE TABLE x (y)");
  EXPECT_THROW(Database(file.path(), Database::ReadOnly()), StoreUnavailable);
}

TEST(VerifyFileTest, AnOlderSchemaIsRefusedAndNotMigrated) {
  const TemporaryDatabase file;
  {
    const Database made(file.path());
  }
  SQLite::Database(file.path().string(), SQLite::OPEN_READWRITE).exec("PRAGMA user_version = 1");
  EXPECT_THROW(Database(file.path(), Database::ReadOnly()), StoreUnavailable);
  EXPECT_EQ(SQLite::Database(file.path().string()).execAndGet("PRAGMA user_version").getInt(), 1);
}

}  // namespace
}  // namespace saas_access
