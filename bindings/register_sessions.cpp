#include <pybind11/pybind11.h>

#include <string>
#include <utility>

#include "arguments.hpp"
#include "operations.hpp"
#include "register.hpp"
#include "saas_access/sessions.hpp"

namespace py = pybind11;

namespace saas_access::python {

void register_sessions(py::module_& module) {
  py::class_<Session>(module, "Session", "Somebody who is signed in to the dashboard.")
      .def_readonly("actor", &Session::actor)
      .def_readonly("viewer", &Session::viewer)
      .def_readonly("created_at_ms", &Session::created_at_ms)
      .def_readonly("expires_at_ms", &Session::expires_at_ms);
}

void register_engine_sessions(EngineClass& engine) {
  engine
      .def(
          "begin_session",
          [](const EngineHandle& handle, const KeyDigest& digest, const KeyDigest& keys, std::string actor, bool viewer,
             UnixMs expires_at_ms) {
            const auto open = handle.engine();
            const Session session{std::move(actor), viewer, open->now_ms(), expires_at_ms};
            open->transact([&](Connection& db) { begin_session(db, {digest, keys}, session); });
          },
          Unlocked(), py::kw_only(), "digest"_arg, "keys"_arg, "actor"_arg, "viewer"_arg, "expires_at_ms"_arg,
          "Signs somebody in to the dashboard: `digest` is the SHA-256 of the session's token, `keys` one of the "
          "operator's keys. Forgets sessions that have expired.")
      .def(
          "find_session",
          [](const EngineHandle& handle, const KeyDigest& digest, const KeyDigest& keys) {
            const auto open = handle.engine();
            return open->read([&](Connection& db) { return find_session(db, {digest, keys}, open->now_ms()); });
          },
          Unlocked(), py::kw_only(), "digest"_arg, "keys"_arg,
          "None if there is none, if it has expired, or if it was made under other keys.")
      .def(
          "end_session",
          [](const EngineHandle& handle, const KeyDigest& digest) {
            return handle.engine()->transact([&](Connection& db) { return end_session(db, digest); });
          },
          Unlocked(), py::kw_only(), "digest"_arg, "Tells whether there was one.");
}

}  // namespace saas_access::python
