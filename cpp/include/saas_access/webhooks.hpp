#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "saas_access/records.hpp"
#include "saas_access/snapshot.hpp"
#include "saas_access/write.hpp"

// What is to be told to the operator's systems. Events are written in the transaction of what they tell of, and
// delivered by whichever process claims them: at least once.

namespace saas_access {

struct WebhookEvent {
  std::string event_id;  ///< the same at every attempt
  std::string type;      ///< "credits.low", "credits.exhausted", "webhook.test"
  std::optional<TeamId> team_id;
  std::string payload;  ///< the body to send: a JSON object of type, timestamp and data
  UnixMs created_at_ms = 0;
  std::int64_t attempts = 0;                 ///< begun so far
  std::optional<UnixMs> next_attempt_at_ms;  ///< absent: delivered, or given up
  std::optional<UnixMs> delivered_at_ms;
  std::optional<std::string> last_error;
};

/// Inside the caller's transaction; `data` is the text of a JSON object.
void add_webhook_event(Connection&, std::string_view type, std::optional<RowId> team, std::string_view data,
                       UnixMs now_ms);

/// An event that tells of nothing, for the operator to try out what receives them.
WebhookEvent add_test_webhook_event(Write&);

/// Whether claim_webhook_event would find one. Reads only.
bool has_due_webhook_events(Connection&, UnixMs now_ms);

/// Takes the event that is due longest, if any: nobody else gets it until `lease_ms` later, when whoever took it must
/// have died. Counts the attempt.
std::optional<WebhookEvent> claim_webhook_event(Connection&, UnixMs now_ms, std::int64_t lease_ms);

/// What became of a claimed event.
struct WebhookAttempt {
  std::string event_id;
  std::int64_t attempt = 0;                  ///< WebhookEvent::attempts when it was claimed
  std::optional<std::string> error;          ///< absent: delivered
  std::optional<UnixMs> next_attempt_at_ms;  ///< after an error; absent: given up
};
/// A failure counts only while no later attempt was begun, and not once the event is delivered.
void finish_webhook_attempt(Connection&, const WebhookAttempt&, UnixMs now_ms);

/// A sentence about pending events whose last attempt failed, if there are any.
std::optional<std::string> find_webhook_trouble(Connection&);

Page<WebhookEvent> list_webhook_events(Connection&, const PageRequest&);  ///< newest first

}  // namespace saas_access
