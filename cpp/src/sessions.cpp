#include "saas_access/sessions.hpp"

#include "sql.hpp"

namespace saas_access {

void begin_session(Connection& db, const SessionName& name, const Session& session) {
  execute(db, "DELETE FROM dashboard_session WHERE expires_at_ms <= ?", session.created_at_ms);
  execute(db,
          "REPLACE INTO dashboard_session (digest, keys, actor, viewer, created_at_ms, expires_at_ms) "
          "VALUES (?, ?, ?, ?, ?, ?)",
          name.digest, name.keys, session.actor, session.viewer, session.created_at_ms, session.expires_at_ms);
}

std::optional<Session> find_session(Connection& db, const SessionName& name, UnixMs now_ms) {
  Query statement = prepare(db,
                            "SELECT actor, viewer, created_at_ms, expires_at_ms FROM dashboard_session "
                            "WHERE digest = ? AND keys = ? AND expires_at_ms > ?",
                            name.digest, name.keys, now_ms);
  if (!statement.executeStep()) return std::nullopt;
  return Session{statement.getColumn(0).getString(), statement.getColumn(1).getInt() != 0,
                 statement.getColumn(2).getInt64(), statement.getColumn(3).getInt64()};
}

bool end_session(Connection& db, const KeyDigest& digest) {
  return prepare(db, "DELETE FROM dashboard_session WHERE digest = ?", digest).exec() > 0;
}

}  // namespace saas_access
