#include "saas_access/database.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "saas_access/errors.hpp"
#include "schema.hpp"
#include "text.hpp"

namespace saas_access {

namespace {

constexpr int kBusyTimeoutMs = 5'000;
constexpr std::chrono::seconds kLockWait{10};
constexpr std::chrono::microseconds kLockPoll{200};
constexpr std::size_t kMaxIdleReaders = 16;

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& problem) {
  throw StoreUnavailable("Database " + quote(path.string()) + " " + problem);
}

/// What an operator should know and do about an error of SQLite's. The one place that reads its codes.
std::string problem_of(const SQLite::Exception& error) {
  switch (error.getErrorCode() & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "is damaged or not a database: restore it from a backup";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return "can't be written: give this user write permission on the file and its folder";
    case SQLITE_FULL:
      return "can't grow: free some space on its disk";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "is locked by another program: end what holds it";
    case SQLITE_CANTOPEN:
      return "can't be opened: check that the file and its folder exist and this user may write both";
    case SQLITE_IOERR:
      return "can't be read or written (" + std::string(error.what()) + "): check its disk";
    default:
      return "failed: " + std::string(error.what());
  }
}

template <class Work>
auto translating_errors(const std::filesystem::path& path, Work&& work) {
  try {
    return work();
  } catch (const SQLite::Exception& error) {
    fail(path, problem_of(error));
  }
}

/// The same file has one name, so that everyone who means it takes the same lock file.
std::filesystem::path real_path(const std::filesystem::path& path) {
  std::error_code error;
  auto real = std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
  if (error) fail(path, "can't be reached: " + error.message());
  return real;
}

/// Makes the file, for its owner's eyes only: it holds the digests of keys. One that exists is not even opened, since
/// closing it would drop the locks that other connections of this process hold on it (a rule of POSIX).
void create_if_absent(const std::filesystem::path& path) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor >= 0) {
    close(descriptor);
  } else if (errno != EEXIST) {
    fail(path, "can't be created: " + std::generic_category().message(errno));
  }
}

int pragma(Connection& db, const char* name) { return db.execAndGet(std::string("PRAGMA ") + name).getInt(); }

/// The schema version of one of our files, 0 for an empty one. Changes nothing.
int schema_version(Connection& db, const std::filesystem::path& path) {
  const bool empty = db.execAndGet("SELECT count(*) FROM sqlite_schema").getInt() == 0;
  if (empty) return 0;
  if (pragma(db, "application_id") != kApplicationId) {
    fail(path, "belongs to another program: name a file of its own for saas_access");
  }
  const int version = pragma(db, "user_version");
  if (version < 1 || version > kSchemaVersion) {
    fail(path, "has schema version '" + std::to_string(version) + "', this build knows up to '" +
                   std::to_string(kSchemaVersion) + "': run a newer saas_access");
  }
  return version;
}

}  // namespace

/// An exclusive lock between processes; within one, its user holds write_mutex_. A blocking flock can't be given a
/// limit without signals, which belong to the host program, so it is tried again and again. Only the one who is next
/// tries: it holds the turn, another lock on the same file, so that whoever has just unlocked can't be first again and
/// starve the others.
class Database::LockFile {
 public:
  explicit LockFile(const std::filesystem::path& database) : path_(database.string() + "-lock") {
    descriptor_ = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor_ >= 0) return;
    const std::string cause = std::generic_category().message(errno);
    fail(database, "has no usable lock file " + quote(path_) + " (" + cause +
                       "): check that the folder exists and this user may write it");
  }
  ~LockFile() { close(descriptor_); }
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

  void lock() {
    const auto deadline = std::chrono::steady_clock::now() + kLockWait;
    retry_until(deadline, [this] { return set_turn(F_WRLCK); });
    try {
      retry_until(deadline, [this] { return flock(descriptor_, LOCK_EX | LOCK_NB); });
    } catch (...) {
      set_turn(F_UNLCK);
      throw;
    }
    set_turn(F_UNLCK);
  }
  void unlock() noexcept { flock(descriptor_, LOCK_UN); }

 private:
  int set_turn(short type) const noexcept {
    struct flock turn{};  // a lock of this open file, on its first byte
    turn.l_type = type;
    turn.l_whence = SEEK_SET;
    turn.l_len = 1;
    return fcntl(descriptor_, F_OFD_SETLK, &turn);
  }

  template <class Attempt>
  void retry_until(std::chrono::steady_clock::time_point deadline, Attempt&& attempt) const {
    while (attempt() != 0) {
      if (errno != EAGAIN && errno != EACCES && errno != EINTR) {
        throw StoreUnavailable("Lock file " + quote(path_) +
                               " can't be locked: " + std::generic_category().message(errno));
      }
      if (std::chrono::steady_clock::now() >= deadline) {
        throw StoreUnavailable("Lock file " + quote(path_) +
                               " was held by other processes for 10 s: end what holds it");
      }
      std::this_thread::sleep_for(kLockPoll);
    }
  }

  std::string path_;
  int descriptor_ = -1;
};

/// A reading connection, taken from the pool or opened, and given back at the end.
class Database::Lease {
 public:
  explicit Lease(const Database& database) : database_(database) {
    {
      const std::lock_guard lock(database.pool_mutex_);
      if (!database.idle_readers_.empty()) {
        connection_ = std::move(database.idle_readers_.back());
        database.idle_readers_.pop_back();
        return;
      }
    }
    connection_ = database.connect();
    connection_->exec("PRAGMA query_only = ON");
  }
  ~Lease() {
    const std::lock_guard lock(database_.pool_mutex_);
    if (database_.idle_readers_.size() < kMaxIdleReaders) database_.idle_readers_.push_back(std::move(connection_));
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  Connection& operator*() { return *connection_; }

 private:
  const Database& database_;
  std::unique_ptr<Connection> connection_;
};

Database::Database(const std::filesystem::path& path, Synchronous synchronous)
    : path_(real_path(path)), synchronous_(synchronous), lock_file_(std::make_unique<LockFile>(path_)) {
  // Held from before the file exists until it has its schema: another process that opens it meanwhile waits here.
  const std::lock_guard between_processes(*lock_file_);
  create_if_absent(path_);
  translating_errors(path_, [&] {
    writer_ = connect();
    if (sqlite3_db_readonly(writer_->getHandle(), "main") == 1) throw SQLite::Exception("read-only", SQLITE_READONLY);
    migrate(*writer_, path_);
    if (writer_->execAndGet("PRAGMA journal_mode = WAL").getString() != "wal") {
      fail(path_, "can't keep a write-ahead log: move it to a local disk");
    }
    // What the last process wrote before it died may be in the system's cache alone, even after later syncs if its own
    // failed: the kernel takes such pages for clean. Copied to the database, it is durable before anybody builds on it.
    writer_->exec("PRAGMA main.wal_checkpoint");
  });
  identity_ = identify();
}

Database::Database(const std::filesystem::path& path, ReadOnly /*access*/)
    : path_(real_path(path)), synchronous_(Synchronous::full) {
  require_current_schema();
  identity_ = identify();
}

Database::~Database() = default;

void Database::require_current_schema() const {
  translating_errors(path_, [&] {
    const int version = schema_version(*connect(), path_);
    if (version != kSchemaVersion) {
      fail(path_, "has schema version '" + std::to_string(version) + "', this build reads '" +
                      std::to_string(kSchemaVersion) + "': a proxy of this build brings it up to date when it starts");
    }
  });
}

std::unique_ptr<Connection> Database::connect() const {
  auto connection = std::make_unique<Connection>(path_.string(), SQLite::OPEN_READWRITE, kBusyTimeoutMs);
  // Closing must not checkpoint: that happens only in write(), under the lock file.
  sqlite3_db_config(connection->getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  connection->exec("PRAGMA foreign_keys = ON");
  connection->exec(synchronous_ == Synchronous::full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
  return connection;
}

void Database::write(const std::function<bool(Connection&)>& work) {
  if (!lock_file_) throw std::logic_error("this database was opened to be read only");
  const std::lock_guard in_process(write_mutex_);
  const auto note = [this](std::optional<std::string> problem) {
    const std::lock_guard lock(problem_mutex_);
    write_problem_ = std::move(problem);
  };
  try {
    write_locked(work);
  } catch (const StoreUnavailable& problem) {
    note(problem.what());
    throw;
  }
  note(std::nullopt);
}

std::optional<std::string> Database::write_problem() const {
  const std::lock_guard lock(problem_mutex_);
  return write_problem_;
}

void Database::write_locked(const std::function<bool(Connection&)>& work) {
  const std::lock_guard between_processes(*lock_file_);
  if (identify() != identity_) fail(path_, "was replaced while it was open: restart this process");
  translating_errors(path_, [&] {
    SQLite::Transaction transaction(*writer_, SQLite::TransactionBehavior::IMMEDIATE);  // rolls back unless committed
    if (work(*writer_)) transaction.commit();
  });
}

void Database::read(const std::function<void(Connection&)>& work) const {
  translating_errors(path_, [&] {
    Lease connection(*this);
    const SQLite::Transaction transaction(*connection);  // its end, a rollback, frees the view
    work(*connection);
  });
}

void Database::check_file() const {
  if (identify() != identity_) fail(path_, "was replaced while it was open: restart this process");
  // A connection of its own reads the file anew; one from the pool might answer from its cache.
  translating_errors(path_, [&] { connect()->execAndGet("SELECT revision FROM policy_state"); });
}

Database::FileIdentity Database::identify() const {
  struct stat status{};
  if (stat(path_.c_str(), &status) != 0) fail(path_, "can't be reached: " + std::generic_category().message(errno));
  return {status.st_dev, status.st_ino};
}

void migrate(Connection& db, const std::filesystem::path& path) {
  translating_errors(path, [&] {
    const auto steps = schema_migrations();
    for (auto version = schema_version(db, path); version < kSchemaVersion; ++version) {
      SQLite::Transaction transaction(db, SQLite::TransactionBehavior::IMMEDIATE);
      db.exec(std::string(steps[static_cast<std::size_t>(version)]));
      db.exec("PRAGMA user_version = " + std::to_string(version + 1));
      db.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
      transaction.commit();
    }
  });
}

}  // namespace saas_access
