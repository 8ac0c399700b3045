#include <pybind11/native_enum.h>
#include <pybind11/pybind11.h>

#include <optional>

#include "arguments.hpp"
#include "operations.hpp"
#include "register.hpp"
#include "saas_access/jobs.hpp"
#include "saas_access/ledger.hpp"
#include "saas_access/low_balance.hpp"
#include "saas_access/pace.hpp"

namespace py = pybind11;

namespace saas_access::python {
namespace {

using Position = std::optional<std::int64_t>;

/// Runs `work(Connection&, UnixMs now, owner)` in one durable transaction.
template <class Work>
auto transact(const EngineHandle& handle, Work&& work) {
  const auto engine = handle.engine();
  return engine->transact([&](Connection& db) { return work(db, engine->now_ms(), engine->owner()); });
}

void define_calls(EngineClass& engine) {
  engine
      .def(
          "reserve",
          [](const EngineHandle& handle, const ReserveRequest& request) {
            return transact(handle, [&](auto& db, UnixMs now_ms, const auto& owner) {
              return reserve(db, request, owner, now_ms);
            });
          },
          Unlocked(), py::kw_only(), "request"_arg, "Holds what a call may cost and opens its record, durably.")
      .def(
          "settle",
          [](const EngineHandle& handle, const CallId& call_id, const Usage& usage, std::int64_t latency_ms,
             const std::optional<Substitute>& answered_by) {
            return transact(handle, [&](auto& db, UnixMs now_ms, const auto& /*owner*/) {
              return settle(db, call_id, usage, latency_ms, now_ms, answered_by);
            });
          },
          Unlocked(), py::kw_only(), "call_id"_arg, "usage"_arg, "latency_ms"_arg, "answered_by"_arg = py::none(),
          "The call was answered: charges its real price, as `answered_by` if another model did it, and frees the "
          "rest.")
      .def(
          "release",
          [](const EngineHandle& handle, const CallId& call_id, bool failed, std::int64_t latency_ms) {
            transact(handle, [&](auto& db, UnixMs now_ms, const auto& /*owner*/) {
              release(db, call_id, failed, latency_ms, now_ms);
            });
          },
          Unlocked(), py::kw_only(), "call_id"_arg, "failed"_arg, "latency_ms"_arg,
          "The call was not answered: nothing is charged. `failed` counts it as a failed call of its job.")
      .def(
          "recover", [](const EngineHandle& handle) { return handle.engine()->recover(); }, Unlocked(),
          "Closes the calls of processes that have ended: streams that were being answered are charged by what is "
          "known, all others are released.");
}

void define_jobs(EngineClass& engine) {
  engine
      .def(
          "create_job",
          [](const EngineHandle& handle, const NewJob& job) {
            return transact(
                handle, [&](auto& db, UnixMs now_ms, const auto& /*owner*/) { return create_job(db, job, now_ms); });
          },
          Unlocked(), py::kw_only(), "job"_arg)
      .def(
          "complete_job",
          [](const EngineHandle& handle, const JobId& job_id, const JobCompletion& completion) {
            return transact(handle, [&](auto& db, UnixMs now_ms, const auto& /*owner*/) {
              return complete_job(db, job_id, completion, now_ms);
            });
          },
          Unlocked(), py::kw_only(), "job_id"_arg, "completion"_arg)
      .def(
          "complete_overdue_jobs",
          [](const EngineHandle& handle, std::int64_t after_hours, bool failed_jobs_are_free, std::int64_t limit) {
            const Overdue overdue{after_hours, failed_jobs_are_free, limit};
            return transact(handle, [&](auto& db, UnixMs now_ms, const auto& /*owner*/) {
              return complete_overdue_jobs(db, overdue, now_ms);
            });
          },
          Unlocked(), py::kw_only(), "after_hours"_arg, "failed_jobs_are_free"_arg, "limit"_arg = Overdue{}.limit,
          "Completes jobs left open for so long, at most `limit` in one transaction; returns how many.")
      .def("find_job", read(&find_job), Unlocked(), py::kw_only(), "job_id"_arg)
      .def(
          "list_jobs",
          [](const EngineHandle& handle, const TeamId& team_id, Position after, Position limit) {
            return read(&list_jobs)(handle, team_id, {.after = after, .limit = limit});
          },
          Unlocked(), py::kw_only(), "team_id"_arg, "after"_arg = py::none(), "limit"_arg = py::none(),
          "Newest first.");
}

void define_books(EngineClass& engine) {
  engine.def("find_balance", read(&find_balance), Unlocked(), py::kw_only(), "team_id"_arg)
      .def("find_low_balance_thresholds", read(&find_low_balance_thresholds), Unlocked(), py::kw_only(), "team_id"_arg,
           "Falling; none for a deleted team.")
      .def(
          "list_entries",
          [](const EngineHandle& handle, const TeamId& team_id, std::optional<EntryType> type,
             std::optional<UnixMs> from_ms, std::optional<UnixMs> to_ms, Position after, Position limit) {
            const EntryFilter filter{type, from_ms, to_ms};
            return read(&list_entries)(handle, team_id, {.after = after, .limit = limit}, filter);
          },
          Unlocked(), py::kw_only(), "team_id"_arg, "type"_arg = py::none(), "from_ms"_arg = py::none(),
          "to_ms"_arg = py::none(), "after"_arg = py::none(), "limit"_arg = py::none(), "Newest first.")
      .def(
          "list_credit_days",
          [](const EngineHandle& handle, const TeamId& team_id, std::int64_t days) {
            return read(&list_credit_days)(handle, team_id, days, handle.engine()->now_ms());
          },
          Unlocked(), py::kw_only(), "team_id"_arg, "days"_arg, "The last days of UTC, oldest first.");
}

void define_pace(EngineClass& engine) {
  engine
      .def(
          "find_pace",
          [](const EngineHandle& handle, const TeamId& team_id) {
            return read(&find_pace)(handle, team_id, handle.engine()->now_ms());
          },
          Unlocked(), py::kw_only(), "team_id"_arg, "How fast a team's credits went in the last seven days.")
      .def(
          "lowest_paces",
          [](const EngineHandle& handle, std::int64_t limit) {
            return read(&lowest_paces)(handle, limit, handle.engine()->now_ms());
          },
          Unlocked(), py::kw_only(), "limit"_arg, "Of active teams, what will run out first before all others.");
}

}  // namespace

void register_engine_ledger(EngineClass& engine) {
  define_calls(engine);
  define_jobs(engine);
  define_books(engine);
  define_pace(engine);
}

}  // namespace saas_access::python
