#include <pybind11/functional.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>
#include <string>

#include "arguments.hpp"
#include "register.hpp"
#include "saas_access/verify.hpp"

namespace saas_access::python {

namespace py = pybind11;

void register_verify(py::module_& module) {
  py::class_<LedgerFault>(module, "LedgerFault", "The first thing that is wrong in one team's books.")
      .def_readonly("team_id", &LedgerFault::team_id)
      .def_readonly("seq", &LedgerFault::seq, "Of the wrong entry; None if the account itself is wrong.")
      .def_readonly("transaction_id", &LedgerFault::transaction_id)
      .def_readonly("problem", &LedgerFault::problem)
      .def_readonly("expected", &LedgerFault::expected)
      .def_readonly("found", &LedgerFault::found);
  py::class_<LedgerReport>(module, "LedgerReport")
      .def_readonly("teams", &LedgerReport::teams)
      .def_readonly("entries", &LedgerReport::entries)
      .def_readonly("faults", &LedgerReport::faults);
  module.def(
      "verify_ledger",
      [](const std::string& database, const std::optional<TeamId>& team_id,
         const std::optional<VerifyProgress>& progress) {
        const py::gil_scoped_release unlocked;
        return verify_ledger(Database(database, Database::ReadOnly()), team_id, progress.value_or(VerifyProgress()));
      },
      py::kw_only(), "database"_arg, "team_id"_arg = py::none(), py::arg("progress") = py::none(),
      "Checks the books of one team or of all, beside whatever else uses the file, and changes nothing. `progress` is "
      "called with the entries read and those there were at the start. Raises NotFound, StoreUnavailable.");
}

}  // namespace saas_access::python
