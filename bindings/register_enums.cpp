#include <pybind11/native_enum.h>
#include <pybind11/pybind11.h>

#include "arguments.hpp"
#include "register.hpp"
#include "saas_access/decision.hpp"
#include "saas_access/jobs.hpp"
#include "saas_access/ledger.hpp"

namespace py = pybind11;

namespace saas_access::python {
namespace {

template <class Enum>
py::native_enum<Enum> declare(py::module_& module, const char* name) {
  return py::native_enum<Enum>(module, name, "enum.Enum");
}

template <class Enum>
void define_slug(py::module_& module) {
  module.def("slug", [](Enum value) { return slug(value); }, "value"_arg);
}

void declare_decision_enums(py::module_& module) {
  declare<Outcome>(module, "Outcome").value("DENIED", Outcome::denied).value("ALLOWED", Outcome::allowed).finalize();
  declare<Reason>(module, "Reason")
      .value("GRANTED", Reason::granted)
      .value("STORE_UNAVAILABLE", Reason::store_unavailable)
      .value("HOOK_MISSING", Reason::hook_missing)
      .value("ROUTE_NOT_ALLOWED", Reason::route_not_allowed)
      .value("KEY_UNKNOWN", Reason::key_unknown)
      .value("KEY_REVOKED", Reason::key_revoked)
      .value("KEY_EXPIRED", Reason::key_expired)
      .value("MODEL_NOT_GRANTED", Reason::model_not_granted)
      .value("TEAM_SUSPENDED", Reason::team_suspended)
      .value("ORGANIZATION_SUSPENDED", Reason::organization_suspended)
      .value("CREDITS_EXHAUSTED", Reason::credits_exhausted)
      .finalize();
  declare<KeyStatus>(module, "KeyStatus")
      .value("ACTIVE", KeyStatus::active)
      .value("REVOKED", KeyStatus::revoked)
      .value("EXPIRED", KeyStatus::expired)
      .finalize();
}

void declare_ledger_enums(py::module_& module) {
  declare<BudgetMode>(module, "BudgetMode")
      .value("JOB_BASED", BudgetMode::job_based)
      .value("CONSUMPTION_USD", BudgetMode::consumption_usd)
      .value("CONSUMPTION_TOKENS", BudgetMode::consumption_tokens)
      .finalize();
  declare<Synchronous>(module, "Synchronous")
      .value("FULL", Synchronous::full)
      .value("NORMAL", Synchronous::normal)
      .finalize();
  declare<RefillPeriod>(module, "RefillPeriod")
      .value("DAILY", RefillPeriod::daily)
      .value("WEEKLY", RefillPeriod::weekly)
      .value("MONTHLY", RefillPeriod::monthly)
      .finalize();
  declare<RefillMode>(module, "RefillMode")
      .value("ADD", RefillMode::add)
      .value("TOP_UP", RefillMode::top_up)
      .finalize();
  declare<EntryType>(module, "EntryType")
      .value("ALLOCATION", EntryType::allocation)
      .value("ADJUSTMENT", EntryType::adjustment)
      .value("CHARGE", EntryType::charge)
      .value("REFUND", EntryType::refund)
      .value("INTERRUPTED", EntryType::interrupted)
      .value("SHORTFALL", EntryType::shortfall)
      .finalize();
  declare<JobStatus>(module, "JobStatus")
      .value("PENDING", JobStatus::pending)
      .value("IN_PROGRESS", JobStatus::in_progress)
      .value("COMPLETED", JobStatus::completed)
      .value("FAILED", JobStatus::failed)
      .finalize();
  declare<CallStatus>(module, "CallStatus")
      .value("RUNNING", CallStatus::running)
      .value("SUCCEEDED", CallStatus::succeeded)
      .value("FAILED", CallStatus::failed)
      .finalize();
  declare<ReserveOutcome>(module, "ReserveOutcome")
      .value("RESERVED", ReserveOutcome::reserved)
      .value("CREDITS_EXHAUSTED", ReserveOutcome::credits_exhausted)
      .value("JOB_UNKNOWN", ReserveOutcome::job_unknown)
      .value("JOB_ENDED", ReserveOutcome::job_ended)
      .finalize();
}

}  // namespace

void register_enums(py::module_& module) {
  declare_decision_enums(module);
  declare_ledger_enums(module);

  define_slug<Outcome>(module);
  define_slug<Reason>(module);
  define_slug<KeyStatus>(module);
  define_slug<BudgetMode>(module);
  define_slug<RefillPeriod>(module);
  define_slug<RefillMode>(module);
  define_slug<EntryType>(module);
  define_slug<JobStatus>(module);
  define_slug<CallStatus>(module);
}

}  // namespace saas_access::python
