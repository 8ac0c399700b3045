#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <utility>

#include "casters.hpp"

namespace saas_access::python {

/// An argument that takes its own type only: a Decimal is not cut down to an `int`, a 1 is not a `bool`.
inline pybind11::arg operator""_arg(const char* name, std::size_t /*length*/) {
  return pybind11::arg(name).noconvert();
}

/// A constructor that sets the named members of a plain struct, in the order of the arguments; the others keep their
/// defaults.
template <class Struct, class... Members>
auto construct(Members Struct::*... members) {
  return pybind11::init([members...](Members... values) {
    Struct made;
    ((made.*members = std::move(values)), ...);
    return made;
  });
}

}  // namespace saas_access::python
