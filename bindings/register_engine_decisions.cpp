#include <pybind11/native_enum.h>
#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include "arguments.hpp"
#include "operations.hpp"
#include "register.hpp"
#include "saas_access/authorizer.hpp"

namespace py = pybind11;

namespace saas_access::python {
namespace {

/// A decision keeps the GIL: it takes about a microsecond, and giving it up would let other threads in before the
/// answer. Catching up with a change of the policy is I/O, so that part runs without.
template <class Decide>
auto decide(const EngineHandle& handle, Decide&& decide) {
  const auto engine = handle.engine();
  if (!engine->is_fresh()) {
    const py::gil_scoped_release unlocked;
    engine->snapshot();
  }
  return engine->decide(decide);
}

template <class Subject>
void define_for(EngineClass& engine, const char* subject_name) {
  engine
      .def(
          "authorize",
          [](const EngineHandle& handle, const Subject& subject, const AliasName& alias) {
            return decide(handle, [&](const Snapshot& snapshot, UnixMs now_ms) {
              return authorize(snapshot, subject, alias, now_ms);
            });
          },
          py::kw_only(), py::arg(subject_name).noconvert(), "alias"_arg)
      .def(
          "available_models",
          [](const EngineHandle& handle, const Subject& subject) {
            return decide(handle, [&](const Snapshot& snapshot, UnixMs now_ms) {
              return available_models(snapshot, subject, now_ms);
            });
          },
          py::kw_only(), py::arg(subject_name).noconvert());
}

template <class Subject>
void define_explain(EngineClass& engine, const char* subject_name) {
  engine.def(
      "explain",
      [](const EngineHandle& handle, const Subject& subject, const AliasName& alias) {
        return decide(
            handle, [&](const Snapshot& snapshot, UnixMs now_ms) { return explain(snapshot, subject, alias, now_ms); });
      },
      py::kw_only(), py::arg(subject_name).noconvert(), "alias"_arg);
}

}  // namespace

EngineClass register_engine(py::module_& module) {
  EngineClass engine(
      module, "Engine", py::release_gil_before_calling_cpp_dtor(),
      "Owns the database and the current policy. Open one for each database in each process, after a fork. "
      "Thread-safe. Everything but a decision runs without the GIL.");
  engine
      .def(py::init(&EngineHandle::make), Unlocked(), py::kw_only(), "database"_arg, "check_interval_ms"_arg = 1000,
           py::arg_v("synchronous", Synchronous::full, "Synchronous.FULL"),
           "Opens or creates the SQLite file. Raises StoreUnavailable.")
      .def("close", &EngineHandle::close, Unlocked(),
           "Calls that run finish; later ones raise StoreUnavailable. Idempotent.")
      .def_property_readonly("owner", [](const EngineHandle& handle) { return handle.engine()->owner(); })
      .def_property_readonly("database", &EngineHandle::database)
      .def("now_ms", [](const EngineHandle& handle) { return handle.engine()->now_ms(); })
      .def("health", &EngineHandle::health, Unlocked(), "Never raises.")
      .def(
          "reach",
          [](const EngineHandle& handle) {
            const auto opened = handle.engine();
            return reach(*opened->snapshot(), opened->now_ms());
          },
          Unlocked(), "How many teams have each active alias now, and for how many through one group alone.")
      .def(
          "revision", [](const EngineHandle& handle) { return handle.engine()->snapshot()->revision; }, Unlocked(),
          "The policy's revision as a decision made now would use it.")
      .def(
          "touch_key", [](const EngineHandle& handle, const KeyId& key_id) { handle.engine()->touch_key(key_id); },
          py::kw_only(), "key_id"_arg, "Notes in memory that a key was used; written out in the background.");
  return engine;
}

void register_engine_decisions(EngineClass& engine) {
  engine.def(
      "authenticate",
      [](const EngineHandle& handle, const KeyDigest& digest) {
        return handle.engine()->decide(
            [&](const Snapshot& snapshot, UnixMs now_ms) { return authenticate(snapshot, digest, now_ms); });
      },
      py::kw_only(), "digest"_arg);
  // Three ways to name who asks: by a secret's digest, by key, by team. The keyword tells them apart.
  define_for<KeyDigest>(engine, "digest");
  define_for<KeyId>(engine, "key_id");
  define_for<TeamId>(engine, "team_id");
  define_explain<KeyId>(engine, "key_id");
  define_explain<TeamId>(engine, "team_id");
}

}  // namespace saas_access::python
