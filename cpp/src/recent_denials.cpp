#include "saas_access/recent_denials.hpp"

#include <unordered_map>
#include <utility>

#include "books.hpp"
#include "columns.hpp"
#include "paging.hpp"
#include "rows.hpp"
#include "sql.hpp"

namespace saas_access {

namespace {

std::optional<RowId> row_or_null(RowId row) { return row != 0 ? std::optional(row) : std::nullopt; }

/// What the keys of the team's refusals are narrowed to, by the key's row.
std::unordered_map<RowId, std::vector<AliasName>> narrowed_keys(Connection& db, RowId team) {
  std::unordered_map<RowId, std::vector<AliasName>> keys;
  Query statement = prepare(db,
                            "SELECT key_alias.virtual_key, model_alias.alias FROM key_alias "
                            "JOIN model_alias ON model_alias.row = key_alias.alias WHERE key_alias.virtual_key IN "
                            "(SELECT virtual_key FROM recent_denial WHERE team = ?) ORDER BY key_alias.position",
                            team);
  while (statement.executeStep()) {
    keys[statement.getColumn(0).getInt64()].emplace_back(statement.getColumn(1).getString());
  }
  return keys;
}

}  // namespace

void RecentDenials::note(RowId team, Denied denied) {
  auto& of_team = by_team_[team];
  const bool full = held_ >= kMostHeld;
  if (of_team.size() >= kMostDenialsOfTeam || (full && !of_team.empty())) {
    of_team.pop_front();
  } else if (full) {
    return;
  } else {
    ++held_;
  }
  of_team.push_back(std::move(denied));
}

void RecentDenials::put_back(RecentDenials older) {
  std::swap(*this, older);
  for (auto& [team, newer] : older.by_team_) {
    for (Denied& denied : newer) note(team, std::move(denied));
  }
}

void RecentDenials::write(Connection& db) const {
  std::unordered_map<std::string, RowId> names;
  for (const auto& [team, of_team] : by_team_) {
    for (const Denied& denied : of_team) {
      RowId& name = names[denied.alias];
      if (name == 0 && !denied.alias.empty()) name = record_name(db, denied.alias);
      execute(db,
              "INSERT INTO recent_denial (team, at_ms, reason, alias, virtual_key) "
              "SELECT row, ?, ?, ?, ? FROM team WHERE row = ? AND deleted_at_ms IS NULL",
              denied.at_ms, static_cast<int>(denied.reason), row_or_null(name), row_or_null(denied.virtual_key), team);
    }
    execute(db,
            "DELETE FROM recent_denial WHERE row IN "
            "(SELECT row FROM recent_denial WHERE team = ? ORDER BY at_ms DESC, row DESC LIMIT -1 OFFSET ?)",
            team, kMostDenialsOfTeam);
  }
}

std::vector<RecentDenial> list_denials(Connection& db, const TeamId& team_id, std::optional<std::int64_t> limit) {
  const RowId team = require_row(db, team_id);
  const PageRequest request{.after = std::nullopt, .limit = limit};
  const auto narrowed = narrowed_keys(db, team);
  Query statement =
      prepare(db,
              "SELECT virtual_key.row, at_ms, reason, recorded_name.name, key_id, virtual_key.name, narrowed "
              "FROM recent_denial LEFT JOIN recorded_name ON recorded_name.row = recent_denial.alias "
              "LEFT JOIN virtual_key ON virtual_key.row = recent_denial.virtual_key "
              "WHERE recent_denial.team = ? ORDER BY at_ms DESC, recent_denial.row DESC LIMIT ?",
              team, limit_of(request));
  return read_page<RecentDenial>(statement, request,
                                 [&](const SQLite::Statement& row) {
                                   RecentDenial denial;
                                   denial.at_ms = row.getColumn(1).getInt64();
                                   denial.reason = enum_column(row.getColumn(2), kAllReasons.back());
                                   if (auto alias = optional_text(row.getColumn(3)))
                                     denial.alias = AliasName(*std::move(alias));
                                   if (auto key_id = optional_text(row.getColumn(4)))
                                     denial.key_id = KeyId(*std::move(key_id));
                                   denial.key_name = optional_text(row.getColumn(5));
                                   if (row.getColumn(6).getInt() != 0) {
                                     const auto aliases = narrowed.find(row.getColumn(0).getInt64());
                                     denial.key_model_aliases.emplace();
                                     if (aliases != narrowed.end()) denial.key_model_aliases = aliases->second;
                                   }
                                   return denial;
                                 })
      .items;
}

}  // namespace saas_access
