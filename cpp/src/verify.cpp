#include "saas_access/verify.hpp"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "books.hpp"
#include "saas_access/ledger.hpp"
#include "saas_access/saturated_sum.hpp"
#include "sql.hpp"

namespace saas_access {

namespace {

using Number = std::int64_t;

constexpr Number kPage = 10'000;  // entries read in one transaction
constexpr Number kBeforeAll = std::numeric_limits<Number>::min();

struct Wrong {
  std::optional<Number> seq;
  std::string problem;
  std::string expected;
  std::string found;
};
using Finding = std::optional<Wrong>;

Finding differs(std::optional<Number> seq, std::string problem, Number expected, Number found) {
  if (expected == found) return std::nullopt;
  return Wrong{seq, std::move(problem), std::to_string(expected), std::to_string(found)};
}

Finding amount_differs(std::optional<Number> seq, std::string problem, MicroCredits expected, MicroCredits found) {
  if (expected == found) return std::nullopt;
  return Wrong{seq, std::move(problem), credits_text(expected), credits_text(found)};
}

// No true amount comes near what a sum is capped at, so that it is found to be wrong.
Number sum_of_rows(Query&& query) {
  Number sum = 0;
  while (query.executeStep()) sum = saturated_sum(sum, query.getColumn(0).getInt64());
  return sum;
}

// A team's account beside what it should hold, all of one moment. Entries up to `last_seq` never change after it.
struct Moment {
  std::optional<std::string> team_id;
  std::optional<Account> account;
  Number last_seq = 0;
  MicroCredits held = 0;
};

Moment read_moment(Connection& db, RowId team) {
  Moment moment;
  auto name = prepare(db, "SELECT team_id FROM team WHERE row = ?", team);
  if (name.executeStep()) moment.team_id = name.getColumn(0).getString();
  if (find_integer(db, "SELECT 1 FROM account WHERE team = ?", team)) moment.account = read_account(db, team);
  moment.last_seq = find_integer(db, "SELECT max(seq) FROM ledger_entry WHERE team = ?", team).value_or(0);
  moment.held = saturated_sum(sum_of_rows(prepare(db, "SELECT amount_micro FROM reservation WHERE team = ?", team)),
                              sum_of_rows(prepare(db, "SELECT held_micro FROM job WHERE team = ?", team)));
  return moment;
}

struct Entry {
  Number seq = 0;
  Number type = 0;
  MicroCredits amount = 0;
  MicroCredits balance_after = 0;
  std::optional<Number> charged;  // the call or job that it charges: equal for equal ones
};

bool changes_allocation(EntryType type) {
  switch (type) {
    case EntryType::allocation:
    case EntryType::adjustment:
      return true;
    case EntryType::charge:
    case EntryType::refund:
    case EntryType::interrupted:
    case EntryType::shortfall:
      return false;
  }
  return false;
}

bool charges(EntryType type) { return type == EntryType::charge || type == EntryType::interrupted; }

// A call, or a job for what was charged for all of it. Different ones may get the same number, rarely.
std::optional<Number> charged_by(const SQLite::Column& call, const SQLite::Column& job) {
  if (!call.isNull()) return call.getInt64();
  if (!job.isNull()) return ~job.getInt64();
  return std::nullopt;
}

class TeamCheck {
 public:
  TeamCheck(const Database& database, RowId team) : database_(database), team_(team) {
    database_.read([&](Connection& db) { moment_ = read_moment(db, team_); });
  }

  // Reads on, a page at a time, until a page finds something or is the last one. Returns false then.
  bool read_page() {
    std::vector<Entry> page;
    database_.read([&](Connection& db) { page = next_entries(db); });
    for (const Entry& entry : page) {
      entries_ += 1;
      finding_ = check(entry);
      if (finding_) return false;
    }
    return std::ssize(page) == kPage;
  }

  std::optional<LedgerFault> fault() {
    auto earlier = charged_twice();
    if (earlier) finding_ = std::move(earlier);
    if (!finding_) finding_ = check_account();
    if (!finding_) return std::nullopt;
    const auto& [seq, problem, expected, found] = *finding_;
    return LedgerFault{moment_.team_id.value_or("#" + std::to_string(team_)),
                       seq,
                       seq ? transaction_id(team_, *seq) : "",
                       problem,
                       expected,
                       found};
  }

  [[nodiscard]] Number entries() const { return entries_; }

 private:
  std::vector<Entry> next_entries(Connection& db) const {
    auto query = prepare(db,
                         "SELECT seq, type, amount_micro, balance_after_micro, call, job FROM ledger_entry "
                         "WHERE team = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
                         team_, entries_ == 0 ? kBeforeAll : seq_, moment_.last_seq, kPage);
    std::vector<Entry> page;
    while (query.executeStep()) {
      page.push_back({query.getColumn(0).getInt64(), query.getColumn(1).getInt64(), query.getColumn(2).getInt64(),
                      query.getColumn(3).getInt64(), charged_by(query.getColumn(4), query.getColumn(5))});
    }
    return page;
  }

  Finding check(const Entry& entry) {
    if (auto gap = differs(entry.seq, "its number is not the one after the entry before", seq_ + 1, entry.seq)) {
      return gap;
    }
    seq_ = entry.seq;
    if (entry.type < 0 || entry.type > static_cast<Number>(EntryType::shortfall)) {
      return Wrong{seq_, "its type is unknown", "0 to " + std::to_string(static_cast<int>(EntryType::shortfall)),
                   std::to_string(entry.type)};
    }
    const auto type = static_cast<EntryType>(entry.type);
    if (auto wrong = check_sign(type, entry.amount)) return wrong;
    balance_ = saturated_sum(balance_, entry.amount);
    if (changes_allocation(type)) allocated_ = saturated_sum(allocated_, entry.amount);
    if (charges(type) && entry.charged) charged_.push_back(*entry.charged);
    if (entry.balance_after < 0)
      return Wrong{seq_, "its balance is negative", "0 or more", credits_text(entry.balance_after)};
    return amount_differs(seq_, "its balance is not the one before plus its amount", balance_, entry.balance_after);
  }

  [[nodiscard]] Finding check_sign(EntryType type, MicroCredits amount) const {
    if (type == EntryType::shortfall) return amount_differs(seq_, "a shortfall moves the balance", 0, amount);
    if (charges(type) && amount > 0) return Wrong{seq_, "a charge adds credits", "0 or less", credits_text(amount)};
    if (type == EntryType::refund && amount < 0) {
      return Wrong{seq_, "a refund takes credits", "0 or more", credits_text(amount)};
    }
    return std::nullopt;
  }

  // The first entry, of those that were read, that charges what an earlier one charged. What the numbers only suggest,
  // the database says exactly; that is a long read, but of books that are as good as known to be wrong.
  Finding charged_twice() {
    std::ranges::sort(charged_);
    if (std::ranges::adjacent_find(charged_) == charged_.end()) return std::nullopt;
    Finding finding;
    database_.read([&](Connection& db) {
      auto query = prepare(db,
                           "SELECT seq, first FROM (SELECT seq, min(seq) OVER charges AS first FROM ledger_entry "
                           "WHERE team = ? AND seq <= ? AND type IN (?, ?) AND coalesce(call, job) IS NOT NULL "
                           "WINDOW charges AS (PARTITION BY call, iif(call IS NULL, job, NULL))) "
                           "WHERE seq > first ORDER BY seq LIMIT 1",
                           team_, seq_, static_cast<int>(EntryType::charge), static_cast<int>(EntryType::interrupted));
      if (!query.executeStep()) return;
      finding = Wrong{query.getColumn(0).getInt64(), "it charges what was charged before", "one charge",
                      "another in " + transaction_id(team_, query.getColumn(1).getInt64())};
    });
    return finding;
  }

  [[nodiscard]] Finding check_account() const {
    if (!moment_.team_id) return Wrong{{}, "it has books and is no team", "a team", "none"};
    if (!moment_.account) return Wrong{{}, "it has no account", "an account", "none"};
    const Account& account = *moment_.account;
    if (auto wrong =
            differs({}, "the account's last entry is not the last there is", moment_.last_seq, account.last_seq)) {
      return wrong;
    }
    for (auto wrong :
         {amount_differs({}, "the account's balance is not the sum of its entries", balance_, account.balance),
          amount_differs({}, "the account's allocation is not the sum of its allocations and adjustments", allocated_,
                         account.allocated),
          amount_differs({}, "the account holds another amount than its running calls and open jobs", moment_.held,
                         account.held)}) {
      if (wrong) return wrong;
    }
    if (account.held >= 0 && account.held <= account.balance) return std::nullopt;
    return Wrong{
        {}, "the account holds more than it has", "0 to " + credits_text(account.balance), credits_text(account.held)};
  }

  const Database& database_;
  RowId team_;
  Moment moment_;
  Number entries_ = 0;  // read
  Number seq_ = 0;      // of the last good one
  MicroCredits balance_ = 0;
  MicroCredits allocated_ = 0;
  std::vector<Number> charged_;
  Finding finding_;
};

// Whoever has an account or an entry is looked at, too, were it no team.
std::optional<RowId> team_after(Connection& db, RowId team) {
  return find_integer(db,
                      "SELECT min(team) FROM (SELECT min(row) AS team FROM team WHERE row > ?1 "
                      "UNION ALL SELECT min(team) FROM account WHERE team > ?1 "
                      "UNION ALL SELECT min(team) FROM ledger_entry WHERE team > ?1)",
                      team);
}

std::optional<RowId> next_team(const Database& database, RowId team) {
  std::optional<RowId> next;
  database.read([&](Connection& db) { next = team_after(db, team); });
  return next;
}

Number entries_of(const Database& database, std::optional<RowId> team) {
  Number count = 0;
  database.read([&](Connection& db) {
    count = team ? sum_of_rows(prepare(db, "SELECT last_seq FROM account WHERE team = ?", *team))
                 : sum_of_rows(prepare(db, "SELECT last_seq FROM account"));
  });
  return count;
}

}  // namespace

LedgerReport verify_ledger(const Database& database, const std::optional<TeamId>& team_id,
                           const VerifyProgress& progress) {
  std::optional<RowId> only;
  if (team_id) database.read([&](Connection& db) { only = require_team_ever(db, *team_id); });
  const Number of = entries_of(database, only);
  LedgerReport report;
  for (auto team = only ? only : next_team(database, kBeforeAll); team;
       team = only ? std::nullopt : next_team(database, *team)) {
    TeamCheck check(database, *team);
    for (bool more = true; more;) {
      more = check.read_page();
      if (progress) progress(report.entries + check.entries(), of);
    }
    if (auto fault = check.fault()) report.faults.push_back(std::move(*fault));
    report.teams += 1;
    report.entries += check.entries();
  }
  return report;
}

}  // namespace saas_access
