#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <random>

#include "ledger_test.hpp"

namespace saas_access {
namespace {

// Thousands of random operations against books kept in the plainest way, in credits' millionths.
class NaiveBooks {
 public:
  struct OpenCall {
    MicroCredits held = 0;
    Pricing pricing;
    std::optional<JobId> job;
  };
  struct OpenJob {
    MicroCredits held = 0;
    int running = 0;
    int answered = 0;
    MicroCredits charged = 0;
  };

  MicroCredits allocated = 0;
  MicroCredits used = 0;
  std::map<CallId, OpenCall> calls;
  std::map<JobId, OpenJob> jobs;

  [[nodiscard]] MicroCredits held() const {
    MicroCredits sum = 0;
    for (const auto& [id, call] : calls) sum += call.held;
    for (const auto& [id, job] : jobs) sum += job.held;
    return sum;
  }
  [[nodiscard]] MicroCredits remaining() const { return allocated - used - held(); }

  static MicroCredits price(const Pricing& pricing, const Usage& usage, bool in_job) {
    const bool flat =
        pricing.mode == BudgetMode::job_based || (pricing.mode == BudgetMode::consumption_usd && !usage.price_known);
    if (flat) return pricing.mode == BudgetMode::job_based && in_job ? 0 : pricing.credits_per_call;
    if (pricing.mode == BudgetMode::consumption_tokens) {
      return (usage.total_tokens * 1'000'000 + pricing.tokens_per_credit - 1) / pricing.tokens_per_credit;
    }
    return (usage.cost * 10 + 999'999) / 1'000'000;  // ten credits a dollar
  }
};

class LedgerModelTest : public LedgerTest {
 protected:
  std::int64_t pick(std::int64_t below) { return static_cast<std::int64_t>(random_() % static_cast<unsigned>(below)); }

  template <class Map>
  typename Map::key_type any(const Map& map) {
    return std::next(map.begin(), static_cast<std::ptrdiff_t>(pick(static_cast<std::int64_t>(map.size()))))->first;
  }

  Usage usage() { return {pick(30'000), pick(4) != 0, pick(3'000) * 100'000'001}; }

  void step(Write& w) {
    switch (pick(8)) {
      case 0:
        do_add(w);
        break;
      case 1:
        do_set(w);
        break;
      case 2:
        do_create_job(w);
        break;
      case 3:
        do_complete(w);
        break;
      case 4:
      case 5:
        do_reserve(w);
        break;
      case 6:
        do_settle(w);
        break;
      default:
        do_release(w);
        break;
    }
  }

  void do_add(Write& w) {
    books_.allocated += credits(1);
    ASSERT_EQ(add_credits(w, team_, 1, "", {}).balance.remaining, books_.remaining());
  }

  void do_set(Write& w) {
    const MicroCredits total = std::max<MicroCredits>(0, books_.allocated + pick(4'000'000) - 2'000'000);
    const bool possible = total >= books_.used + books_.held();
    try {
      set_allocated(w, 1, total);
      ASSERT_TRUE(possible);
      books_.allocated = total;
    } catch (const Invalid&) {
      ASSERT_FALSE(possible);
    }
  }

  void do_create_job(Write& w) {
    if (books_.jobs.size() > 4) return;
    NewJob job;
    job.team_id = team_;
    job.job_type = "report";
    books_.jobs.emplace(create_job(w.db, job, w.now_ms).job_id, NaiveBooks::OpenJob{});
  }

  void do_complete(Write& w) {
    if (books_.jobs.empty()) return;
    const JobId id = any(books_.jobs);
    auto& open = books_.jobs.at(id);
    if (open.running > 0) {
      ASSERT_THROW(complete_job(w.db, id, {}, w.now_ms), Conflict);
      return;
    }
    const MicroCredits charge = open.answered > 0 ? open.held : 0;
    const MicroCredits charged = open.charged + charge;
    books_.used += charge;
    books_.jobs.erase(id);
    const Job job = complete_job(w.db, id, {}, w.now_ms);
    ASSERT_EQ(job.costs.credits_charged, charged);
    ASSERT_EQ(job.costs.credits_remaining, books_.remaining());
  }

  void do_reserve(Write& w) {
    ReserveRequest request = call(static_cast<BudgetMode>(pick(3)), usage());
    request.pricing.credits_per_call = pick(3) * 500'000;
    if (!books_.jobs.empty() && pick(2) == 0) request.job_id = any(books_.jobs);
    const bool in_job = request.job_id.has_value();
    const MicroCredits for_call = NaiveBooks::price(request.pricing, request.estimate, in_job);
    const bool opens =
        in_job && request.pricing.mode == BudgetMode::job_based && books_.jobs.at(*request.job_id).held == 0;
    const MicroCredits needed = for_call + (opens ? credits(1) : 0);
    const bool possible = needed <= books_.remaining();
    const Reservation reservation = reserve(w.db, request, "owner", w.now_ms);
    ASSERT_EQ(reservation.needed, needed);
    ASSERT_EQ(reservation.remaining, books_.remaining());
    ASSERT_EQ(reservation.outcome == ReserveOutcome::reserved, possible);
    if (!possible) return;
    books_.calls[reservation.call_id] = {for_call, request.pricing, request.job_id};
    if (in_job) books_.jobs.at(*request.job_id).running += 1;
    if (opens) books_.jobs.at(*request.job_id).held = credits(1);
  }

  void do_settle(Write& w) {
    if (books_.calls.empty()) return;
    const CallId id = any(books_.calls);
    const NaiveBooks::OpenCall open = books_.calls.at(id);
    books_.calls.erase(id);
    Usage real = usage();
    real.total_tokens *= 2;  // estimates are often too low
    real.cost *= 2;
    const MicroCredits price = NaiveBooks::price(open.pricing, real, open.job.has_value());
    const MicroCredits charge = std::min(price, books_.remaining());
    if (price > charge) ++shortfalls_;
    books_.used += charge;
    if (open.job) {
      auto& job = books_.jobs.at(*open.job);
      job.running -= 1;
      job.answered += 1;
      job.charged += charge;
    }
    const Settlement settlement = settle(w.db, id, real, 1, w.now_ms);
    ASSERT_EQ(settlement.charged, charge);
    ASSERT_EQ(settlement.shortfall, price - charge);
    ASSERT_EQ(settle(w.db, id, real, 1, w.now_ms).charged, 0);
  }

  void do_release(Write& w) {
    if (books_.calls.empty()) return;
    const CallId id = any(books_.calls);
    if (books_.calls.at(id).job) books_.jobs.at(*books_.calls.at(id).job).running -= 1;
    books_.calls.erase(id);
    release(w.db, id, pick(2) == 0, 1, w.now_ms);
  }

  void expect_true_books(Connection& db) {
    const Balance now = find_balance(db, team_);
    ASSERT_EQ(now.allocated, books_.allocated);
    ASSERT_EQ(now.used, books_.used);
    ASSERT_EQ(now.reserved, books_.held());
    ASSERT_EQ(now.remaining, books_.remaining());
    ASSERT_GE(now.remaining, 0);
    const auto sum = [&](const char* sql) { return db.execAndGet(sql).getInt64(); };
    ASSERT_EQ(sum("SELECT COALESCE(sum(amount_micro), 0) FROM ledger_entry"), now.allocated - now.used);
    ASSERT_EQ(sum("SELECT (SELECT COALESCE(sum(amount_micro), 0) FROM reservation) + "
                  "(SELECT COALESCE(sum(held_micro), 0) FROM job)"),
              now.reserved);
  }

  std::mt19937 random_{20'240'605};
  NaiveBooks books_;
  int shortfalls_ = 0;
};

TEST_F(LedgerModelTest, AnyOperationsKeepTheBooksExact) {
  write([&](Write& w) {
    for (int i = 0; i < 4'000; ++i) {
      step(w);
      if (HasFatalFailure()) break;
      expect_true_books(w.db);
      if (HasFatalFailure()) break;
    }
  });
  EXPECT_GT(shortfalls_, 50);
  EXPECT_GT(books_.used, credits(200));
  MicroCredits running = 0;
  auto list = entries().items;
  std::reverse(list.begin(), list.end());
  for (const LedgerEntry& entry : list) {
    running += entry.amount;
    ASSERT_EQ(entry.balance_after, running) << entry.transaction_id;
  }
}

}  // namespace
}  // namespace saas_access
