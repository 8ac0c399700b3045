#include "saas_access/ledger_writer.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>

#include "saas_access/errors.hpp"

namespace saas_access {

namespace {

// How often writes that the store refused are tried again.
constexpr std::chrono::seconds kOwedInterval{1};

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
  return submit([request = std::move(request)](LedgerBatch& batch) -> Result { return batch.reserve(request); },
                Kind::refusable);
}

LedgerWriter::Number LedgerWriter::mark_answering(CallId call_id, Usage known, std::optional<Substitute> answered_by) {
  return submit(
      [call_id = std::move(call_id), known, answered_by = std::move(answered_by)](LedgerBatch& batch) -> Result {
        batch.mark_answering(call_id, known, answered_by);
        return std::monostate{};
      },
      Kind::once);
}

LedgerWriter::Number LedgerWriter::settle(CallId call_id, Usage usage, std::int64_t latency_ms,
                                          std::optional<Substitute> answered_by, bool delivered) {
  return submit([call_id = std::move(call_id), usage, latency_ms, answered_by = std::move(answered_by)](
                    LedgerBatch& batch) -> Result { return batch.settle(call_id, usage, latency_ms, answered_by); },
                delivered ? Kind::owed_until_done : Kind::once);
}

LedgerWriter::Number LedgerWriter::release(CallId call_id, bool failed, std::int64_t latency_ms) {
  return submit(
      [call_id = std::move(call_id), failed, latency_ms](LedgerBatch& batch) -> Result {
        batch.release(call_id, failed, latency_ms);
        return std::monostate{};
      },
      Kind::owed_until_done);
}

LedgerWriter::Number LedgerWriter::submit(Work work, Kind kind) {
  Number number = 0;
  {
    const std::lock_guard lock(mutex_);
    if (kind == Kind::refusable && waiting_.size() >= kMostWaiting) {
      throw StoreUnavailable("More than " + std::to_string(kMostWaiting) + " writes of the ledger are waiting");
    }
    number = ++last_;
    waiting_.push_back({number, kind, std::move(work), {}, {}});
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

std::size_t LedgerWriter::owed() const {
  const std::lock_guard lock(mutex_);
  return owed_.size();
}

void LedgerWriter::run() {
  auto next_payment = std::chrono::steady_clock::now();
  for (std::unique_lock lock(mutex_);;) {
    const auto has_work = [this] { return stopping_ || !waiting_.empty(); };
    if (owed_.empty()) {
      wake_.wait(lock, has_work);
    } else {
      wake_.wait_until(lock, next_payment, has_work);
    }
    auto batch = next_batch();
    const bool last = stopping_ && batch.empty();
    lock.unlock();
    const bool owed_before = !owed_.empty();
    if (!batch.empty()) {
      write(batch);
      report(std::move(batch));
    }
    const bool pays = last || (owed_before && std::chrono::steady_clock::now() >= next_payment);
    if (pays) pay_owed();
    if (pays || !owed_before) next_payment = std::chrono::steady_clock::now() + kOwedInterval;
    if (last) return;
    lock.lock();
  }
}

std::vector<LedgerWriter::Write> LedgerWriter::next_batch() {
  const auto count = static_cast<std::ptrdiff_t>(std::min(waiting_.size(), kMostAtOnce));
  const auto end = waiting_.begin() + count;
  std::vector<Write> batch(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
  waiting_.erase(waiting_.begin(), end);
  return batch;
}

void LedgerWriter::report(std::vector<Write> batch) {
  const std::lock_guard lock(mutex_);
  for (Write& done : batch) {
    if (done.refused_by_store && done.kind == Kind::owed_until_done)
      owed_.push_back({done.number, done.kind, done.work, {}, {}});
    ended_.push_back(done.number);
    results_.emplace(done.number, std::move(done));
  }
  eventfd_write(event_fd_, 1);
}

void LedgerWriter::pay_owed() {
  for (std::span<Write> rest = owed_; !rest.empty();) {
    const auto some = rest.first(std::min(rest.size(), kMostAtOnce));
    write_together(some);
    rest = rest.subspan(some.size());
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(owed_, [](const Write& each) { return !each.refused_by_store; });
}

void LedgerWriter::write(std::vector<Write>& batch) {
  const bool begun = write_together(batch);
  if (!begun || batch.size() == 1 || !batch.front().refused_by_store) return;
  // Nothing of it was committed: each for itself, so that one that the store refuses harms no other.
  for (std::span<Write> rest = batch; !rest.empty(); rest = rest.subspan(1)) {
    if (!write_together(rest.first(1))) return;
  }
}

// Whether the transaction was begun: if not, the store is locked or gone, for any other write too.
bool LedgerWriter::write_together(std::span<Write> writes) {
  bool begun = false;
  try {
    engine_->transact([&](Connection& db) {
      begun = true;
      LedgerBatch books(db, engine_->owner(), engine_->now_ms());
      for (Write& each : writes) run_one(each, books);
      books.finish();
    });
    const std::lock_guard lock(mutex_);
    transactions_ += 1;
  } catch (...) {
    for (Write& each : writes) {
      each.failure = std::current_exception();
      each.refused_by_store = true;
    }
  }
  return begun;
}

// One that can't be made has changed nothing, and the others stand. After any other failure the transaction may be
// gone, so that it ends for all.
void LedgerWriter::run_one(Write& write, LedgerBatch& books) {
  write.failure = nullptr;
  write.refused_by_store = false;
  try {
    write.result = write.work(books);
  } catch (const Invalid&) {
    write.failure = std::current_exception();
  } catch (const NotFound&) {
    write.failure = std::current_exception();
  }
}

}  // namespace saas_access
