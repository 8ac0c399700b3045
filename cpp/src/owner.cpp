#include "saas_access/owner.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "saas_access/errors.hpp"
#include "saas_access/ids.hpp"
#include "text.hpp"

namespace saas_access {

namespace {

constexpr std::string_view kPrefix = "process_";

std::filesystem::path file_of(const std::filesystem::path& database, std::string_view name) {
  return database.string() + "-" + std::string(name);
}

bool lock(int descriptor) { return flock(descriptor, LOCK_EX | LOCK_NB) == 0; }

bool is_removed(int descriptor) {
  struct stat status{};
  return fstat(descriptor, &status) != 0 || status.st_nlink == 0;
}

}  // namespace

Owner::Owner(const std::filesystem::path& database) {
  // Another process may take the new file for a dead one's before it is locked, so that it has to be made again.
  do {
    if (descriptor_ >= 0) close(descriptor_);
    name_ = random_id(kPrefix);
    path_ = file_of(database, name_);
    descriptor_ = open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor_ < 0) {
      throw StoreUnavailable("Database " + quote(database.string()) + " can't have a file of this process beside it (" +
                             std::generic_category().message(errno) +
                             "): check that the folder exists and this user may write it");
    }
  } while (!lock(descriptor_) || is_removed(descriptor_));

  const std::string prefix = database.filename().string() + "-" + std::string(kPrefix);
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(database.parent_path(), error)) {
    const std::string found = file.path().filename().string();
    if (found.starts_with(prefix)) has_ended(database, found.substr(prefix.size() - kPrefix.size()));
  }
}

Owner::~Owner() {
  std::error_code error;
  std::filesystem::remove(path_, error);
  close(descriptor_);
}

void Owner::check() const {
  if (!is_removed(descriptor_)) return;
  throw StoreUnavailable("The file " + quote(path_.string()) +
                         ", by which others see that this process lives, was removed: restart this process");
}

bool Owner::has_ended(const std::filesystem::path& database, std::string_view name) {
  const auto path = file_of(database, name);
  const int descriptor = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return errno == ENOENT;  // any other error tells nothing: it counts as living
  const bool ended = lock(descriptor);
  if (ended) unlink(path.c_str());
  close(descriptor);
  return ended;
}

}  // namespace saas_access
