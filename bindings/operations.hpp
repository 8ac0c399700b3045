#pragma once

#include <pybind11/pybind11.h>

#include <type_traits>

#include "casters.hpp"
#include "engine_handle.hpp"

// From an operation of the core to a method of Python's Engine. Whatever touches the database runs without the GIL.

namespace saas_access::python {

using Unlocked = pybind11::call_guard<pybind11::gil_scoped_release>;

/// `operation(Write&, arguments...)` as a method that takes the arguments and WriteOptions.
template <class Result, class... Arguments>
auto write(Result (*operation)(Write&, Arguments...)) {
  return [operation](const EngineHandle& handle, const std::remove_cvref_t<Arguments>&... arguments,
                     const WriteOptions& options) {
    return handle.engine()->write(options, [&](Write& open) { return operation(open, arguments...); });
  };
}

/// `operation(Connection&, arguments...)` as a method that takes the arguments.
template <class Result, class... Arguments>
auto read(Result (*operation)(Connection&, Arguments...)) {
  return [operation](const EngineHandle& handle, const std::remove_cvref_t<Arguments>&... arguments) {
    return handle.engine()->read([&](Connection& db) { return operation(db, arguments...); });
  };
}

}  // namespace saas_access::python
