#include <pybind11/stl.h>

#include <memory>

#include "arguments.hpp"
#include "casters.hpp"
#include "engine_handle.hpp"
#include "register.hpp"
#include "saas_access/ledger_writer.hpp"

namespace saas_access::python {

namespace py = pybind11;
using namespace py::literals;

void register_ledger_writer(py::module_& module) {
  py::class_<LedgerWriter>(
      module, "LedgerWriter",
      "The ledger's writes of one process, each transaction shared by all that wait. Its thread never takes the GIL.")
      .def(py::init([](const EngineHandle& handle) { return std::make_unique<LedgerWriter>(handle.engine()); }),
           py::kw_only(), "engine"_arg)
      .def("reserve", &LedgerWriter::reserve, py::kw_only(), "request"_arg,
           "Queues Engine.reserve; returns its number. Raises StoreUnavailable if too many wait.")
      .def("mark_answering", &LedgerWriter::mark_answering, py::kw_only(), "call_id"_arg, "known"_arg,
           "answered_by"_arg = py::none(),
           "Queues a mark: from now on the call is charged by what is known, even if this process dies.")
      .def("settle", &LedgerWriter::settle, py::kw_only(), "call_id"_arg, "usage"_arg, "latency_ms"_arg,
           "answered_by"_arg = py::none(), "delivered"_arg,
           "Queues Engine.settle; returns its number. One that the store refuses is tried again if `delivered`.")
      .def("release", &LedgerWriter::release, py::kw_only(), "call_id"_arg, "failed"_arg, "latency_ms"_arg,
           "Queues Engine.release; returns its number. One that the store refuses is tried again.")
      .def("fileno", &LedgerWriter::event_fd, "Readable while writes have ended that `ended` has not told of.")
      .def("ended", &LedgerWriter::ended, "The numbers of the writes that are durable, or failed, since the last call.")
      .def("take", &LedgerWriter::take, py::kw_only(), "number"_arg,
           "The result of an ended write, once: a Reservation, a Settlement, or None. Raises what made it fail.")
      .def("transactions", &LedgerWriter::transactions, "How many transactions were committed so far.")
      .def("owed", &LedgerWriter::owed, "How many writes the store refused and are still tried.");
}

}  // namespace saas_access::python
