#include <gtest/gtest.h>

#include "engine_test.hpp"
#include "saas_access/sessions.hpp"

namespace saas_access {
namespace {

class SessionsTest : public EngineTest {
 protected:
  static constexpr UnixMs kLength = 3'600'000;

  void begin(const SessionName& name, const std::string& actor = "admin") {
    engine_.transact([&](Connection& db) { begin_session(db, name, {actor, true, now_ms_, now_ms_ + kLength}); });
  }
  std::optional<Session> find(const SessionName& name) {
    return engine_.read([&](Connection& db) { return find_session(db, name, now_ms_); });
  }
  bool end(const SessionName& name) {
    return engine_.transact([&](Connection& db) { return end_session(db, name.digest); });
  }
  int stored() {
    return engine_.read(
        [](Connection& db) { return db.execAndGet("SELECT count(*) FROM dashboard_session").getInt(); });
  }

  const SessionName name_{digest_of(1), digest_of(100)};
};

TEST_F(SessionsTest, LastsUntilItExpires) {
  EXPECT_FALSE(find(name_));
  begin(name_);
  now_ms_ += kLength - 1;
  const auto found = find(name_);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->actor, "admin");
  EXPECT_TRUE(found->viewer);
  EXPECT_EQ(found->created_at_ms, kNow);
  EXPECT_EQ(found->expires_at_ms, kNow + kLength);
  now_ms_ += 1;
  EXPECT_FALSE(find(name_));
}

TEST_F(SessionsTest, IsNoneUnderOtherKeysOrByAnotherDigest) {
  begin(name_);
  EXPECT_FALSE(find({name_.digest, digest_of(101)}));
  EXPECT_FALSE(find({digest_of(2), name_.keys}));
  EXPECT_TRUE(find(name_));
}

TEST_F(SessionsTest, EndsAloneAndOnce) {
  const SessionName other{digest_of(2), name_.keys};
  begin(name_);
  begin(other, "viewer");
  EXPECT_TRUE(end(name_));
  EXPECT_FALSE(end(name_));
  EXPECT_FALSE(find(name_));
  ASSERT_TRUE(find(other));
  EXPECT_EQ(find(other)->actor, "viewer");
}

TEST_F(SessionsTest, ExpiredOnesAreForgottenByTheNext) {
  begin(name_);
  now_ms_ += kLength / 2;
  begin({digest_of(2), name_.keys});
  EXPECT_EQ(stored(), 2);
  now_ms_ += kLength / 2;
  begin({digest_of(3), name_.keys});
  EXPECT_EQ(stored(), 2);
}

TEST_F(SessionsTest, IsKnownToOtherProcessesAndLaterOnes) {
  begin(name_);
  const Engine other(file_.path(), clock());
  EXPECT_TRUE(other.read([&](Connection& db) { return find_session(db, name_, now_ms_); }));
}

}  // namespace
}  // namespace saas_access
