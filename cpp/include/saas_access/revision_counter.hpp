#pragma once

#include <sys/types.h>

#include <atomic>
#include <filesystem>

#include "saas_access/records.hpp"

namespace saas_access {

/// The newest committed policy revision, in a few bytes of shared memory (`FILE-revision`, mapped by every process that
/// has the database open). A reader pays one atomic load to learn that nothing changed. A crash between commit and
/// `advance` leaves it behind: whoever looks into the database heals it by `advance`. Thread- and process-safe.
class RevisionCounter {
 public:
  /// Maps the file, creating it if absent. Throws StoreUnavailable.
  explicit RevisionCounter(const std::filesystem::path& database);
  ~RevisionCounter();
  RevisionCounter(const RevisionCounter&) = delete;
  RevisionCounter& operator=(const RevisionCounter&) = delete;

  /// Throws StoreUnavailable when the path no longer names the file that was mapped (deleted or replaced): whoever
  /// opens the database from then on counts elsewhere.
  void check_file() const;

  [[nodiscard]] Revision load() const noexcept;

  /// Raises the counter to at least `revision`; never lowers it.
  void advance(Revision revision) noexcept;

 private:
  std::filesystem::path path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  std::atomic<Revision>* cell_ = nullptr;  // into the mapping, which the destructor undoes
};

}  // namespace saas_access
