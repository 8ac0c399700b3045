#pragma once

#include <string>

#include "saas_access/records.hpp"

// UTC's calendar. Any moment of the years 0 to 9999.

namespace saas_access {

/// The beginning of the period that a moment lies in.
UnixMs period_start(RefillPeriod period, UnixMs moment_ms);

/// The beginning of the one after the period that a moment lies in.
UnixMs next_period_start(RefillPeriod period, UnixMs moment_ms);

/// A period by its beginning: "2026-10" for a month, else "2026-10-05".
std::string period_text(RefillPeriod period, UnixMs start_ms);

/// The second of a moment as RFC 3339 has it: "2026-10-05T12:00:00Z".
std::string time_text(UnixMs moment_ms);

}  // namespace saas_access
