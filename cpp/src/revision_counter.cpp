#include "saas_access/revision_counter.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "saas_access/errors.hpp"
#include "text.hpp"

namespace saas_access {

namespace {

// Only a lock-free atomic works between processes that map it at different addresses.
static_assert(std::atomic<Revision>::is_always_lock_free);
static_assert(sizeof(std::atomic<Revision>) == sizeof(Revision));

[[noreturn]] void fail(const std::string& file, int error) {
  throw StoreUnavailable("The revision file " + quote(file) + " can't be mapped: " + std::strerror(error));
}

}  // namespace

RevisionCounter::RevisionCounter(const std::filesystem::path& database) {
  const std::string file = database.string() + "-revision";
  const int descriptor = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) fail(file, errno);
  void* address = MAP_FAILED;
  if (ftruncate(descriptor, sizeof(Revision)) == 0) {
    address = mmap(nullptr, sizeof(Revision), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  }
  const int error = errno;
  close(descriptor);  // the mapping stays
  if (address == MAP_FAILED) fail(file, error);
  // Zero bytes are a valid atomic 0, so whoever comes first needs no initialisation.
  cell_ = static_cast<std::atomic<Revision>*>(address);
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
