#include "calendar.hpp"

#include <array>
#include <chrono>
#include <cstdio>

namespace saas_access {

namespace {

namespace chrono = std::chrono;

chrono::sys_days day_of(UnixMs moment_ms) {
  return chrono::floor<chrono::days>(chrono::sys_time<chrono::milliseconds>(chrono::milliseconds(moment_ms)));
}

UnixMs midnight(chrono::sys_days day) { return chrono::milliseconds(day.time_since_epoch()).count(); }

chrono::sys_days first_day(RefillPeriod period, chrono::sys_days day) {
  switch (period) {
    case RefillPeriod::daily:
      break;
    case RefillPeriod::weekly:
      return day - (chrono::weekday(day) - chrono::Monday);
    case RefillPeriod::monthly:
      const chrono::year_month_day date(day);
      return date.year() / date.month() / 1;
  }
  return day;
}

std::string date_text(chrono::sys_days day) {
  const chrono::year_month_day date(day);
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text.data();
}

}  // namespace

UnixMs period_start(RefillPeriod period, UnixMs moment_ms) { return midnight(first_day(period, day_of(moment_ms))); }

UnixMs next_period_start(RefillPeriod period, UnixMs moment_ms) {
  const chrono::sys_days start = first_day(period, day_of(moment_ms));
  // No month has more than 31 days, and 31 days after a first no second month has begun.
  const chrono::days most(period == RefillPeriod::daily ? 1 : period == RefillPeriod::weekly ? 7 : 31);
  return midnight(first_day(period, start + most));
}

std::string period_text(RefillPeriod period, UnixMs start_ms) {
  const std::string date = date_text(day_of(start_ms));
  return period == RefillPeriod::monthly ? date.substr(0, date.rfind('-')) : date;
}

std::string time_text(UnixMs moment_ms) {
  const chrono::sys_days day = day_of(moment_ms);
  const chrono::hh_mm_ss time(chrono::milliseconds(moment_ms - midnight(day)));
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "T%02d:%02d:%02dZ", static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  return date_text(day) + text.data();
}

}  // namespace saas_access
