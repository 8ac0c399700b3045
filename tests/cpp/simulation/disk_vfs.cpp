#include <algorithm>
#include <cstring>

#include "disk.hpp"

// SQLite's interface of a file system (sqlite.org/c3ref/vfs.html) on a Disk.

namespace saas_access::simulation {

namespace {

constexpr int kShmLocks = SQLITE_SHM_NLOCK;

struct Handle : sqlite3_file {
  OpenFile* open;
};
OpenFile& open_of(sqlite3_file* handle) { return *static_cast<Handle*>(handle)->open; }
Disk& disk_of(sqlite3_vfs* vfs) { return *static_cast<Disk*>(vfs->pAppData); }

unsigned mask_of(int offset, int count) {
  return ((1U << static_cast<unsigned>(count)) - 1U) << static_cast<unsigned>(offset);
}

}  // namespace

struct FileMethods {
  static int close(sqlite3_file* handle) {
    OpenFile& open = open_of(handle);
    open.disk.open_.erase(handle);
    return SQLITE_OK;
  }

  static int read(sqlite3_file* handle, void* into, int size, sqlite3_int64 offset) {
    OpenFile& open = open_of(handle);
    if (const Verdict verdict = open.disk.ask(Access::read, open.process); verdict.code != SQLITE_OK) {
      return verdict.code;
    }
    const auto wanted = static_cast<std::size_t>(size);
    const auto from = std::min(static_cast<std::size_t>(offset), open.file->content.size());
    const std::size_t got = open.file->content.copy(static_cast<char*>(into), wanted, from);
    std::memset(static_cast<char*>(into) + got, 0, wanted - got);
    return got == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
  }

  static int write(sqlite3_file* handle, const void* from, int size, sqlite3_int64 offset) {
    OpenFile& open = open_of(handle);
    const bool was_dead = open.disk.is_dead(open.process);
    const Verdict verdict = open.disk.ask(Access::write, open.process);
    auto bytes = static_cast<std::size_t>(size);
    if (verdict.code != SQLITE_OK) bytes = verdict.in_part && !was_dead ? open.disk.chance(bytes) : 0;
    if (bytes > 0) {
      open.disk.write(*open.file, static_cast<std::size_t>(offset), {static_cast<const char*>(from), bytes});
    }
    return verdict.code;
  }

  static int truncate(sqlite3_file* handle, sqlite3_int64 size) {
    OpenFile& open = open_of(handle);
    const Verdict verdict = open.disk.ask(Access::write, open.process);
    if (verdict.code == SQLITE_OK) open.disk.truncate(*open.file, static_cast<std::size_t>(size));
    return verdict.code;
  }

  static int sync(sqlite3_file* handle, int /*flags*/) {
    OpenFile& open = open_of(handle);
    const bool was_dead = open.disk.is_dead(open.process);
    const Verdict verdict = open.disk.ask(Access::sync, open.process);
    if (verdict.code == SQLITE_OK) {
      open.disk.sync(*open.file);
    } else if (!was_dead && !open.disk.is_dead(open.process) && open.file->is_log) {
      open.disk.lose_pending(*open.file);
    }
    return verdict.code;
  }

  static int size(sqlite3_file* handle, sqlite3_int64* size) {
    *size = static_cast<sqlite3_int64>(open_of(handle).file->content.size());
    return SQLITE_OK;
  }

  // The levels of a file's lock exclude each other as in every file system of SQLite's.
  static int lock(sqlite3_file* handle, int level) {
    OpenFile& open = open_of(handle);
    if (open.level >= level) return SQLITE_OK;
    if (const Verdict verdict = open.disk.ask(Access::lock, open.process); verdict.code != SQLITE_OK) {
      return verdict.code;
    }
    int highest = SQLITE_LOCK_NONE;
    for (const auto& [other_handle, other] : open.disk.open_) {
      if (other.get() != &open && other->file == open.file) highest = std::max(highest, other->level);
    }
    const bool admitted = level == SQLITE_LOCK_SHARED     ? highest < SQLITE_LOCK_PENDING
                          : level == SQLITE_LOCK_RESERVED ? highest < SQLITE_LOCK_RESERVED
                                                          : highest == SQLITE_LOCK_NONE;
    if (admitted) {
      open.level = level;
    } else if (level == SQLITE_LOCK_EXCLUSIVE && highest == SQLITE_LOCK_SHARED) {
      open.level = SQLITE_LOCK_PENDING;  // no new reader comes in
    }
    return admitted ? SQLITE_OK : SQLITE_BUSY;
  }

  static int unlock(sqlite3_file* handle, int level) {
    OpenFile& open = open_of(handle);
    const Verdict verdict = open.disk.ask(Access::lock, open.process);
    open.level = std::min(open.level, level);
    return verdict.code == SQLITE_OK || verdict.code == SQLITE_BUSY ? SQLITE_OK : SQLITE_IOERR_UNLOCK;
  }

  static int is_reserved(sqlite3_file* handle, int* reserved) {
    const OpenFile& open = open_of(handle);
    *reserved = std::any_of(open.disk.open_.begin(), open.disk.open_.end(), [&](const auto& entry) {
      return entry.second->file == open.file && entry.second->level >= SQLITE_LOCK_RESERVED;
    });
    return SQLITE_OK;
  }

  static int control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
  static int sector_size(sqlite3_file*) { return 4096; }  // as SQLite has it on Unix, and the next line too
  static int characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

  // Whoever comes first finds no memory of those who are gone.
  static int map(sqlite3_file* handle, int region, int /*size*/, int extend, void volatile** address) {
    OpenFile& open = open_of(handle);
    *address = nullptr;
    if (const Verdict verdict = open.disk.ask(Access::map, open.process); verdict.code != SQLITE_OK) {
      return verdict.code == SQLITE_BUSY ? SQLITE_BUSY : SQLITE_IOERR_SHMMAP;
    }
    auto& regions = open.file->shared_memory;
    if (!open.maps && !open.disk.others_map(open)) regions.clear();
    open.maps = true;
    const auto index = static_cast<std::size_t>(region);
    while (extend != 0 && regions.size() <= index) regions.push_back(std::make_unique<std::array<char, 32768>>());
    if (index < regions.size()) *address = regions[index]->data();
    return SQLITE_OK;
  }

  static int lock_map(sqlite3_file* handle, int offset, int count, int flags) {
    OpenFile& open = open_of(handle);
    const unsigned mask = mask_of(offset, count);
    const bool was_dead = open.disk.is_dead(open.process);
    const Verdict verdict = open.disk.ask(Access::lock, open.process);
    if ((flags & SQLITE_SHM_UNLOCK) != 0) {  // it can't fail without the lock being gone
      open.shared &= ~mask;
      open.exclusive &= ~mask;
      return was_dead ? SQLITE_IOERR_SHMLOCK : SQLITE_OK;
    }
    if (verdict.code != SQLITE_OK) return verdict.code == SQLITE_BUSY ? SQLITE_BUSY : SQLITE_IOERR_SHMLOCK;
    const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    for (const auto& [other_handle, other] : open.disk.open_) {
      if (other.get() == &open || other->file != open.file) continue;
      if (((other->exclusive | (exclusive ? other->shared : 0U)) & mask) != 0) return SQLITE_BUSY;
    }
    (exclusive ? open.exclusive : open.shared) |= mask;
    return SQLITE_OK;
  }

  static void barrier(sqlite3_file* handle) {
    OpenFile& open = open_of(handle);
    open.disk.ask(Access::map, open.process);  // a process may die between the two copies of the index's header
  }

  static int unmap(sqlite3_file* handle, int /*remove*/) {
    OpenFile& open = open_of(handle);
    open.maps = false;
    open.shared = open.exclusive = 0;
    return SQLITE_OK;
  }
};

struct SystemMethods {
  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* handle, int flags, int* out_flags) {
    static constexpr sqlite3_io_methods kMethods{2,
                                                 FileMethods::close,
                                                 FileMethods::read,
                                                 FileMethods::write,
                                                 FileMethods::truncate,
                                                 FileMethods::sync,
                                                 FileMethods::size,
                                                 FileMethods::lock,
                                                 FileMethods::unlock,
                                                 FileMethods::is_reserved,
                                                 FileMethods::control,
                                                 FileMethods::sector_size,
                                                 FileMethods::characteristics,
                                                 FileMethods::map,
                                                 FileMethods::lock_map,
                                                 FileMethods::barrier,
                                                 FileMethods::unmap,
                                                 nullptr,
                                                 nullptr};
    Disk& disk = disk_of(vfs);
    handle->pMethods = nullptr;
    const Verdict verdict = disk.ask(Access::open, disk.running_process);
    if (verdict.code != SQLITE_OK) return SQLITE_CANTOPEN;
    // The product makes an empty database itself, as a real file that nobody looks into.
    const bool makes = (flags & (SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_DB)) != 0;
    if (name != nullptr && !makes && !disk.files_.contains(name)) return SQLITE_CANTOPEN;
    static_cast<Handle*>(handle)->open = &disk.open(name, handle);
    handle->pMethods = &kMethods;
    static_cast<Handle*>(handle)->open->file->is_log = (flags & SQLITE_OPEN_WAL) != 0;
    if (out_flags != nullptr) *out_flags = flags;
    return SQLITE_OK;
  }

  static int remove(sqlite3_vfs* vfs, const char* name, int sync_folder) {
    Disk& disk = disk_of(vfs);
    const Verdict verdict = disk.ask(Access::other, disk.running_process);
    if (verdict.code != SQLITE_OK) return SQLITE_IOERR_DELETE;
    if (!disk.files_.contains(name)) return SQLITE_IOERR_DELETE_NOENT;
    disk.remove(name);
    if (sync_folder != 0) disk.removed_.clear();
    return SQLITE_OK;
  }

  static int exists(sqlite3_vfs* vfs, const char* name, int flags, int* result) {
    Disk& disk = disk_of(vfs);
    const Verdict verdict = disk.ask(Access::other, disk.running_process);
    if (verdict.code != SQLITE_OK) return SQLITE_IOERR_ACCESS;
    const auto file = disk.files_.find(name);
    *result = file != disk.files_.end() && (flags != SQLITE_ACCESS_EXISTS || !file->second->content.empty());
    return SQLITE_OK;
  }

  static int full_path(sqlite3_vfs*, const char* name, int size, char* out) {
    sqlite3_snprintf(size, out, "%s", name);
    return SQLITE_OK;
  }

  static int randomness(sqlite3_vfs* vfs, int size, char* out) {
    Disk& disk = disk_of(vfs);
    std::generate_n(out, size, [&] { return static_cast<char>(disk.chance(256)); });
    return size;
  }

  static int sleep(sqlite3_vfs*, int microseconds) { return microseconds; }  // nobody else runs meanwhile

  static int julian_day(sqlite3_vfs*, sqlite3_int64* milliseconds) {
    *milliseconds = 212'000'000'000'000;
    return SQLITE_OK;
  }

  static int last_error(sqlite3_vfs*, int, char*) { return 0; }
};

Disk::Disk(std::uint64_t seed) : random_(seed) {
  vfs_.iVersion = 2;
  vfs_.szOsFile = sizeof(Handle);
  vfs_.mxPathname = 512;
  vfs_.zName = "simulated disk";
  vfs_.pAppData = this;
  vfs_.xOpen = SystemMethods::open;
  vfs_.xDelete = SystemMethods::remove;
  vfs_.xAccess = SystemMethods::exists;
  vfs_.xFullPathname = SystemMethods::full_path;
  vfs_.xRandomness = SystemMethods::randomness;
  vfs_.xSleep = SystemMethods::sleep;
  vfs_.xGetLastError = SystemMethods::last_error;
  vfs_.xCurrentTimeInt64 = SystemMethods::julian_day;
  sqlite3_vfs_register(&vfs_, 1);
}

Disk::~Disk() { sqlite3_vfs_unregister(&vfs_); }

}  // namespace saas_access::simulation
