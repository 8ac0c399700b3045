#include <algorithm>
#include <utility>

#include "history.hpp"

// Of a History: what goes wrong, and what must be right nevertheless.

namespace saas_access::simulation {

void History::arm(int process) {
  mishap_.emplace();
  mishap_->kind = static_cast<Kind>(chance(5));
  mishap_->process = process;
  if (chance(2) == 0) {
    mishap_->accesses_before = chance(1U << chance(8));
  } else {  // syncs are few, and most depends on them
    mishap_->only = chance(2) == 0 ? Access::sync : any(kAllAccesses);
    mishap_->accesses_before = chance(4);
  }
}

Verdict History::mishap(Access access, int process) {
  if (!mishap_ || process != mishap_->process || (mishap_->came && mishap_->kind != Kind::failures)) return {};
  if (mishap_->only && access != *mishap_->only) return {};
  if (mishap_->accesses_before > 0) {
    mishap_->accesses_before -= 1;
    return {};
  }
  if (!mishap_->came) say("  mishap at " + std::string(name_of(access)));
  mishap_->came = true;
  switch (mishap_->kind) {
    case Kind::failure:
    case Kind::failures:
      return failure_of(access, chance(6));
    case Kind::kill:
      stage_.disk.kill(process);
      return {SQLITE_IOERR, chance(2) == 0};
    case Kind::power_cut:
      stage_.disk.cut_power();
      return {SQLITE_IOERR, chance(2) == 0};
    case Kind::look:
      look_from_outside();
      return {};
  }
  std::abort();  // no such kind can be made without a cast
}

// Another process reads the books while this one is at some point of its transaction.
void History::look_from_outside() {
  const auto mine = possible_;
  const int process = stage_.disk.running_process;
  if (!in_flight_answer_.empty()) leave_in_doubt_what_is_in_flight();
  try {
    require_possible(audit(), "another process, meanwhile,");
  } catch (const SQLite::Exception& error) {
    // It would have waited for this one, in the middle of a change to the shared index.
    const bool waits = error.getErrorCode() == SQLITE_BUSY || error.getErrorCode() == SQLITE_PROTOCOL;
    if (!waits) seen_wrong_ = error.what();
  } catch (const std::exception& error) {
    seen_wrong_ = error.what();
  }
  possible_ = mine;
  stage_.disk.running_process = process;
}

std::vector<Books> History::possible_after(const Operation& operation, const std::string& answer) const {
  std::vector<Books> after;
  for (Books books : possible_) {
    if (operation.apply(books) != answer) continue;
    if (std::find(after.begin(), after.end(), books) == after.end()) after.push_back(std::move(books));
  }
  return after;
}

// A refusal that wrote nothing says how things stood, but a write in doubt may still come to light after it. Whatever
// else is answered must last.
void History::acknowledge(const Operation& operation, const std::string& answer, bool wrote) {
  auto after = possible_after(operation, answer);
  if (after.empty()) {
    Books books = possible_.front();
    throw Disagreement(operation.what + " answers '" + answer + "', the model '" + operation.apply(books) + "'");
  }
  if (!wrote && (answer.find("refused") != std::string::npos || operation.what == "recover")) return;
  possible_ = std::move(after);
  if (!wrote || possible_.size() == 1) return;
  const Books seen = audit();  // durable now, with all that it stands on
  require_possible(seen, "the store after a write");
  possible_ = {seen};
}

void History::leave_in_doubt_what_is_in_flight() {
  for (const Operation& operation : in_flight_) leave_in_doubt(operation, in_flight_answer_);
}

void History::leave_in_doubt(const Operation& operation, const std::string& answer) {
  for (Books& books : possible_after(operation, answer)) {
    if (std::find(possible_.begin(), possible_.end(), books) == possible_.end()) possible_.push_back(std::move(books));
  }
}

void History::require_possible(const Books& seen, const std::string& by) {
  if (std::find(possible_.begin(), possible_.end(), seen) != possible_.end()) return;
  throw Disagreement(by + " shows books that can't be:\n" + difference(seen, possible_.front()));
}

// Read by a process that meets no mishap.
Books History::audit() {
  stage_.disk.running_process = ++last_process_;
  Connection db(stage_.path(), SQLite::OPEN_READWRITE, 5'000);
  sqlite3_db_config(db.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  const SQLite::Transaction transaction(db);
  if (const std::string problem = problem_of(db); !problem.empty()) throw Disagreement("the store: " + problem);
  return read_books(db);
}

}  // namespace saas_access::simulation
