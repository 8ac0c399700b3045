#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "saas_access/snapshot.hpp"

namespace saas_access {

/// Holds the current snapshot. Readers never wait: they count themselves into one of two slots; a writer fills the slot
/// that nobody reads and turns the index (the "left-right" technique of Ramalhete and Correia, 2015). Writers must be
/// serialized by the caller; a writer waits for readers still in the old slot, which take well under a microsecond.
class SnapshotCell {
 public:
  /// Calls `read(const Snapshot&)` and returns its result. The reference is valid only inside the call.
  template <class Read>
  auto with(Read&& read) const {
    const Guard guard(*this);
    return read(*guard.slot().snapshot);
  }

  /// The current snapshot itself, for longer work.
  [[nodiscard]] std::shared_ptr<const Snapshot> get() const;

  void set(std::shared_ptr<const Snapshot> next);

 private:
  struct Slot {
    mutable std::atomic<std::uint32_t> readers{0};
    std::shared_ptr<const Snapshot> snapshot = std::make_shared<const Snapshot>();
  };

  class Guard {
   public:
    explicit Guard(const SnapshotCell& cell);
    ~Guard();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    [[nodiscard]] const Slot& slot() const { return *slot_; }

   private:
    const Slot* slot_;
  };

  std::array<Slot, 2> slots_;
  std::atomic<std::uint32_t> current_{0};
};

}  // namespace saas_access
