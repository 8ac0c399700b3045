#include <gtest/gtest.h>

#include <set>
#include <string>
#include <unordered_set>

#include "expectations.hpp"
#include "saas_access/ids.hpp"

namespace saas_access {
namespace {

template <class Name>
bool well_formed(const std::string& text) {
  try {
    require_well_formed(Name(text), "field");
    return true;
  } catch (const Invalid&) {
    return false;
  }
}

TEST(Ids, AcceptsDocumentedGroupNames) {
  for (const char* name : {"a", "0", "gpt-models", "tier_1.basic", "9lives", "a-"}) {
    EXPECT_TRUE(well_formed<GroupName>(name)) << name;
  }
  EXPECT_TRUE(well_formed<GroupName>(std::string(64, 'a')));
}

TEST(Ids, RefusesOtherGroupNames) {
  for (const char* name : {"", "-a", ".a", "_a", "GPT", "a b", "a/b", "a,b", "gr\xC3\xBC", "a\n"}) {
    EXPECT_FALSE(well_formed<GroupName>(name)) << name;
  }
  EXPECT_FALSE(well_formed<GroupName>(std::string(65, 'a')));
  EXPECT_FALSE(well_formed<GroupName>(std::string("a\0b", 3)));
}

TEST(Ids, ShowsAGoodGroupName) {
  const auto message = message_of<Invalid>([] { require_well_formed(GroupName("GPT Models"), "group_name"); });
  EXPECT_EQ(
      message,
      "group_name: 'GPT Models' must be 1 to 64 lower-case letters, digits and . _ -, starting with a letter or digit, "
      "such as 'gpt-models'");
}

TEST(Ids, AcceptsPrintableAliases) {
  for (const char* alias : {"gpt-4", "openai/gpt-4", "claude-3-opus@20240229", "GPT", "mod\xC3\xA8le",
                            "\xE6\xA8\xA1\xE5\x9E\x8B", "\xF0\x9F\xA6\x99", "*", "'"}) {
    EXPECT_TRUE(well_formed<AliasName>(alias)) << alias;
  }
}

TEST(Ids, CountsAliasesInCharactersNotBytes) {
  std::string longest;
  for (int i = 0; i < 128; ++i) longest += "\xF0\x9F\xA6\x99";
  EXPECT_TRUE(well_formed<AliasName>(longest));
  EXPECT_FALSE(well_formed<AliasName>(longest + "a"));
}

TEST(Ids, RefusesInvisibleCharactersInAliases) {
  for (const char* alias : {"", "a b", " a", "a\t", "a,b", "a\x7F", "a\xC2\xA0", "a\xE2\x80\x8B", "a\xE2\x80\xAE",
                            "a\xE3\x80\x80", "a\xEF\xBB\xBF", "a\xEF\xBF\xBF", "a\xF3\xA0\x80\x81"}) {
    EXPECT_FALSE(well_formed<AliasName>(alias)) << alias;
  }
}

TEST(Ids, RefusesBytesThatAreNotUtf8) {
  // A lone continuation, a cut sequence, overlong forms, a surrogate, beyond U+10FFFF, bytes that never occur.
  for (const char* alias : {"\x80", "\xE6\xA8", "\xC0\xAF", "\xE0\x80\xAF", "\xF0\x80\x80\xAF", "\xED\xA0\x80",
                            "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC3("}) {
    EXPECT_FALSE(well_formed<AliasName>(alias)) << alias;
  }
}

TEST(Ids, ChecksTeamAndOrganizationIds) {
  for (const char* id : {"acme-prod", "ACME", "org_acme", "a:b.c", "7"}) {
    EXPECT_TRUE(well_formed<TeamId>(id)) << id;
    EXPECT_TRUE(well_formed<OrganizationId>(id)) << id;
  }
  for (const std::string& id :
       {std::string(), std::string("a b"), std::string("a/b"), std::string("\xC3\xBC"), std::string(129, 'a')}) {
    EXPECT_FALSE(well_formed<TeamId>(id)) << id;
    EXPECT_FALSE(well_formed<OrganizationId>(id)) << id;
  }
  EXPECT_TRUE(well_formed<TeamId>(std::string(128, 'a')));
}

TEST(Ids, CutsLongValuesInMessagesBetweenCharacters) {
  std::string value = "a";
  for (int i = 0; i < 1000; ++i) value += "\xC3\xBC";
  const auto message = message_of<Invalid>([&] { require_well_formed(TeamId(value), "team_id"); });
  EXPECT_LT(message.size(), 700U);
  EXPECT_NE(message.find("\xC3\xBC...'"), std::string::npos);
}

TEST(Ids, MakesRandomIdsThatDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = random_id("key_");
    ASSERT_EQ(id.size(), 4U + 24U);
    EXPECT_EQ(id.substr(0, 4), "key_");
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef", 4), std::string::npos) << id;
    EXPECT_TRUE(seen.insert(id).second);
  }
}

TEST(Ids, WorkAsHashKeys) {
  const std::unordered_set<TeamId> teams = {TeamId("a"), TeamId("b"), TeamId("a")};
  EXPECT_EQ(teams.size(), 2U);
  EXPECT_LT(TeamId("a"), TeamId("b"));
}

}  // namespace
}  // namespace saas_access
