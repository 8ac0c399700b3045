#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace saas_access {

/// a + b, or the most that is countable: a sum for people, which must not stop what it counts.
[[nodiscard]] constexpr std::int64_t saturated_sum(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

/// How long calls took: how many fell into each of the buckets, of which a doubling has four. A percentile read from
/// them is off by less than a fifth at the very worst, by a few hundredths as a rule.
class LatencyCounts {
 public:
  static constexpr std::size_t kBuckets = 97;  ///< the last one holds whatever took longer, from some four hours on

  /// The most milliseconds that bucket `bucket` holds: 2^(bucket / 4).
  [[nodiscard]] static double upper_bound_ms(std::size_t bucket);

  void add(std::int64_t latency_ms);
  void add(const LatencyCounts& other);

  [[nodiscard]] std::int64_t count() const;
  /// The latency in milliseconds below which the part `part` (0 to 1) of all calls lies. Nothing without calls.
  [[nodiscard]] std::optional<std::int64_t> percentile(double part) const;
  /// (bucket, calls in it), those that are empty left out, the fastest first.
  [[nodiscard]] const std::vector<std::pair<std::uint8_t, std::int64_t>>& buckets() const noexcept { return buckets_; }

  /// As the store keeps them: for each bucket with calls its number and, in groups of seven bits, their number.
  [[nodiscard]] std::vector<std::uint8_t> pack() const;
  /// Adds what `pack` gave. Throws StoreUnavailable for other bytes.
  void add_packed(std::span<const std::uint8_t> packed);

 private:
  void add_to(std::uint8_t bucket, std::int64_t calls);

  std::vector<std::pair<std::uint8_t, std::int64_t>> buckets_;  // few, in order
};

}  // namespace saas_access
