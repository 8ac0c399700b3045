#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace saas_access {

/// This process's name in reservations, and the proof that it lives: a file beside the database (`FILE-process_...`)
/// that it keeps locked. The kernel frees the lock when the process ends, however it ends, and never before. Made after
/// a fork: a child that keeps running would keep the lock.
class Owner {
 public:
  /// Takes a new random name; removes the files of processes that have ended. Throws StoreUnavailable.
  explicit Owner(const std::filesystem::path& database);
  ~Owner();  ///< from here on the name counts as a dead process's
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  /// Throws StoreUnavailable if somebody has removed the file: to others this process then counts as dead.
  void check() const;

  /// Whether the process of this name has ended. If so, what is left of its file is removed.
  static bool has_ended(const std::filesystem::path& database, std::string_view name);

 private:
  std::filesystem::path path_;
  std::string name_;
  int descriptor_ = -1;
};

}  // namespace saas_access
