#include <gtest/gtest.h>

#include "child_processes.hpp"
#include "engine_test.hpp"
#include "saas_access/webhooks.hpp"

namespace saas_access {
namespace {

class WebhookTest : public EngineTest {
 protected:
  static constexpr std::int64_t kLease = 60'000;

  WebhookEvent add() {
    return write([](Write& w) { return add_test_webhook_event(w); }).value;
  }
  std::optional<WebhookEvent> claim(UnixMs now_ms = kNow) {
    return engine_.transact([&](Connection& db) { return claim_webhook_event(db, now_ms, kLease); });
  }
  void finish(const WebhookEvent& claimed, const std::optional<std::string>& error = {},
              const std::optional<UnixMs>& next_attempt_at_ms = {}) {
    engine_.transact([&](Connection& db) {
      finish_webhook_attempt(db, {claimed.event_id, claimed.attempts, error, next_attempt_at_ms}, kNow);
    });
  }
  std::vector<WebhookEvent> events() {
    return engine_.read([](Connection& db) { return list_webhook_events(db, {}); }).items;
  }
  std::optional<std::string> trouble() {
    return engine_.read([](Connection& db) { return find_webhook_trouble(db); });
  }
};

TEST_F(WebhookTest, AClaimedEventIsNobodyElsesUntilItsLeaseEnds) {
  const WebhookEvent event = add();
  EXPECT_EQ(event.payload, R"({"type":"webhook.test","timestamp":"2023-11-14T22:13:20Z","data":{}})");
  const auto first = claim();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->event_id, event.event_id);
  EXPECT_EQ(first->attempts, 1);
  EXPECT_FALSE(claim(kNow + kLease - 1));
  const auto second = claim(kNow + kLease);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->attempts, 2);
}

TEST_F(WebhookTest, ADeliveredEventIsDone) {
  add();
  finish(*claim());
  EXPECT_FALSE(claim(kNow + 10 * kLease));
  EXPECT_EQ(events().front().delivered_at_ms, kNow);
  EXPECT_EQ(events().front().next_attempt_at_ms, std::nullopt);
}

TEST_F(WebhookTest, AFailedAttemptIsRepeatedWhenItIsTime) {
  add();
  finish(*claim(), "it answered 500", kNow + 5'000);
  EXPECT_FALSE(claim(kNow + 4'999));
  EXPECT_EQ(trouble(), "Webhook event '" + events().front().event_id + "' is not delivered so far: it answered 500.");
  const auto again = claim(kNow + 5'000);
  ASSERT_TRUE(again);
  finish(*again);
  EXPECT_EQ(trouble(), std::nullopt);
}

TEST_F(WebhookTest, AnEventThatWasGivenUpStaysReadable) {
  add();
  finish(*claim(), "it answered 500");
  EXPECT_FALSE(claim(kNow + 10 * kLease));
  EXPECT_EQ(events().front().last_error, "it answered 500");
  EXPECT_EQ(events().front().delivered_at_ms, std::nullopt);
}

TEST_F(WebhookTest, ALateFailureChangesNothingOfALaterAttempt) {
  add();
  const WebhookEvent slow = *claim();
  const WebhookEvent later = *claim(kNow + kLease);
  finish(slow, "too late", kNow);
  EXPECT_FALSE(claim());
  finish(later);
  finish(later, "after all", kNow);
  EXPECT_TRUE(events().front().delivered_at_ms);
  EXPECT_FALSE(claim(kNow + 10 * kLease));
}

TEST_F(WebhookTest, ListsTheNewestFirstInPages) {
  const WebhookEvent first = add();
  const WebhookEvent second = add();
  const auto page = engine_.read([](Connection& db) { return list_webhook_events(db, {.after = {}, .limit = 1}); });
  EXPECT_EQ(page.items.front().event_id, second.event_id);
  const auto next = engine_.read([&](Connection& db) { return list_webhook_events(db, {page.next, 1}); });
  EXPECT_EQ(next.items.front().event_id, first.event_id);
  EXPECT_EQ(next.next, std::nullopt);
}

TEST_F(WebhookTest, ATestEventIsAuditedAndADryRunOfOneLeavesNothing) {
  preview([](Write& w) { add_test_webhook_event(w); });
  EXPECT_TRUE(events().empty());
  add();
  EXPECT_EQ(engine_.read([](Connection& db) { return list_audit(db, {}, {}); }).items.front().action, "webhook.test");
}

TEST_F(WebhookTest, ProcessesThatComeTogetherClaimEachEventOnce) {
  for (int i = 0; i < 40; ++i) add();
  expect_in_processes(4, [&](int) {
    Engine engine(file_.path(), [] { return kNow; });
    while (engine.transact([](Connection& db) { return claim_webhook_event(db, kNow, kLease); })) {
    }
    return true;
  });
  for (const WebhookEvent& event : events()) EXPECT_EQ(event.attempts, 1);
}

}  // namespace
}  // namespace saas_access
