#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "saas_access/connection.hpp"
#include "saas_access/ledger.hpp"

namespace saas_access {

/// What the calls of one transaction do to the books, in the order in which they are told. However many there are, each
/// account is read once and stored once. An operation that throws Invalid or NotFound has changed nothing, and the
/// others stand; after any other exception the transaction must be rolled back. Used by one thread, in one transaction,
/// which ends with `finish`.
class LedgerBatch {
 public:
  /// `owner`: the process in whose name calls are reserved.
  LedgerBatch(Connection& db, std::string_view owner, UnixMs now_ms);
  ~LedgerBatch();
  LedgerBatch(const LedgerBatch&) = delete;
  LedgerBatch& operator=(const LedgerBatch&) = delete;

  // As the functions of these names in ledger.hpp.
  Reservation reserve(const ReserveRequest& request);
  void mark_answering(const CallId& call_id, const Usage& known, const std::optional<Substitute>& answered_by);
  Settlement settle(const CallId& call_id, const Usage& usage, std::int64_t latency_ms,
                    const std::optional<Substitute>& answered_by);
  void release(const CallId& call_id, bool failed, std::int64_t latency_ms);
  Recovered recover(std::string_view dead_owner, std::int64_t limit);

  /// Stores what the operations changed in memory. Nothing may follow but the commit.
  void finish();

 private:
  class Books;
  std::unique_ptr<Books> books_;
};

}  // namespace saas_access
