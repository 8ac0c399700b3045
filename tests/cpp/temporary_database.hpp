#pragma once

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>

namespace saas_access {

/// A path for a database in a folder of its own, which goes when this object goes. Nothing is created at the path.
class TemporaryDatabase {
 public:
  TemporaryDatabase() {
    std::string pattern = std::filesystem::temp_directory_path() / "saas_access_XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = pattern;
  }
  ~TemporaryDatabase() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  TemporaryDatabase(const TemporaryDatabase&) = delete;
  TemporaryDatabase& operator=(const TemporaryDatabase&) = delete;

  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_; }
  [[nodiscard]] std::filesystem::path path() const { return folder_ / "access.db"; }

 private:
  std::filesystem::path folder_;
};

}  // namespace saas_access
