// How many decisions a second one thread makes, beside the least that could answer the same question: a map from team
// to the set of its aliases. The map knows no keys, groups, grants, suspension, reasons or changes; it shows the
// distance.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iterator>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "saas_access/authorizer.hpp"
#include "saas_access/engine.hpp"
#include "saas_access/policy.hpp"
#include "temporary_database.hpp"

namespace saas_access {
namespace {

constexpr std::size_t kAliasesPerGroup = 10;
constexpr std::size_t kGroupsPerTeam = 3;
constexpr std::size_t kRequests = 200'000;
constexpr int kRounds = 15;

struct Size {
  const char* name;
  std::size_t teams;
  std::size_t groups;
  std::size_t aliases;
};
constexpr std::array kSizes = {Size{"S", 100, 20, 50}, Size{"M", 10'000, 200, 500}, Size{"L", 100'000, 1'000, 2'000}};

using Random = std::mt19937_64;
using Sets = std::unordered_map<std::string, std::unordered_set<std::string>>;

struct Request {
  KeyDigest digest;
  TeamId team_id;
  AliasName alias;
};

std::size_t below(Random& random, std::size_t bound) {
  return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random);
}

/// Digests of real secrets are uniform; these are too.
KeyDigest digest_of(std::size_t team) {
  Random random(team);
  KeyDigest digest{};
  for (std::uint8_t& byte : digest) byte = static_cast<std::uint8_t>(random());
  return digest;
}

/// `count` different names out of `prefix`0 ... `prefix`(bound - 1).
template <class Name>
std::vector<Name> pick(Random& random, const std::string& prefix, std::size_t count, std::size_t bound) {
  std::vector<Name> names;
  while (names.size() < count) {
    Name name(prefix + std::to_string(below(random, bound)));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

/// The same policy in both: written through the engine in one transaction, and flattened into sets.
Sets fill(Engine& engine, const Size& size) {
  Random random(size.teams);  // the same numbers in every run
  Sets sets;
  engine.write({}, [&](Write& write) {
    create_organization(write, {OrganizationId("org"), "Org", "{}"});
    for (std::size_t i = 0; i < size.aliases; ++i) {
      NewModelAlias alias;
      alias.alias = AliasName("model-" + std::to_string(i));
      alias.litellm_model = "provider/" + alias.alias.str();
      create_model_alias(write, alias);
    }
    std::unordered_map<std::string, std::vector<AliasName>> lists;
    for (std::size_t i = 0; i < size.groups; ++i) {
      const GroupName name("group-" + std::to_string(i));
      const auto& list = lists[name.str()] = pick<AliasName>(random, "model-", kAliasesPerGroup, size.aliases);
      create_access_group(write, {name, "", list});
    }
    for (std::size_t i = 0; i < size.teams; ++i) {
      NewTeam team;
      team.organization_id = OrganizationId("org");
      team.team_id = TeamId("team-" + std::to_string(i));
      team.access_groups = pick<GroupName>(random, "group-", kGroupsPerTeam, size.groups);
      create_team(write, team);
      NewVirtualKey key;
      key.secret = KeySecret{digest_of(i), "wxyz"};
      create_key(write, team.team_id, key);
      for (const GroupName& group : team.access_groups) {
        for (const AliasName& alias : lists.at(group.str())) sets[team.team_id.str()].insert(alias.str());
      }
    }
  });
  return sets;
}

/// Any team, and about half of the times an alias that it has.
std::vector<Request> make_requests(const Sets& sets, const Size& size) {
  Random random(size.aliases);
  std::vector<Request> requests;
  requests.reserve(kRequests);
  while (requests.size() < kRequests) {
    const std::size_t number = below(random, size.teams);
    const TeamId team_id("team-" + std::to_string(number));
    std::string alias = "model-" + std::to_string(below(random, size.aliases));
    if (below(random, 2) == 0) {
      const auto& owned = sets.at(team_id.str());
      alias = *std::next(owned.begin(), static_cast<std::ptrdiff_t>(below(random, owned.size())));
    }
    requests.push_back({digest_of(number), team_id, AliasName(alias)});
  }
  return requests;
}

struct Contender {
  const char* name;
  std::function<std::size_t(const std::vector<Request>&)> count_allowed;
  std::vector<double> per_second;
};

template <class Subject>
std::size_t count_allowed(Engine& engine, const std::vector<Request>& requests, Subject Request::* subject) {
  std::size_t allowed = 0;
  for (const Request& request : requests) {
    allowed += engine.decide([&](const Snapshot& snapshot, UnixMs now_ms) {
      return authorize(snapshot, request.*subject, request.alias, now_ms).allowed();
    });
  }
  return allowed;
}

std::size_t count_contained(const Sets& sets, const std::vector<Request>& requests) {
  std::size_t allowed = 0;
  for (const Request& request : requests) {
    const auto set = sets.find(request.team_id.str());
    allowed += set != sets.end() && set->second.contains(request.alias.str());
  }
  return allowed;
}

/// One after the other in every round, so that what slows the machine down slows all of them.
void run_rounds(std::vector<Contender>& contenders, const std::vector<Request>& requests) {
  const std::size_t expected = contenders.front().count_allowed(requests);  // the first round warms up
  for (int round = 0; round < kRounds; ++round) {
    for (Contender& contender : contenders) {
      const auto start = std::chrono::steady_clock::now();
      const std::size_t allowed = contender.count_allowed(requests);
      const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
      if (allowed != expected) throw std::logic_error(std::string(contender.name) + " decides otherwise");
      contender.per_second.push_back(static_cast<double>(requests.size()) / taken.count());
    }
  }
}

void measure(const Size& size) {
  const TemporaryDatabase file;
  Engine engine(file.path());
  const Sets sets = fill(engine, size);
  const auto requests = make_requests(sets, size);
  std::vector<Contender> contenders = {
      {"engine, by key", [&](const auto& all) { return count_allowed(engine, all, &Request::digest); }, {}},
      {"engine, by team", [&](const auto& all) { return count_allowed(engine, all, &Request::team_id); }, {}},
      {"map of sets", [&](const auto& all) { return count_contained(sets, all); }, {}},
  };
  run_rounds(contenders, requests);
  for (Contender& contender : contenders) {
    auto& rates = contender.per_second;
    std::sort(rates.begin(), rates.end());
    std::printf("| %s | %s | %.2f | %.2f | %.2f |\n", size.name, contender.name, rates.front() / 1e6,
                rates[rates.size() / 2] / 1e6, rates.back() / 1e6);
  }
}

/// The sizes named as arguments; S and M without any.
int run(const std::vector<std::string_view>& names) {
  std::printf("Million decisions a second, one thread, %d rounds of %zu.\n\n", kRounds, kRequests);
  std::printf("| size | what | min | median | max |\n|---|---|---|---|---|\n");
  for (const std::string_view name : names) {
    const auto* const size =
        std::find_if(kSizes.begin(), kSizes.end(), [&](const Size& known) { return known.name == name; });
    if (size == kSizes.end()) throw std::invalid_argument("Size '" + std::string(name) + "' is not S, M or L");
    measure(*size);
  }
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace saas_access

int main(int argc, char** argv) {
  try {
    std::vector<std::string_view> names(argv + 1, argv + argc);
    if (names.empty()) names = {"S", "M"};
    return saas_access::run(names);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }
}
