#include "saas_access/search.hpp"

#include <initializer_list>
#include <string_view>

#include "rows.hpp"
#include "sql.hpp"
#include "validation.hpp"

namespace saas_access {

namespace {

using Names = std::initializer_list<std::string_view>;

// LIKE is three times as fast as seeking in a text made lower case. It knows no case of ASCII letters either.
std::string is_like(std::string_view column, std::string_view pattern) {
  return std::string(column) + " LIKE " + std::string(pattern) + " ESCAPE '\\'";
}

// ?1, ?2 and ?3: the text inside, at the beginning, and alone.
std::string matches(const Names& names) {
  std::string sql;
  for (const std::string_view name : names) sql += (sql.empty() ? "(" : " OR ") + is_like(name, "?1");
  return sql + ")";
}

// Of what matches: 0 it is the same, 1 it begins so, 2 neither.
std::string rank_of(const Names& names) {
  std::string sql = "2 - max(0";  // max of one value would be the aggregate
  for (const std::string_view name : names) sql += ", (" + is_like(name, "?2") + ") + (" + is_like(name, "?3") + ")";
  return sql + ")";
}

/// Reads the best of each kind.
class Search {
 public:
  Search(Connection& db, const std::string& text, std::int64_t limit) : db_(db), limit_(limit) {
    for (const char character : text) {
      if (character == '%' || character == '_' || character == '\\') escaped_ += '\\';
      escaped_ += character;
    }
  }

  /// Rows of a statement that takes the three patterns and the limit, as `read(statement)` makes them.
  template <class Read>
  auto run(const std::string& sql, Read&& read) const {
    auto query = prepare(db_, sql, "%" + escaped_ + "%", escaped_ + "%", escaped_, limit_);
    std::vector<decltype(read(query))> found;
    while (query.executeStep()) found.push_back(read(query));
    return found;
  }

  /// `columns`, the first of which is the id, of what matches by one of its names.
  template <class Read>
  auto best(const std::string& columns, const std::string& from, const Names& names, Read&& read) const {
    return run("SELECT " + columns + " FROM " + from + " AND " + matches(names) + " ORDER BY " + rank_of(names) +
                   ", 1 LIMIT ?4",
               read);
  }

 private:
  Connection& db_;
  std::int64_t limit_;
  std::string escaped_;
};

// The best rows are found first, by either kind of name, and only then is all read that is shown of them. A key found
// both ways is one. Only the newest secret has no end.
std::string select_keys() {
  const Names of_key = {"key_id", "name"};
  const Names of_secret = {"last_four"};
  return "SELECT key_id, name, team_id, last_four, revoked_at_ms, expires_at_ms FROM "
         "(SELECT found, rank FROM "
         "(SELECT row AS found, team AS of_team, key_id AS id, " +
         rank_of(of_key) + " AS rank FROM virtual_key WHERE " + matches(of_key) +
         " UNION ALL SELECT row, team, key_id, " + rank_of(of_secret) +
         " FROM key_secret JOIN virtual_key ON row = virtual_key WHERE valid_until_ms IS NULL AND " +
         matches(of_secret) +
         ") WHERE of_team NOT IN (SELECT row FROM team WHERE deleted_at_ms IS NOT NULL) "
         "ORDER BY rank, id LIMIT 2 * ?4) "
         "JOIN virtual_key ON virtual_key.row = found JOIN team ON team.row = virtual_key.team "
         "JOIN key_secret ON key_secret.virtual_key = found AND valid_until_ms IS NULL "
         "GROUP BY found ORDER BY min(rank), key_id LIMIT ?4";
}

std::string text_of(const SQLite::Statement& row, int column) { return row.getColumn(column).getString(); }

}  // namespace

Found search(Connection& db, const std::string& text, std::int64_t limit, UnixMs now_ms) {
  Problems problems;
  problems.text("q", text, kMaxName);
  if (text.empty()) problems.add("q", "is empty");
  problems.range("limit", limit, 1, kMaxCount);
  problems.raise();

  const Search search(db, text, limit);
  Found found;
  found.teams =
      search.best("team_id, team_alias, organization_id",
                  "team JOIN organization ON organization.row = team.organization WHERE deleted_at_ms IS NULL",
                  {"team_id", "team_alias"}, [](const auto& row) {
                    return FoundTeam{TeamId(text_of(row, 0)), text_of(row, 1), OrganizationId(text_of(row, 2))};
                  });
  found.access_groups =
      search.best("group_name, description", "access_group WHERE true", {"group_name"},
                  [](const auto& row) { return FoundAccessGroup{GroupName(text_of(row, 0)), text_of(row, 1)}; });
  found.model_aliases =
      search.best("alias, litellm_model, active", "model_alias WHERE true", {"alias"}, [](const auto& row) {
        return FoundModelAlias{AliasName(text_of(row, 0)), text_of(row, 1), row.getColumn(2).getInt() != 0};
      });
  found.organizations =
      search.best("organization_id, name", "organization WHERE true", {"organization_id", "name"},
                  [](const auto& row) { return FoundOrganization{OrganizationId(text_of(row, 0)), text_of(row, 1)}; });
  found.keys = search.run(select_keys(), [now_ms](const auto& row) {
    return FoundKey{KeyId(text_of(row, 0)), text_of(row, 1), TeamId(text_of(row, 2)), text_of(row, 3),
                    key_status(!row.getColumn(4).isNull(), optional_integer(row.getColumn(5)), now_ms)};
  });
  return found;
}

}  // namespace saas_access
