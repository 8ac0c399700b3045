#pragma once

#include <optional>
#include <string>

#include "saas_access/connection.hpp"
#include "saas_access/snapshot.hpp"

// Who is signed in to the dashboard. The store holds the digest of a session's token, never the token; and a digest of
// the operator's keys, so that no session outlives a change of them.

namespace saas_access {

struct Session {
  std::string actor;
  bool viewer = false;  ///< may look, and change nothing
  UnixMs created_at_ms = 0;
  UnixMs expires_at_ms = 0;
};

/// What names a session: SHA-256 of its token, and of the operator's keys as they are configured.
struct SessionName {
  KeyDigest digest{};
  KeyDigest keys{};
};

/// Opens it, in place of one of the same digest; forgets those that have expired by `session.created_at_ms`.
void begin_session(Connection&, const SessionName&, const Session&);

/// Nothing if there is none, if it has expired, or if it was made under other keys.
std::optional<Session> find_session(Connection&, const SessionName&, UnixMs now_ms);

/// Tells whether there was one.
bool end_session(Connection&, const KeyDigest& digest);

}  // namespace saas_access
