#include <pybind11/native_enum.h>
#include <pybind11/pybind11.h>

#include "arguments.hpp"
#include "operations.hpp"
#include "register.hpp"
#include "saas_access/refills.hpp"
#include "saas_access/webhooks.hpp"

namespace py = pybind11;

namespace saas_access::python {
namespace {

// What every process does from time to time. Most times there is nothing to do: a look comes first, so that only work
// that is there waits for the lock of the writers.

void define_refills(EngineClass& engine) {
  engine.def(
      "apply_due_refills",
      [](const EngineHandle& handle, UnixMs now_ms, std::int64_t limit) -> std::int64_t {
        const auto open = handle.engine();
        if (!open->read([&](Connection& db) { return has_due_refills(db, now_ms); })) return 0;
        return open->transact([&](Connection& db) { return apply_due_refills(db, now_ms, limit); });
      },
      Unlocked(), py::kw_only(), "now_ms"_arg, "limit"_arg,
      "Applies one due period of at most `limit` teams, in one transaction; returns how many. Until it returns 0, "
      "there "
      "is more.");
}

void define_webhooks(EngineClass& engine) {
  engine
      .def(
          "claim_webhook_event",
          [](const EngineHandle& handle, UnixMs now_ms, std::int64_t lease_ms) -> std::optional<WebhookEvent> {
            const auto open = handle.engine();
            if (!open->read([&](Connection& db) { return has_due_webhook_events(db, now_ms); })) return std::nullopt;
            return open->transact([&](Connection& db) { return claim_webhook_event(db, now_ms, lease_ms); });
          },
          Unlocked(), py::kw_only(), "now_ms"_arg, "lease_ms"_arg,
          "The event that is due longest, which nobody else gets until `lease_ms` later.")
      .def(
          "finish_webhook_attempt",
          [](const EngineHandle& handle, const WebhookAttempt& attempt, UnixMs now_ms) {
            handle.engine()->transact([&](Connection& db) { finish_webhook_attempt(db, attempt, now_ms); });
          },
          Unlocked(), py::kw_only(), "attempt"_arg, "now_ms"_arg)
      .def("find_webhook_trouble", read(&find_webhook_trouble), Unlocked(),
           "A sentence about events whose last attempt failed, if there are any.")
      .def(
          "list_webhook_events",
          [](const EngineHandle& handle, std::optional<std::int64_t> after, std::optional<std::int64_t> limit) {
            return read(&list_webhook_events)(handle, {.after = after, .limit = limit});
          },
          Unlocked(), py::kw_only(), "after"_arg = py::none(), "limit"_arg = py::none(), "Newest first.");
}

}  // namespace

void register_engine_upkeep(EngineClass& engine) {
  define_refills(engine);
  define_webhooks(engine);
}

}  // namespace saas_access::python
