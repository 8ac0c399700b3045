#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "saas_access/connection.hpp"
#include "saas_access/errors.hpp"

namespace saas_access {

inline std::optional<std::string> optional_text(const SQLite::Column& column) {
  if (column.isNull()) return std::nullopt;
  return column.getString();
}

/// The enumerator that a column holds as its number. Throws StoreUnavailable for any other number than 0 to `last`.
template <class Enum>
Enum enum_column(const SQLite::Column& column, Enum last) {
  const std::int64_t number = column.getInt64();
  if (number < 0 || number > static_cast<std::int64_t>(last)) {
    throw StoreUnavailable("The database holds '" + std::to_string(number) + "' as " + column.getName() +
                           ", which this build does not know");
  }
  return static_cast<Enum>(number);
}

}  // namespace saas_access
