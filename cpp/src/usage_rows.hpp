#pragma once

#include <cstdint>
#include <span>

#include "saas_access/latency.hpp"
#include "sql.hpp"

// What writing and reading the rows of usage_hour and usage_day must agree on.

namespace saas_access {

inline constexpr std::int64_t kHourMs = 3'600'000;
inline constexpr std::int64_t kHoursPerDay = 24;
inline constexpr std::int64_t kDayMs = kHoursPerDay * kHourMs;

// The column `outcome`; any other number is the Reason of a refusal.
inline constexpr int kAnswered = 0;
inline constexpr int kFailed = -1;

inline void add_latencies(LatencyCounts& counts, const SQLite::Column& column) {
  const auto* bytes = static_cast<const std::uint8_t*>(column.getBlob());
  counts.add_packed(std::span(bytes, static_cast<std::size_t>(column.getBytes())));
}

}  // namespace saas_access
