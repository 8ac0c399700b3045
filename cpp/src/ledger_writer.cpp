#include "saas_access/ledger_writer.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "saas_access/errors.hpp"

namespace saas_access {

namespace {

// One write within the transaction of many: a failure undoes it and nothing else. After an error of SQLite's own the
// transaction may be gone, so that ends it for all.
template <class Work>
void apart(Connection& db, std::exception_ptr& failure, Work&& work) {
  Query(db, "SAVEPOINT apart").exec();
  try {
    work();
  } catch (const SQLite::Exception&) {
    throw;
  } catch (...) {
    failure = std::current_exception();
    Query(db, "ROLLBACK TO apart").exec();
  }
  Query(db, "RELEASE apart").exec();
}

}  // namespace

LedgerWriter::LedgerWriter(std::shared_ptr<Engine> engine)
    : engine_(std::move(engine)), event_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (event_fd_ < 0) throw StoreUnavailable("No file descriptor is left for the ledger's writer");
  thread_ = std::thread([this] { run(); });
}

LedgerWriter::~LedgerWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
  close(event_fd_);
}

LedgerWriter::Number LedgerWriter::reserve(ReserveRequest request) {
  return submit(
      [this, request = std::move(request)](Connection& db) -> Result {
        return saas_access::reserve(db, request, engine_->owner(), engine_->now_ms());
      },
      true);
}

LedgerWriter::Number LedgerWriter::settle(CallId call_id, Usage usage, std::int64_t latency_ms,
                                          std::optional<Substitute> answered_by) {
  return submit(
      [this, call_id = std::move(call_id), usage, latency_ms, answered_by = std::move(answered_by)](Connection& db)
          -> Result { return saas_access::settle(db, call_id, usage, latency_ms, engine_->now_ms(), answered_by); },
      false);
}

LedgerWriter::Number LedgerWriter::release(CallId call_id, bool failed, std::int64_t latency_ms) {
  return submit(
      [this, call_id = std::move(call_id), failed, latency_ms](Connection& db) -> Result {
        saas_access::release(db, call_id, failed, latency_ms, engine_->now_ms());
        return std::monostate{};
      },
      false);
}

LedgerWriter::Number LedgerWriter::submit(Work work, bool refusable) {
  Number number = 0;
  {
    const std::lock_guard lock(mutex_);
    if (refusable && waiting_.size() >= kMostWaiting) {
      throw StoreUnavailable("More than " + std::to_string(kMostWaiting) + " writes of the ledger are waiting");
    }
    number = ++last_;
    waiting_.push_back({number, std::move(work), {}, {}});
  }
  wake_.notify_one();
  return number;
}

int LedgerWriter::event_fd() const noexcept { return event_fd_; }

std::vector<LedgerWriter::Number> LedgerWriter::ended() {
  const std::lock_guard lock(mutex_);
  eventfd_t count = 0;
  eventfd_read(event_fd_, &count);  // fails if nothing has ended, and then nothing is told
  return std::exchange(ended_, {});
}

LedgerWriter::Result LedgerWriter::take(Number number) {
  const auto node = [&] {
    const std::lock_guard lock(mutex_);
    return results_.extract(number);
  }();
  if (node.empty()) throw std::out_of_range("no such write has ended");
  if (node.mapped().failure) std::rethrow_exception(node.mapped().failure);
  return std::move(node.mapped().result);
}

std::uint64_t LedgerWriter::transactions() const {
  const std::lock_guard lock(mutex_);
  return transactions_;
}

void LedgerWriter::run() {
  for (std::unique_lock lock(mutex_);;) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    auto batch = std::exchange(waiting_, {});
    lock.unlock();
    write(batch);
    lock.lock();
    for (Write& done : batch) {
      ended_.push_back(done.number);
      results_.emplace(done.number, std::move(done));
    }
    eventfd_write(event_fd_, 1);
  }
}

void LedgerWriter::write(std::deque<Write>& batch) {
  if (batch.size() == 1) {
    write_alone(batch.front());
    return;
  }
  try {
    engine_->transact([&](Connection& db) {
      for (Write& each : batch) apart(db, each.failure, [&] { each.result = each.work(db); });
      return true;
    });
    count_transaction();
  } catch (...) {  // nothing of it was committed: each for itself, so that one that the store refuses harms no other
    for (Write& each : batch) write_alone(each);
  }
}

void LedgerWriter::write_alone(Write& alone) {
  alone.failure = nullptr;
  try {
    alone.result = engine_->transact([&](Connection& db) { return alone.work(db); });
    count_transaction();
  } catch (...) {
    alone.failure = std::current_exception();
  }
}

void LedgerWriter::count_transaction() {
  const std::lock_guard lock(mutex_);
  transactions_ += 1;
}

}  // namespace saas_access
