#include <pybind11/native_enum.h>
#include <pybind11/pybind11.h>

#include "arguments.hpp"
#include "operations.hpp"
#include "register.hpp"
#include "saas_access/attention.hpp"

namespace py = pybind11;

namespace saas_access::python {

void register_attention(py::module_& module) {
  py::class_<EndingGrant>(module, "EndingGrant")
      .def_readonly("team_id", &EndingGrant::team_id)
      .def_readonly("grant", &EndingGrant::grant);
  py::class_<LowBalance>(module, "LowBalance")
      .def_readonly("team_id", &LowBalance::team_id)
      .def_readonly("remaining", &LowBalance::remaining)
      .def_readonly("threshold", &LowBalance::threshold);
  py::class_<TeamDenials>(module, "TeamDenials")
      .def_readonly("team_id", &TeamDenials::team_id)
      .def_readonly("alias", &TeamDenials::alias)
      .def_readonly("reason", &TeamDenials::reason)
      .def_readonly("denials", &TeamDenials::denials)
      .def_readonly("last_denied_at_ms", &TeamDenials::last_denied_at_ms);
  py::class_<CalledModel>(module, "CalledModel")
      .def_readonly("team_id", &CalledModel::team_id)
      .def_readonly("alias", &CalledModel::alias);
}

void register_engine_attention(EngineClass& engine) {
  engine
      .def(
          "list_ending_grants",
          [](const EngineHandle& handle, UnixMs until_ms) {
            return read(&list_ending_grants)(handle, handle.engine()->now_ms(), until_ms);
          },
          Unlocked(), py::kw_only(), "until_ms"_arg, "Grants that run now and end before, the first to end first.")
      .def("list_low_balances", read(&list_low_balances), Unlocked(), py::kw_only(), "limit"_arg,
           "The teams at or below one of their thresholds, those with the least remaining first.")
      .def("list_team_denials", read(&list_team_denials), Unlocked(), py::kw_only(), "since_ms"_arg, "limit"_arg,
           "What teams were refused since that day, the most frequent first.")
      .def("list_called_models", read(&list_called_models), Unlocked(), py::kw_only(), "since_ms"_arg,
           "Each model that each team got an answer of since that day, in no order.");
}

}  // namespace saas_access::python
