#include "saas_access/usage.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "sql.hpp"
#include "usage_rows.hpp"

namespace saas_access {

namespace {

constexpr std::int64_t kMostTokens = 1'000'000'000'000;
constexpr PicoDollars kMostCost = 1'000 * PicoDollars{1'000'000'000'000};

}  // namespace

void UsageRollup::Sums::add(const Sums& other) {
  calls = saturated_sum(calls, other.calls);
  tokens = saturated_sum(tokens, other.tokens);
  cost = saturated_sum(cost, other.cost);
  charged = saturated_sum(charged, other.charged);
  latency_ms = saturated_sum(latency_ms, other.latency_ms);
  last_ms = std::max(last_ms, other.last_ms);
  latencies.add(other.latencies);
}

void UsageRollup::call(const UsedBy& by, const Usage& usage, MicroCredits charged, std::int64_t latency_ms,
                       UnixMs now_ms) {
  Sums sums{.calls = 1,
            .tokens = std::clamp(usage.total_tokens, std::int64_t{0}, kMostTokens),
            .cost = usage.price_known ? std::clamp(usage.cost, PicoDollars{0}, kMostCost) : 0,
            .charged = charged,
            .latency_ms = std::max(latency_ms, std::int64_t{0})};
  sums.latencies.add(sums.latency_ms);
  add(by, kAnswered, sums, now_ms);
}

void UsageRollup::failure(const UsedBy& by, UnixMs now_ms) { add(by, kFailed, {.calls = 1}, now_ms); }

void UsageRollup::charge(const UsedBy& by, MicroCredits charged, UnixMs now_ms) {
  add(by, kAnswered, {.charged = charged}, now_ms);
}

void UsageRollup::denial(const UsedBy& by, Reason reason, std::int64_t count, UnixMs now_ms) {
  add(by, static_cast<int>(reason), {.calls = count}, now_ms);
}

void UsageRollup::add(const UsedBy& by, int outcome, const Sums& sums, UnixMs now_ms) {
  for (const auto& [table, length_ms] : {std::pair(&hours_, kHourMs), std::pair(&days_, kDayMs)}) {
    Sums with_time = sums;
    if (sums.calls > 0) with_time.last_ms = now_ms % length_ms;
    Key key{now_ms / length_ms,          by.team, by.virtual_key.value_or(0), by.alias.value_or(0),
            by.access_group.value_or(0), outcome};
    (*table)[key].add(with_time);
    key.team = key.virtual_key = 0;
    (*table)[key].add(with_time);
  }
}

void UsageRollup::write(Connection& db) {
  store(db, "usage_hour", std::exchange(hours_, {}));
  store(db, "usage_day", std::exchange(days_, {}));
}

void UsageRollup::store(Connection& db, std::string_view table, const Table& rows) {
  const std::string name(table);
  const std::string find =
      "SELECT calls, tokens, cost_picodollars, charged_micro, latency_ms, last_ms, latencies FROM " + name +
      " WHERE period = ? AND team = ? AND virtual_key = ? AND alias = ? AND access_group = ? AND outcome = ?";
  const std::string replace = "REPLACE INTO " + name + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
  for (const auto& [key, added] : rows) {
    Sums sums = added;
    {
      auto row = prepare(db, find, key.period, key.team, key.virtual_key, key.alias, key.access_group, key.outcome);
      if (row.executeStep()) {
        sums.add({row.getColumn(0).getInt64(), row.getColumn(1).getInt64(), row.getColumn(2).getInt64(),
                  row.getColumn(3).getInt64(), row.getColumn(4).getInt64(), row.getColumn(5).getInt64()});
        add_latencies(sums.latencies, row.getColumn(6));
      }
    }
    execute(db, replace, key.period, key.team, key.virtual_key, key.alias, key.access_group, key.outcome, sums.calls,
            sums.tokens, sums.cost, sums.charged, sums.latency_ms, sums.last_ms, sums.latencies.pack());
  }
}

bool prune_usage(Connection& db, std::int64_t days_kept, UnixMs now_ms) {
  const std::int64_t first_day = now_ms / kDayMs - days_kept;
  const auto oldest = find_integer(db, "SELECT min(period) FROM usage_hour");
  if (!oldest || *oldest >= first_day * kHoursPerDay) return false;
  execute(db, "UPDATE usage_kept SET first_day_with_hours = max(first_day_with_hours, ?)", first_day);
  execute(db, "DELETE FROM usage_hour WHERE period = ?", *oldest);
  return true;
}

}  // namespace saas_access
