#include "saas_access/webhooks.hpp"

#include <limits>
#include <utility>

#include "books.hpp"
#include "calendar.hpp"
#include "columns.hpp"
#include "paging.hpp"
#include "sql.hpp"

namespace saas_access {

namespace {

constexpr const char* kColumns =
    "event.row, event_id, type, team_id, payload, event.created_at_ms, attempts, next_attempt_at_ms, delivered_at_ms, "
    "last_error FROM webhook_event event LEFT JOIN team ON team.row = event.team ";

WebhookEvent read_event(const SQLite::Statement& row) {
  WebhookEvent event;
  event.event_id = row.getColumn(1).getString();
  event.type = row.getColumn(2).getString();
  if (auto team_id = optional_text(row.getColumn(3))) event.team_id = TeamId(std::move(*team_id));
  event.payload = row.getColumn(4).getString();
  event.created_at_ms = row.getColumn(5).getInt64();
  event.attempts = row.getColumn(6).getInt64();
  event.next_attempt_at_ms = optional_integer(row.getColumn(7));
  event.delivered_at_ms = optional_integer(row.getColumn(8));
  event.last_error = optional_text(row.getColumn(9));
  return event;
}

WebhookEvent find_event(Connection& db, RowId row) {
  Query query = prepare(db, "SELECT " + std::string(kColumns) + "WHERE event.row = ?", row);
  query.executeStep();
  return read_event(query);
}

}  // namespace

void add_webhook_event(Connection& db, std::string_view type, std::optional<RowId> team, std::string_view data,
                       UnixMs now_ms) {
  const std::string kind(type);
  const std::string payload = "{\"type\":" + Json(kind).dump() + ",\"timestamp\":\"" + time_text(now_ms) +
                              "\",\"data\":" + std::string(data) + "}";
  execute(db,
          "INSERT INTO webhook_event (event_id, type, team, payload, created_at_ms, next_attempt_at_ms) "
          "VALUES (?, ?, ?, ?, ?, ?)",
          random_id("evt_"), kind, team, payload, whole_second(now_ms), now_ms);
}

WebhookEvent add_test_webhook_event(Write& write) {
  add_webhook_event(write.db, "webhook.test", std::nullopt, "{}", write.now_ms);
  WebhookEvent event = find_event(write.db, write.db.getLastInsertRowid());
  write.audit("webhook.test", "webhook_event", event.event_id, nullptr, {{"type", event.type}});
  return event;
}

bool has_due_webhook_events(Connection& db, UnixMs now_ms) {
  return find_integer(db, "SELECT 1 FROM webhook_event WHERE next_attempt_at_ms <= ? LIMIT 1", now_ms).has_value();
}

std::optional<WebhookEvent> claim_webhook_event(Connection& db, UnixMs now_ms, std::int64_t lease_ms) {
  const auto row = find_integer(db,
                                "SELECT row FROM webhook_event WHERE next_attempt_at_ms <= ? "
                                "ORDER BY next_attempt_at_ms, row LIMIT 1",
                                now_ms);
  if (!row) return std::nullopt;
  execute(db, "UPDATE webhook_event SET attempts = attempts + 1, next_attempt_at_ms = ? WHERE row = ?",
          now_ms + lease_ms, *row);
  return find_event(db, *row);
}

void finish_webhook_attempt(Connection& db, const WebhookAttempt& ended, UnixMs now_ms) {
  if (!ended.error) {
    execute(db,
            "UPDATE webhook_event SET next_attempt_at_ms = NULL, delivered_at_ms = coalesce(delivered_at_ms, ?) "
            "WHERE event_id = ?",
            now_ms, ended.event_id);
    return;
  }
  execute(db,
          "UPDATE webhook_event SET next_attempt_at_ms = ?, last_error = ? "
          "WHERE event_id = ? AND attempts = ? AND delivered_at_ms IS NULL",
          ended.next_attempt_at_ms, *ended.error, ended.event_id, ended.attempt);
}

std::optional<std::string> find_webhook_trouble(Connection& db) {
  Query query = prepare(db,
                        "SELECT event_id, last_error FROM webhook_event WHERE next_attempt_at_ms IS NOT NULL "
                        "AND last_error IS NOT NULL ORDER BY row LIMIT 1");
  if (!query.executeStep()) return std::nullopt;
  return "Webhook event '" + query.getColumn(0).getString() +
         "' is not delivered so far: " + query.getColumn(1).getString() + ".";
}

Page<WebhookEvent> list_webhook_events(Connection& db, const PageRequest& request) {
  Query query = prepare(db, "SELECT " + std::string(kColumns) + "WHERE event.row < ? ORDER BY event.row DESC LIMIT ?",
                        request.after.value_or(std::numeric_limits<std::int64_t>::max()), limit_of(request));
  return read_page<WebhookEvent>(query, request, read_event);
}

}  // namespace saas_access
