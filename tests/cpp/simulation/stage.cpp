#include "stage.hpp"

#include <sys/random.h>

#include <algorithm>
#include <limits>

#include "saas_access/ledger.hpp"
#include "saas_access/policy.hpp"

namespace saas_access::simulation {

std::mt19937_64& kernel_randomness() {
  static std::mt19937_64 randomness;
  return randomness;
}

Verdict failure_of(Access access, std::uint64_t chance) {
  switch (access) {
    case Access::open:
      return {SQLITE_CANTOPEN};
    case Access::read:
      return {SQLITE_IOERR_READ};
    case Access::write:
      return {chance % 2 == 0 ? SQLITE_FULL : SQLITE_IOERR_WRITE, chance % 3 != 0};
    case Access::sync:
      return {SQLITE_IOERR_FSYNC};
    case Access::lock:
      return {chance % 2 == 0 ? SQLITE_BUSY : SQLITE_IOERR_LOCK};
    case Access::map:
      return {SQLITE_IOERR_SHMMAP};
    case Access::other:
      return {SQLITE_IOERR_ACCESS};
  }
  std::abort();  // no such access can be made without a cast
}

Stage::Stage() {
  reset(0, false);
  const auto engine = open_engine(0);
  engine->write({}, [](Write& write) {
    create_organization(write, {OrganizationId("org"), "Org", "{}"});
    for (const char* alias : {"a", "b"}) create_model_alias(write, {AliasName(alias), "openai/gpt-4", "", true});
    create_access_group(write, {GroupName("g"), "", {AliasName("a")}});
    for (const TeamId& id : kTeams) {
      NewTeam team;
      team.organization_id = OrganizationId("org");
      team.team_id = id;
      team.access_groups = {GroupName("g")};
      team.credits_allocated = kCreditsAtFirst * kMicroPerCredit;
      create_team(write, team);
    }
  });
  keep();
}

void Stage::reset(std::uint64_t seed, bool with_database) {
  disk.interference = nullptr;
  disk.load(with_database ? image_ : Disk::Image{}, seed);
  kernel_randomness().seed(seed);
  sqlite3_randomness(0, nullptr);  // begins anew, from the disk's chance
  for (const auto& file : std::filesystem::directory_iterator(file_.folder())) std::filesystem::remove(file.path());
  now_ms = 1'700'000'000'500;
}

std::unique_ptr<Engine> Stage::open_engine(int process) {
  disk.running_process = process;
  return std::make_unique<Engine>(file_.path(), [this] { return now_ms; }, std::numeric_limits<int>::max());
}

void Stage::cut_power() {
  disk.cut_power();
  disk.restore_power();
  std::filesystem::remove(path() + "-revision");  // nobody ever syncs it
}

}  // namespace saas_access::simulation

// In place of the C library's: the product makes its ids from it.
extern "C" ssize_t getrandom(void* buffer, size_t length, unsigned /*flags*/) {
  std::generate_n(static_cast<unsigned char*>(buffer), length,
                  [] { return static_cast<unsigned char>(saas_access::simulation::kernel_randomness()()); });
  return static_cast<ssize_t>(length);
}
