// Lists for people: any cursor, any limit, any filter.

#include <algorithm>

#include "saas_access/directory.hpp"
#include "saas_access/jobs.hpp"
#include "store.hpp"

namespace saas_access::fuzz {

std::vector<std::string> seeds() {
  return {std::string("\x01\x02\x01\x01", 4), std::string("\x00\x00\x01\x05t0", 6), std::string(24, '\x81')};
}

namespace {

PageRequest page_request(Input& input) {
  PageRequest request;
  if (input.flag()) request.after = input.number();
  if (input.flag()) request.limit = input.number();
  return request;
}

/// `list(request)` gives what `list({})` gives, in the same order, from some place on and not too much of it.
template <class List, class Name>
void check_list(Connection& db, const PageRequest& request, List&& list, Name&& name) {
  const bool listed = is_done(db, [&] {
    const auto everything = list(PageRequest{}).items;
    const auto page = list(request);
    require(!request.limit || std::cmp_less_equal(page.items.size(), *request.limit), "no more than was asked for");
    require(!page.next || request.limit, "without a limit there is no next page");
    const auto same = [&](const auto& one, const auto& other) { return name(one) == name(other); };
    require(std::search(everything.begin(), everything.end(), page.items.begin(), page.items.end(), same) !=
                    everything.end() ||
                page.items.empty(),
            "a page is a stretch of the list");
    if (request.after) return;
    std::size_t walked = 0;
    for (PageRequest at{std::nullopt, 2};;) {
      const auto piece = list(at);
      for (const auto& item : piece.items)
        require(name(item) == name(everything.at(walked++)), "pages follow each other");
      if (!piece.next) break;
      at.after = piece.next;
    }
    require(walked == everything.size(), "the pages hold everything");
  });
  require(listed || (request.limit && *request.limit < 1), "only a limit below 1 is refused");
}

void check_audit(Connection& db, Input& input) {
  AuditFilter filter;
  if (input.flag()) filter.target = input.name("t", 3);
  if (input.flag()) filter.actor = input.flag() ? "operator" : input.text();
  const auto time = [&] { return input.flag() ? kNow - 1 + input.byte() % 3 : input.number(); };
  if (input.flag()) filter.from_ms = time();
  if (input.flag()) filter.to_ms = time();
  const auto everything = list_audit(db, {}, {}).items;
  const auto expected = std::count_if(everything.begin(), everything.end(), [&](const AuditEntry& entry) {
    return (!filter.target || entry.target_id == *filter.target) && (!filter.actor || entry.actor == *filter.actor) &&
           entry.at_ms >= filter.from_ms.value_or(0) && (!filter.to_ms || entry.at_ms < *filter.to_ms);
  });
  const auto list = [&](const PageRequest& request) { return list_audit(db, filter, request); };
  require(std::cmp_equal(list({}).items.size(), expected), "the filters let through what fits them");
  check_list(db, page_request(input), list, [](const AuditEntry& entry) { return entry.id; });
}

void check_teams(Connection& db, Input& input) {
  TeamFilter filter;
  if (input.flag()) filter.organization_id = OrganizationId(input.name("o", 3));
  if (input.flag()) filter.access_group = GroupName(input.name("g", 3));
  if (input.flag()) filter.suspended = input.flag();
  if (input.flag()) filter.alias = AliasName(input.name("a", 3));
  if (input.flag()) filter.low_balance = input.flag();
  if (input.flag()) filter.search = input.name("", 3);
  const auto list = [&](const PageRequest& request) { return list_teams(db, filter, request, kNow); };
  if (!is_done(db, [&] { list({}); })) return;  // the filter names what does not exist
  check_list(db, page_request(input), list, [](const Team& team) { return team.team_id; });
}

void check_books(Connection& db, Input& input) {
  const TeamId team(input.name("t", 3));
  if (!is_done(db, [&] { find_balance(db, team); })) return;  // there is no such team
  check_list(
      db, page_request(input), [&](const PageRequest& request) { return list_entries(db, team, request); },
      [](const LedgerEntry& entry) { return entry.transaction_id; });
  for (const char* job_type : {"one", "two", "three"}) create_job(db, {team, job_type, std::nullopt, "{}"}, kNow);
  check_list(
      db, page_request(input), [&](const PageRequest& request) { return list_jobs(db, team, request); },
      [](const Job& job) { return job.job_id; });
}

}  // namespace
}  // namespace saas_access::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace saas_access;
  using namespace saas_access::fuzz;
  Input input(data, size);
  Store::shared().in_undone_transaction([&](Connection& db) {
    const auto organizations = [&](const PageRequest& request) { return list_organizations(db, request); };
    check_list(db, page_request(input), organizations, [](const Organization& item) { return item.organization_id; });
    const auto aliases = [&](const PageRequest& request) { return list_model_aliases(db, request); };
    check_list(db, page_request(input), aliases, [](const ModelAlias& item) { return item.alias; });
    const auto groups = [&](const PageRequest& request) { return list_access_groups(db, request, kNow); };
    check_list(db, page_request(input), groups, [](const AccessGroupSummary& item) { return item.group_name; });
    check_teams(db, input);
    check_audit(db, input);
    check_books(db, input);
  });
  return 0;
}
