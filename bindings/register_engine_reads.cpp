#include <pybind11/native_enum.h>
#include <pybind11/pybind11.h>

#include <optional>
#include <string>

#include "arguments.hpp"
#include "operations.hpp"
#include "register.hpp"
#include "saas_access/directory.hpp"
#include "saas_access/organization_sums.hpp"
#include "saas_access/search.hpp"

namespace py = pybind11;

namespace saas_access::python {
namespace {

using Position = std::optional<std::int64_t>;
using Search = const std::optional<std::string>&;

void define_organizations(EngineClass& engine) {
  engine.def("find_organization", read(&find_organization), Unlocked(), py::kw_only(), "organization_id"_arg)
      .def(
          "list_organizations",
          [](const EngineHandle& handle, Search search, Position after, Position limit) {
            return read(&list_organizations)(handle, {.after = after, .limit = limit}, search);
          },
          Unlocked(), py::kw_only(), "search"_arg = py::none(), "after"_arg = py::none(), "limit"_arg = py::none())
      .def("sum_organizations", read(&sum_organizations), Unlocked(), py::kw_only(), "organization_ids"_arg,
           "from_ms"_arg, "Of each its teams, their credits, and their use from that UTC day on.");
}

void define_catalog(EngineClass& engine) {
  engine.def("find_model_alias", read(&find_model_alias), Unlocked(), py::kw_only(), "alias"_arg)
      .def(
          "list_model_aliases",
          [](const EngineHandle& handle, Search search, Position after, Position limit) {
            return read(&list_model_aliases)(handle, {.after = after, .limit = limit}, search);
          },
          Unlocked(), py::kw_only(), "search"_arg = py::none(), "after"_arg = py::none(), "limit"_arg = py::none())
      .def(
          "find_access_group",
          [](const EngineHandle& handle, const GroupName& group_name) {
            return read(&find_access_group)(handle, group_name, handle.engine()->now_ms());
          },
          Unlocked(), py::kw_only(), "group_name"_arg)
      .def(
          "list_access_groups",
          [](const EngineHandle& handle, Search search, Position after, Position limit) {
            return read(&list_access_groups)(handle, {.after = after, .limit = limit}, handle.engine()->now_ms(),
                                             search);
          },
          Unlocked(), py::kw_only(), "search"_arg = py::none(), "after"_arg = py::none(), "limit"_arg = py::none());
}

void define_teams(EngineClass& engine) {
  engine.def("find_team", read(&find_team), Unlocked(), py::kw_only(), "team_id"_arg)
      .def(
          "list_teams",
          [](const EngineHandle& handle, const std::optional<OrganizationId>& organization_id,
             const std::optional<GroupName>& access_group, std::optional<bool> suspended,
             const std::optional<AliasName>& alias, std::optional<bool> low_balance, Search search, Position after,
             Position limit) {
            const TeamFilter filter{organization_id, access_group, suspended, alias, low_balance, search};
            return read(&list_teams)(handle, filter, {after, limit}, handle.engine()->now_ms());
          },
          Unlocked(), py::kw_only(), "organization_id"_arg = py::none(), "access_group"_arg = py::none(),
          "suspended"_arg = py::none(), "alias"_arg = py::none(), "low_balance"_arg = py::none(),
          "search"_arg = py::none(), "after"_arg = py::none(), "limit"_arg = py::none())
      .def("list_grants", read(&list_grants), Unlocked(), py::kw_only(), "team_id"_arg);
}

void define_keys(EngineClass& engine) {
  engine
      .def(
          "find_key",
          [](const EngineHandle& handle, const TeamId& team_id, const KeyId& key_id) {
            return read(&find_key)(handle, team_id, key_id, handle.engine()->now_ms());
          },
          Unlocked(), py::kw_only(), "team_id"_arg, "key_id"_arg)
      .def(
          "list_keys",
          [](const EngineHandle& handle, const TeamId& team_id) {
            return read(&list_keys)(handle, team_id, handle.engine()->now_ms());
          },
          Unlocked(), py::kw_only(), "team_id"_arg);
}

void define_search(EngineClass& engine) {
  engine
      .def(
          "search",
          [](const EngineHandle& handle, const std::string& text, std::int64_t limit) {
            return read(&search)(handle, text, limit, handle.engine()->now_ms());
          },
          Unlocked(), py::kw_only(), "text"_arg, "limit"_arg,
          "At most `limit` of each kind that have the text in a name, the best first.")
      .def(
          "count_records",
          [](const EngineHandle& handle) { return read(&count_records)(handle, handle.engine()->now_ms()); },
          Unlocked());
}

void define_audit(EngineClass& engine) {
  engine.def(
      "list_audit",
      [](const EngineHandle& handle, const std::optional<std::string>& target, const std::optional<std::string>& actor,
         std::optional<UnixMs> from_ms, std::optional<UnixMs> to_ms, const std::optional<std::string>& action,
         const std::optional<std::string>& target_type, Position after, Position limit) {
        return read(&list_audit)(handle, {target, actor, from_ms, to_ms, action, target_type}, {after, limit});
      },
      Unlocked(), py::kw_only(), "target"_arg = py::none(), "actor"_arg = py::none(), "from_ms"_arg = py::none(),
      "to_ms"_arg = py::none(), "action"_arg = py::none(), "target_type"_arg = py::none(), "after"_arg = py::none(),
      "limit"_arg = py::none());
}

}  // namespace

void register_engine_reads(EngineClass& engine) {
  define_organizations(engine);
  define_catalog(engine);
  define_teams(engine);
  define_keys(engine);
  define_search(engine);
  define_audit(engine);
}

}  // namespace saas_access::python
