#pragma once

#include <filesystem>
#include <memory>
#include <random>
#include <string>

#include "../temporary_database.hpp"
#include "disk.hpp"
#include "saas_access/engine.hpp"

namespace saas_access::simulation {

/// Where every random number comes from that the product draws from the kernel, so that it draws the same ones again.
std::mt19937_64& kernel_randomness();

inline const TeamId kTeams[] = {TeamId("team1"), TeamId("team2"), TeamId("team3")};
inline constexpr std::int64_t kCreditsAtFirst = 4;

/// A simulated disk, and a database on it as each history or trial finds it: one organization, the aliases "a" and "b",
/// the group "g" of "a", and kTeams that hold it, with kCreditsAtFirst credits each. The product's own Engine runs on
/// it. The files beside the database that hold nothing worth keeping (its locks, its revision) are real ones.
class Stage {
 public:
  Stage();

  /// Everything as it was at first, chance included: what follows is decided by `seed`.
  void reset(std::uint64_t seed, bool with_database = true);

  /// From now on a reset restores the database as it is now.
  void keep() { image_ = disk.image(); }

  /// An engine as the process with this number opens it. Its check in the background never comes round.
  std::unique_ptr<Engine> open_engine(int process);
  /// What survives when the power goes now and comes again. Nothing may be open.
  void cut_power();

  [[nodiscard]] std::string path() const { return file_.path().string(); }

  Disk disk{0};
  UnixMs now_ms = 0;

 private:
  TemporaryDatabase file_;
  Disk::Image image_;
};

/// The error that a disk gives for this access, by chance where there are several.
Verdict failure_of(Access access, std::uint64_t chance);

}  // namespace saas_access::simulation
