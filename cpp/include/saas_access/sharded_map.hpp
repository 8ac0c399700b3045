#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>

namespace saas_access {

/// A hash map to be copied and changed a little: a copy shares its shards with the original, and changing a key copies
/// the one shard it lives in. Reads of one object from many threads are safe; changing it is not, unless it is
/// unshared.
template <class Key, class Value, class Hash = std::hash<Key>>
class ShardedMap {
 public:
  [[nodiscard]] const Value* find(const Key& key) const {
    const auto& shard = shards_[shard_of(key)];
    if (!shard) return nullptr;
    const auto it = shard->find(key);
    return it == shard->end() ? nullptr : &it->second;
  }

  void put(const Key& key, Value value) { writable(shard_of(key)).insert_or_assign(key, std::move(value)); }

  void erase(const Key& key) {
    if (find(key) != nullptr) writable(shard_of(key)).erase(key);
  }

  [[nodiscard]] std::size_t size() const {
    std::size_t total = 0;
    for (const auto& shard : shards_) total += shard ? shard->size() : 0;
    return total;
  }

  /// Calls `visit(key, value)` for every entry, in no particular order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& shard : shards_) {
      if (!shard) continue;
      for (const auto& [key, value] : *shard) visit(key, value);
    }
  }

 private:
  static constexpr std::size_t kShards = 1024;
  using Shard = std::unordered_map<Key, Value, Hash>;

  static std::size_t shard_of(const Key& key) {
    // The map inside takes the low bits: spread by the high ones of a multiplicative hash (Knuth, TAOCP 6.4).
    return (Hash{}(key) * 0x9E3779B97F4A7C15ULL) >> 54U;
  }

  Shard& writable(std::size_t index) {
    auto& shard = shards_[index];
    if (!shard) {
      shard = std::make_shared<Shard>();
    } else if (shard.use_count() > 1) {
      shard = std::make_shared<Shard>(*shard);
    }
    return *shard;
  }

  std::array<std::shared_ptr<Shard>, kShards> shards_;
};

}  // namespace saas_access
