#include <pybind11/native_enum.h>
#include <pybind11/pybind11.h>

#include <optional>
#include <utility>
#include <vector>

#include "arguments.hpp"
#include "operations.hpp"
#include "register.hpp"
#include "saas_access/recent_denials.hpp"
#include "saas_access/usage.hpp"

namespace py = pybind11;

namespace saas_access::python {
namespace {

using Position = std::optional<std::int64_t>;

/// Picodollars, of which a sum over all teams may exceed 64 bits.
py::int_ cost_of(const UsageRow& row) {
  return py::int_(py::int_(row.cost_microdollars) * py::int_(1'000'000) + py::int_(row.cost_rest));
}

void define_types(py::module_& module) {
  py::native_enum<UsageBy>(module, "UsageBy", "enum.Enum")
      .value("TEAM_ID", UsageBy::team_id)
      .value("KEY_ID", UsageBy::key_id)
      .value("ALIAS", UsageBy::alias)
      .value("ACCESS_GROUP", UsageBy::access_group)
      .value("HOUR", UsageBy::hour)
      .value("DAY", UsageBy::day)
      .value("REASON", UsageBy::reason)
      .finalize();
  module.def("slug", [](UsageBy value) { return slug(value); }, "value"_arg);
  py::native_enum<UsageFigure>(module, "UsageFigure", "enum.Enum")
      .value("CALLS", UsageFigure::calls)
      .value("DENIALS", UsageFigure::denials)
      .value("TOKENS", UsageFigure::tokens)
      .value("CREDITS", UsageFigure::credits)
      .finalize();
  module.def("slug", [](UsageFigure value) { return slug(value); }, "value"_arg);
  py::class_<UsageRow>(module, "UsageRow")
      .def_readonly("team_id", &UsageRow::team_id)
      .def_readonly("key_id", &UsageRow::key_id)
      .def_readonly("alias", &UsageRow::alias)
      .def_readonly("access_group", &UsageRow::access_group)
      .def_readonly("period_ms", &UsageRow::period_ms)
      .def_readonly("reason", &UsageRow::reason)
      .def_readonly("calls", &UsageRow::calls)
      .def_readonly("failed_calls", &UsageRow::failed_calls)
      .def_readonly("denials", &UsageRow::denials)
      .def_readonly("tokens", &UsageRow::tokens)
      .def_property_readonly("cost", &cost_of)
      .def_readonly("charged", &UsageRow::charged)
      .def_readonly("latency_ms", &UsageRow::latency_ms, "Of all answered calls together.")
      .def_property_readonly(
          "latencies", [](const UsageRow& row) { return row.latencies.buckets(); },
          "(bucket, calls in it), the fastest first; bucket i holds up to 2 ** (i / 4) milliseconds.")
      .def(
          "latency_percentile", [](const UsageRow& row, double part) { return row.latencies.percentile(part); },
          py::kw_only(), "part"_arg, "Milliseconds; None without calls.")
      .def_readonly("last_call_at_ms", &UsageRow::last_call_at_ms)
      .def_readonly("last_denial_at_ms", &UsageRow::last_denial_at_ms);
  py::class_<UsageReport>(module, "UsageReport")
      .def_readonly("from_ms", &UsageReport::from_ms, "What was counted: the query's times, rounded outward.")
      .def_readonly("to_ms", &UsageReport::to_ms)
      .def_property_readonly("rows", [](const UsageReport& report) { return report.rows.items; })
      .def_property_readonly("next", [](const UsageReport& report) { return report.rows.next; });
  py::class_<RecentDenial>(module, "RecentDenial", "One refusal of a team.")
      .def_readonly("at_ms", &RecentDenial::at_ms)
      .def_readonly("reason", &RecentDenial::reason)
      .def_readonly("alias", &RecentDenial::alias)
      .def_readonly("key_id", &RecentDenial::key_id)
      .def_readonly("key_name", &RecentDenial::key_name)
      .def_readonly("key_model_aliases", &RecentDenial::key_model_aliases,
                    "Since the key was made, but that deleted aliases are gone from it; None if it isn't narrowed.");
}

void define_report(EngineClass& engine) {
  engine.def(
      "report_usage",
      [](const EngineHandle& handle, UnixMs from_ms, UnixMs to_ms, const std::optional<TeamId>& team_id,
         const std::optional<KeyId>& key_id, const std::optional<AliasName>& alias,
         const std::optional<GroupName>& access_group, std::vector<UsageBy> group_by, bool hides_refused_models,
         std::vector<TeamId> team_ids, std::optional<UsageFigure> most, Position after, Position limit) {
        if (team_id) team_ids.push_back(*team_id);
        const UsageQuery query{std::move(team_ids),  key_id, alias, access_group, from_ms, to_ms, std::move(group_by),
                               hides_refused_models, most};
        return read(&report_usage)(handle, query, {.after = after, .limit = limit});
      },
      Unlocked(), py::kw_only(), "from_ms"_arg, "to_ms"_arg, "team_id"_arg = py::none(), "key_id"_arg = py::none(),
      "alias"_arg = py::none(), "access_group"_arg = py::none(), "group_by"_arg = std::vector<UsageBy>(),
      "hides_refused_models"_arg = false, "team_ids"_arg = std::vector<TeamId>(), "most"_arg = py::none(),
      "after"_arg = py::none(), "limit"_arg = py::none());
}

void define_counting(EngineClass& engine) {
  engine
      .def(
          "note_denial",
          [](const EngineHandle& handle, Reason reason, const TeamId& team_id, const std::optional<KeyId>& key_id,
             const std::optional<AliasName>& alias, const std::optional<GroupName>& access_group) {
            handle.engine()->note_denial({team_id, key_id, alias, access_group, reason});
          },
          py::kw_only(), "reason"_arg, "team_id"_arg, "key_id"_arg = py::none(), "alias"_arg = py::none(),
          "access_group"_arg = py::none(), "Counts a refusal in memory; written out in the background.")
      .def("list_denials", read(&list_denials), Unlocked(), py::kw_only(), "team_id"_arg, "limit"_arg = py::none(),
           "The latest of a team that is there, newest first.")
      .def(
          "prune_usage",
          [](const EngineHandle& handle, std::int64_t days_kept) {
            const auto held = handle.engine();
            while (held->transact([&](Connection& db) { return prune_usage(db, days_kept, held->now_ms()); })) {
            }
          },
          Unlocked(), py::kw_only(), "days_kept"_arg,
          "Drops the hours of usage before so many whole days, one hour a transaction. Days stay.");
}

}  // namespace

void register_usage(py::module_& module) {
  define_types(module);
  module.attr("UNKNOWN_MODEL") = kUnknownModel;
}

void register_engine_usage(EngineClass& engine) {
  define_report(engine);
  define_counting(engine);
}

}  // namespace saas_access::python
