#include <pybind11/native_enum.h>
#include <pybind11/pybind11.h>

#include "arguments.hpp"
#include "register.hpp"
#include "saas_access/jobs.hpp"
#include "saas_access/policy.hpp"
#include "saas_access/webhooks.hpp"

namespace py = pybind11;

namespace saas_access::python {
namespace {

// What the core is asked with: keyword-only constructors with the defaults of the C++ headers, and nothing to read.

void register_write_inputs(py::module_& module) {
  const WriteOptions options;
  py::class_<WriteOptions>(module, "WriteOptions")
      .def(construct(&WriteOptions::actor, &WriteOptions::dry_run, &WriteOptions::if_revision), py::kw_only(),
           "actor"_arg = options.actor, "dry_run"_arg = options.dry_run, "if_revision"_arg = options.if_revision);
}

void register_organization_inputs(py::module_& module) {
  py::class_<NewOrganization>(module, "NewOrganization")
      .def(construct(&NewOrganization::organization_id, &NewOrganization::name, &NewOrganization::metadata),
           py::kw_only(), "organization_id"_arg, "name"_arg, "metadata"_arg = NewOrganization{}.metadata);
  py::class_<OrganizationPatch>(module, "OrganizationPatch")
      .def(construct(&OrganizationPatch::name, &OrganizationPatch::metadata), py::kw_only(), "name"_arg = py::none(),
           "metadata"_arg = py::none());
}

void register_catalog_inputs(py::module_& module) {
  const NewModelAlias alias;
  py::class_<NewModelAlias>(module, "NewModelAlias")
      .def(construct(&NewModelAlias::alias, &NewModelAlias::litellm_model, &NewModelAlias::description,
                     &NewModelAlias::active, &NewModelAlias::credits_per_call, &NewModelAlias::metadata,
                     &NewModelAlias::retires_at_ms, &NewModelAlias::successor),
           py::kw_only(), "alias"_arg, "litellm_model"_arg, "description"_arg, "active"_arg = alias.active,
           "credits_per_call"_arg = alias.credits_per_call, "metadata"_arg = alias.metadata,
           "retires_at_ms"_arg = py::none(), "successor"_arg = py::none());
  py::class_<ModelAliasPatch>(module, "ModelAliasPatch")
      .def(construct(&ModelAliasPatch::litellm_model, &ModelAliasPatch::description, &ModelAliasPatch::active,
                     &ModelAliasPatch::credits_per_call, &ModelAliasPatch::metadata, &ModelAliasPatch::retires_at_ms,
                     &ModelAliasPatch::successor),
           py::kw_only(), "litellm_model"_arg = py::none(), "description"_arg = py::none(), "active"_arg = py::none(),
           "credits_per_call"_arg = py::none(), "metadata"_arg = py::none(), "retires_at_ms"_arg = py::none(),
           "successor"_arg = py::none())
      .def("clear_retires_at", [](ModelAliasPatch& patch) { patch.retires_at_ms.emplace(); })
      .def("clear_successor", [](ModelAliasPatch& patch) { patch.successor.emplace(); });
  py::class_<NewAccessGroup>(module, "NewAccessGroup")
      .def(construct(&NewAccessGroup::group_name, &NewAccessGroup::description, &NewAccessGroup::model_aliases),
           py::kw_only(), "group_name"_arg, "description"_arg, "model_aliases"_arg);
  py::class_<AccessGroupPatch>(module, "AccessGroupPatch")
      .def(construct(&AccessGroupPatch::description, &AccessGroupPatch::model_aliases), py::kw_only(),
           "description"_arg = py::none(), "model_aliases"_arg = py::none());
}

void register_team_inputs(py::module_& module) {
  const NewTeam team;
  py::class_<NewTeam>(module, "NewTeam")
      .def(construct(&NewTeam::organization_id, &NewTeam::team_id, &NewTeam::team_alias, &NewTeam::access_groups,
                     &NewTeam::credits_allocated, &NewTeam::budget_mode, &NewTeam::credits_per_dollar,
                     &NewTeam::tokens_per_credit, &NewTeam::rpm_limit, &NewTeam::tpm_limit, &NewTeam::refill,
                     &NewTeam::low_balance_thresholds, &NewTeam::metadata, &NewTeam::first_key),
           py::kw_only(), "organization_id"_arg, "team_id"_arg, "team_alias"_arg, "access_groups"_arg,
           "credits_allocated"_arg = team.credits_allocated,
           py::arg_v("budget_mode", team.budget_mode, "BudgetMode.JOB_BASED"),
           "credits_per_dollar"_arg = team.credits_per_dollar, "tokens_per_credit"_arg = team.tokens_per_credit,
           "rpm_limit"_arg = py::none(), "tpm_limit"_arg = py::none(), "refill"_arg = py::none(),
           "low_balance_thresholds"_arg = team.low_balance_thresholds, "metadata"_arg = team.metadata,
           "first_key"_arg = py::none());
  // None leaves a limit or refill as it is, here as in every patch; to take one away is a call of its own.
  py::class_<TeamPatch>(module, "TeamPatch")
      .def(construct(&TeamPatch::team_alias, &TeamPatch::access_groups, &TeamPatch::credits_allocated,
                     &TeamPatch::budget_mode, &TeamPatch::credits_per_dollar, &TeamPatch::tokens_per_credit,
                     &TeamPatch::rpm_limit, &TeamPatch::tpm_limit, &TeamPatch::refill,
                     &TeamPatch::low_balance_thresholds, &TeamPatch::metadata),
           py::kw_only(), "team_alias"_arg = py::none(), "access_groups"_arg = py::none(),
           "credits_allocated"_arg = py::none(), "budget_mode"_arg = py::none(), "credits_per_dollar"_arg = py::none(),
           "tokens_per_credit"_arg = py::none(), "rpm_limit"_arg = py::none(), "tpm_limit"_arg = py::none(),
           "refill"_arg = py::none(), "low_balance_thresholds"_arg = py::none(), "metadata"_arg = py::none())
      .def("clear_rpm_limit", [](TeamPatch& patch) { patch.rpm_limit.emplace(); })
      .def("clear_tpm_limit", [](TeamPatch& patch) { patch.tpm_limit.emplace(); })
      .def("clear_refill", [](TeamPatch& patch) { patch.refill.emplace(); });
  py::class_<NewGrant>(module, "NewGrant")
      .def(construct(&NewGrant::access_group, &NewGrant::expires_at_ms, &NewGrant::reason, &NewGrant::starts_at_ms),
           py::kw_only(), "access_group"_arg, "expires_at_ms"_arg, "reason"_arg, "starts_at_ms"_arg = py::none());
}

void register_webhook_inputs(py::module_& module) {
  py::class_<WebhookAttempt>(module, "WebhookAttempt")
      .def(construct(&WebhookAttempt::event_id, &WebhookAttempt::attempt, &WebhookAttempt::error,
                     &WebhookAttempt::next_attempt_at_ms),
           py::kw_only(), "event_id"_arg, "attempt"_arg, "error"_arg = py::none(),
           "next_attempt_at_ms"_arg = py::none());
}

void register_key_inputs(py::module_& module) {
  py::class_<KeySecret>(module, "KeySecret")
      .def(construct(&KeySecret::digest, &KeySecret::last_four), py::kw_only(), "digest"_arg, "last_four"_arg);
  py::class_<NewVirtualKey>(module, "NewVirtualKey")
      .def(construct(&NewVirtualKey::name, &NewVirtualKey::expires_at_ms, &NewVirtualKey::model_aliases,
                     &NewVirtualKey::secret),
           py::kw_only(), "name"_arg, "expires_at_ms"_arg = py::none(), "model_aliases"_arg = py::none(),
           "secret"_arg = py::none());
}

void register_ledger_inputs(py::module_& module) {
  py::class_<Substitute>(module, "Substitute")
      .def(construct(&Substitute::alias, &Substitute::pricing, &Substitute::estimate), py::kw_only(), "alias"_arg,
           "pricing"_arg, "estimate"_arg);
  py::class_<ReserveRequest>(module, "ReserveRequest")
      .def(construct(&ReserveRequest::team_id, &ReserveRequest::key_id, &ReserveRequest::alias, &ReserveRequest::job_id,
                     &ReserveRequest::purpose, &ReserveRequest::pricing, &ReserveRequest::estimate,
                     &ReserveRequest::substitutes, &ReserveRequest::access_group),
           py::kw_only(), "team_id"_arg, "key_id"_arg = py::none(), "alias"_arg, "job_id"_arg = py::none(),
           "purpose"_arg, "pricing"_arg, "estimate"_arg, "substitutes"_arg = std::vector<Substitute>(),
           "access_group"_arg = py::none());
  py::class_<NewJob>(module, "NewJob")
      .def(construct(&NewJob::team_id, &NewJob::job_type, &NewJob::user_id, &NewJob::metadata), py::kw_only(),
           "team_id"_arg, "job_type"_arg, "user_id"_arg = py::none(), "metadata"_arg = NewJob{}.metadata);
  const JobCompletion completion;
  py::class_<JobCompletion>(module, "JobCompletion")
      .def(construct(&JobCompletion::status, &JobCompletion::metadata, &JobCompletion::error_message,
                     &JobCompletion::failed_jobs_are_free),
           py::kw_only(), py::arg_v("status", completion.status, "JobStatus.COMPLETED"), "metadata"_arg = py::none(),
           "error_message"_arg = py::none(), "failed_jobs_are_free"_arg = completion.failed_jobs_are_free);
}

}  // namespace

void register_inputs(py::module_& module) {
  register_write_inputs(module);
  register_organization_inputs(module);
  register_catalog_inputs(module);
  register_key_inputs(module);
  register_team_inputs(module);
  register_ledger_inputs(module);
  register_webhook_inputs(module);
}

}  // namespace saas_access::python
