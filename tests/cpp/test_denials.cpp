#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "usage_test.hpp"

namespace saas_access {
namespace {

class DenialsTest : public UsageTest {
 protected:
  Denial denial(const std::string& alias, Reason reason = Reason::model_not_granted) const {
    return {.team_id = teams_[0], .key_id = keys_[0], .alias = AliasName(alias), .access_group = {}, .reason = reason};
  }
  void note(const Denial& denial) { counts_.note(*engine_.snapshot(), denial, engine_.now_ms()); }
  void flush() {
    counts_.flush([this](auto&& work) { engine_.transact(work); });
  }
  // "alias reason denials", of all rows.
  std::vector<std::string> denied() {
    std::vector<std::string> found;
    const auto report_of_all =
        report({.from_ms = kNow - kHour, .to_ms = kNow + kHour, .group_by = {UsageBy::alias, UsageBy::reason}});
    for (const UsageRow& row : report_of_all.rows.items) {
      found.push_back(row.alias.value_or(AliasName("-")).str() + " " + std::string(slug(row.reason.value())) + " " +
                      std::to_string(row.denials));
    }
    std::ranges::sort(found);
    return found;
  }

  DenialCounts counts_;
};

TEST_F(DenialsTest, OnlyNamesThatExistAreRecorded) {
  for (int i = 0; i < 1'000; ++i) note(denial("no-such-model-" + std::to_string(i)));
  note(denial("c"));
  note(denial("c"));
  note(denial("a", Reason::credits_exhausted));
  note({.team_id = teams_[0], .key_id = {}, .alias = {}, .access_group = {}, .reason = Reason::route_not_allowed});
  note({.team_id = TeamId("nobody"), .key_id = {}, .alias = AliasName("c"), .access_group = {}});
  EXPECT_TRUE(denied().empty());
  flush();
  const std::vector<std::string> expected = {"(unknown model) model_not_granted 1000", "- route_not_allowed 1",
                                             "a credits_exhausted 1", "c model_not_granted 2"};
  EXPECT_EQ(denied(), expected);
  flush();
  EXPECT_EQ(denied(), expected);
}

TEST_F(DenialsTest, WhatCouldNotBeWrittenIsKept) {
  note(denial("c"));
  EXPECT_THROW(counts_.flush([](auto&&) { throw StoreUnavailable("full"); }), StoreUnavailable);
  note(denial("c"));
  flush();
  EXPECT_EQ(denied(), std::vector<std::string>{"c model_not_granted 2"});
}

TEST_F(DenialsTest, TheEngineWritesThemBeforeItEnds) {
  {
    Engine other(file_.path(), clock(), 3'600'000);
    other.note_denial(denial("c"));
  }
  EXPECT_EQ(denied(), std::vector<std::string>{"c model_not_granted 1"});
}

}  // namespace
}  // namespace saas_access
