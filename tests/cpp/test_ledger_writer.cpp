#include <gtest/gtest.h>
#include <poll.h>

#include <map>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "expectations.hpp"
#include "saas_access/ledger_writer.hpp"
#include "saas_access/policy.hpp"
#include "temporary_database.hpp"

namespace saas_access {
namespace {

using Number = LedgerWriter::Number;

class LedgerWriterTest : public testing::Test {
 protected:
  LedgerWriterTest() {
    engine_->write({}, [](Write& w) {
      NewOrganization organization;
      organization.organization_id = OrganizationId("org");
      create_organization(w, organization);
      NewTeam team;
      team.organization_id = OrganizationId("org");
      team.team_id = TeamId("team");
      team.credits_allocated = 40 * kMicroPerCredit;
      create_team(w, team);
      return true;
    });
  }

  static ReserveRequest call() {
    ReserveRequest request;
    request.team_id = TeamId("team");
    request.alias = AliasName("a");
    return request;
  }

  Balance balance() {
    return engine_->read([](Connection& db) { return find_balance(db, TeamId("team")); });
  }

  /// Waits on the descriptor until `count` writes have ended.
  std::vector<Number> wait_for(std::size_t count) {
    std::vector<Number> ended;
    while (ended.size() < count) {
      pollfd descriptor{writer_->event_fd(), POLLIN, 0};
      EXPECT_EQ(poll(&descriptor, 1, 10'000), 1);
      const auto more = writer_->ended();
      ended.insert(ended.end(), more.begin(), more.end());
    }
    return ended;
  }
  Reservation reserved(Number number) { return std::get<Reservation>(writer_->take(number)); }

  TemporaryDatabase file_;
  std::shared_ptr<Engine> engine_ = std::make_shared<Engine>(file_.path());
  std::unique_ptr<LedgerWriter> writer_ = std::make_unique<LedgerWriter>(engine_);
};

TEST_F(LedgerWriterTest, AWriteIsDurableWhenItHasEnded) {
  const Number number = writer_->reserve(call());
  EXPECT_EQ(wait_for(1), std::vector{number});
  EXPECT_EQ(balance().reserved, kMicroPerCredit);
  const Reservation reservation = reserved(number);
  EXPECT_EQ(reservation.outcome, ReserveOutcome::reserved);

  const Number settled = writer_->settle(reservation.call_id, {}, 5, std::nullopt, true);
  EXPECT_EQ(wait_for(1), std::vector{settled});
  EXPECT_EQ(std::get<Settlement>(writer_->take(settled)).charged, kMicroPerCredit);
  EXPECT_EQ(balance().remaining, 39 * kMicroPerCredit);
}

TEST_F(LedgerWriterTest, AResultIsTakenOnce) {
  const Number number = writer_->reserve(call());
  wait_for(1);
  reserved(number);
  EXPECT_THROW(writer_->take(number), std::out_of_range);
}

TEST_F(LedgerWriterTest, WhatWaitsSharesATransactionAndIsDecidedInOrder) {
  std::vector<Number> numbers;
  engine_->transact([&](Connection&) {  // holds the store's lock, so that all of these wait
    for (int i = 0; i < 50; ++i) numbers.push_back(writer_->reserve(call()));
    return true;
  });
  EXPECT_EQ(wait_for(50), numbers);
  EXPECT_LE(writer_->transactions(), 2U);  // the first may have been taken alone
  std::set<std::string> call_ids;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const Reservation reservation = reserved(numbers[i]);
    EXPECT_EQ(reservation.outcome, i < 40 ? ReserveOutcome::reserved : ReserveOutcome::credits_exhausted) << i;
    if (i < 40) call_ids.insert(reservation.call_id.str());
  }
  EXPECT_EQ(call_ids.size(), 40U);
  EXPECT_EQ(balance().remaining, 0);
}

TEST_F(LedgerWriterTest, AFailureIsItsOwn) {
  ReserveRequest stranger = call();
  stranger.team_id = TeamId("nobody");
  std::vector<Number> numbers;
  engine_->transact([&](Connection&) {
    numbers = {writer_->reserve(call()), writer_->reserve(call()), writer_->reserve(stranger),
               writer_->reserve(call())};
    return true;
  });
  wait_for(4);
  EXPECT_THROW(writer_->take(numbers[2]), Error);
  for (const std::size_t good : {0U, 1U, 3U}) EXPECT_EQ(reserved(numbers[good]).outcome, ReserveOutcome::reserved);
  EXPECT_EQ(balance().reserved, 3 * kMicroPerCredit);
}

TEST_F(LedgerWriterTest, WhatTheStoreRefusesHarmsNoOther) {
  // A reservation that can't be inserted: the trigger fails as a full disk would, in the middle of a batch.
  engine_->transact([](Connection& db) {
    db.exec(
        "CREATE TRIGGER full BEFORE INSERT ON recorded_name WHEN NEW.name = 'full' BEGIN "
        "SELECT RAISE(ROLLBACK, 'full'); END");
    return true;
  });
  ReserveRequest poison = call();
  poison.alias = AliasName("full");
  std::vector<Number> numbers;
  engine_->transact([&](Connection&) {
    numbers = {writer_->reserve(call()), writer_->reserve(call()), writer_->reserve(poison), writer_->reserve(call())};
    return true;
  });
  wait_for(4);
  EXPECT_THROW(writer_->take(numbers[2]), StoreUnavailable);
  for (const std::size_t good : {0U, 1U, 3U}) EXPECT_EQ(reserved(numbers[good]).outcome, ReserveOutcome::reserved);
  EXPECT_EQ(balance().reserved, 3 * kMicroPerCredit);
}

// A store that refuses to close calls, as one on a full disk does, until `allow_closing`.
class RefusedClosingTest : public LedgerWriterTest {
 protected:
  RefusedClosingTest() {
    const Number number = writer_->reserve(call());
    wait_for(1);
    call_id_ = reserved(number).call_id;
    engine_->transact([](Connection& db) {
      db.exec("CREATE TRIGGER full BEFORE DELETE ON reservation BEGIN SELECT RAISE(ROLLBACK, 'full'); END");
    });
  }
  void allow_closing() {
    engine_->transact([](Connection& db) { db.exec("DROP TRIGGER full"); });
  }
  void expect_refused(Number number) {
    EXPECT_EQ(wait_for(1), std::vector{number});
    EXPECT_THROW(writer_->take(number), StoreUnavailable);
    EXPECT_EQ(balance().reserved, kMicroPerCredit);
  }
  /// The end of the writer tries what is owed once more.
  void close_writer() { writer_.reset(); }

  CallId call_id_;
};

TEST_F(RefusedClosingTest, TheChargeOfADeliveredAnswerIsOwedUntilItIsMade) {
  expect_refused(writer_->settle(call_id_, {}, 5, std::nullopt, true));
  EXPECT_EQ(writer_->owed(), 1U);
  allow_closing();
  close_writer();
  EXPECT_EQ(balance().remaining, 39 * kMicroPerCredit);
  EXPECT_EQ(balance().reserved, 0);
}

TEST_F(RefusedClosingTest, AnAnswerThatWasHeldBackIsNotChargedLater) {
  expect_refused(writer_->settle(call_id_, {}, 5, std::nullopt, false));
  EXPECT_EQ(writer_->owed(), 0U);
  expect_refused(writer_->release(call_id_, true, 5));
  EXPECT_EQ(writer_->owed(), 1U);
  allow_closing();
  close_writer();
  EXPECT_EQ(balance().remaining, 40 * kMicroPerCredit);
  EXPECT_EQ(balance().reserved, 0);
}

TEST_F(RefusedClosingTest, WhatIsOwedIsTriedWithoutAnybodyAsking) {
  expect_refused(writer_->release(call_id_, false, 5));
  allow_closing();
  while (writer_->owed() > 0) std::this_thread::yield();
  writer_.reset();
  EXPECT_EQ(balance().reserved, 0);
}

TEST_F(LedgerWriterTest, WhatIsQueuedAtTheEndIsStillWritten) {
  engine_->transact([&](Connection&) {
    for (int i = 0; i < 7; ++i) writer_->reserve(call());
    return true;
  });
  writer_.reset();
  EXPECT_EQ(balance().reserved, 7 * kMicroPerCredit);
}

TEST_F(LedgerWriterTest, TooManyWaitingReservationsAreRefusedAndWhatClosesACallIsNot) {
  std::size_t taken = 0;
  engine_->transact([&](Connection&) {
    EXPECT_THROW(
        {
          // As many as may wait can be in the thread's hands, besides.
          for (; taken < 2 * LedgerWriter::kMostWaiting + 2; ++taken) writer_->reserve(call());
        },
        StoreUnavailable);
    writer_->release(CallId("call_x"), false, 0);
    return true;
  });
  EXPECT_EQ(wait_for(taken + 1).size(), taken + 1);
}

TEST_F(LedgerWriterTest, ManyThreadsShareIt) {
  std::vector<std::thread> callers;
  for (int thread = 0; thread < 4; ++thread) {
    callers.emplace_back([&] {
      for (int i = 0; i < 20; ++i) writer_->reserve(call());
    });
  }
  std::map<ReserveOutcome, int> outcomes;
  for (const Number number : wait_for(80)) ++outcomes[reserved(number).outcome];
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(outcomes[ReserveOutcome::reserved], 40);
  EXPECT_EQ(outcomes[ReserveOutcome::credits_exhausted], 40);
}

}  // namespace
}  // namespace saas_access
