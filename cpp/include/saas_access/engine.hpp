#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <unordered_map>
#include <variant>

#include "saas_access/authorizer.hpp"
#include "saas_access/database.hpp"
#include "saas_access/denials.hpp"
#include "saas_access/ledger.hpp"
#include "saas_access/owner.hpp"
#include "saas_access/revision_counter.hpp"
#include "saas_access/snapshot_cell.hpp"
#include "saas_access/write.hpp"

namespace saas_access {

using Clock = std::function<UnixMs()>;
/// The system's clock.
UnixMs system_clock_ms();

struct Health {
  bool ok = false;
  std::string problem;  ///< empty if ok
  std::filesystem::path database;
  std::string sqlite_version;
  int schema_version = 0;
  Revision revision = 0;           ///< committed, as the database says; 0 if it can't be read
  Revision snapshot_revision = 0;  ///< what decisions are made on
};

/// Owns the store and the current snapshot. Open one for each database in each process, after a fork. Thread-safe.
///
/// Freshness: a decision that begins after a write was answered (by any process on the same file) is made on that
/// write's revision or a later one. It costs a decision one atomic load to know that nothing changed; otherwise it
/// first reads what did. A background check (every `check_interval_ms`) heals a revision counter that a crash left
/// behind and notices a file that can no longer be read, and a revision file that was deleted or replaced (other
/// processes then no longer hear of each other's writes), or this process's own file; from then on decisions throw
/// StoreUnavailable until all fits.
class Engine {
 public:
  /// Loads the policy. Throws StoreUnavailable, or Invalid for an interval below 1.
  explicit Engine(const std::filesystem::path& database, Clock clock = system_clock_ms, int check_interval_ms = 1000,
                  Synchronous synchronous = Synchronous::full);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  [[nodiscard]] UnixMs now_ms() const { return clock_(); }

  /// Whether a decision now would find its snapshot ready, without I/O or waiting. Costs two atomic loads.
  [[nodiscard]] bool is_fresh() const noexcept { return counter_.load() <= snapshot_revision_.load(); }

  /// Calls `decide(const Snapshot&, UnixMs now)` on a fresh snapshot. No I/O unless the policy changed since the last
  /// call. Throws StoreUnavailable.
  template <class Decide>
  auto decide(Decide&& decide) {
    refresh();
    return snapshots_.with([&](const Snapshot& snapshot) { return decide(snapshot, clock_()); });
  }

  /// A fresh snapshot to hold on to, for longer work.
  std::shared_ptr<const Snapshot> snapshot();

  /// Runs one admin write: `work(Write&)`. Commits it with a revision, the change feed and the audit entries it left,
  /// and makes it visible to every process before it returns; undoes it if `work` throws, or for a dry run, which
  /// reports what it would change. A `work` that writes nothing leaves no revision.
  template <class Work>
  auto write(const WriteOptions& options, Work&& work) {
    using Value = std::invoke_result_t<Work&, Write&>;
    if constexpr (std::is_void_v<Value>) {
      return Written<std::monostate>{{}, run_write(options, work)};
    } else {
      std::optional<Value> value;
      Receipt receipt = run_write(options, [&](Write& write) { value.emplace(work(write)); });
      return Written<Value>{std::move(*value), std::move(receipt)};
    }
  }

  /// Runs `work(Connection&)` in one read transaction and returns its result.
  template <class Work>
  auto read(Work&& work) const {
    std::optional<std::invoke_result_t<Work&, Connection&>> value;
    database_.read([&](Connection& db) { value.emplace(work(db)); });
    return std::move(*value);
  }

  /// Runs `work(Connection&)` in one durable transaction that is no admin write: the ledger's and the jobs'.
  template <class Work>
  auto transact(Work&& work) {
    using Value = std::invoke_result_t<Work&, Connection&>;
    if constexpr (std::is_void_v<Value>) {
      database_.write([&](Connection& db) { return work(db), true; });
    } else {
      std::optional<Value> value;
      database_.write([&](Connection& db) { return value.emplace(work(db)), true; });
      return std::move(*value);
    }
  }

  /// Notes in memory that a key was used; written out by the background check, so `last_used_at_ms` may lag.
  void touch_key(const KeyId& key_id);

  /// Counts a refusal in memory, without I/O; written out by the background check, so that usage lags by about a second
  /// and a kill loses that much of it.
  void note_denial(const Denial& denial);

  /// This process's name in reservations: random, made when the engine was opened.
  [[nodiscard]] const std::string& owner() const noexcept { return owner_.name(); }

  /// Closes the calls of processes that have ended, whoever they were; never those of one that lives. Call it every few
  /// seconds in every process: it costs one small read when there is nothing to do.
  Recovered recover();

  [[nodiscard]] Health health() const;

 private:
  void rejoin_revision();
  void check_files() const;
  void refresh();
  void catch_up();
  void adopt(const std::function<Snapshot(Connection&)>& read_policy);  // with snapshot_mutex_ held
  void check_until_stopped();
  void check();
  void try_to_write();
  void flush_key_uses();
  void flush_denials();
  Receipt run_write(const WriteOptions& options, const std::function<void(Write&)>& work);

  Database database_;
  RevisionCounter counter_;
  Clock clock_;
  Owner owner_;
  SnapshotCell snapshots_;
  std::atomic<Revision> snapshot_revision_{0};
  std::mutex snapshot_mutex_;  // serializes building and setting snapshots
  std::atomic<bool> store_ok_{true};
  mutable std::mutex problem_mutex_;
  std::string problem_;
  std::mutex used_mutex_;
  std::unordered_map<std::string, UnixMs> used_keys_;
  DenialCounts denials_;
  std::mutex stop_mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::chrono::milliseconds check_interval_;
  std::thread checker_;  // last: it uses all of the above
};

}  // namespace saas_access
