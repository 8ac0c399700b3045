#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "expectations.hpp"
#include "saas_access/latency.hpp"

namespace saas_access {
namespace {

LatencyCounts counts_of(const std::vector<std::int64_t>& latencies_ms) {
  LatencyCounts counts;
  for (const std::int64_t latency_ms : latencies_ms) counts.add(latency_ms);
  return counts;
}

TEST(LatencyCounts, NothingHasNoPercentile) {
  EXPECT_EQ(LatencyCounts().percentile(0.5), std::nullopt);
  EXPECT_EQ(LatencyCounts().count(), 0);
}

TEST(LatencyCounts, APercentileLiesInTheBucketOfTheExactOne) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> spread(6.0, 1.5);  // some 400 ms, from 1 ms to a minute
  std::vector<std::int64_t> latencies_ms(5'000);
  std::ranges::generate(latencies_ms, [&] { return std::llround(spread(random)); });
  const LatencyCounts counts = counts_of(latencies_ms);
  std::ranges::sort(latencies_ms);
  for (const double part : {0.01, 0.5, 0.9, 0.95, 0.99, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(part * 5'000)) - 1;
    const auto exact = static_cast<double>(latencies_ms[rank]);
    const auto read = static_cast<double>(counts.percentile(part).value());
    EXPECT_LE(std::abs(read - exact), exact * 0.19 + 1) << part << ": " << read << " for " << exact;
    if (exact > 100 && part <= 0.95) {
      EXPECT_LE(std::abs(read - exact), exact * 0.05) << part;
    }
  }
}

TEST(LatencyCounts, TheBoundsOfADoublingAreExact) {
  EXPECT_EQ(counts_of({1}).buckets().front().first, 0);
  EXPECT_EQ(counts_of({2}).buckets().front().first, 4);
  EXPECT_EQ(counts_of({1024}).buckets().front().first, 40);
  EXPECT_EQ(counts_of({1025}).buckets().front().first, 41);
  EXPECT_EQ(counts_of({std::numeric_limits<std::int64_t>::max()}).buckets().front().first, LatencyCounts::kBuckets - 1);
}

TEST(LatencyCounts, AddingIsCountingTogether) {
  LatencyCounts both = counts_of({3, 700, 700, 90'000});
  both.add(counts_of({0, 700, 5'000}));
  EXPECT_EQ(both.buckets(), counts_of({0, 3, 700, 700, 700, 5'000, 90'000}).buckets());
  EXPECT_EQ(both.count(), 7);
}

TEST(LatencyCounts, PackedTheyAreFewBytesAndTheSameAgain) {
  LatencyCounts counts = counts_of({1, 250, 90'000});
  for (int i = 0; i < 20'000; ++i) counts.add(800);
  EXPECT_EQ(counts.pack().size(), 3 * 2 + 4);
  LatencyCounts again;
  again.add_packed(counts.pack());
  EXPECT_EQ(again.buckets(), counts.buckets());
  EXPECT_TRUE(LatencyCounts().pack().empty());
}

TEST(LatencyCounts, OtherBytesAreRefused) {
  const std::vector<std::vector<std::uint8_t>> broken = {
      {97, 1}, {5}, {5, 0x80}, {5, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}};
  for (const auto& bytes : broken) {
    EXPECT_EQ(message_of<StoreUnavailable>([&] { LatencyCounts().add_packed(bytes); }),
              "The database holds latencies that can't be read");
  }
}

}  // namespace
}  // namespace saas_access
