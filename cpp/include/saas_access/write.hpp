#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "saas_access/change.hpp"
#include "saas_access/connection.hpp"
#include "saas_access/records.hpp"

namespace saas_access {

/// Keeps the order of keys as they were given.
using Json = nlohmann::ordered_json;

struct WriteOptions {
  std::string actor = "operator";       ///< who, for the audit
  bool dry_run = false;                 ///< do everything, then undo it
  std::optional<Revision> if_revision;  ///< refuse (PreconditionFailed) unless the record still has this revision
};

/// What became of a write.
struct Receipt {
  Revision revision = 0;              ///< the policy's after it; unchanged by a dry run, or if nothing was written
  std::vector<AccessChange> changes;  ///< of a dry run: every team that would gain or lose a model
};

template <class T>
struct Written {
  T value;
  Receipt receipt;
};

/// One open admin transaction. Operations (policy.hpp, ledger.hpp, jobs.hpp) run their SQL on `db`, note what they
/// touched and leave audit entries; Engine::write commits it all under one revision, or none of it.
struct Write {
  Connection& db;
  const WriteOptions& options;
  UnixMs now_ms = 0;
  Revision revision = 0;  ///< what this write will be known as
  ChangeSet changes = {};

  /// Now, as a whole second: for `created_at_ms`.
  [[nodiscard]] UnixMs created_at_ms() const noexcept { return now_ms / 1000 * 1000; }

  /// Throws PreconditionFailed when the caller named another revision than the record has.
  void require_revision(Revision current, std::string_view what) const;

  /// One audit entry; `before`/`after` are what an operator can set, or null. Never a secret.
  void audit(std::string_view action, std::string_view target_type, std::string_view target_id, const Json& before,
             const Json& after);
};

}  // namespace saas_access
