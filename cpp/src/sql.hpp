#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "saas_access/connection.hpp"
#include "saas_access/ids.hpp"

namespace saas_access {

// Statements with their parameters in order. Text is bound by its length, so a NUL inside it is kept.

template <std::integral Integer>
void bind_value(SQLite::Statement& statement, int index, Integer value) {
  statement.bind(index, static_cast<std::int64_t>(value));
}
inline void bind_value(SQLite::Statement& statement, int index, const std::string& value) {
  statement.bind(index, value);
}
template <class Tag>
void bind_value(SQLite::Statement& statement, int index, const Id<Tag>& id) {
  statement.bind(index, id.str());
}
inline void bind_value(SQLite::Statement& statement, int index, const std::array<std::uint8_t, 32>& digest) {
  statement.bind(index, digest.data(), static_cast<int>(digest.size()));
}
inline void bind_value(SQLite::Statement& statement, int index, const std::vector<std::uint8_t>& bytes) {
  const void* start = bytes.empty() ? static_cast<const void*>("") : bytes.data();  // null would be NULL
  statement.bind(index, start, static_cast<int>(bytes.size()));
}
/// Absent: NULL.
template <class T>
void bind_value(SQLite::Statement& statement, int index, const std::optional<T>& value) {
  if (value) {
    bind_value(statement, index, *value);
  } else {
    statement.bind(index);
  }
}

template <class... Values>
Query prepare(Connection& db, const std::string& sql, const Values&... values) {
  Query statement(db, sql);
  if constexpr (sizeof...(values) > 0) {
    int index = 0;
    (bind_value(statement, ++index, values), ...);
  }
  return statement;
}

/// Runs a statement that returns no rows.
template <class... Values>
void execute(Connection& db, const std::string& sql, const Values&... values) {
  prepare(db, sql, values...).exec();
}

/// The first column of the first row; nothing without a row or for NULL.
template <class... Values>
std::optional<std::int64_t> find_integer(Connection& db, const std::string& sql, const Values&... values) {
  Query statement = prepare(db, sql, values...);
  if (!statement.executeStep() || statement.getColumn(0).isNull()) return std::nullopt;
  return statement.getColumn(0).getInt64();
}

inline std::optional<std::int64_t> optional_integer(const SQLite::Column& column) {
  if (column.isNull()) return std::nullopt;
  return column.getInt64();
}

}  // namespace saas_access
