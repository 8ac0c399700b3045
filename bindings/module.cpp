#include <pybind11/pybind11.h>

#include "register.hpp"

PYBIND11_MODULE(_core, module) {
  namespace python = saas_access::python;
  module.doc() =
      "The C++ core. Ids are `str`, credits are millionths of a credit, costs are picodollars, times are milliseconds "
      "since 1970, all `int`; metadata is the text of one JSON object. Arguments are keyword-only. Errors derive from "
      "CoreError.";

  python::register_errors(module);
  python::register_enums(module);
  python::register_money(module);
  python::register_records(module);
  python::register_inputs(module);
  python::register_usage(module);
  python::register_sessions(module);
  python::register_attention(module);

  auto engine = python::register_engine(module);
  python::register_engine_decisions(engine);
  python::register_engine_writes(engine);
  python::register_engine_reads(engine);
  python::register_engine_ledger(engine);
  python::register_engine_usage(engine);
  python::register_engine_attention(engine);
  python::register_engine_upkeep(engine);
  python::register_engine_sessions(engine);
  python::register_ledger_writer(module);
  python::register_verify(module);
}
