#pragma once

#include <iterator>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "operations.hpp"
#include "stage.hpp"

namespace saas_access::simulation {

/// The product and the model disagree.
class Disagreement : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What one seed makes happen: processes with callers that work on one database, die at any access to the disk, lose
/// power together, meet errors of the disk, and begin anew. After each step the product's answer, and after deaths and
/// at the end the whole store, must be what the model says. What a process was doing when it ended without an answer
/// may have happened or not; so there are several ways in which the books may stand, and each answer strikes out those
/// that contradict it.
class History {
 public:
  History(Stage& stage, std::uint64_t seed);
  ~History();
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  void run();  ///< Throws Disagreement.

  [[nodiscard]] const std::string& log() const noexcept { return log_; }

 private:
  /// A view of the books that a transaction keeps while others write.
  struct Reader {
    std::unique_ptr<Connection> db;
    Books seen;
  };
  struct Process {
    int number = 0;
    std::unique_ptr<Engine> engine;
    std::optional<Reader> reader;
    std::vector<std::string> calls;  ///< all that a caller of it was told of, ended ones too
  };

  std::uint64_t chance(std::uint64_t below) { return random_() % below; }
  template <class List>
  auto& any(List& list) {
    return list[chance(std::size(list))];
  }
  void say(const std::string& line) { log_ += line + "\n"; }

  void step();
  void start(Process& process);
  Operation choose(const Process& process);
  CallOperation choose_for_a_call(const Process& process);
  CallWanted some_call();
  void perform(Process& process, const Operation& operation);
  void recover(Process& process);
  void learn(Process& process, const std::string& answer);
  void read(Process& process);
  void begin_reading(Process& process);
  void end_reading(Process& process);

  void arm(int process);
  Verdict mishap(Access access, int process);
  void look_from_outside();
  void bury_the_dead();
  void cut_power();
  void end(Process& process);
  template <class Work>
  void unless_mishap(Work&& work);

  [[nodiscard]] std::vector<Books> possible_after(const Operation& operation, const std::string& answer) const;
  void acknowledge(const Operation& operation, const std::string& answer, bool wrote);
  void leave_in_doubt_what_is_in_flight();
  void leave_in_doubt(const Operation& operation, const std::string& answer);
  void require_possible(const Books& seen, const std::string& by);
  Books audit();

  enum class Kind : std::uint8_t { failure, failures, kill, power_cut, look };
  struct Mishap {
    Kind kind = Kind::failure;
    int process = 0;
    std::optional<Access> only;  ///< it comes at an access of this kind
    std::uint64_t accesses_before = 0;
    bool came = false;
  };

  Stage& stage_;
  std::mt19937_64 random_;
  std::string log_;
  std::vector<Books> possible_;
  std::vector<Process> processes_;
  std::vector<std::string> jobs_;
  std::set<std::string> dead_owners_;
  std::optional<Operation> unheard_;  ///< the last repeatable one that was left in doubt
  int last_process_ = 0;
  std::optional<Mishap> mishap_;      ///< of this step
  std::vector<Operation> in_flight_;  ///< each a transaction that may be done or not
  std::string in_flight_answer_;      ///< what it will answer, once it has only to be committed
  std::string seen_wrong_;            ///< by a look, which can't throw
  std::uint64_t mishaps_in_100_ = 0;
  std::uint64_t checkpoint_pages_ = 1000;
};

}  // namespace saas_access::simulation
