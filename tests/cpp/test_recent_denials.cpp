#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "expectations.hpp"
#include "saas_access/denials.hpp"
#include "usage_test.hpp"

namespace saas_access {
namespace {

class RecentDenialsTest : public UsageTest {
 protected:
  // One millisecond after the last.
  void note(const TeamId& team, const std::string& alias, const std::optional<KeyId>& key_id = {}) {
    now_ms_ += 1;
    counts_.note(*engine_.snapshot(), {.team_id = team, .key_id = key_id, .alias = AliasName(alias)}, now_ms_);
  }
  void flush() {
    counts_.flush([this](auto&& work) { engine_.transact(work); });
  }
  std::vector<RecentDenial> latest(const TeamId& team, std::optional<std::int64_t> limit = {}) {
    return engine_.read([&](Connection& db) { return list_denials(db, team, limit); });
  }
  // When the team was refused, in milliseconds since the test began, newest first.
  std::vector<UnixMs> times(const TeamId& team) {
    std::vector<UnixMs> found;
    for (const RecentDenial& denial : latest(team)) found.push_back(denial.at_ms - kNow);
    return found;
  }
  static std::vector<UnixMs> falling(UnixMs from, UnixMs to) {
    std::vector<UnixMs> expected;
    for (UnixMs at = from; at >= to; --at) expected.push_back(at);
    return expected;
  }
  int stored() {
    return engine_.read([](Connection& db) { return db.execAndGet("SELECT count(*) FROM recent_denial").getInt(); });
  }

  DenialCounts counts_;
};

TEST_F(RecentDenialsTest, TellsWhatWasAskedWithWhichKeyNewestFirst) {
  const VirtualKey narrow = write([&](Write& w) {
                              NewVirtualKey key = new_key(digest_of(500));
                              key.name = "ci";
                              key.model_aliases = aliases({"b", "a"});
                              return create_key(w, teams_[0], key);
                            }).value;
  note(teams_[0], "c", narrow.key_id);
  note(teams_[1], "c");
  note(teams_[0], "of the client's own making", keys_[0]);
  now_ms_ += 1;
  counts_.note(*engine_.snapshot(), {.team_id = teams_[0], .reason = Reason::route_not_allowed}, now_ms_);
  EXPECT_TRUE(latest(teams_[0]).empty());
  flush();

  const auto denials = latest(teams_[0]);
  ASSERT_EQ(denials.size(), 3U);
  EXPECT_EQ(denials[0].reason, Reason::route_not_allowed);
  EXPECT_FALSE(denials[0].alias);
  EXPECT_FALSE(denials[0].key_id);
  EXPECT_FALSE(denials[0].key_name);
  EXPECT_FALSE(denials[0].key_model_aliases);
  EXPECT_EQ(denials[1].alias, AliasName(std::string(kUnknownModel)));
  EXPECT_EQ(denials[1].key_id, keys_[0]);
  EXPECT_EQ(denials[1].key_name, "");
  EXPECT_FALSE(denials[1].key_model_aliases);
  EXPECT_EQ(denials[2].at_ms, kNow + 1);
  EXPECT_EQ(denials[2].reason, Reason::model_not_granted);
  EXPECT_EQ(denials[2].alias, AliasName("c"));
  EXPECT_EQ(denials[2].key_name, "ci");
  EXPECT_EQ(denials[2].key_model_aliases, aliases({"b", "a"}));
  EXPECT_EQ(latest(teams_[0], 2).size(), 2U);
  EXPECT_EQ(times(teams_[1]), falling(2, 2));
}

TEST_F(RecentDenialsTest, ADeletedAliasKeepsItsNameAndIsGoneFromTheKey) {
  const VirtualKey narrow = write([&](Write& w) {
                              NewVirtualKey key = new_key(digest_of(500));
                              key.model_aliases = aliases({"c"});
                              return create_key(w, teams_[0], key);
                            }).value;
  note(teams_[0], "c", narrow.key_id);
  flush();
  write([](Write& w) { delete_model_alias(w, AliasName("c"), true); });
  ASSERT_EQ(latest(teams_[0]).size(), 1U);
  EXPECT_EQ(latest(teams_[0])[0].alias, AliasName("c"));
  EXPECT_EQ(latest(teams_[0])[0].key_model_aliases, aliases({}));
}

TEST_F(RecentDenialsTest, KeepsTheLastHundredOfEachTeam) {
  note(teams_[1], "c");
  for (int i = 0; i < 150; ++i) note(teams_[0], "c");
  flush();
  EXPECT_EQ(times(teams_[0]), falling(151, 52));
  for (int i = 0; i < 30; ++i) note(teams_[0], "c");
  flush();
  EXPECT_EQ(times(teams_[0]), falling(181, 82));
  EXPECT_EQ(times(teams_[1]), falling(1, 1));
  EXPECT_EQ(stored(), 101);
}

TEST_F(RecentDenialsTest, WhatCouldNotBeWrittenIsKeptAsFarAsTheHundredGo) {
  for (int i = 0; i < 90; ++i) note(teams_[0], "c");
  note(teams_[1], "c");
  const auto fails = [this](auto&&) {
    for (int i = 0; i < 20; ++i) note(teams_[0], "c");  // as others do meanwhile
    throw StoreUnavailable("full");
  };
  EXPECT_THROW(counts_.flush(fails), StoreUnavailable);
  flush();
  EXPECT_EQ(times(teams_[0]), [] {
    auto expected = falling(111, 92);
    for (const UnixMs at : falling(90, 11)) expected.push_back(at);
    return expected;
  }());
  EXPECT_EQ(times(teams_[1]), falling(91, 91));
}

TEST_F(RecentDenialsTest, HoldsAFewThousandInMemoryOfAllTeamsTogether) {
  RecentDenials held;
  held.note(row_of(teams_[0]), {.at_ms = kNow + 1});
  for (RowId nobody = 1'000'000; nobody < 1'000'100; ++nobody) {
    for (int i = 0; i < 100; ++i) held.note(nobody, {.at_ms = kNow});
  }
  held.note(row_of(teams_[0]), {.at_ms = kNow + 2});
  held.note(row_of(teams_[1]), {.at_ms = kNow + 3});
  engine_.transact([&](Connection& db) { held.write(db); });
  EXPECT_EQ(times(teams_[0]), falling(2, 2));
  EXPECT_TRUE(times(teams_[1]).empty());
}

TEST_F(RecentDenialsTest, ADeletedTeamHasNone) {
  note(teams_[0], "c");
  flush();
  note(teams_[0], "c");
  write([&](Write& w) { delete_team(w, teams_[0]); });
  EXPECT_EQ(stored(), 0);
  flush();
  EXPECT_EQ(stored(), 0);
  EXPECT_THROW(latest(teams_[0]), NotFound);
}

TEST_F(RecentDenialsTest, RefusesALimitBelowOne) { EXPECT_THROW(latest(teams_[0], 0), Invalid); }

}  // namespace
}  // namespace saas_access
