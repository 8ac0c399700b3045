#include <pybind11/native_enum.h>
#include <pybind11/pybind11.h>

#include "arguments.hpp"
#include "operations.hpp"
#include "register.hpp"
#include "saas_access/ledger.hpp"
#include "saas_access/policy.hpp"
#include "saas_access/webhooks.hpp"

namespace py = pybind11;

namespace saas_access::python {
namespace {

py::arg_v options() { return {"options", WriteOptions{}, "WriteOptions()"}; }

void define_organizations(EngineClass& engine) {
  engine
      .def("create_organization", write(&create_organization), Unlocked(), py::kw_only(), "organization"_arg, options())
      .def("update_organization", write(&update_organization), Unlocked(), py::kw_only(), "organization_id"_arg,
           "patch"_arg, options())
      .def("suspend_organization", write(&suspend_organization), Unlocked(), py::kw_only(), "organization_id"_arg,
           "suspended"_arg, options())
      .def("delete_organization", write(&delete_organization), Unlocked(), py::kw_only(), "organization_id"_arg,
           options());
}

void define_catalog(EngineClass& engine) {
  engine.def("create_model_alias", write(&create_model_alias), Unlocked(), py::kw_only(), "model_alias"_arg, options())
      .def("update_model_alias", write(&update_model_alias), Unlocked(), py::kw_only(), "alias"_arg, "patch"_arg,
           options())
      .def("delete_model_alias", write(&delete_model_alias), Unlocked(), py::kw_only(), "alias"_arg, "force"_arg,
           options())
      .def("create_access_group", write(&create_access_group), Unlocked(), py::kw_only(), "access_group"_arg, options())
      .def("update_access_group", write(&update_access_group), Unlocked(), py::kw_only(), "group_name"_arg, "patch"_arg,
           options())
      .def("add_models", write(&add_models), Unlocked(), py::kw_only(), "group_name"_arg, "model_aliases"_arg,
           options())
      .def("remove_models", write(&remove_models), Unlocked(), py::kw_only(), "group_name"_arg, "model_aliases"_arg,
           options())
      .def("delete_access_group", write(&delete_access_group), Unlocked(), py::kw_only(), "group_name"_arg,
           "only_unused"_arg = false, options())
      .def("bootstrap", write(&bootstrap), Unlocked(), py::kw_only(), "model_aliases"_arg, "access_groups"_arg,
           options());
}

void define_teams(EngineClass& engine) {
  engine.def("create_team", write(&create_team), Unlocked(), py::kw_only(), "team"_arg, options())
      .def("update_team", write(&update_team), Unlocked(), py::kw_only(), "team_id"_arg, "patch"_arg, options())
      .def("suspend_team", write(&suspend_team), Unlocked(), py::kw_only(), "team_id"_arg, "suspended"_arg, options())
      .def("delete_team", write(&delete_team), Unlocked(), py::kw_only(), "team_id"_arg, options())
      .def("create_grant", write(&create_grant), Unlocked(), py::kw_only(), "team_id"_arg, "grant"_arg, options())
      .def("delete_grant", write(&delete_grant), Unlocked(), py::kw_only(), "team_id"_arg, "grant_id"_arg, options())
      .def("add_credits", write(&add_credits), Unlocked(), py::kw_only(), "team_id"_arg, "credits"_arg,
           "description"_arg, "idempotency_key"_arg, options())
      .def("add_test_webhook_event", write(&add_test_webhook_event), Unlocked(), py::kw_only(), options());
}

void define_keys(EngineClass& engine) {
  engine.def("create_key", write(&create_key), Unlocked(), py::kw_only(), "team_id"_arg, "key"_arg, options())
      .def("rotate_key", write(&rotate_key), Unlocked(), py::kw_only(), "team_id"_arg, "key_id"_arg,
           "grace_seconds"_arg, "secret"_arg, options())
      .def("revoke_key", write(&revoke_key), Unlocked(), py::kw_only(), "team_id"_arg, "key_id"_arg, options());
}

}  // namespace

void register_engine_writes(EngineClass& engine) {
  define_organizations(engine);
  define_catalog(engine);
  define_teams(engine);
  define_keys(engine);
}

}  // namespace saas_access::python
