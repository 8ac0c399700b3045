#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>

#include "model.hpp"
#include "saas_access/errors.hpp"
#include "stage.hpp"

namespace saas_access::simulation {

/// Which accesses to the disk fail: the one with this number among those of a kind, or it and all after it.
struct Faults {
  std::optional<Access> only;  ///< absent: every kind counts
  bool lasting = false;
  std::uint64_t number = 0;
};
inline std::ostream& operator<<(std::ostream& out, const Faults& faults) {
  return out << "access " << faults.number << " (" << (faults.only ? name_of(*faults.only) : "any") << ") fails"
             << (faults.lasting ? " and all after it" : "");
}

/// An error at every access in turn.
class IoErrorTest : public testing::Test {
 protected:
  /// Runs `trial(Faults)` for the first access, the second and so on, until one comes through without meeting its
  /// fault: each access alone; each and all after it; and of each kind by itself, each and all of the kind after it.
  template <class Trial>
  void sweep(Trial&& trial) {
    sweep_kind({std::nullopt, false}, trial);
    sweep_kind({std::nullopt, true}, trial);
    for (const Access access : kAllAccesses) sweep_kind({access, true}, trial);
    EXPECT_GT(trials_, 4 * kAllAccesses.size());  // else no fault came through
  }

  /// `work` under these faults: whether it succeeded. Anything but success and StoreUnavailable fails the test.
  template <class Work>
  bool succeeds(const Faults& faults, Work&& work) {
    arm(faults);
    bool done = false;
    try {
      work();
      done = true;
    } catch (const StoreUnavailable& error) {
      EXPECT_TRUE(met_) << error.what();
    } catch (const std::exception& error) {
      ADD_FAILURE() << "not a StoreUnavailable: " << error.what();
    }
    stage_.disk.interference = nullptr;
    return done;
  }

  void arm(const Faults& faults);
  /// Kills what `engine` is, with all others, and opens a new one on what is left of the disk.
  void cut_power(std::unique_ptr<Engine>& engine);
  /// All rows of all tables; and nothing is wrong with them.
  std::string contents(Engine& engine);

 private:
  template <class Trial>
  void sweep_kind(Faults faults, Trial&& trial) {
    for (bool met = true; met && !HasFailure(); ++faults.number) {
      std::ostringstream what;
      what << faults;
      const testing::ScopedTrace trace(__FILE__, __LINE__, what.str());
      met_ = false;
      trial(faults);
      met = met_;
      trials_ += 1;
    }
  }

 protected:
  Stage stage_;
  bool met_ = false;
  std::size_t trials_ = 0;
};

}  // namespace saas_access::simulation
