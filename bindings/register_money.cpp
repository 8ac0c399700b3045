#include <pybind11/native_enum.h>
#include <pybind11/pybind11.h>

#include "arguments.hpp"
#include "register.hpp"
#include "saas_access/database.hpp"
#include "saas_access/money.hpp"

namespace py = pybind11;

namespace saas_access::python {

void register_money(py::module_& module) {
  module.attr("MICRO_PER_CREDIT") = kMicroPerCredit;
  module.attr("MAX_MICRO_CREDITS") = kMaxMicroCredits;
  module.attr("SCHEMA_VERSION") = kSchemaVersion;

  const Pricing pricing;
  py::class_<Pricing>(module, "Pricing")
      .def(construct(&Pricing::mode, &Pricing::credits_per_call, &Pricing::credits_per_dollar,
                     &Pricing::tokens_per_credit),
           py::kw_only(), py::arg_v("mode", pricing.mode, "BudgetMode.JOB_BASED"),
           "credits_per_call"_arg = pricing.credits_per_call, "credits_per_dollar"_arg = pricing.credits_per_dollar,
           "tokens_per_credit"_arg = pricing.tokens_per_credit)
      .def_readonly("mode", &Pricing::mode)
      .def_readonly("credits_per_call", &Pricing::credits_per_call)
      .def_readonly("credits_per_dollar", &Pricing::credits_per_dollar)
      .def_readonly("tokens_per_credit", &Pricing::tokens_per_credit);

  const Usage usage;
  py::class_<Usage>(module, "Usage")
      .def(construct(&Usage::total_tokens, &Usage::price_known, &Usage::cost), py::kw_only(),
           "total_tokens"_arg = usage.total_tokens, "price_known"_arg = usage.price_known, "cost"_arg = usage.cost)
      .def_readonly("total_tokens", &Usage::total_tokens)
      .def_readonly("price_known", &Usage::price_known)
      .def_readonly("cost", &Usage::cost);

  module.def("credits_for_cost", &credits_for_cost, py::kw_only(), "cost"_arg, "credits_per_dollar"_arg,
             "ceil(cost x rate), to the millionth of a credit. Raises Invalid on a negative or too large amount.");
  module.def("credits_for_tokens", &credits_for_tokens, py::kw_only(), "tokens"_arg, "tokens_per_credit"_arg,
             "ceil(tokens / tokens_per_credit), to the millionth of a credit. Raises Invalid likewise.");
  module.def("price_of_call", &price_of_call, py::kw_only(), "pricing"_arg, "usage"_arg, "in_job"_arg,
             "What a call with this usage costs on its own, in millionths of a credit.");
}

}  // namespace saas_access::python
