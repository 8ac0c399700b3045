#include <pybind11/native_enum.h>
#include <pybind11/pybind11.h>

#include "arguments.hpp"
#include "casters.hpp"
#include "register.hpp"
#include "saas_access/engine.hpp"
#include "saas_access/jobs.hpp"
#include "saas_access/pace.hpp"
#include "saas_access/policy.hpp"
#include "saas_access/search.hpp"
#include "saas_access/webhooks.hpp"

namespace py = pybind11;

namespace saas_access::python {
namespace {

// What the core answers with: read-only, named as in the C++ headers.

void register_policy_records(py::module_& module) {
  py::class_<Organization>(module, "Organization")
      .def_readonly("organization_id", &Organization::organization_id)
      .def_readonly("name", &Organization::name)
      .def_readonly("suspended", &Organization::suspended)
      .def_readonly("metadata", &Organization::metadata)
      .def_readonly("created_at_ms", &Organization::created_at_ms)
      .def_readonly("revision", &Organization::revision);
  py::class_<ModelAlias>(module, "ModelAlias")
      .def_readonly("alias", &ModelAlias::alias)
      .def_readonly("litellm_model", &ModelAlias::litellm_model)
      .def_readonly("description", &ModelAlias::description)
      .def_readonly("active", &ModelAlias::active)
      .def_readonly("credits_per_call", &ModelAlias::credits_per_call)
      .def_readonly("metadata", &ModelAlias::metadata)
      .def_readonly("access_groups", &ModelAlias::access_groups)
      .def_readonly("created_at_ms", &ModelAlias::created_at_ms)
      .def_readonly("revision", &ModelAlias::revision);
  py::class_<AccessGroup>(module, "AccessGroup")
      .def_readonly("group_name", &AccessGroup::group_name)
      .def_readonly("description", &AccessGroup::description)
      .def_readonly("model_aliases", &AccessGroup::model_aliases)
      .def_readonly("teams_with_access", &AccessGroup::teams_with_access)
      .def_readonly("created_at_ms", &AccessGroup::created_at_ms)
      .def_readonly("revision", &AccessGroup::revision);
  py::class_<AccessGroupSummary>(module, "AccessGroupSummary")
      .def_readonly("group_name", &AccessGroupSummary::group_name)
      .def_readonly("description", &AccessGroupSummary::description)
      .def_readonly("model_count", &AccessGroupSummary::model_count)
      .def_readonly("team_count", &AccessGroupSummary::team_count);
  py::class_<Bootstrapped>(module, "Bootstrapped")
      .def_readonly("model_aliases", &Bootstrapped::model_aliases)
      .def_readonly("access_groups", &Bootstrapped::access_groups);
}

void register_team_records(py::module_& module) {
  py::class_<Grant>(module, "Grant")
      .def_readonly("grant_id", &Grant::grant_id)
      .def_readonly("access_group", &Grant::access_group)
      .def_readonly("starts_at_ms", &Grant::starts_at_ms)
      .def_readonly("expires_at_ms", &Grant::expires_at_ms)
      .def_readonly("reason", &Grant::reason)
      .def_readonly("created_at_ms", &Grant::created_at_ms);
  py::class_<Refill>(module, "Refill")
      .def(construct(&Refill::credits, &Refill::period, &Refill::mode), py::kw_only(), "credits"_arg, "period"_arg,
           py::arg_v("mode", RefillMode::add, "RefillMode.ADD"))
      .def_readonly("credits", &Refill::credits)
      .def_readonly("period", &Refill::period)
      .def_readonly("mode", &Refill::mode);
  py::class_<Team>(module, "Team")
      .def_readonly("team_id", &Team::team_id)
      .def_readonly("organization_id", &Team::organization_id)
      .def_readonly("team_alias", &Team::team_alias)
      .def_readonly("suspended", &Team::suspended)
      .def_readonly("access_groups", &Team::access_groups)
      .def_readonly("budget_mode", &Team::budget_mode)
      .def_readonly("credits_per_dollar", &Team::credits_per_dollar)
      .def_readonly("tokens_per_credit", &Team::tokens_per_credit)
      .def_readonly("rpm_limit", &Team::rpm_limit)
      .def_readonly("tpm_limit", &Team::tpm_limit)
      .def_readonly("refill", &Team::refill)
      .def_readonly("next_refill_at_ms", &Team::next_refill_at_ms)
      .def_readonly("low_balance_thresholds", &Team::low_balance_thresholds)
      .def_readonly("metadata", &Team::metadata)
      .def_readonly("created_at_ms", &Team::created_at_ms)
      .def_readonly("revision", &Team::revision);
  py::class_<VirtualKey>(module, "VirtualKey")
      .def_readonly("key_id", &VirtualKey::key_id)
      .def_readonly("team_id", &VirtualKey::team_id)
      .def_readonly("name", &VirtualKey::name)
      .def_readonly("last_four", &VirtualKey::last_four)
      .def_readonly("status", &VirtualKey::status)
      .def_readonly("model_aliases", &VirtualKey::model_aliases)
      .def_readonly("created_at_ms", &VirtualKey::created_at_ms)
      .def_readonly("expires_at_ms", &VirtualKey::expires_at_ms)
      .def_readonly("last_used_at_ms", &VirtualKey::last_used_at_ms)
      .def_readonly("revision", &VirtualKey::revision);
}

void register_found_records(py::module_& module) {
  py::class_<FoundTeam>(module, "FoundTeam")
      .def_readonly("team_id", &FoundTeam::team_id)
      .def_readonly("team_alias", &FoundTeam::team_alias)
      .def_readonly("organization_id", &FoundTeam::organization_id);
  py::class_<FoundAccessGroup>(module, "FoundAccessGroup")
      .def_readonly("group_name", &FoundAccessGroup::group_name)
      .def_readonly("description", &FoundAccessGroup::description);
  py::class_<FoundModelAlias>(module, "FoundModelAlias")
      .def_readonly("alias", &FoundModelAlias::alias)
      .def_readonly("litellm_model", &FoundModelAlias::litellm_model)
      .def_readonly("active", &FoundModelAlias::active);
  py::class_<FoundOrganization>(module, "FoundOrganization")
      .def_readonly("organization_id", &FoundOrganization::organization_id)
      .def_readonly("name", &FoundOrganization::name);
  py::class_<FoundKey>(module, "FoundKey")
      .def_readonly("key_id", &FoundKey::key_id)
      .def_readonly("name", &FoundKey::name)
      .def_readonly("team_id", &FoundKey::team_id)
      .def_readonly("last_four", &FoundKey::last_four)
      .def_readonly("status", &FoundKey::status);
  py::class_<Found>(module, "Found")
      .def_readonly("teams", &Found::teams)
      .def_readonly("access_groups", &Found::access_groups)
      .def_readonly("model_aliases", &Found::model_aliases)
      .def_readonly("organizations", &Found::organizations)
      .def_readonly("keys", &Found::keys);
  py::class_<Counts>(module, "Counts")
      .def_readonly("organizations", &Counts::organizations)
      .def_readonly("teams", &Counts::teams)
      .def_readonly("active_teams", &Counts::active_teams)
      .def_readonly("access_groups", &Counts::access_groups)
      .def_readonly("model_aliases", &Counts::model_aliases)
      .def_readonly("active_model_aliases", &Counts::active_model_aliases)
      .def_readonly("keys", &Counts::keys)
      .def_readonly("active_keys", &Counts::active_keys);
}

void register_write_records(py::module_& module) {
  py::class_<AccessChange>(module, "AccessChange")
      .def_readonly("team_id", &AccessChange::team_id)
      .def_readonly("gains", &AccessChange::gains)
      .def_readonly("loses", &AccessChange::loses);
  py::class_<Receipt>(module, "Receipt")
      .def_readonly("revision", &Receipt::revision)
      .def_readonly("changes", &Receipt::changes);
  py::class_<AuditEntry>(module, "AuditEntry")
      .def_readonly("id", &AuditEntry::id)
      .def_readonly("at_ms", &AuditEntry::at_ms)
      .def_readonly("actor", &AuditEntry::actor)
      .def_readonly("action", &AuditEntry::action)
      .def_readonly("target_type", &AuditEntry::target_type)
      .def_readonly("target_id", &AuditEntry::target_id)
      .def_readonly("before", &AuditEntry::before)
      .def_readonly("after", &AuditEntry::after)
      .def_readonly("revision", &AuditEntry::revision);
  py::class_<Health>(module, "Health")
      .def_readonly("ok", &Health::ok)
      .def_readonly("problem", &Health::problem)
      .def_property_readonly("database", [](const Health& health) { return health.database.string(); })
      .def_readonly("sqlite_version", &Health::sqlite_version)
      .def_readonly("schema_version", &Health::schema_version)
      .def_readonly("revision", &Health::revision)
      .def_readonly("snapshot_revision", &Health::snapshot_revision);
}

void register_decision_records(py::module_& module) {
  py::class_<Authentication>(module, "Authentication")
      .def_readonly("reason", &Authentication::reason)
      .def_readonly("key_id", &Authentication::key_id)
      .def_readonly("team_id", &Authentication::team_id)
      .def_readonly("rpm_limit", &Authentication::rpm_limit)
      .def_readonly("tpm_limit", &Authentication::tpm_limit);
  py::class_<Decision>(module, "Decision")
      .def_readonly("outcome", &Decision::outcome)
      .def_readonly("reason", &Decision::reason)
      .def_readonly("team_id", &Decision::team_id)
      .def_readonly("key_id", &Decision::key_id)
      .def_readonly("alias", &Decision::alias)
      .def_readonly("litellm_model", &Decision::litellm_model)
      .def_readonly("groups", &Decision::groups)
      .def_readonly("pricing", &Decision::pricing)
      .def_readonly("policy_revision", &Decision::policy_revision)
      .def_property_readonly("allowed", &Decision::allowed)
      .def("__repr__", [](const Decision& decision) {
        return py::str(
                   "Decision({}, reason={}, team_id={!r}, key_id={!r}, alias={!r}, litellm_model={!r}, groups={!r}, "
                   "policy_revision={})")
            .format(slug(decision.outcome), slug(decision.reason), decision.team_id, decision.key_id, decision.alias,
                    decision.litellm_model, decision.groups, decision.policy_revision);
      });
  py::class_<AvailableModel>(module, "AvailableModel")
      .def_readonly("alias", &AvailableModel::alias)
      .def_readonly("litellm_model", &AvailableModel::litellm_model)
      .def_readonly("via", &AvailableModel::via);
  py::class_<Explanation>(module, "Explanation")
      .def_readonly("decision", &Explanation::decision)
      .def_readonly("alias_exists", &Explanation::alias_exists)
      .def_readonly("alias_active", &Explanation::alias_active)
      .def_readonly("groups_with_alias", &Explanation::groups_with_alias)
      .def_readonly("key_narrowed_away", &Explanation::key_narrowed_away);
}

void register_ledger_records(py::module_& module) {
  py::class_<Balance>(module, "Balance")
      .def_readonly("allocated", &Balance::allocated)
      .def_readonly("used", &Balance::used)
      .def_readonly("reserved", &Balance::reserved)
      .def_readonly("remaining", &Balance::remaining);
  py::class_<LedgerEntry>(module, "LedgerEntry")
      .def_readonly("transaction_id", &LedgerEntry::transaction_id)
      .def_readonly("type", &LedgerEntry::type)
      .def_readonly("amount", &LedgerEntry::amount)
      .def_readonly("balance_after", &LedgerEntry::balance_after)
      .def_readonly("description", &LedgerEntry::description)
      .def_readonly("job_id", &LedgerEntry::job_id)
      .def_readonly("alias", &LedgerEntry::alias)
      .def_readonly("created_at_ms", &LedgerEntry::created_at_ms);
  py::class_<CreditsAdded>(module, "CreditsAdded")
      .def_readonly("team_id", &CreditsAdded::team_id)
      .def_readonly("credits_added", &CreditsAdded::credits_added)
      .def_readonly("balance", &CreditsAdded::balance)
      .def_readonly("transaction_id", &CreditsAdded::transaction_id);
  py::class_<CreditDay>(module, "CreditDay")
      .def_readonly("day_ms", &CreditDay::day_ms)
      .def_readonly("charged", &CreditDay::charged)
      .def_readonly("added", &CreditDay::added)
      .def_readonly("balance_at_end", &CreditDay::balance_at_end);
  py::class_<Pace>(module, "Pace")
      .def_readonly("team_id", &Pace::team_id)
      .def_readonly("organization_id", &Pace::organization_id)
      .def_readonly("balance", &Pace::balance)
      .def_readonly("counted_from_ms", &Pace::counted_from_ms)
      .def_readonly("charged", &Pace::charged)
      .def_readonly("per_day", &Pace::per_day)
      .def_readonly("lasts_ms", &Pace::lasts_ms);
  py::class_<Reservation>(module, "Reservation")
      .def_readonly("outcome", &Reservation::outcome)
      .def_readonly("call_id", &Reservation::call_id)
      .def_readonly("needed", &Reservation::needed)
      .def_readonly("remaining", &Reservation::remaining)
      .def("__repr__", [](const Reservation& reservation) {
        return py::str("Reservation({}, call_id={!r}, needed={}, remaining={})")
            .format(reservation.outcome, reservation.call_id, reservation.needed, reservation.remaining);
      });
  py::class_<Settlement>(module, "Settlement")
      .def_readonly("charged", &Settlement::charged)
      .def_readonly("shortfall", &Settlement::shortfall);
  py::class_<Recovered>(module, "Recovered")
      .def_readonly("released", &Recovered::released)
      .def_readonly("charged", &Recovered::charged);
}

void register_job_records(py::module_& module) {
  py::class_<Call>(module, "Call")
      .def_readonly("call_id", &Call::call_id)
      .def_readonly("alias", &Call::alias)
      .def_readonly("purpose", &Call::purpose)
      .def_readonly("status", &Call::status)
      .def_readonly("usage", &Call::usage)
      .def_readonly("latency_ms", &Call::latency_ms)
      .def_readonly("created_at_ms", &Call::created_at_ms);
  py::class_<JobCosts>(module, "JobCosts")
      .def_readonly("total_calls", &JobCosts::total_calls)
      .def_readonly("successful_calls", &JobCosts::successful_calls)
      .def_readonly("failed_calls", &JobCosts::failed_calls)
      .def_readonly("total_tokens", &JobCosts::total_tokens)
      .def_readonly("total_cost", &JobCosts::total_cost)
      .def_readonly("credits_charged", &JobCosts::credits_charged)
      .def_readonly("credits_remaining", &JobCosts::credits_remaining);
  py::class_<Job>(module, "Job")
      .def_readonly("job_id", &Job::job_id)
      .def_readonly("team_id", &Job::team_id)
      .def_readonly("job_type", &Job::job_type)
      .def_readonly("user_id", &Job::user_id)
      .def_readonly("status", &Job::status)
      .def_readonly("metadata", &Job::metadata)
      .def_readonly("error_message", &Job::error_message)
      .def_readonly("created_at_ms", &Job::created_at_ms)
      .def_readonly("completed_at_ms", &Job::completed_at_ms)
      .def_readonly("costs", &Job::costs)
      .def_readonly("calls", &Job::calls);
}

void register_webhook_records(py::module_& module) {
  py::class_<WebhookEvent>(module, "WebhookEvent")
      .def_readonly("event_id", &WebhookEvent::event_id)
      .def_readonly("type", &WebhookEvent::type)
      .def_readonly("team_id", &WebhookEvent::team_id)
      .def_readonly("payload", &WebhookEvent::payload)
      .def_readonly("created_at_ms", &WebhookEvent::created_at_ms)
      .def_readonly("attempts", &WebhookEvent::attempts)
      .def_readonly("next_attempt_at_ms", &WebhookEvent::next_attempt_at_ms)
      .def_readonly("delivered_at_ms", &WebhookEvent::delivered_at_ms)
      .def_readonly("last_error", &WebhookEvent::last_error);
}

}  // namespace

void register_records(py::module_& module) {
  register_policy_records(module);
  register_team_records(module);
  register_found_records(module);
  register_write_records(module);
  register_decision_records(module);
  register_ledger_records(module);
  register_job_records(module);
  register_webhook_records(module);
}

}  // namespace saas_access::python
