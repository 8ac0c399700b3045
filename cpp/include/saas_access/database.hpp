#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "saas_access/connection.hpp"

namespace saas_access {

/// The newest schema this build reads and writes. An older file is migrated when it is opened, a newer one is refused.
inline constexpr int kSchemaVersion = 6;

/// What a write that was answered survives: `full` loss of power too; `normal` only the end of any process, while the
/// last moments before a loss of power may be gone (the file stays sound). SQLite's `PRAGMA synchronous`.
enum class Synchronous : std::uint8_t { full, normal };

/// One SQLite file: WAL, foreign keys, `synchronous=FULL` unless told otherwise, a busy handler of at most 5 s. Any
/// number of processes may have it open; writers of this build queue on a lock file beside it (`FILE-lock`), since
/// SQLite's own back-off starves under contention. Opened after a fork, never before. Every method turns SQLite's
/// errors into StoreUnavailable naming the file. Thread-safe.
class Database {
 public:
  struct ReadOnly {};

  /// Opens or creates the file, checks that it is one of ours, migrates it. Throws StoreUnavailable.
  explicit Database(const std::filesystem::path& path, Synchronous synchronous = Synchronous::full);

  /// Opens the file for `read` alone: changes nothing and takes no lock. One that is absent or has an older schema is
  /// refused. Throws StoreUnavailable.
  Database(const std::filesystem::path& path, ReadOnly);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  /// Runs `work` in one IMMEDIATE transaction on the only writing connection, holding the lock file; commits if it
  /// returns true, rolls back if it returns false or throws. On return after true the transaction is durable.
  void write(const std::function<bool(Connection&)>& work);

  /// Why the last write failed as StoreUnavailable; nothing after one that succeeded.
  [[nodiscard]] std::optional<std::string> write_problem() const;

  /// Runs `work` in one read transaction (a consistent view of one moment) on a pooled connection.
  /// Readers do not wait for writers.
  void read(const std::function<void(Connection&)>& work) const;

  /// Throws StoreUnavailable when the path no longer names the file that was opened (deleted or replaced), or the file
  /// can't be read.
  void check_file() const;

 private:
  struct FileIdentity {
    unsigned long long device = 0;
    unsigned long long inode = 0;
    friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
  };
  class LockFile;
  class Lease;

  void require_current_schema() const;
  void write_locked(const std::function<bool(Connection&)>& work);
  [[nodiscard]] FileIdentity identify() const;
  [[nodiscard]] std::unique_ptr<Connection> connect() const;

  std::filesystem::path path_;
  Synchronous synchronous_;
  std::unique_ptr<LockFile> lock_file_;
  std::mutex write_mutex_;
  std::unique_ptr<Connection> writer_;
  mutable std::mutex problem_mutex_;
  std::optional<std::string> write_problem_;
  mutable std::mutex pool_mutex_;
  mutable std::vector<std::unique_ptr<Connection>> idle_readers_;
  FileIdentity identity_;
};

/// Brings `db` to kSchemaVersion, one transaction for each step. `path` is for messages. Throws StoreUnavailable for a
/// newer schema or a file that is not one of ours.
void migrate(Connection& db, const std::filesystem::path& path);

}  // namespace saas_access
