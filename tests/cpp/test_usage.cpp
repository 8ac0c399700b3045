#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <random>
#include <set>

#include "books.hpp"
#include "usage_test.hpp"

namespace saas_access {
namespace {

// -- against a plain model

struct Event {
  std::size_t team = 0;
  std::size_t key = 0;
  std::string alias;
  std::string group;
  int outcome = 0;  // 0 answered, 1 failed, 2 denied, 3 a job's charge
  Reason reason = Reason::model_not_granted;
  Usage usage;
  MicroCredits charged = 0;
  std::int64_t latency_ms = 0;
  UnixMs at_ms = 0;
};

// What a row is told apart by, and its figures, as text: what the report says must be what the events say.
using Figures = std::map<std::string, std::string>;

class UsageModelTest : public UsageTest {
 protected:
  std::size_t pick(std::size_t below) { return random_() % below; }

  Event event() {
    static const std::vector<std::string> kAliases = {"a", "b", "gone/alias"};
    Event event;
    event.team = pick(3);
    event.key = pick(3);
    event.alias = kAliases[pick(3)];
    event.group = pick(2) == 0 ? "ab" : "c";
    event.outcome = static_cast<int>(pick(4));
    event.reason = pick(2) == 0 ? Reason::model_not_granted : Reason::credits_exhausted;
    event.usage = {static_cast<std::int64_t>(pick(5'000)), pick(2) == 0, static_cast<PicoDollars>(pick(9'000'000))};
    event.charged = static_cast<MicroCredits>(pick(3'000'000));
    event.latency_ms = static_cast<std::int64_t>(pick(40'000));
    event.at_ms = kMidnight + static_cast<UnixMs>(pick(5 * kDay));
    return event;
  }

  void add(UsageRollup& rollup, Connection& db, const Event& event) {
    const RowId team = require_row(db, teams_[event.team]);
    UsedBy by{team, {}, record_name(db, event.alias), record_name(db, event.group)};
    if (event.key < 2) by.virtual_key = require_row(db, teams_[event.team], key_of(event));
    if (event.outcome == 0) rollup.call(by, event.usage, event.charged, event.latency_ms, event.at_ms);
    if (event.outcome == 1) rollup.failure(by, event.at_ms);
    if (event.outcome == 2) rollup.denial(by, event.reason, 2, event.at_ms);
    if (event.outcome == 3) rollup.charge(by, event.charged, event.at_ms);
  }

  const KeyId& key_of(const Event& event) const { return keys_[2 * event.team + event.key]; }

  static std::string text(const UsageRow& row) {
    const auto number = [](std::int64_t value) { return std::to_string(value) + " "; };
    return number(row.calls) + number(row.failed_calls) + number(row.denials) + number(row.tokens) +
           number(row.cost_microdollars * 1'000'000 + row.cost_rest) + number(row.charged) + number(row.latency_ms) +
           number(row.latencies.count()) + number(row.last_call_at_ms.value_or(-1)) +
           number(row.last_denial_at_ms.value_or(-1));
  }

  static std::string group_of(const UsageRow& row) {
    return row.team_id.value_or(TeamId("")).str() + "|" + row.key_id.value_or(KeyId("")).str() + "|" +
           row.alias.value_or(AliasName("")).str() + "|" + row.access_group.value_or(GroupName("")).str() + "|" +
           std::to_string(row.period_ms.value_or(-1)) + "|" +
           std::string(row.reason ? slug(*row.reason) : std::string_view());
  }

  // The row that this event alone would make, told apart as the query asks.
  UsageRow row_of_event(const Event& event, const std::set<UsageBy>& by) const {
    UsageRow row;
    if (by.contains(UsageBy::team_id)) row.team_id = teams_[event.team];
    if (by.contains(UsageBy::key_id) && event.key < 2) row.key_id = key_of(event);
    if (by.contains(UsageBy::alias)) row.alias = AliasName(event.alias);
    if (by.contains(UsageBy::access_group)) row.access_group = GroupName(event.group);
    if (by.contains(UsageBy::day)) row.period_ms = event.at_ms / kDay * kDay;
    if (by.contains(UsageBy::hour)) row.period_ms = event.at_ms / kHour * kHour;
    if (by.contains(UsageBy::reason) && event.outcome == 2) row.reason = event.reason;
    return row;
  }

  static void add_figures(UsageRow& row, const Event& event) {
    if (event.outcome == 0) {
      row.calls += 1;
      row.tokens += event.usage.total_tokens;
      row.cost_rest += event.usage.price_known ? event.usage.cost : 0;
      row.latency_ms += event.latency_ms;
      row.latencies.add(event.latency_ms);
    }
    if (event.outcome == 1) row.failed_calls += 1;
    if (event.outcome == 2) row.denials += 2;
    if (event.outcome == 0 || event.outcome == 3) row.charged += event.charged;
    if (event.outcome < 2) row.last_call_at_ms = std::max(row.last_call_at_ms.value_or(-1), event.at_ms);
    if (event.outcome == 2) row.last_denial_at_ms = std::max(row.last_denial_at_ms.value_or(-1), event.at_ms);
  }

  Figures expected(const std::vector<Event>& events, const UsageQuery& query, const UsageReport& counted) const {
    const std::set<UsageBy> by(query.group_by.begin(), query.group_by.end());
    std::map<std::string, UsageRow> rows;
    if (by.empty()) rows[group_of({})] = {};
    for (const Event& event : events) {
      if (event.at_ms < counted.from_ms || event.at_ms >= counted.to_ms) continue;
      if (!query.team_ids.empty() && std::ranges::find(query.team_ids, teams_[event.team]) == query.team_ids.end()) {
        continue;
      }
      if (query.key_id && (event.key == 2 || *query.key_id != key_of(event))) continue;
      if (query.alias && query.alias->str() != event.alias) continue;
      if (query.access_group && query.access_group->str() != event.group) continue;
      UsageRow told_apart = row_of_event(event, by);
      add_figures(rows.try_emplace(group_of(told_apart), told_apart).first->second, event);
    }
    Figures figures;
    for (const auto& [group, row] : rows) figures[group] = text(row);
    return figures;
  }

  UsageQuery query() {
    UsageQuery asked;
    asked.from_ms = kMidnight - kDay + static_cast<UnixMs>(pick(4 * kDay));
    asked.to_ms = asked.from_ms + 1 + static_cast<UnixMs>(pick(4 * kDay));
    if (pick(3) == 0) asked.team_ids = {teams_[pick(3)]};
    if (pick(4) == 0) asked.team_ids.push_back(teams_[pick(3)]);
    if (pick(4) == 0) asked.key_id = keys_[2 * pick(3)];
    if (!asked.team_ids.empty() && asked.key_id) asked.team_ids.clear();
    if (pick(3) == 0) asked.alias = AliasName(pick(2) == 0 ? "a" : "gone/alias");
    if (pick(3) == 0) asked.access_group = GroupName("c");
    for (int by = 0; by <= static_cast<int>(UsageBy::reason); ++by) {
      if (pick(3) == 0) asked.group_by.push_back(static_cast<UsageBy>(by));
    }
    return asked;
  }

  std::mt19937_64 random_{20'241'014};
};

TEST_F(UsageModelTest, EveryReportSaysWhatTheEventsSay) {
  std::vector<Event> events(1'500);
  std::ranges::generate(events, [this] { return event(); });
  for (std::size_t done = 0; done < events.size();) {
    const std::size_t end = std::min(events.size(), done + 1 + pick(40));
    record([&](UsageRollup& rollup, Connection& db) {
      for (; done < end; ++done) add(rollup, db, events[done]);
    });
  }
  for (int round = 0; round < 400; ++round) {
    const UsageQuery asked = query();
    const UsageReport counted = report(asked);
    EXPECT_EQ(counted.from_ms, asked.from_ms / kHour * kHour);
    EXPECT_EQ(counted.to_ms, (asked.to_ms + kHour - 1) / kHour * kHour);
    Figures found;
    for (const UsageRow& row : counted.rows.items) found[group_of(row)] = text(row);
    EXPECT_EQ(found.size(), counted.rows.items.size()) << "two rows of the same group";
    ASSERT_EQ(found, expected(events, asked, counted)) << "round " << round;
  }
}

// -- what is written with what

TEST_F(UsageTest, UsageIsOfTheTransactionThatCharges) {
  allocate(credits(10));
  const CallId answered = reserve_call(call()).call_id;
  const CallId undone = reserve_call(call()).call_id;
  settle_call(answered, {.total_tokens = 33, .price_known = true, .cost = 135'000'000});
  EXPECT_THROW(engine_.transact([&](Connection& db) {
    settle(db, undone, {.total_tokens = 1'000}, 250, engine_.now_ms());
    throw Conflict("nothing of this happened");
  }),
               Conflict);
  settle_call(answered, {.total_tokens = 33});  // a second time: nothing
  release_call(undone, true);

  const UsageRow row = report({.team_ids = {team_}, .from_ms = kNow - kHour, .to_ms = kNow + 1}).rows.items.at(0);
  EXPECT_EQ(row.calls, 1);
  EXPECT_EQ(row.failed_calls, 1);
  EXPECT_EQ(row.tokens, 33);
  EXPECT_EQ(row.cost_microdollars, 135);
  EXPECT_EQ(row.charged, credits(1));
  EXPECT_EQ(row.latency_ms, 250);
  EXPECT_EQ(row.last_call_at_ms, kNow);
}

TEST_F(UsageTest, CreditsAgreeWithTheLedgerJobsIncluded) {
  allocate(credits(10));
  const Job made = make_job();
  settle_call(reserve_call(call_in(made.job_id)).call_id);
  settle_call(reserve_call(call()).call_id);
  complete(made.job_id);
  EXPECT_EQ(balance().used, credits(2));
  const UsageReport by_alias =
      report({.team_ids = {team_}, .from_ms = kNow - 1, .to_ms = kNow + 1, .group_by = {UsageBy::alias}});
  ASSERT_EQ(by_alias.rows.items.size(), 2U);
  EXPECT_EQ(by_alias.rows.items[0].alias, std::nullopt);  // a job's credit is no single model's
  EXPECT_EQ(by_alias.rows.items[0].charged, credits(1));
  EXPECT_EQ(by_alias.rows.items[0].calls, 0);
  EXPECT_EQ(by_alias.rows.items[1].alias, AliasName("a"));
  EXPECT_EQ(by_alias.rows.items[1].charged, credits(1));
  EXPECT_EQ(by_alias.rows.items[1].calls, 2);
}

TEST_F(UsageTest, WhateverAProviderClaimsTheSumsStayReadable) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  const RowId team = row_of(team_);
  for (int i = 0; i < 3; ++i) {
    record([&](UsageRollup& rollup, Connection&) {
      for (int k = 0; k < 9'300; ++k) rollup.call({.team = team}, {kMost, true, kMost}, 0, kMost, kNow);
    });
  }
  const UsageRow row = total(kNow - kDay, kNow + kDay);
  EXPECT_EQ(row.tokens, 27'900 * 1'000'000'000'000);
  EXPECT_EQ(row.latency_ms, kMost);
  EXPECT_EQ(row.cost_microdollars, kMost / 1'000'000);  // of one team in one day that is the end
}

TEST_F(UsageTest, TheCostOfAllTeamsMayExceedSixtyFourBitsOfPicodollars) {
  const RowId team = row_of(team_);
  for (int day = 0; day < 3; ++day) {
    record([&](UsageRollup& rollup, Connection&) {
      for (int k = 0; k < 9'000; ++k) {
        rollup.call({.team = team}, {1, true, 999'999'999'999'999}, 0, 1, kMidnight + day * kDay);
      }
    });
  }
  const UsageRow row = total(kMidnight, kMidnight + 3 * kDay);
  EXPECT_EQ(row.cost_microdollars, 27'000 * std::int64_t{1'000'000'000} - 1);
  EXPECT_EQ(row.cost_rest, 1'000'000 - 27'000);
}

// -- asking

TEST_F(UsageTest, NobodyAskedForIsNotFoundAndWhoeverWasIs) {
  const auto ask = [&](UsageQuery query) {
    query.to_ms = kNow;
    return message_of<NotFound>([&] { report(query); });
  };
  EXPECT_EQ(ask({.team_ids = {TeamId("nobody")}}), "Team 'nobody' does not exist");
  EXPECT_EQ(ask({.key_id = KeyId("key_x")}), "Key 'key_x' does not exist");
  EXPECT_EQ(ask({.team_ids = {team_}, .key_id = keys_[0]}), "Key '" + keys_[0].str() + "' does not exist");
  EXPECT_EQ(ask({.alias = AliasName("nothing")}), "Model alias 'nothing' does not exist");
  EXPECT_EQ(ask({.access_group = GroupName("nothing")}), "Access group 'nothing' does not exist");
  EXPECT_EQ(report({.alias = AliasName("b"), .to_ms = kNow}).rows.items.at(0).calls, 0);  // never called, but there

  record([&](UsageRollup& rollup, Connection& db) {
    rollup.call({row_of(team_), {}, record_name(db, "b")}, {}, 0, 1, kNow);
  });
  write([&](Write& w) {
    delete_team(w, team_);
    delete_model_alias(w, AliasName("b"), true);
  });
  EXPECT_EQ(report({.team_ids = {team_}, .alias = AliasName("b"), .to_ms = kNow + 1}).rows.items.at(0).calls, 1);
}

TEST_F(UsageTest, ARangeOfNothingAndATimeThatNoOneCanPrintAreRefused) {
  EXPECT_EQ(invalid_fields([&] { report({.from_ms = kNow, .to_ms = kNow}); }), "to");
  EXPECT_EQ(invalid_fields([&] { report({.from_ms = -1, .to_ms = std::numeric_limits<std::int64_t>::max()}); }),
            "from to");
  EXPECT_EQ(invalid_fields([&] { report({.to_ms = kNow}, {.after = {}, .limit = 0}); }), "limit");
}

TEST_F(UsageTest, TheMostOfAFigureComesFirst) {
  record([&](UsageRollup& rollup, Connection& db) {
    const RowId alias = record_name(db, "a");
    const std::array<int, 3> calls{2, 0, 3};
    const std::array<int, 3> denials{1, 5, 0};
    for (std::size_t i = 0; i < teams_.size(); ++i) {
      const UsedBy by{.team = row_of(teams_[i]), .virtual_key = {}, .alias = alias};
      for (int n = 0; n < calls[i]; ++n) rollup.call(by, {.total_tokens = 10 - 4 * n}, 1, 1, kNow);
      if (denials[i] != 0) rollup.denial(by, Reason::model_not_granted, denials[i], kNow);
    }
  });
  const auto listed = [&](UsageFigure most, std::vector<UsageBy> by, PageRequest page) {
    const UsageQuery query{.from_ms = kMidnight, .to_ms = kNow + 1, .group_by = std::move(by), .most = most};
    std::vector<std::pair<std::string, std::int64_t>> rows;
    for (const UsageRow& row : report(query, page).rows.items) {
      rows.emplace_back(row.team_id->str(), row.calls * 10 + row.denials);
    }
    return rows;
  };
  using Rows = std::vector<std::pair<std::string, std::int64_t>>;
  EXPECT_EQ(listed(UsageFigure::calls, {UsageBy::team_id}, {}), (Rows{{"team-2", 30}, {"team-0", 21}}));
  EXPECT_EQ(listed(UsageFigure::credits, {UsageBy::team_id}, {.after = 1, .limit = 1}), (Rows{{"team-0", 21}}));
  EXPECT_EQ(listed(UsageFigure::tokens, {UsageBy::team_id}, {.after = {}, .limit = 1}), (Rows{{"team-2", 30}}));
  EXPECT_EQ(listed(UsageFigure::denials, {UsageBy::team_id}, {}), (Rows{{"team-1", 5}, {"team-0", 21}}));
  EXPECT_EQ(listed(UsageFigure::denials, {UsageBy::team_id, UsageBy::reason}, {}),
            (Rows{{"team-1", 5}, {"team-0", 1}}));
}

TEST_F(UsageTest, PagesFollowOneAnother) {
  const RowId team = row_of(team_);
  record([&](UsageRollup& rollup, Connection&) {
    for (int hour = 0; hour < 25; ++hour) rollup.failure({.team = team}, kMidnight + hour * kHour);
  });
  const UsageQuery by_hour{.from_ms = kMidnight, .to_ms = kMidnight + 2 * kDay, .group_by = {UsageBy::hour}};
  std::vector<UnixMs> hours;
  PageRequest page{.after = {}, .limit = 10};
  int pages = 0;
  do {
    const auto found = report(by_hour, page).rows;
    for (const UsageRow& row : found.items) hours.push_back(row.period_ms.value());
    page.after = found.next;
    ++pages;
  } while (page.after);
  EXPECT_EQ(pages, 3);
  ASSERT_EQ(hours.size(), 25U);
  for (int hour = 0; hour < 25; ++hour) EXPECT_EQ(hours[static_cast<std::size_t>(hour)], kMidnight + hour * kHour);
  EXPECT_TRUE(report(by_hour, {.after = 25, .limit = 10}).rows.items.empty());
}

TEST_F(UsageTest, TooManyRowsAreRefusedBeforeTheyFillTheMemory) {
  engine_.transact([&](Connection& db) {
    db.exec(
        "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i <= 100000) INSERT INTO "
        "usage_day SELECT 19675, i, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, x'' FROM n");
  });
  UsageQuery by_team{.from_ms = kMidnight - 9 * kDay, .to_ms = kMidnight + kDay, .group_by = {UsageBy::team_id}};
  EXPECT_EQ(invalid_fields([&] { report(by_team); }), "group_by");
}

// How many steps of SQLite's machine a report takes: what it reads, without a clock.
class StepsTest : public UsageTest {
 protected:
  void fill(int team_count, int day_count) {
    engine_.transact([&](Connection& db) {
      for (int day = 0; day < day_count; ++day) {
        UsageRollup rollup;
        for (int team = 1; team <= team_count; ++team) {
          for (RowId alias = 1; alias <= 3; ++alias) {
            rollup.call({.team = team, .alias = alias}, {}, 0, 100, kMidnight + day * kDay);
          }
        }
        rollup.write(db);
      }
    });
  }

  std::int64_t steps(const UsageQuery& query) {
    return engine_.read([&](Connection& db) {
      std::int64_t count = 0;
      const auto counting = [](void* counter) { return ++*static_cast<std::int64_t*>(counter), 0; };
      sqlite3_progress_handler(db.getHandle(), 1, counting, &count);
      report_usage(db, query, {});
      sqlite3_progress_handler(db.getHandle(), 0, nullptr, nullptr);
      return count;
    });
  }
};

TEST_F(StepsTest, AMonthOfATeamOrOfEverybodyReadsNoOtherRows) {
  const UnixMs to_ms = kMidnight + 30 * kDay;
  const UsageQuery team_by_day{.team_ids = {team_}, .from_ms = kMidnight, .to_ms = to_ms, .group_by = {UsageBy::day}};
  const UsageQuery two_teams{.team_ids = {teams_[0], teams_[1]}, .from_ms = kMidnight, .to_ms = to_ms};
  const UsageQuery all_by_alias{.from_ms = kMidnight, .to_ms = to_ms, .group_by = {UsageBy::alias}};
  const UsageQuery by_team{.from_ms = kMidnight, .to_ms = to_ms, .group_by = {UsageBy::team_id}};
  fill(4, 60);
  const auto few = std::tuple(steps(team_by_day), steps(all_by_alias), steps(by_team), steps(two_teams));
  fill(80, 60);
  const auto many = std::tuple(steps(team_by_day), steps(all_by_alias), steps(by_team), steps(two_teams));
  EXPECT_LT(std::get<0>(many), std::get<0>(few) * 11 / 10);
  EXPECT_LT(std::get<1>(many), std::get<1>(few) * 11 / 10);
  EXPECT_GT(std::get<2>(many), std::get<2>(few) * 10);  // this one has to: the count of steps does tell
  EXPECT_LT(std::get<3>(many), std::get<3>(few) * 11 / 10);
}

TEST_F(UsageTest, ATeamIsNotToldWhichOfTheModelsThatItWasRefusedExist) {
  record([&](UsageRollup& rollup, Connection& db) {
    const UsedBy of_c{row_of(team_), {}, record_name(db, "c"), {}};
    rollup.denial(of_c, Reason::model_not_granted, 3, kNow);
    rollup.denial(of_c, Reason::credits_exhausted, 2, kNow);  // the model was granted then
    rollup.denial({row_of(team_), {}, record_name(db, std::string(kUnknownModel)), {}}, Reason::model_not_granted, 4,
                  kNow);
  });
  UsageQuery own{.team_ids = {team_}, .from_ms = kNow - kHour, .to_ms = kNow + 1, .group_by = {UsageBy::alias}};
  own.hides_refused_models = true;
  const auto denials_by_alias = [&](const UsageQuery& query) {
    std::map<std::string, std::int64_t> found;
    for (const UsageRow& row : report(query).rows.items) found[row.alias.value().str()] = row.denials;
    return found;
  };
  EXPECT_EQ(denials_by_alias(own), (std::map<std::string, std::int64_t>{{"(unknown model)", 7}, {"c", 2}}));
  own.alias = AliasName("c");
  EXPECT_EQ(denials_by_alias(own), (std::map<std::string, std::int64_t>{{"c", 2}}));
  own.alias = AliasName(std::string(kUnknownModel));
  EXPECT_EQ(denials_by_alias(own), (std::map<std::string, std::int64_t>{{"(unknown model)", 7}}));
}

// -- forgetting

TEST_F(UsageTest, OldHoursAreDroppedAndTheirDaysStay) {
  const RowId team = row_of(team_);
  constexpr UnixMs kToday = kMidnight;
  for (int day = -100; day <= 0; ++day) {
    record([&](UsageRollup& rollup, Connection&) {
      rollup.failure({.team = team}, kToday + day * kDay + 5 * kHour);
      rollup.failure({.team = team}, kToday + day * kDay + 7 * kHour);
    });
  }
  int dropped = 0;
  while (engine_.transact([&](Connection& db) { return prune_usage(db, 90, kToday + 9 * kHour); })) ++dropped;
  EXPECT_EQ(dropped, 20);  // two hours of each of ten days

  EXPECT_EQ(total(kToday - 100 * kDay, kToday + kDay).failed_calls, 202);
  // Where the hours are there still, the range is exact; before, it is of whole days, and the report says so.
  EXPECT_EQ(total(kToday - 90 * kDay + 6 * kHour, kToday + kDay).failed_calls, 181);
  const UsageReport older = report({.from_ms = kToday - 95 * kDay + 6 * kHour, .to_ms = kToday - 93 * kDay + kHour});
  EXPECT_EQ(older.rows.items.at(0).failed_calls, 6);
  EXPECT_EQ(older.from_ms, kToday - 95 * kDay);
  EXPECT_EQ(older.to_ms, kToday - 92 * kDay);
  const UsageReport by_hour =
      report({.from_ms = kToday - 95 * kDay, .to_ms = kToday - 89 * kDay, .group_by = {UsageBy::hour}});
  EXPECT_EQ(by_hour.rows.items.size(), 2U);
  EXPECT_EQ(by_hour.from_ms, kToday - 90 * kDay);
}

}  // namespace
}  // namespace saas_access
