#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

#include "saas_access/connection.hpp"
#include "saas_access/engine.hpp"
#include "saas_access/ledger_batch.hpp"

namespace saas_access {

/// The ledger's writes of one process, for callers that may not wait: a thread makes one durable transaction of
/// whatever is queued when it comes round, and says by a file descriptor that results are there. Many callers share one
/// sync that way, and the event loop of a host is woken without any of its locks. Thread-safe. Start it after a fork.
class LedgerWriter {
 public:
  using Result = std::variant<std::monostate, Reservation, Settlement>;  ///< a reserve's, a settle's; else nothing
  using Number = std::uint64_t;

  /// Reservations beyond this many waiting writes are refused; whatever closes a call is always taken.
  static constexpr std::size_t kMostWaiting = 10'000;
  /// One transaction takes no more than this many, so that other processes and admin writes get their turn.
  static constexpr std::size_t kMostAtOnce = 512;

  /// StoreUnavailable if the process is out of descriptors.
  explicit LedgerWriter(std::shared_ptr<Engine> engine);
  ~LedgerWriter();  ///< what is queued is still written, if the store takes it
  LedgerWriter(const LedgerWriter&) = delete;
  LedgerWriter& operator=(const LedgerWriter&) = delete;

  /// Each queues one write, as the function of the same name makes it, and returns its number.
  Number reserve(ReserveRequest request);  ///< StoreUnavailable over kMostWaiting
  Number mark_answering(CallId call_id, Usage known, std::optional<Substitute> answered_by);
  /// `delivered`: the client has the answer, so that a settlement which the store refuses is made as soon as it can be.
  /// Otherwise whoever holds the answer back should release the call.
  Number settle(CallId call_id, Usage usage, std::int64_t latency_ms, std::optional<Substitute> answered_by,
                bool delivered);
  /// One that the store refuses is made as soon as it can be.
  Number release(CallId call_id, bool failed, std::int64_t latency_ms);

  /// Readable while writes have ended that `ended` has not told of.
  [[nodiscard]] int event_fd() const noexcept;
  /// The numbers of the writes that ended since the last call: they are durable, or failed.
  std::vector<Number> ended();
  /// The result of one of those, once. Throws what made it fail; std::out_of_range for any other number.
  Result take(Number number);

  [[nodiscard]] std::uint64_t transactions() const;  ///< committed so far
  [[nodiscard]] std::size_t owed() const;            ///< writes that were refused and are still tried

 private:
  using Work = std::function<Result(LedgerBatch&)>;
  enum class Kind : std::uint8_t { refusable, once, owed_until_done };
  struct Write {
    Number number;
    Kind kind;
    Work work;
    Result result;
    std::exception_ptr failure;
    bool refused_by_store = false;
  };

  Number submit(Work work, Kind kind);
  void run();
  std::vector<Write> next_batch();  // with mutex_ held
  void report(std::vector<Write> batch);
  void pay_owed();
  void write(std::vector<Write>& batch);
  bool write_together(std::span<Write> writes);
  static void run_one(Write& write, LedgerBatch& books);

  std::shared_ptr<Engine> engine_;
  int event_fd_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Write> waiting_;
  std::vector<Number> ended_;
  std::unordered_map<Number, Write> results_;
  Number last_ = 0;
  std::uint64_t transactions_ = 0;
  std::vector<Write> owed_;  // touched by the thread alone, under mutex_ where others count them
  bool stopping_ = false;
  std::thread thread_;  // the last member: it uses all others
};

}  // namespace saas_access
