#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "expectations.hpp"
#include "saas_access/database.hpp"
#include "saas_access/directory.hpp"
#include "saas_access/policy.hpp"
#include "temporary_database.hpp"

namespace saas_access {

inline NewModelAlias new_alias(const std::string& alias) {
  NewModelAlias document;
  document.alias = AliasName(alias);
  document.litellm_model = "openai/" + alias;
  return document;
}

/// A database, a clock that stands still, and admin writes on it.
class PolicyTest : public ::testing::Test {
 protected:
  static constexpr UnixMs kNow = 1'700'000'000'500;

  /// Runs one write and commits it under the next revision, unless it throws or is a dry run.
  template <class Work>
  auto write(Work&& work, const WriteOptions& options = {}) {
    using Value = std::invoke_result_t<Work&, Write&>;
    std::optional<std::conditional_t<std::is_void_v<Value>, bool, Value>> value;
    database_.write([&](Connection& db) {
      Write open{db, options, now_ms_, revision_ + 1, {}};
      if constexpr (std::is_void_v<Value>) {
        work(open);
        value = true;
      } else {
        value.emplace(work(open));
      }
      if (options.dry_run) return false;
      changes_ = open.changes;
      ++revision_;
      return true;
    });
    return std::move(*value);
  }

  template <class Work>
  auto read(Work&& work) const {
    std::optional<std::invoke_result_t<Work&, Connection&>> value;
    database_.read([&](Connection& db) { value.emplace(work(db)); });
    return std::move(*value);
  }

  void make_alias(const std::string& alias) {
    write([&](Write& w) { create_model_alias(w, new_alias(alias)); });
  }
  void make_group(const std::string& name, const std::vector<AliasName>& aliases = {}) {
    write([&](Write& w) { create_access_group(w, {GroupName(name), "", aliases}); });
  }
  Team make_team(const std::string& id, const std::vector<GroupName>& groups = {}) {
    return write([&](Write& w) {
      if (!read_has_organization(w)) create_organization(w, {.organization_id = OrganizationId("org"), .name = "Org"});
      NewTeam team;
      team.organization_id = OrganizationId("org");
      team.team_id = TeamId(id);
      team.access_groups = groups;
      return create_team(w, team);
    });
  }

  Team team(const std::string& id) const {
    return read([&](Connection& db) { return find_team(db, TeamId(id)); });
  }
  AccessGroup group(const std::string& name) const {
    return read([&](Connection& db) { return find_access_group(db, GroupName(name), now_ms_); });
  }
  std::vector<AuditEntry> audit() const {
    return read([&](Connection& db) { return list_audit(db, {}, {}); }).items;
  }
  std::int64_t count(const std::string& table) const {
    return read([&](Connection& db) { return db.execAndGet("SELECT count(*) FROM " + table).getInt64(); });
  }
  bool changed(ChangeKind kind) const {
    for (const auto& [changed_kind, row] : changes_) {
      if (changed_kind == kind) return true;
    }
    return false;
  }

  TemporaryDatabase file_;
  Database database_{file_.path()};
  UnixMs now_ms_ = kNow;
  Revision revision_ = 0;  ///< of the last committed write
  ChangeSet changes_;      ///< of the last committed write

 private:
  static bool read_has_organization(Write& w) {
    return w.db.execAndGet("SELECT count(*) FROM organization WHERE organization_id = 'org'").getInt() > 0;
  }
};

inline std::vector<AliasName> aliases(std::initializer_list<const char*> names) { return {names.begin(), names.end()}; }
inline std::vector<GroupName> groups(std::initializer_list<const char*> names) { return {names.begin(), names.end()}; }
inline std::vector<TeamId> teams(std::initializer_list<const char*> names) { return {names.begin(), names.end()}; }

}  // namespace saas_access
