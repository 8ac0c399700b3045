#include "history.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

#include "saas_access/errors.hpp"

namespace saas_access::simulation {

namespace {

constexpr std::uint64_t kMostTokens = 20'000;  // two credits

}  // namespace

History::History(Stage& stage, std::uint64_t seed) : stage_(stage), random_(seed) {
  stage.reset(seed);
  processes_.resize(1 + chance(4));
  static constexpr std::uint64_t kMishaps[] = {0, 5, 20, 50};
  mishaps_in_100_ = any(kMishaps);
  static constexpr std::uint64_t kCheckpointPages[] = {1, 10, 40, 1000};
  checkpoint_pages_ = any(kCheckpointPages);
  Books books;
  for (const TeamId& team : kTeams) {
    const MicroCredits credits = kCreditsAtFirst * kMicroPerCredit;
    books.teams[team.str()] = {credits, credits, 0, 1};
  }
  possible_ = {books};
  stage_.disk.interference = [this](Access access, int process) { return mishap(access, process); };
}

History::~History() {
  stage_.disk.cut_power();  // a history that failed leaves anything behind
  processes_.clear();
  stage_.disk.interference = nullptr;
}

void History::run() {
  for (std::uint64_t steps = 20 + chance(60); steps > 0; --steps) step();
  mishap_.reset();
  if (chance(2) == 0) cut_power();
  require_possible(audit(), "the store at the end");
  say("accesses " + std::to_string(stage_.disk.accesses));
}

void History::step() {
  stage_.now_ms += static_cast<UnixMs>(chance(2'000));
  Process& process = any(processes_);
  mishap_.reset();
  in_flight_.clear();
  if (chance(100) < mishaps_in_100_) arm(process.number == 0 || !process.engine ? last_process_ + 1 : process.number);
  if (!process.engine) {
    start(process);
  } else if (chance(6) == 0) {
    read(process);
  } else if (chance(8) == 0) {
    recover(process);
  } else {
    perform(process, choose(process));
  }
  if (!seen_wrong_.empty()) throw Disagreement(seen_wrong_);
  bury_the_dead();
}

// Only a mishap of this step excuses a store that is not available.
template <class Work>
void History::unless_mishap(Work&& work) {
  const auto excuse = [this](const std::exception& error) {
    if (!mishap_ || !mishap_->came) throw Disagreement("without a cause: " + std::string(error.what()));
    say("  unavailable");
  };
  try {
    work();
  } catch (const StoreUnavailable& error) {
    excuse(error);
  } catch (const SQLite::Exception& error) {
    excuse(error);
  }
}

void History::start(Process& process) {
  process = {};
  process.number = ++last_process_;
  say("process " + std::to_string(process.number) + " starts");
  unless_mishap([&] {
    auto engine = stage_.open_engine(process.number);
    engine->transact(
        [&](Connection& db) { db.exec("PRAGMA wal_autocheckpoint = " + std::to_string(checkpoint_pages_)); });
    process.engine = std::move(engine);
  });
}

Operation History::choose(const Process& process) {
  const UnixMs now_ms = stage_.now_ms;
  if (unheard_ && chance(2) == 0) return *std::exchange(unheard_, std::nullopt);
  switch (chance(10)) {
    case 0: {  // always the same credits under the same key
      const std::uint64_t key = chance(9);
      return adding_credits(kTeams[key % std::size(kTeams)].str(), static_cast<std::int64_t>(1 + key / 3),
                            "key" + std::to_string(key));
    }
    case 1:
      return creating_job(any(kTeams).str(), now_ms);
    case 2:
      if (jobs_.empty()) break;
      return completing_job(any(jobs_), chance(3) == 0 ? JobStatus::failed : JobStatus::completed, now_ms);
    default:
      break;
  }
  std::vector<CallOperation> several;
  std::generate_n(std::back_inserter(several), chance(2) == 0 ? 1 : 2 + chance(5),
                  [&] { return choose_for_a_call(process); });
  return together(several, process.engine->owner(), now_ms);
}

CallOperation History::choose_for_a_call(const Process& process) {
  if (process.calls.empty() || chance(2) == 0) return reserving(some_call(), process.engine->owner());
  // Calls that have ended come again too, as from a caller that repeats itself.
  const std::string& call_id = any(process.calls);
  switch (chance(4)) {
    case 0:
      return releasing(call_id, chance(2) == 0);
    case 1: {  // the prompt, which is never more than was reserved
      const auto call = possible_.front().calls.find(call_id);
      const MicroCredits held = call == possible_.front().calls.end() ? 0 : call->second.held;
      return marking(call_id, static_cast<std::int64_t>(chance(static_cast<std::uint64_t>(held) / 100 + 1)));
    }
    default:  // estimates are often too low
      return settling(call_id, static_cast<std::int64_t>(chance(2 * kMostTokens)));
  }
}

CallWanted History::some_call() {
  CallWanted call;
  call.team = any(kTeams).str();
  if (!jobs_.empty() && chance(2) == 0) call.job = any(jobs_);
  if (!call.job.empty() && chance(8) != 0) call.team = possible_.front().jobs.at(call.job).team;
  call.mode = chance(2) == 0 ? BudgetMode::job_based : BudgetMode::consumption_tokens;
  call.tokens = static_cast<std::int64_t>(chance(kMostTokens));
  return call;
}

void History::perform(Process& process, const Operation& operation) {
  say("process " + std::to_string(process.number) + ": " + operation.what);
  stage_.disk.running_process = process.number;
  in_flight_ = {operation};
  in_flight_answer_.clear();
  bool wrote = false;
  const auto work = [&](Connection& db, auto&& run) {
    const int changes = db.getTotalChanges();
    in_flight_answer_ = run();
    wrote = db.getTotalChanges() != changes;
  };
  bool answered = false;
  unless_mishap([&] {
    try {
      if (operation.run_as_admin) {
        process.engine->write({}, [&](Write& write) { work(write.db, [&] { return operation.run_as_admin(write); }); });
      } else {
        process.engine->transact([&](Connection& db) { work(db, [&] { return operation.run(db); }); });
      }
    } catch (const Conflict&) {
      in_flight_answer_ = "refused: conflict";
    }
    answered = !stage_.disk.is_dead(process.number);  // else nobody heard it
  });
  in_flight_.clear();
  say("  " + std::string(answered ? "answers " : "in doubt ") + in_flight_answer_);
  if (answered) {
    acknowledge(operation, in_flight_answer_, wrote);
    learn(process, in_flight_answer_);
  } else if (!in_flight_answer_.empty()) {
    leave_in_doubt(operation, in_flight_answer_);
    if (operation.repeatable) unheard_ = operation;
  }
}

// One transaction for each dead process: some may be done when it fails.
void History::recover(Process& process) {
  say("process " + std::to_string(process.number) + " recovers");
  stage_.disk.running_process = process.number;
  in_flight_.clear();
  for (const std::string& owner : dead_owners_) {
    in_flight_.emplace_back().apply = [owner](Books& books) { return books.recover({owner}), "done"; };
  }
  in_flight_answer_ = "done";
  std::optional<Recovered> recovered;
  unless_mishap([&] { recovered = process.engine->recover(); });
  if (!recovered || stage_.disk.is_dead(process.number)) {
    say("  in doubt");
    return leave_in_doubt_what_is_in_flight();
  }
  in_flight_.clear();
  Operation all;
  all.what = "recover";
  all.apply = [&](Books& books) { return books.recover(dead_owners_); };
  say("  answers " + in_words(*recovered));
  acknowledge(all, in_words(*recovered), recovered->released + recovered->charged > 0);
}

// The ids in an answer are those that callers may use from now on.
void History::learn(Process& process, const std::string& answer) {
  std::istringstream words(answer);
  for (std::string word; words >> word;) {
    if (word == "reserved" && words >> word) process.calls.push_back(word);
    if (word == "job" && answer.starts_with("job") && words >> word) jobs_.push_back(word);
  }
}

void History::read(Process& process) {
  stage_.disk.running_process = process.number;
  if (process.reader) return end_reading(process);
  if (chance(2) == 0) return begin_reading(process);
  say("process " + std::to_string(process.number) + " reads");
  unless_mishap([&] {
    const Books seen = process.engine->read([](Connection& db) { return read_books(db); });
    if (!stage_.disk.is_dead(process.number)) require_possible(seen, "what a process reads");
  });
}

void History::begin_reading(Process& process) {
  say("process " + std::to_string(process.number) + " begins to read");
  unless_mishap([&] {
    auto db = std::make_unique<Connection>(stage_.path(), SQLite::OPEN_READWRITE, 5'000);
    sqlite3_db_config(db->getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    db->exec("BEGIN");
    Books seen = read_books(*db);
    if (!stage_.disk.is_dead(process.number)) require_possible(seen, "what a reader sees");
    process.reader = {std::move(db), std::move(seen)};
  });
}

void History::end_reading(Process& process) {
  say("process " + std::to_string(process.number) + " ends reading");
  const auto reader = std::exchange(process.reader, std::nullopt);
  unless_mishap([&] {
    if (read_books(*reader->db) != reader->seen) throw Disagreement("a reader's view changed in its transaction");
  });
}

void History::bury_the_dead() {
  if (stage_.disk.has_no_power()) {
    cut_power();
    require_possible(audit(), "the store after a power cut");
  }
  for (Process& process : processes_) {
    if (process.number == 0 || !stage_.disk.is_dead(process.number)) continue;
    const int number = process.number;
    say("process " + std::to_string(number) + " is dead");
    end(process);
    stage_.disk.bury(number);
    if (chance(2) == 0) require_possible(audit(), "the store after a death");
  }
}

// Its file stays behind as a dead process's does, mostly.
void History::end(Process& process) {
  const std::string owner = process.engine ? process.engine->owner() : "";
  process = {};
  if (owner.empty()) return;
  dead_owners_.insert(owner);
  if (chance(4) != 0) std::ofstream(stage_.path() + "-" + owner);
}

void History::cut_power() {
  say("power cut");
  stage_.disk.cut_power();
  for (Process& process : processes_) end(process);
  stage_.cut_power();
}

}  // namespace saas_access::simulation
