#include <gtest/gtest.h>

#include <array>
#include <ctime>
#include <random>

#include "calendar.hpp"

namespace saas_access {
namespace {

constexpr UnixMs kDay = 86'400'000;
constexpr std::array kPeriods = {RefillPeriod::daily, RefillPeriod::weekly, RefillPeriod::monthly};

std::tm broken_down(UnixMs moment_ms) {
  const std::time_t seconds = moment_ms / 1000;
  std::tm fields{};
  gmtime_r(&seconds, &fields);
  return fields;
}

bool begins(RefillPeriod period, const std::tm& day) {
  if (period == RefillPeriod::daily) return true;
  return period == RefillPeriod::weekly ? day.tm_wday == 1 : day.tm_mday == 1;
}

// The C library's calendar, day by day.
TEST(Calendar, PeriodsAreThoseOfThePlainestCount) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 20'000; ++round) {
    const UnixMs moment = static_cast<UnixMs>(random() % (150ULL * 365 * kDay));
    for (const RefillPeriod period : kPeriods) {
      UnixMs start = moment / kDay * kDay;
      while (!begins(period, broken_down(start))) start -= kDay;
      UnixMs next = start + kDay;
      while (!begins(period, broken_down(next))) next += kDay;
      ASSERT_EQ(period_start(period, moment), start) << moment;
      ASSERT_EQ(next_period_start(period, moment), next) << moment;
    }
  }
}

TEST(Calendar, AMonthEndsAfterItsLastDay) {
  struct {
    UnixMs moment;
    const char* next;
  } const cases[] = {
      {1'706'745'599'999, "2024-02-01T00:00:00Z"},  // the last millisecond of January
      {1'706'745'600'000, "2024-03-01T00:00:00Z"},  // the first of February
      {1'709'164'800'000, "2024-03-01T00:00:00Z"},  // 29 February
      {1'740'700'800'000, "2025-03-01T00:00:00Z"},  // 28 February, not a leap year
      {1'704'067'199'000, "2024-01-01T00:00:00Z"},  // New Year's Eve
  };
  for (const auto& each : cases) {
    EXPECT_EQ(time_text(next_period_start(RefillPeriod::monthly, each.moment)), each.next) << each.moment;
  }
}

TEST(Calendar, AMomentIsPrintedToTheSecond) {
  EXPECT_EQ(time_text(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(time_text(1'728'907'201'999), "2024-10-14T12:00:01Z");
}

TEST(Calendar, APeriodIsNamedByItsBeginning) {
  EXPECT_EQ(period_text(RefillPeriod::monthly, 1'727'740'800'000), "2024-10");
  EXPECT_EQ(period_text(RefillPeriod::weekly, 1'728'864'000'000), "2024-10-14");
  EXPECT_EQ(period_text(RefillPeriod::daily, 1'728'864'000'000), "2024-10-14");
}

}  // namespace
}  // namespace saas_access
