#pragma once

#include <sqlite3.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace saas_access::simulation {

/// What SQLite asks of a disk. `other` is the look for a file and its removal.
enum class Access : std::uint8_t { open, read, write, sync, lock, map, other };
inline constexpr std::array kAllAccesses{Access::open, Access::read, Access::write, Access::sync,
                                         Access::lock, Access::map,  Access::other};
std::string_view name_of(Access access) noexcept;

/// What becomes of one access: done, or failed with this code of SQLite's.
struct Verdict {
  int code = SQLITE_OK;
  bool in_part = false;  ///< a write that fails has written some of it before
};

/// One file: what every process sees of it, and what of that a power cut can't take.
struct StoredFile {
  struct Change {
    std::size_t offset = 0;
    std::string bytes;       ///< written from offset on
    bool truncates = false;  ///< or: cut to `offset` bytes
  };
  std::string content;
  std::string durable;
  std::vector<Change> pending;  ///< from durable to content, but for what a failed sync gave up
  bool has_durable_name = false;
  bool is_log = false;
  std::vector<std::unique_ptr<std::array<char, 32768>>> shared_memory;
  std::vector<std::array<char, 32768>> shared_memory_at_death;
};

class Disk;

/// A file as one connection has it open.
struct OpenFile {
  Disk& disk;
  std::shared_ptr<StoredFile> file;
  int process = 0;
  int level = SQLITE_LOCK_NONE;
  bool maps = false;
  unsigned shared = 0;     ///< a bit for each lock of the shared memory
  unsigned exclusive = 0;  ///< the same
};

/// A disk in memory with the operating system's cache on top, for the connections of several simulated processes, all
/// on one thread. It is SQLite's default file system as long as it lives. A killed process changes nothing any more; a
/// power cut kills all, and takes from each file whatever was not synced, but for a part that chance decides, to the
/// sector. What a failed sync of the write-ahead log had to write may be lost whatever syncs follow, as the kernel
/// takes it for clean. For the database itself, SQLite relies on a sync that can be repeated: after a failed one, it
/// does not write again what an earlier checkpoint in part wrote without a sync. So it can be repeated here.
class Disk {
 public:
  using Image = std::map<std::string, std::string>;
  /// Asked before every access; it may kill the process or cut the power.
  using Interference = std::function<Verdict(Access, int process)>;

  explicit Disk(std::uint64_t seed);
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  int running_process = 0;  ///< whose the files are that are opened now
  Interference interference;
  std::uint64_t accesses = 0;

  /// Puts these files in place of all others, and starts chance anew. No file may be open.
  void load(const Image& image, std::uint64_t seed);
  /// All files as processes see them.
  [[nodiscard]] Image image() const;

  /// From now on every access of the process fails without effect. Close what it has open, then bury it.
  void kill(int process);
  void bury(int process);
  [[nodiscard]] bool is_dead(int process) const { return has_no_power_ || dead_.contains(process); }

  /// The same for all; then restore it.
  void cut_power() { has_no_power_ = true; }
  void restore_power();
  [[nodiscard]] bool has_no_power() const noexcept { return has_no_power_; }

 private:
  friend struct FileMethods;
  friend struct SystemMethods;

  Verdict ask(Access access, int process);
  std::uint64_t chance(std::uint64_t below) { return random_() % below; }
  [[nodiscard]] bool others_map(const OpenFile& open) const;
  void write(StoredFile& file, std::size_t offset, std::string bytes);
  void truncate(StoredFile& file, std::size_t size);
  void sync(StoredFile& file);
  void lose_pending(StoredFile& file);
  void survive(StoredFile& file, std::uint64_t manner);
  OpenFile& open(const char* name, sqlite3_file* handle);
  void remove(const std::string& name);

  std::mt19937_64 random_;
  std::map<std::string, std::shared_ptr<StoredFile>> files_;
  std::map<std::string, std::shared_ptr<StoredFile>> removed_;  // and back after a power cut, maybe
  std::map<sqlite3_file*, std::unique_ptr<OpenFile>> open_;
  std::set<int> dead_;
  bool has_no_power_ = false;
  sqlite3_vfs vfs_{};
};

}  // namespace saas_access::simulation
