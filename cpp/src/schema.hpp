#pragma once

#include <array>
#include <span>
#include <string_view>

namespace saas_access {

/// The SQL that leads from schema version `i` to `i + 1`, for each `i` from 0 to kSchemaVersion - 1.
std::span<const std::string_view> schema_migrations();

/// `PRAGMA application_id` of our files ("SaaA"), so that another program's database is told from an empty one.
inline constexpr int kApplicationId = 0x53616141;

}  // namespace saas_access
