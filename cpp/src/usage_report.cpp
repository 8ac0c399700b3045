#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

#include "books.hpp"
#include "rows.hpp"
#include "saas_access/usage.hpp"
#include "text.hpp"
#include "usage_rows.hpp"
#include "validation.hpp"

namespace saas_access {

namespace {

constexpr std::int64_t kMicro = 1'000'000;

constexpr std::int64_t round_up(std::int64_t value, std::int64_t unit) { return (value + unit - 1) / unit; }

// Consecutive periods of one of the two tables, the last one excluded.
struct Span {
  bool hours = false;
  std::int64_t begin = 0;
  std::int64_t end = 0;

  [[nodiscard]] std::int64_t length_ms() const { return hours ? kHourMs : kDayMs; }
};

struct Plan {
  std::int64_t begin_hour = 0;
  std::int64_t end_hour = 0;
  std::vector<Span> spans;
};

bool groups_by(const UsageQuery& query, UsageBy by) {
  return std::ranges::find(query.group_by, by) != query.group_by.end();
}

// Whole days by the day, what lies before and after them by the hour.
Plan plan_of(Connection& db, UnixMs from_ms, UnixMs to_ms, bool by_hour) {
  Plan plan{from_ms / kHourMs, round_up(to_ms, kHourMs), {}};
  const std::int64_t first_day = find_integer(db, "SELECT first_day_with_hours FROM usage_kept").value_or(0);
  if (by_hour) {
    plan.begin_hour = std::min(std::max(plan.begin_hour, first_day * kHoursPerDay), plan.end_hour);
    plan.spans = {{true, plan.begin_hour, plan.end_hour}};
    return plan;
  }
  if (const auto day = plan.begin_hour / kHoursPerDay; day < first_day) plan.begin_hour = day * kHoursPerDay;
  if (const auto day = plan.end_hour / kHoursPerDay; day < first_day) {
    plan.end_hour = round_up(plan.end_hour, kHoursPerDay) * kHoursPerDay;
  }
  const std::int64_t begin_day = round_up(plan.begin_hour, kHoursPerDay);
  const std::int64_t end_day = plan.end_hour / kHoursPerDay;
  if (begin_day >= end_day) {
    plan.spans = {{true, plan.begin_hour, plan.end_hour}};
  } else {
    plan.spans = {{true, plan.begin_hour, begin_day * kHoursPerDay},
                  {false, begin_day, end_day},
                  {true, end_day * kHoursPerDay, plan.end_hour}};
  }
  return plan;
}

// The rows that are asked for; 0: any.
struct Wanted {
  std::vector<RowId> teams;
  RowId virtual_key = 0;
  RowId alias = 0;
  RowId access_group = 0;
  RowId unknown_model = 0;  // set: in place of models that were refused as not granted
  bool everybody = false;   // the rows of all teams together tell enough: they stand under the team 0
  bool nothing = false;     // nothing was ever recorded under this name
  bool refusals = false;    // no others would be listed

  [[nodiscard]] RowId shown_alias(const SQLite::Statement& row) const {
    const bool hidden = unknown_model != 0 && row.getColumn(5).getInt() == static_cast<int>(Reason::model_not_granted);
    return hidden ? unknown_model : row.getColumn(3).getInt64();
  }
};

// Of a name that may have been deleted since, or never used.
template <class Name>
RowId recorded_row(Connection& db, const Name& name, bool& nothing) {
  if (const auto row = find_recorded_name(db, name.str())) return *row;
  require_row(db, name);
  nothing = true;
  return 0;
}

Wanted wanted_rows(Connection& db, const UsageQuery& query) {
  Wanted wanted;
  for (const TeamId& team_id : query.team_ids) wanted.teams.push_back(require_team_ever(db, team_id));
  if (query.key_id) {
    auto key = prepare(db, "SELECT row, team FROM virtual_key WHERE key_id = ?", *query.key_id);
    const bool found = key.executeStep();
    const RowId team = found ? key.getColumn(1).getInt64() : 0;
    if (!found || (!wanted.teams.empty() && std::ranges::find(wanted.teams, team) == wanted.teams.end())) {
      throw NotFound("Key " + quote(query.key_id->str()) + " does not exist");
    }
    wanted.virtual_key = key.getColumn(0).getInt64();
    wanted.teams = {team};
  }
  if (query.alias) wanted.alias = recorded_row(db, *query.alias, wanted.nothing);
  if (query.hides_refused_models) wanted.unknown_model = record_name(db, std::string(kUnknownModel));
  if (query.access_group) wanted.access_group = recorded_row(db, *query.access_group, wanted.nothing);
  wanted.refusals = query.most == UsageFigure::denials && groups_by(query, UsageBy::reason);
  wanted.everybody = wanted.teams.empty() && !groups_by(query, UsageBy::team_id) && !groups_by(query, UsageBy::key_id);
  if (wanted.everybody) wanted.teams = {0};
  return wanted;
}

// In the order in which rows are told apart and listed.
struct Group {
  std::int64_t period = 0;
  RowId team = 0;
  RowId virtual_key = 0;
  RowId alias = 0;
  RowId access_group = 0;
  int reason = 0;
  friend auto operator<=>(const Group&, const Group&) = default;
};

class Grouping {
 public:
  explicit Grouping(const UsageQuery& query)
      : hour_(groups_by(query, UsageBy::hour)),
        day_(groups_by(query, UsageBy::day)),
        team_(groups_by(query, UsageBy::team_id)),
        key_(groups_by(query, UsageBy::key_id)),
        alias_(groups_by(query, UsageBy::alias)),
        access_group_(groups_by(query, UsageBy::access_group)),
        reason_(groups_by(query, UsageBy::reason)) {}

  [[nodiscard]] Group of(const SQLite::Statement& row, const Span& span, RowId alias) const {
    Group group;
    const UnixMs period_ms = row.getColumn(0).getInt64() * span.length_ms();
    if (by_time()) group.period = period_ms / (hour_ ? kHourMs : kDayMs);
    if (team_) group.team = row.getColumn(1).getInt64();
    if (key_) group.virtual_key = row.getColumn(2).getInt64();
    if (alias_) group.alias = alias;
    if (access_group_) group.access_group = row.getColumn(4).getInt64();
    if (reason_) group.reason = std::max(row.getColumn(5).getInt(), 0);
    return group;
  }
  [[nodiscard]] bool by_time() const { return hour_ || day_; }
  [[nodiscard]] std::int64_t period_ms() const { return hour_ ? kHourMs : kDayMs; }

 private:
  bool hour_, day_, team_, key_, alias_, access_group_, reason_;
};

void add_row(UsageRow& sum, const SQLite::Statement& row, const Span& span) {
  const int outcome = row.getColumn(5).getInt();
  const std::int64_t calls = row.getColumn(6).getInt64();
  const bool denied = outcome != kAnswered && outcome != kFailed;
  std::int64_t& counted = denied ? sum.denials : outcome == kFailed ? sum.failed_calls : sum.calls;
  counted = saturated_sum(counted, calls);
  sum.tokens = saturated_sum(sum.tokens, row.getColumn(7).getInt64());
  sum.cost_rest += row.getColumn(8).getInt64() % kMicro;
  sum.cost_microdollars += row.getColumn(8).getInt64() / kMicro + sum.cost_rest / kMicro;
  sum.cost_rest %= kMicro;
  sum.charged = saturated_sum(sum.charged, row.getColumn(9).getInt64());
  sum.latency_ms = saturated_sum(sum.latency_ms, row.getColumn(10).getInt64());
  if (const auto last = row.getColumn(11).getInt64(); last >= 0) {
    const UnixMs at_ms = row.getColumn(0).getInt64() * span.length_ms() + last;
    auto& latest = denied ? sum.last_denial_at_ms : sum.last_call_at_ms;
    latest = std::max(latest.value_or(0), at_ms);
  }
  add_latencies(sum.latencies, row.getColumn(12));
}

using Sums = std::map<Group, UsageRow>;

// With teams, each of their periods is sought by itself: a month of one team reads that team's rows alone.
std::string select_of(const Span& span, bool seeks, bool refusals) {
  const std::string table = span.hours ? "usage_hour" : "usage_day";
  const std::string columns =
      "SELECT u.period, u.team, u.virtual_key, u.alias, u.access_group, u.outcome, u.calls, u.tokens, "
      "u.cost_picodollars, u.charged_micro, u.latency_ms, u.last_ms, u.latencies ";
  const std::string filter = "(?4 = 0 OR u.virtual_key = ?4) AND (?5 = 0 OR u.access_group = ?5)" +
                             (refusals ? " AND u.outcome > " + std::to_string(kAnswered) : "");
  if (!seeks) {
    return columns + "FROM " + table + " u WHERE u.period BETWEEN ?1 AND ?2 AND u.team > 0 AND ?3 = '[]' AND " + filter;
  }
  return "WITH RECURSIVE p (period) AS (VALUES (?1) UNION ALL SELECT period + 1 FROM p WHERE period < ?2) " + columns +
         "FROM p CROSS JOIN (SELECT DISTINCT value AS team FROM json_each(?3)) t CROSS JOIN " + table +
         " u ON u.period = p.period AND u.team = t.team WHERE " + filter;
}

void add_span(Connection& db, Span span, const Wanted& wanted, const Grouping& grouping, Sums& sums) {
  const std::string table = span.hours ? "usage_hour" : "usage_day";
  const auto oldest = find_integer(db, "SELECT min(period) FROM " + table);
  const auto newest = find_integer(db, "SELECT max(period) FROM " + table);
  if (!oldest || !newest) return;
  span.begin = std::max(span.begin, *oldest);
  span.end = std::min(span.end, *newest + 1);
  if (span.begin >= span.end) return;
  auto rows = prepare(db, select_of(span, !wanted.teams.empty(), wanted.refusals), span.begin, span.end - 1,
                      Json(wanted.teams).dump(), wanted.virtual_key, wanted.access_group);
  while (rows.executeStep()) {
    const RowId alias = wanted.shown_alias(rows);
    if (wanted.alias != 0 && wanted.alias != alias) continue;
    add_row(sums[grouping.of(rows, span, alias)], rows, span);
    if (sums.size() > kMostUsageRows) {
      throw Invalid("group_by", "makes more than " + std::to_string(kMostUsageRows) +
                                    " rows of this time: ask for a shorter one, or group by less");
    }
  }
}

// Names of rows, each looked up once.
class Names {
 public:
  Names(Connection& db, std::string sql) : db_(db), sql_(std::move(sql)) {}

  template <class Name>
  std::optional<Name> of(RowId row) {
    if (row == 0) return std::nullopt;
    auto [known, is_new] = known_.try_emplace(row);
    if (is_new) {
      auto query = prepare(db_, sql_, row);
      if (query.executeStep()) known->second = query.getColumn(0).getString();
    }
    return Name(known->second);
  }

 private:
  Connection& db_;
  std::string sql_;
  std::unordered_map<RowId, std::string> known_;
};

std::int64_t figure_of(const UsageRow& row, UsageFigure figure) {
  switch (figure) {
    case UsageFigure::calls:
      return row.calls;
    case UsageFigure::denials:
      return row.denials;
    case UsageFigure::tokens:
      return row.tokens;
    case UsageFigure::credits:
      return row.charged;
  }
  std::abort();  // no such one can be made without a cast
}

std::vector<Sums::value_type*> in_order(Sums& sums, std::optional<UsageFigure> most) {
  std::vector<Sums::value_type*> rows;
  for (auto& row : sums) {
    if (!most || figure_of(row.second, *most) != 0) rows.push_back(&row);
  }
  if (most) {
    std::ranges::stable_sort(rows, std::ranges::greater(),
                             [&](const auto* row) { return figure_of(row->second, *most); });
  }
  return rows;
}

Page<UsageRow> page_of(Connection& db, const std::vector<Sums::value_type*>& rows, const Grouping& grouping,
                       const PageRequest& page) {
  Names teams(db, "SELECT team_id FROM team WHERE row = ?");
  Names keys(db, "SELECT key_id FROM virtual_key WHERE row = ?");
  Names recorded(db, "SELECT name FROM recorded_name WHERE row = ?");
  Page<UsageRow> found;
  const auto skipped = static_cast<std::ptrdiff_t>(page.after.value_or(0));
  if (std::cmp_greater_equal(skipped, rows.size())) return found;
  for (auto at = std::next(rows.begin(), skipped); at != rows.end(); ++at) {
    if (page.limit && std::cmp_equal(found.items.size(), *page.limit)) {
      found.next = skipped + *page.limit;
      break;
    }
    auto& [group, row] = **at;
    row.team_id = teams.of<TeamId>(group.team);
    row.key_id = keys.of<KeyId>(group.virtual_key);
    row.alias = recorded.of<AliasName>(group.alias);
    row.access_group = recorded.of<GroupName>(group.access_group);
    if (grouping.by_time()) row.period_ms = group.period * grouping.period_ms();
    if (group.reason != 0) row.reason = static_cast<Reason>(group.reason);
    found.items.push_back(std::move(row));
  }
  return found;
}

void require_valid(const UsageQuery& query, const PageRequest& page) {
  Problems problems;
  problems.range("from", query.from_ms, 0, kMaxTime);
  problems.range("to", query.to_ms, 0, kMaxTime);
  problems.range("after", page.after, 0, std::int64_t{kMostUsageRows});
  problems.range("limit", page.limit, 1, std::int64_t{kMostUsageRows});
  problems.raise();
  if (query.to_ms <= query.from_ms) throw Invalid("to", "is not after 'from'");
}

}  // namespace

std::string_view slug(UsageBy by) noexcept {
  switch (by) {
    case UsageBy::team_id:
      return "team_id";
    case UsageBy::key_id:
      return "key_id";
    case UsageBy::alias:
      return "alias";
    case UsageBy::access_group:
      return "access_group";
    case UsageBy::hour:
      return "hour";
    case UsageBy::day:
      return "day";
    case UsageBy::reason:
      return "reason";
  }
  std::abort();  // no such one can be made without a cast
}

std::string_view slug(UsageFigure figure) noexcept {
  switch (figure) {
    case UsageFigure::calls:
      return "calls";
    case UsageFigure::denials:
      return "denials";
    case UsageFigure::tokens:
      return "tokens";
    case UsageFigure::credits:
      return "credits";
  }
  std::abort();  // no such one can be made without a cast
}

UsageReport report_usage(Connection& db, const UsageQuery& query, const PageRequest& page) {
  require_valid(query, page);
  const Wanted wanted = wanted_rows(db, query);
  const Plan plan = plan_of(db, query.from_ms, query.to_ms, groups_by(query, UsageBy::hour));
  const Grouping grouping(query);
  Sums sums;
  if (query.group_by.empty()) sums.try_emplace(Group{});
  if (!wanted.nothing) {
    for (const Span& span : plan.spans) add_span(db, span, wanted, grouping, sums);
  }
  return {plan.begin_hour * kHourMs, plan.end_hour * kHourMs, page_of(db, in_order(sums, query.most), grouping, page)};
}

Charges charges_since(Connection& db, UnixMs from_ms, UnixMs now_ms, std::optional<RowId> team) {
  // Up to the end of today: nothing is counted after now, and so today is read by the day.
  const Plan plan = plan_of(db, std::max(from_ms, UnixMs{0}), (now_ms / kDayMs + 1) * kDayMs, false);
  Charges charges{plan.begin_hour * kHourMs};
  for (const Span& span : plan.spans) {
    const std::string sql = "SELECT team, sum(charged_micro) FROM " +
                            std::string(span.hours ? "usage_hour" : "usage_day") + " WHERE period = ?1 AND team " +
                            (team ? "= ?2" : "> ?2") + " GROUP BY team";
    for (std::int64_t period = span.begin; period < span.end; ++period) {
      auto rows = prepare(db, sql, period, team.value_or(0));
      while (rows.executeStep()) {
        MicroCredits& charged = charges.by_team[rows.getColumn(0).getInt64()];
        charged = saturated_sum(charged, rows.getColumn(1).getInt64());
      }
    }
  }
  return charges;
}

}  // namespace saas_access
