#include "saas_access/engine.hpp"

#include <chrono>
#include <utility>

#include "saas_access/errors.hpp"
#include "sql.hpp"

namespace saas_access {

namespace {

constexpr std::chrono::seconds kKeyUseInterval{10};
// Calls recovered in one transaction, so that it never holds up others for long.
constexpr std::int64_t kRecoveredAtOnce = 500;

// `base`, brought to the revision that the transaction sees.
Snapshot caught_up(Connection& db, const Snapshot& base) {
  const Revision revision = read_revision(db);
  if (revision == base.revision) return base;
  const auto changes = read_changes(db, base.revision);
  return changes ? apply_changes(db, base, *changes, revision) : load_snapshot(db);
}

void commit_revision(const Write& write) {
  execute(write.db, "UPDATE policy_state SET revision = ?", write.revision);
  append_changes(write.db, write.changes, write.revision);
}

}  // namespace

UnixMs system_clock_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

Engine::Engine(const std::filesystem::path& database, Clock clock, int check_interval_ms, Synchronous synchronous)
    : database_(database, synchronous),
      counter_(database_.path()),
      clock_(std::move(clock)),
      owner_(database_.path()),
      check_interval_(check_interval_ms) {
  if (check_interval_ms < 1) {
    throw Invalid("check_interval_ms", "'" + std::to_string(check_interval_ms) + "' is less than 1");
  }
  rejoin_revision();
  adopt(load_snapshot);  // no other thread has this engine yet
  counter_.advance(snapshot_revision_.load());
  checker_ = std::thread([this] { check_until_stopped(); });
}

Engine::~Engine() {
  {
    const std::lock_guard lock(stop_mutex_);
    stopping_ = true;
  }
  stop_.notify_one();
  checker_.join();
  flush_key_uses();
  flush_denials();
}

// An older backup in the database's place is behind the counter, so every decision would look there for the revisions
// that went with the other file. They are skipped; their numbers, which callers hold as ETags, are not given again.
void Engine::rejoin_revision() {
  const Revision known = counter_.load();
  if (read(read_revision) >= known) return;
  transact([&](Connection& db) { execute(db, "UPDATE policy_state SET revision = max(revision, ?)", known); });
}

void Engine::check_files() const {
  database_.check_file();
  counter_.check_file();
  owner_.check();
}

void Engine::refresh() {
  if (!store_ok_.load()) {
    const std::lock_guard lock(problem_mutex_);
    throw StoreUnavailable(problem_);
  }
  if (counter_.load() > snapshot_revision_.load()) catch_up();
}

void Engine::catch_up() {
  const Revision wanted = counter_.load();
  const std::lock_guard lock(snapshot_mutex_);
  if (snapshot_revision_.load() >= wanted) return;  // another thread was first
  const auto base = snapshots_.get();
  adopt([&](Connection& db) { return caught_up(db, *base); });
}

void Engine::adopt(const std::function<Snapshot(Connection&)>& read_policy) {
  std::shared_ptr<const Snapshot> next;
  try {
    database_.read([&](Connection& db) { next = std::make_shared<const Snapshot>(read_policy(db)); });
  } catch (const StoreUnavailable&) {
    throw;
  } catch (const std::exception& error) {  // rows that contradict each other must not replace a good snapshot
    throw StoreUnavailable("The policy can't be read: " + std::string(error.what()));
  }
  snapshots_.set(next);
  snapshot_revision_.store(next->revision);
}

std::shared_ptr<const Snapshot> Engine::snapshot() {
  refresh();
  return snapshots_.get();
}

Receipt Engine::run_write(const WriteOptions& options, const std::function<void(Write&)>& work) {
  Receipt receipt;
  database_.write([&](Connection& db) {
    counter_.check_file();  // a write that others wouldn't hear of must not be answered
    const Revision committed = read_revision(db);
    Write write{db, options, clock_(), committed + 1, {}};
    if (!options.dry_run) {
      const int rows_written = db.getTotalChanges();
      work(write);
      const bool wrote = db.getTotalChanges() != rows_written;
      if (wrote) commit_revision(write);
      receipt.revision = wrote ? write.revision : committed;
      return wrote;
    }
    const Snapshot before = caught_up(db, *snapshots_.get());
    work(write);
    const Snapshot after = apply_changes(db, before, write.changes, committed);
    receipt = {committed, compare_access(before, after, write.changes, write.now_ms)};
    return false;
  });
  if (!options.dry_run) counter_.advance(receipt.revision);
  return receipt;
}

Recovered Engine::recover() {
  const auto owners = read([](Connection& db) {
    std::vector<std::string> names;
    Query query(db, "SELECT DISTINCT owner FROM reservation");
    while (query.executeStep()) names.push_back(query.getColumn(0).getString());
    return names;
  });
  Recovered all;
  for (const std::string& owner : owners) {
    if (owner == owner_.name() || !Owner::has_ended(database_.path(), owner)) continue;
    for (Recovered some{1, 0}; some.released + some.charged > 0;) {
      some = transact([&](Connection& db) { return saas_access::recover(db, owner, kRecoveredAtOnce, now_ms()); });
      all.released += some.released;
      all.charged += some.charged;
    }
  }
  return all;
}

void Engine::touch_key(const KeyId& key_id) {
  const UnixMs now_ms = clock_();
  const std::lock_guard lock(used_mutex_);
  used_keys_[key_id.str()] = now_ms;
}

void Engine::note_denial(const Denial& denial) {
  snapshots_.with([&](const Snapshot& snapshot) { denials_.note(snapshot, denial, clock_()); });
}

void Engine::check_until_stopped() {
  auto next_flush = std::chrono::steady_clock::now() + kKeyUseInterval;
  std::unique_lock lock(stop_mutex_);
  while (!stop_.wait_for(lock, check_interval_, [this] { return stopping_; })) {
    lock.unlock();
    check();
    try_to_write();
    flush_denials();
    if (const auto now = std::chrono::steady_clock::now(); now >= next_flush) {
      flush_key_uses();
      next_flush = now + kKeyUseInterval;
    }
    lock.lock();
  }
}

void Engine::check() {
  try {
    check_files();
    counter_.advance(read(read_revision));
    store_ok_.store(true);
  } catch (const std::exception& error) {
    const std::lock_guard lock(problem_mutex_);
    problem_ = error.what();
    store_ok_.store(false);
  }
}

// Health says so as long as writes fail, and nobody may come any more who would find that they don't.
void Engine::try_to_write() {
  if (!database_.write_problem()) return;
  try {
    transact([](Connection& db) { db.exec("UPDATE policy_state SET revision = revision"); });
  } catch (const StoreUnavailable&) {
    return;  // health says why
  }
}

void Engine::flush_key_uses() {
  std::unordered_map<std::string, UnixMs> used;
  {
    const std::lock_guard lock(used_mutex_);
    used.swap(used_keys_);
  }
  if (used.empty()) return;
  try {
    transact([&](Connection& db) {
      for (const auto& [key_id, used_at_ms] : used) {
        execute(db, "UPDATE virtual_key SET last_used_at_ms = max(coalesce(last_used_at_ms, 0), ?) WHERE key_id = ?",
                used_at_ms, key_id);
      }
    });
  } catch (const std::exception&) {
    // When a key was last used is no reason to refuse anything: keep it for the next time.
    const std::lock_guard lock(used_mutex_);
    used_keys_.merge(used);
  }
}

void Engine::flush_denials() {
  try {
    denials_.flush([this](auto&& work) { transact(work); });
  } catch (const std::exception&) {
    return;  // they are kept for the next time
  }
}

Health Engine::health() const {
  Health health;
  health.database = database_.path();
  health.sqlite_version = SQLite::getLibVersion();
  health.schema_version = kSchemaVersion;
  health.snapshot_revision = snapshot_revision_.load();
  try {
    check_files();
    health.revision = read(read_revision);
  } catch (const std::exception& error) {
    health.problem = error.what();
  }
  if (health.problem.empty()) health.problem = database_.write_problem().value_or("");
  if (!store_ok_.load() && health.problem.empty()) {
    const std::lock_guard lock(problem_mutex_);
    health.problem = problem_;
  }
  health.ok = health.problem.empty();
  return health;
}

}  // namespace saas_access
