#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace saas_access {

/// SQL for whether one of the columns has the parameter ("?3") somewhere in its text, ASCII letters of either case
/// being the same and no character standing for others. True for a parameter that is NULL or empty.
inline std::string holds(std::string_view parameter, std::initializer_list<std::string_view> columns) {
  const std::string sought(parameter);
  std::string sql = "(" + sought + " IS NULL";
  for (const std::string_view column : columns) {
    sql += " OR instr(lower(" + std::string(column) + "), lower(" + sought + "))";
  }
  return sql + ")";
}

}  // namespace saas_access
