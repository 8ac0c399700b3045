#include "disk.hpp"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <utility>

namespace saas_access::simulation {

namespace {

constexpr std::size_t kSector = 512;

void carry_out(std::string& bytes, const StoredFile::Change& change) {
  if (change.truncates) return bytes.resize(std::min(bytes.size(), change.offset));
  bytes.resize(std::max(bytes.size(), change.offset + change.bytes.size()));
  bytes.replace(change.offset, change.bytes.size(), change.bytes);
}

}  // namespace

std::string_view name_of(Access access) noexcept {
  static constexpr std::array<std::string_view, kAllAccesses.size()> kNames{"open", "read", "write", "sync",
                                                                            "lock", "map",  "other"};
  return kNames.at(static_cast<std::size_t>(access));
}

void Disk::load(const Image& image, std::uint64_t seed) {
  assert(open_.empty());
  random_.seed(seed);
  files_.clear();
  removed_.clear();
  dead_.clear();
  has_no_power_ = false;
  accesses = 0;
  for (const auto& [name, bytes] : image) {
    auto file = std::make_shared<StoredFile>();
    file->content = file->durable = bytes;
    file->has_durable_name = true;
    files_.emplace(name, std::move(file));
  }
}

Disk::Image Disk::image() const {
  Image image;
  for (const auto& [name, file] : files_) image.emplace(name, file->content);
  return image;
}

Verdict Disk::ask(Access access, int process) {
  if (is_dead(process)) return {SQLITE_IOERR};
  accesses += 1;
  if (!interference) return {};
  const Verdict verdict = interference(access, process);
  return is_dead(process) && verdict.code == SQLITE_OK ? Verdict{SQLITE_IOERR} : verdict;
}

// SQLite's code runs on for a moment in a process that is killed here, and may touch the memory it shares with others.
void Disk::kill(int process) {
  if (!dead_.insert(process).second) return;
  for (const auto& [name, file] : files_) {
    file->shared_memory_at_death.clear();
    for (const auto& region : file->shared_memory) file->shared_memory_at_death.push_back(*region);
  }
}

void Disk::bury(int process) {
  assert(std::none_of(open_.begin(), open_.end(), [&](const auto& entry) { return entry.second->process == process; }));
  if (!dead_.contains(process)) return;
  for (const auto& [name, file] : files_) {
    const std::size_t regions = std::min(file->shared_memory.size(), file->shared_memory_at_death.size());
    for (std::size_t region = 0; region < regions; ++region) {
      *file->shared_memory[region] = file->shared_memory_at_death[region];
    }
  }
}

void Disk::restore_power() {
  assert(open_.empty());
  for (auto& [name, file] : removed_) {
    if (chance(2) == 0) files_.try_emplace(name, file);
  }
  removed_.clear();
  const std::uint64_t manner = chance(4);
  std::erase_if(files_, [&](const auto& entry) { return !entry.second->has_durable_name && chance(2) == 0; });
  for (auto& [name, file] : files_) survive(*file, manner);
  has_no_power_ = false;
}

// Manner 0: nothing that was not synced; 1: all of it; else by chance.
void Disk::survive(StoredFile& file, std::uint64_t manner) {
  for (StoredFile::Change& change : file.pending) {
    const std::uint64_t lot = manner < 2 ? manner : chance(3);
    if (lot == 0) continue;
    if (lot == 2 && !change.truncates) {  // torn: the first sectors of it
      const std::size_t first = kSector - change.offset % kSector;
      const std::size_t sectors = chance(change.bytes.size() / kSector + 2);
      if (sectors == 0) continue;
      change.bytes.resize(std::min(change.bytes.size(), first + (sectors - 1) * kSector));
    }
    carry_out(file.durable, change);
  }
  file.pending.clear();
  file.content = file.durable;
  file.has_durable_name = true;
  file.shared_memory.clear();
}

void Disk::write(StoredFile& file, std::size_t offset, std::string bytes) {
  file.pending.push_back({offset, std::move(bytes)});
  carry_out(file.content, file.pending.back());
}

void Disk::truncate(StoredFile& file, std::size_t size) {
  file.pending.push_back({size, {}, true});
  carry_out(file.content, file.pending.back());
}

// SQLite syncs the folder along with a file it has made, and with it whatever else changed there.
void Disk::sync(StoredFile& file) {
  for (const StoredFile::Change& change : file.pending) carry_out(file.durable, change);
  file.pending.clear();
  if (!std::exchange(file.has_durable_name, true)) removed_.clear();
}

void Disk::lose_pending(StoredFile& file) {
  std::erase_if(file.pending, [&](const StoredFile::Change&) { return chance(2) == 0; });
}

OpenFile& Disk::open(const char* name, sqlite3_file* handle) {
  std::shared_ptr<StoredFile> file;
  if (name == nullptr) {
    file = std::make_shared<StoredFile>();
  } else {
    auto& known = files_[name];
    if (!known) known = std::make_shared<StoredFile>();
    file = known;
  }
  auto& slot = open_[handle];
  slot = std::make_unique<OpenFile>(*this, std::move(file), running_process);
  return *slot;
}

void Disk::remove(const std::string& name) {
  const auto file = files_.extract(name);
  if (file && file.mapped()->has_durable_name) removed_[name] = file.mapped();
}

bool Disk::others_map(const OpenFile& open) const {
  return std::any_of(open_.begin(), open_.end(), [&](const auto& entry) {
    return entry.second.get() != &open && entry.second->file == open.file && entry.second->maps;
  });
}

}  // namespace saas_access::simulation
