#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <string>
#include <unordered_map>
#include <utility>

namespace saas_access {

/// A SQLite connection that keeps the statements it has prepared: parsing one takes longer than running it. Used by one
/// thread at a time.
class Connection : public SQLite::Database {
 public:
  using SQLite::Database::Database;

  /// A statement for this text, without parameters: one that was given back, or a new one.
  [[nodiscard]] SQLite::Statement take(const std::string& sql) {
    if (const auto kept = idle_.extract(sql)) return std::move(kept.mapped());
    return SQLite::Statement(*this, sql);
  }
  /// Keeps a statement that is reset. A second one of the same text is dropped.
  void give_back(SQLite::Statement&& statement) { idle_.try_emplace(statement.getQuery(), std::move(statement)); }

 private:
  std::unordered_map<std::string, SQLite::Statement> idle_;
};

/// A statement on loan from its connection, which must outlive it.
class Query : public SQLite::Statement {
 public:
  Query(Connection& connection, const std::string& sql)
      : SQLite::Statement(connection.take(sql)), connection_(&connection) {}
  Query(Query&& other) noexcept
      : SQLite::Statement(std::move(other)), connection_(std::exchange(other.connection_, nullptr)) {}
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  Query& operator=(Query&&) = delete;
  ~Query() {
    if (connection_ == nullptr) return;
    try {
      tryReset();
      clearBindings();
      connection_->give_back(std::move(*this));
    } catch (...) {           // out of memory, say
      connection_ = nullptr;  // it is prepared anew next time
    }
  }

 private:
  Connection* connection_;
};

}  // namespace saas_access
