#include "saas_access/revision_counter.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "saas_access/errors.hpp"
#include "text.hpp"

namespace saas_access {

namespace {

// Only a lock-free atomic works between processes that map it at different addresses.
static_assert(std::atomic<Revision>::is_always_lock_free);
static_assert(sizeof(std::atomic<Revision>) == sizeof(Revision));

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& problem) {
  throw StoreUnavailable("The revision file " + quote(file.string()) + " " + problem);
}

}  // namespace

RevisionCounter::RevisionCounter(const std::filesystem::path& database) : path_(database.string() + "-revision") {
  const int descriptor = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  struct stat status{};
  void* address = MAP_FAILED;
  if (descriptor >= 0 && fstat(descriptor, &status) == 0 && ftruncate(descriptor, sizeof(Revision)) == 0) {
    address = mmap(nullptr, sizeof(Revision), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  }
  const int error = errno;
  if (descriptor >= 0) close(descriptor);  // the mapping stays
  if (address == MAP_FAILED) fail(path_, "can't be mapped: " + std::generic_category().message(error));
  device_ = status.st_dev;
  inode_ = status.st_ino;
  // Zero bytes are a valid atomic 0, so whoever comes first needs no initialisation.
  cell_ = static_cast<std::atomic<Revision>*>(address);
}

void RevisionCounter::check_file() const {
  struct stat status{};
  if (stat(path_.c_str(), &status) != 0 || status.st_dev != device_ || status.st_ino != inode_) {
    fail(path_, "was deleted or replaced while it was open: restart every process that has the database open");
  }
}

RevisionCounter::~RevisionCounter() { munmap(static_cast<void*>(cell_), sizeof(Revision)); }

Revision RevisionCounter::load() const noexcept { return cell_->load(std::memory_order_acquire); }

void RevisionCounter::advance(Revision revision) noexcept {
  Revision current = cell_->load(std::memory_order_relaxed);
  while (current < revision &&
         !cell_->compare_exchange_weak(current, revision, std::memory_order_release, std::memory_order_relaxed)) {
  }
}

}  // namespace saas_access
