#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "rows.hpp"
#include "saas_access/connection.hpp"
#include "saas_access/records.hpp"
#include "saas_access/write.hpp"
#include "sql.hpp"

namespace saas_access {

// A page is read by a statement whose column 0 is the row, ordered by it.

/// One row more than asked for tells whether there is a next page. Throws Invalid for a limit below 1.
inline std::int64_t limit_of(const PageRequest& request) {
  if (!request.limit) return -1;
  if (*request.limit < 1) throw Invalid("limit", "'" + std::to_string(*request.limit) + "' is not at least 1");
  return *request.limit == std::numeric_limits<std::int64_t>::max() ? -1 : *request.limit + 1;
}

/// Items that `read(statement)` makes; `rows`, if given, receives the row of each.
template <class T, class Read>
Page<T> read_page(SQLite::Statement& statement, const PageRequest& request, Read&& read,
                  std::vector<RowId>* rows = nullptr) {
  Page<T> page;
  RowId last = 0;
  while (statement.executeStep()) {
    if (request.limit && std::cmp_equal(page.items.size(), *request.limit)) {
      page.next = last;
      break;
    }
    last = statement.getColumn(0).getInt64();
    if (rows != nullptr) rows->push_back(last);
    page.items.push_back(read(statement));
  }
  return page;
}

/// The only item of a page that was read by its name. Throws NotFound.
template <class T, class... Name>
T only(Page<T> page, const Name&... name) {
  if (page.items.empty()) throw NotFound(describe(name...) + " does not exist");
  return std::move(page.items.front());
}

/// Runs `sql`, whose parameter is the rows of a page as a JSON array and whose column 0 is one of them again, and calls
/// `add(index of that row in the page, statement)` for each result: one query for a page, however long.
template <class Add>
void add_details(Connection& db, const std::vector<RowId>& rows, const std::string& sql, Add&& add) {
  std::unordered_map<RowId, std::size_t> index;
  for (std::size_t i = 0; i < rows.size(); ++i) index.emplace(rows[i], i);
  Query statement = prepare(db, sql, Json(rows).dump());
  while (statement.executeStep()) add(index.at(statement.getColumn(0).getInt64()), statement);
}

}  // namespace saas_access
