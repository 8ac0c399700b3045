#include "saas_access/snapshot_cell.hpp"

#include <thread>
#include <utility>

namespace saas_access {

// All operations are sequentially consistent: a reader counts itself in, then looks at the index again; the writer
// turns the index, then looks at the count. In the one order of all four, the reader sees the turn or the writer sees
// the reader.

SnapshotCell::Guard::Guard(const SnapshotCell& cell) {
  for (;;) {
    const std::uint32_t index = cell.current_.load();
    slot_ = &cell.slots_[index];
    slot_->readers.fetch_add(1);
    if (cell.current_.load() == index) return;
    slot_->readers.fetch_sub(1);
  }
}

SnapshotCell::Guard::~Guard() { slot_->readers.fetch_sub(1); }

std::shared_ptr<const Snapshot> SnapshotCell::get() const {
  const Guard guard(*this);
  return guard.slot().snapshot;
}

void SnapshotCell::set(std::shared_ptr<const Snapshot> next) {
  const std::uint32_t old = current_.load();
  // Nobody reads the other slot: the previous `set` waited until it was empty, and whoever counted in since has left
  // again.
  slots_[1 - old].snapshot = next;
  current_.store(1 - old);
  while (slots_[old].readers.load() != 0) std::this_thread::yield();
  slots_[old].snapshot = std::move(next);  // so that the old snapshot's memory is freed now
}

}  // namespace saas_access
