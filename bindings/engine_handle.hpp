#pragma once

#include <pybind11/pybind11.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "saas_access/engine.hpp"
#include "saas_access/errors.hpp"

namespace saas_access::python {

/// Python's `Engine`: one that can be closed while other threads are inside a call. They finish on it; it ends with the
/// last of them. Thread-safe, with or without the GIL.
class EngineHandle {
 public:
  /// Throws StoreUnavailable.
  EngineHandle(std::string database, int check_interval_ms, Synchronous synchronous)
      : database_(std::move(database)),
        engine_(std::make_shared<Engine>(database_, system_clock_ms, check_interval_ms, synchronous)) {}

  /// What `Engine.__new__(Engine)` made without `__init__` has no handle, and pybind11 would allocate one that no
  /// constructor ever saw. So this refuses; `make` allocates for it.
  static void* operator new(std::size_t /*size*/) { throw pybind11::type_error("Engine.__init__ was not called"); }
  static std::unique_ptr<EngineHandle> make(std::string database, int check_interval_ms, Synchronous synchronous) {
    return std::unique_ptr<EngineHandle>(::new EngineHandle(std::move(database), check_interval_ms, synchronous));
  }

  [[nodiscard]] const std::string& database() const noexcept { return database_; }

  /// The engine, to hold for the length of one call. Throws StoreUnavailable after `close`.
  [[nodiscard]] std::shared_ptr<Engine> engine() const {
    auto engine = engine_.load();
    if (!engine) throw StoreUnavailable(closed());
    return engine;
  }

  [[nodiscard]] Health health() const {
    if (const auto engine = engine_.load()) return engine->health();
    Health health;
    health.problem = closed();
    health.database = database_;
    return health;
  }

  void close() { engine_.store(nullptr); }

 private:
  [[nodiscard]] std::string closed() const { return "The engine of '" + database_ + "' was closed"; }

  std::string database_;
  std::atomic<std::shared_ptr<Engine>> engine_;
};

}  // namespace saas_access::python
