#include "io_errors.hpp"

#include <SQLiteCpp/SQLiteCpp.h>

#include <utility>

namespace saas_access::simulation {

void IoErrorTest::arm(const Faults& faults) {
  met_ = false;
  stage_.disk.interference = [this, faults, counted = std::uint64_t{0}](Access access, int) mutable -> Verdict {
    if (faults.only && access != *faults.only) return {};
    const std::uint64_t number = counted++;
    if (number < faults.number || (number > faults.number && !faults.lasting)) return {};
    met_ = true;
    return failure_of(access, faults.number);
  };
}

void IoErrorTest::cut_power(std::unique_ptr<Engine>& engine) {
  stage_.disk.cut_power();
  engine.reset();
  stage_.cut_power();
  engine = stage_.open_engine(2);
}

std::string IoErrorTest::contents(Engine& engine) {
  return engine.read([](Connection& db) {
    EXPECT_EQ(problem_of(db), "");
    std::string text;
    SQLite::Statement tables(db, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
    while (tables.executeStep()) {
      const std::string table = tables.getColumn(0).getString();
      SQLite::Statement rows(db, "SELECT * FROM " + table);
      while (rows.executeStep()) {
        text += table;
        for (int column = 0; column < rows.getColumnCount(); ++column) text += "|" + rows.getColumn(column).getString();
        text += "\n";
      }
    }
    return text;
  });
}

}  // namespace saas_access::simulation
