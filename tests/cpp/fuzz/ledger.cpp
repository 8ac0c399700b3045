// Credits, calls and jobs with any amounts, usages, texts and ids. After each operation the books must balance.

#include <algorithm>
#include <optional>
#include <vector>

#include "saas_access/jobs.hpp"
#include "store.hpp"

namespace saas_access::fuzz {

std::vector<std::string> seeds() {
  using namespace std::string_literals;
  const std::string credits = "\x00\x00\x05\x00\x01\x01"s;
  const std::string job = "\x03\x00\x00\x00"s;
  const std::string call_in_job = "\x02\x00\x00\x00\x01\x00\x00\x00\x00\x01\x01\x01\x00\x00\x00\x00\x00"s;
  const std::string call_by_tokens = "\x02\x00\x00\x00\x00\x00\x02\x01\x01\x01\x00\x00\x00\x00\x00"s;
  const std::string answer_to_first = "\x06\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"s;  // of endless length
  const std::string answer_to_second = "\x06\x00\x01\x00\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"s;
  const std::string end_of_job = "\x04\x01\x00\x00\x00\x00\x00\x00"s;
  return {
      credits + credits,
      call_by_tokens + answer_to_first,
      job + call_in_job + answer_to_first + end_of_job,
      job + call_in_job + call_in_job + answer_to_first + answer_to_second + end_of_job,
  };
}

namespace {

class Books {
 public:
  Books(Connection& db, Input& input) : db_(db), input_(input) {}

  void step() {
    is_done(db_, [&] { run(); });
    for (const char* team : {"t0", "t1"}) check(TeamId(team));
  }

 private:
  void run() {
    switch (input_.pick(7)) {
      case 0:
        return add();
      case 1:
        return set_total();
      case 2:
        return reserve_call();
      case 3:
        return make_job();
      case 4:
        return end_job();
      case 5:
        return release_call();
      default:
        return settle_call();
    }
  }

  void add() {
    const TeamId id = team();
    const std::int64_t amount = input_.number();
    const std::string description = input_.text();
    const auto idempotency_key = optional([&] { return input_.name("key", 2); });
    const WriteOptions options;
    Write write{db_, options, kNow, 2};
    const Balance before = find_balance(db_, id);
    const CreditsAdded added = add_credits(write, id, amount, description, idempotency_key);
    const Balance after = find_balance(db_, id);
    require(after.remaining - before.remaining == (write_left_entry(write) ? amount * kMicroPerCredit : 0),
            "what is added is there, once");
    if (!idempotency_key) return;
    const CreditsAdded again = add_credits(write, id, amount, description, idempotency_key);
    require(again.transaction_id == added.transaction_id && again.balance.remaining == added.balance.remaining,
            "a repetition gets the first answer");
    require(find_balance(db_, id).remaining == after.remaining, "a repetition adds nothing");
  }

  // The last write left an audit entry, or it was a repetition.
  bool write_left_entry(const Write& write) {
    const std::int64_t now = write.db.execAndGet("SELECT count(*) FROM audit").getInt64();
    return std::exchange(audits_, now) != now;
  }

  void set_total() {
    const WriteOptions options;
    Write write{db_, options, kNow, 2};
    TeamPatch patch;
    patch.credits_allocated = input_.flag() ? 100 * kMicroPerCredit : input_.number();
    update_team(write, team(), patch);
    audits_ = db_.execAndGet("SELECT count(*) FROM audit").getInt64();
  }

  void reserve_call() {
    ReserveRequest request;
    request.team_id = team();
    request.key_id = optional([&] { return KeyId(input_.text()); });
    request.alias = AliasName(input_.name("a", 3));
    request.job_id = optional([&] { return any(jobs_); });
    request.purpose = input_.text();
    request.pricing.mode = static_cast<BudgetMode>(input_.pick(3));
    request.pricing.credits_per_call = std::clamp<std::int64_t>(input_.number(), 0, kMaxMicroCredits);
    request.pricing.credits_per_dollar = std::clamp<std::int64_t>(input_.number(), 1, kMaxMicroCredits);
    request.pricing.tokens_per_credit = std::clamp<std::int64_t>(input_.number(), 1, 1'000'000'000'000);
    request.estimate = usage();
    const MicroCredits free = find_balance(db_, request.team_id).remaining;
    const Reservation reservation = reserve(db_, request, "process", kNow);
    const bool reserved = reservation.outcome == ReserveOutcome::reserved;
    require(reserved == !reservation.call_id.empty(), "a call has an id if it is reserved");
    require(find_balance(db_, request.team_id).remaining == free - (reserved ? reservation.needed : 0),
            "what is needed is held");
    if (reserved) calls_.push_back(reservation.call_id);
  }

  void release_call() {
    const CallId call = any(calls_);
    const bool failed = input_.flag();
    release(db_, call, failed, input_.number(), kNow);
  }

  void settle_call() {
    const CallId call = any(calls_);
    const Usage used = usage();
    const Settlement settlement = settle(db_, call, used, input_.number(), kNow);
    require(settlement.charged >= 0 && settlement.shortfall >= 0, "nothing negative is charged");
    const Settlement again = settle(db_, call, usage(), 0, kNow);
    require(again.charged == 0 && again.shortfall == 0, "a call is settled once");
  }

  void make_job() {
    const NewJob given{team(), input_.text(), optional([&] { return input_.text(); }), R"({"a": 1})"};
    const Job job = find_job(db_, create_job(db_, given, kNow).job_id);
    require(job.team_id == given.team_id && job.job_type == given.job_type && job.user_id == given.user_id &&
                job.metadata == given.metadata,
            "a job is kept");
    jobs_.push_back(job.job_id);
  }

  void end_job() {
    JobCompletion completion;
    completion.status = static_cast<JobStatus>(3 - input_.pick(4));
    completion.metadata = optional([&] { return input_.byte() < 192 ? "{}" : input_.text(); });
    completion.error_message = optional([&] { return input_.text(); });
    completion.failed_jobs_are_free = input_.flag();
    const Job job = complete_job(db_, any(jobs_), completion, kNow);
    require(job.status == completion.status && job.costs.credits_charged >= 0, "a job ends as told");
    require(complete_job(db_, job.job_id, completion, kNow).costs.credits_charged == job.costs.credits_charged,
            "a job ends once");
  }

  void check(const TeamId& id) {
    const Balance balance = find_balance(db_, id);
    require(balance.allocated >= 0 && balance.used >= 0 && balance.reserved >= 0 && balance.remaining >= 0,
            "nothing in a balance is negative");
    require(balance.allocated - balance.used - balance.reserved == balance.remaining, "a balance adds up");
    MicroCredits sum = 0;
    for (const LedgerEntry& entry : list_entries(db_, id, {}).items) sum += entry.amount;
    require(sum == balance.allocated - balance.used, "the entries add up to the balance");
    require(held_by(id) == balance.reserved, "what is reserved is held by calls that run and jobs that are open");
    for (const JobId& job : jobs_) {
      require(is_done(db_, [&] { find_job(db_, job); }), "every job can be read");
    }
  }

  MicroCredits held_by(const TeamId& id) {
    SQLite::Statement query(db_,
                            "SELECT (SELECT coalesce(sum(amount_micro), 0) FROM reservation WHERE team = team.row) + "
                            "(SELECT coalesce(sum(held_micro), 0) FROM job WHERE team = team.row) "
                            "FROM team WHERE team_id = ?");
    query.bind(1, id.str());
    query.executeStep();
    return query.getColumn(0).getInt64();
  }

  TeamId team() { return TeamId(input_.name("t", 2)); }
  Usage usage() { return {count(), input_.flag(), count()}; }

  /// Of tokens, or of millionths of millionths of dollars: what a provider may claim.
  std::int64_t count() {
    static constexpr std::array<std::int64_t, 4> kClaims = {0, 1'000, 100'000,
                                                            std::numeric_limits<std::int64_t>::max()};
    return input_.byte() < 192 ? input_.any(kClaims) : input_.number();
  }

  template <class Make>
  auto optional(Make&& make) -> std::optional<decltype(make())> {
    if (input_.flag()) return make();
    return std::nullopt;
  }

  template <class Id>
  Id any(const std::vector<Id>& ids) {
    return ids.empty() || input_.byte() == 255 ? Id(input_.text()) : input_.any(ids);
  }

  Connection& db_;
  Input& input_;
  std::int64_t audits_ = db_.execAndGet("SELECT count(*) FROM audit").getInt64();
  std::vector<CallId> calls_;
  std::vector<JobId> jobs_;
};

}  // namespace
}  // namespace saas_access::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace saas_access;
  using namespace saas_access::fuzz;
  Input input(data, std::min<std::size_t>(size, 400));
  Store::shared().in_undone_transaction([&](Connection& db) {
    Books books(db, input);
    while (!input.done()) books.step();
  });
  return 0;
}
