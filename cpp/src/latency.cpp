#include "saas_access/latency.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "saas_access/errors.hpp"

namespace saas_access {

namespace {

constexpr int kPerDoubling = 4;
constexpr unsigned kSevenBits = 0x7F;
constexpr unsigned kMore = 0x80;

using Bounds = std::array<double, LatencyCounts::kBuckets>;

const Bounds& bounds() {
  static const Bounds kBounds = [] {
    Bounds made{};
    for (std::size_t i = 0; i < made.size(); ++i) made[i] = std::exp2(static_cast<double>(i) / kPerDoubling);
    return made;
  }();
  return kBounds;
}

}  // namespace

double LatencyCounts::upper_bound_ms(std::size_t bucket) { return bounds().at(bucket); }

void LatencyCounts::add(std::int64_t latency_ms) {
  const auto holds = std::ranges::lower_bound(bounds(), static_cast<double>(latency_ms));
  const auto bucket = std::min<std::ptrdiff_t>(holds - bounds().begin(), kBuckets - 1);
  add_to(static_cast<std::uint8_t>(bucket), 1);
}

void LatencyCounts::add(const LatencyCounts& other) {
  for (const auto& [bucket, calls] : other.buckets_) add_to(bucket, calls);
}

void LatencyCounts::add_to(std::uint8_t bucket, std::int64_t calls) {
  const auto at = std::ranges::lower_bound(buckets_, bucket, {}, &std::pair<std::uint8_t, std::int64_t>::first);
  if (at != buckets_.end() && at->first == bucket) {
    at->second = saturated_sum(at->second, calls);
  } else {
    buckets_.emplace(at, bucket, calls);
  }
}

std::int64_t LatencyCounts::count() const {
  std::int64_t sum = 0;
  for (const auto& [bucket, calls] : buckets_) sum = saturated_sum(sum, calls);
  return sum;
}

std::optional<std::int64_t> LatencyCounts::percentile(double part) const {
  if (buckets_.empty()) return std::nullopt;
  double left = part * static_cast<double>(count());
  for (const auto& [bucket, calls] : buckets_) {
    const auto held = static_cast<double>(calls);
    if (left > held && bucket != buckets_.back().first) {
      left -= held;
      continue;
    }
    const double upper = upper_bound_ms(bucket);
    const double within = std::min(left / held, 1.0);
    if (bucket == 0) return std::llround(upper * within);
    const double lower = upper_bound_ms(bucket - std::size_t{1});
    return std::llround(lower * std::pow(upper / lower, within));
  }
  return std::nullopt;  // not reached: the last bucket takes what is left
}

std::vector<std::uint8_t> LatencyCounts::pack() const {
  std::vector<std::uint8_t> packed;
  for (const auto& [bucket, calls] : buckets_) {
    packed.push_back(bucket);
    auto rest = static_cast<std::uint64_t>(calls);
    for (; rest > kSevenBits; rest >>= 7U) packed.push_back(static_cast<std::uint8_t>((rest & kSevenBits) | kMore));
    packed.push_back(static_cast<std::uint8_t>(rest));
  }
  return packed;
}

void LatencyCounts::add_packed(std::span<const std::uint8_t> packed) {
  for (std::size_t i = 0; i < packed.size();) {
    const std::uint8_t bucket = packed[i++];
    std::uint64_t calls = 0;
    bool more = true;
    for (unsigned shift = 0; more && i < packed.size() && shift < 63; shift += 7) {
      calls |= static_cast<std::uint64_t>(packed[i] & kSevenBits) << shift;
      more = (packed[i++] & kMore) != 0;
    }
    if (more || bucket >= kBuckets) throw StoreUnavailable("The database holds latencies that can't be read");
    add_to(bucket, static_cast<std::int64_t>(calls));
  }
}

}  // namespace saas_access
