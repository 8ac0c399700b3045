#pragma once

#include <pybind11/pybind11.h>

#include "engine_handle.hpp"

namespace saas_access::python {

// Types first, in this order: a type must be known before a signature or a default value names it.
void register_errors(pybind11::module_& module);
void register_enums(pybind11::module_& module);
void register_money(pybind11::module_& module);
void register_records(pybind11::module_& module);
void register_inputs(pybind11::module_& module);
void register_usage(pybind11::module_& module);
void register_sessions(pybind11::module_& module);
void register_attention(pybind11::module_& module);

using EngineClass = pybind11::class_<EngineHandle>;
EngineClass register_engine(pybind11::module_& module);
void register_engine_decisions(EngineClass& engine);
void register_engine_writes(EngineClass& engine);
void register_engine_reads(EngineClass& engine);
void register_engine_ledger(EngineClass& engine);
void register_engine_usage(EngineClass& engine);
void register_engine_attention(EngineClass& engine);
void register_engine_upkeep(EngineClass& engine);
void register_engine_sessions(EngineClass& engine);
void register_ledger_writer(pybind11::module_& module);
void register_verify(pybind11::module_& module);

}  // namespace saas_access::python
