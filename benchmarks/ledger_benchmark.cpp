// Durable calls a second, each one reservation and one settlement: the ledger's writer, which makes one transaction of
// whatever waits, beside one transaction for each write. Callers go in a closed loop: each reserves, waits until that
// is durable, settles, waits, and begins again.

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "saas_access/ledger_writer.hpp"
#include "saas_access/policy.hpp"
#include "temporary_database.hpp"

namespace saas_access {
namespace {

using Steady = std::chrono::steady_clock;
using Ms = std::chrono::duration<double, std::milli>;
using Number = LedgerWriter::Number;

constexpr int kRounds = 7;
constexpr std::chrono::milliseconds kRound{1500};
constexpr std::array<std::size_t, 3> kCallers = {8, 64, 512};
constexpr std::array<std::size_t, 2> kTeams = {1, 1000};

struct Figures {
  double pairs_a_second = 0;
  double wait_p50_ms = 0;  // of one write, from its request until it is durable
  double wait_p99_ms = 0;
};

double percentile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

Figures figures(std::vector<double> waits_ms, Steady::duration elapsed) {
  const double seconds = std::chrono::duration<double>(elapsed).count();
  return {static_cast<double>(waits_ms.size()) / 2 / seconds, percentile(waits_ms, 0.5), percentile(waits_ms, 0.99)};
}

ReserveRequest request_of(std::size_t caller, std::size_t teams) {
  ReserveRequest request;
  request.team_id = TeamId("team-" + std::to_string(caller % teams));
  request.alias = AliasName("gpt-4");
  request.pricing.credits_per_call = 1;
  return request;
}

void fill(Engine& engine, std::size_t teams) {
  engine.write({}, [&](Write& write) {
    create_organization(write, {OrganizationId("org"), "", "{}"});
    for (std::size_t i = 0; i < teams; ++i) {
      NewTeam team;
      team.organization_id = OrganizationId("org");
      team.team_id = TeamId("team-" + std::to_string(i));
      team.credits_allocated = 1'000'000 * kMicroPerCredit;
      create_team(write, team);
    }
  });
}

CallId require_reserved(const Reservation& reservation) {
  if (reservation.outcome != ReserveOutcome::reserved) throw std::runtime_error("a call was refused");
  return reservation.call_id;
}

/// One thread plays all callers, as an event loop does.
Figures grouped(const std::shared_ptr<Engine>& engine, std::size_t callers, std::size_t teams) {
  struct Waiting {
    std::size_t caller;
    bool reserves;
    Steady::time_point since;
  };
  LedgerWriter writer(engine);
  std::unordered_map<Number, Waiting> waiting;
  const auto reserve = [&](std::size_t caller) {
    const auto now = Steady::now();
    waiting.emplace(writer.reserve(request_of(caller, teams)), Waiting{caller, true, now});
  };
  const auto begin = Steady::now();
  for (std::size_t caller = 0; caller < callers; ++caller) reserve(caller);
  std::vector<double> waits_ms;
  while (!waiting.empty()) {
    pollfd descriptor{writer.event_fd(), POLLIN, 0};
    poll(&descriptor, 1, -1);
    for (const Number number : writer.ended()) {
      const auto now = Steady::now();
      const Waiting ended = waiting.extract(number).mapped();
      waits_ms.push_back(Ms(now - ended.since).count());
      const auto result = writer.take(number);
      if (ended.reserves) {
        const CallId call_id = require_reserved(std::get<Reservation>(result));
        waiting.emplace(writer.settle(call_id, {}, 1, std::nullopt, true), Waiting{ended.caller, false, now});
      } else if (now - begin < kRound) {
        reserve(ended.caller);
      }
    }
  }
  return figures(std::move(waits_ms), Steady::now() - begin);
}

/// A thread for each caller, and a transaction for each write.
Figures one_by_one(Engine& engine, std::size_t callers, std::size_t teams) {
  const auto begin = Steady::now();
  std::vector<std::vector<double>> waits_ms(callers);
  std::atomic<bool> failed = false;
  {
    std::vector<std::jthread> threads;
    threads.reserve(callers);
    for (std::size_t caller = 0; caller < callers; ++caller) {
      threads.emplace_back([&, caller] {
        const ReserveRequest request = request_of(caller, teams);
        const auto timed = [&](auto&& work) {
          const auto since = Steady::now();
          auto result = engine.transact(work);
          waits_ms[caller].push_back(Ms(Steady::now() - since).count());
          return result;
        };
        try {
          while (Steady::now() - begin < kRound) {
            const auto reservation = timed([&](Connection& db) { return reserve(db, request, engine.owner(), 0); });
            const CallId call_id = require_reserved(reservation);
            timed([&](Connection& db) { return settle(db, call_id, {}, 1, 0); });
          }
        } catch (const std::exception& error) {
          std::fprintf(stderr, "%s\n", error.what());
          failed = true;
        }
      });
    }
  }
  if (failed) throw std::runtime_error("a caller failed");
  std::vector<double> all;
  for (auto& each : waits_ms) all.insert(all.end(), each.begin(), each.end());
  return figures(std::move(all), Steady::now() - begin);
}

/// What the disk takes for one sync of some appended pages: the floor below everything here.
double sync_p50_ms(const std::filesystem::path& folder) {
  const int descriptor = open((folder / "sync").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) throw std::runtime_error("no file to sync");
  const std::vector<char> pages(16'384, 'x');
  std::vector<double> syncs_ms;
  for (int i = 0; i < 100; ++i) {
    if (write(descriptor, pages.data(), pages.size()) < 0) throw std::runtime_error("no space");
    const auto since = Steady::now();
    fdatasync(descriptor);
    syncs_ms.push_back(Ms(Steady::now() - since).count());
  }
  close(descriptor);
  return percentile(syncs_ms, 0.5);
}

double median(std::vector<double> values) { return percentile(values, 0.5); }

void print(const char* what, std::size_t callers, std::size_t teams, std::span<const Figures> rounds) {
  std::vector<double> rates;
  std::vector<double> p50;
  std::vector<double> p99;
  for (const Figures& round : rounds) {
    rates.push_back(round.pairs_a_second);
    p50.push_back(round.wait_p50_ms);
    p99.push_back(round.wait_p99_ms);
  }
  const auto [least, most] = std::ranges::minmax(rates);
  std::printf("| %zu | %zu | %s | %.0f (%.0f to %.0f) | %.2f | %.2f |\n", callers, teams, what, median(rates), least,
              most, median(p50), median(p99));
}

void compare(std::size_t callers, std::size_t teams) {
  const TemporaryDatabase file;
  const auto engine = std::make_shared<Engine>(file.path());
  fill(*engine, teams);
  std::vector<Figures> together;
  std::vector<Figures> alone;
  std::vector<double> ratios;
  for (int round = 0; round <= kRounds; ++round) {
    const Figures one = one_by_one(*engine, callers, teams);
    const Figures group = grouped(engine, callers, teams);
    if (round == 0) continue;  // warms up
    alone.push_back(one);
    together.push_back(group);
    ratios.push_back(group.pairs_a_second / one.pairs_a_second);
  }
  print("one by one", callers, teams, alone);
  print("together", callers, teams, together);
  const auto [least, most] = std::ranges::minmax(ratios);
  std::printf("| %zu | %zu | together / one by one | **%.1f** (%.1f to %.1f) | sync p50 %.2f | |\n", callers, teams,
              median(ratios), least, most, sync_p50_ms(file.folder()));
  std::fflush(stdout);
}

}  // namespace
}  // namespace saas_access

int main() {
  try {
    std::puts("| callers | teams | what | calls a second, median (least to most) | wait p50 ms | wait p99 ms |");
    std::puts("|---|---|---|---|---|---|");
    for (const std::size_t teams : saas_access::kTeams) {
      for (const std::size_t callers : saas_access::kCallers) saas_access::compare(callers, teams);
    }
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ledger_benchmark: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
