#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

#include "saas_access/connection.hpp"
#include "saas_access/engine.hpp"
#include "saas_access/ledger.hpp"

namespace saas_access {

/// The ledger's writes of one process, for callers that may not wait: a thread makes one durable transaction of
/// whatever is queued when it comes round, and says by a file descriptor that results are there. Many callers share one
/// sync that way, and the event loop of a host is woken without any of its locks. Thread-safe. Start it after a fork.
class LedgerWriter {
 public:
  using Result = std::variant<std::monostate, Reservation, Settlement>;  ///< of a release, a reserve, a settle
  using Number = std::uint64_t;

  /// Reservations beyond this many waiting writes are refused; whatever closes a call is always taken.
  static constexpr std::size_t kMostWaiting = 10'000;

  /// StoreUnavailable if the process is out of descriptors.
  explicit LedgerWriter(std::shared_ptr<Engine> engine);
  ~LedgerWriter();  ///< what is queued is still written
  LedgerWriter(const LedgerWriter&) = delete;
  LedgerWriter& operator=(const LedgerWriter&) = delete;

  /// Each queues one write, as the function of the same name makes it, and returns its number.
  Number reserve(ReserveRequest request);  ///< StoreUnavailable over kMostWaiting
  Number settle(CallId call_id, Usage usage, std::int64_t latency_ms, std::optional<Substitute> answered_by);
  Number release(CallId call_id, bool failed, std::int64_t latency_ms);

  /// Readable while writes have ended that `ended` has not told of.
  [[nodiscard]] int event_fd() const noexcept;
  /// The numbers of the writes that ended since the last call: they are durable, or failed.
  std::vector<Number> ended();
  /// The result of one of those, once. Throws what made it fail; std::out_of_range for any other number.
  Result take(Number number);

  [[nodiscard]] std::uint64_t transactions() const;  ///< committed so far

 private:
  using Work = std::function<Result(Connection&)>;
  struct Write {
    Number number;
    Work work;
    Result result;
    std::exception_ptr failure;
  };

  Number submit(Work work, bool refusable);
  void run();
  void write(std::deque<Write>& batch);
  void write_alone(Write& alone);
  void count_transaction();

  std::shared_ptr<Engine> engine_;
  int event_fd_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Write> waiting_;
  std::vector<Number> ended_;
  std::unordered_map<Number, Write> results_;
  Number last_ = 0;
  std::uint64_t transactions_ = 0;
  bool stopping_ = false;
  std::thread thread_;  // the last member: it uses all others
};

}  // namespace saas_access
