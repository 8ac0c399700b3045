#include "model.hpp"

#include <algorithm>
#include <cstdlib>
#include <initializer_list>

namespace saas_access::simulation {

namespace {

std::string joined(const std::string& word, std::initializer_list<std::int64_t> numbers) {
  std::string text = word;
  for (const std::int64_t number : numbers) text += " " + std::to_string(number);
  return text;
}

// The teams of a history have the rates of NewTeam: a call costs a credit, or a credit for each 10,000 tokens.
MicroCredits price(BudgetMode mode, std::int64_t tokens, bool in_job) {
  if (mode == BudgetMode::consumption_tokens) return tokens * 100;
  return in_job ? 0 : kMicroPerCredit;
}

}  // namespace

std::string Books::add_credits(const std::string& team_id, std::int64_t credits, const std::string& idempotency_key) {
  const auto earlier = credits_requests.find(idempotency_key);
  if (earlier != credits_requests.end()) return earlier->second;
  Team& team = teams.at(team_id);
  team.allocated += credits * kMicroPerCredit;
  team.balance += credits * kMicroPerCredit;
  team.entries += 1;
  return credits_requests[idempotency_key] =
             joined("added", {team.allocated, team.allocated - team.balance, team.held, team.balance - team.held});
}

std::string Books::create_job(const std::string& job_id, const std::string& team) {
  jobs[job_id].team = team;
  return "job " + job_id;
}

std::string Books::complete_job(const std::string& job_id, JobStatus status) {
  Job& job = jobs.at(job_id);
  Team& team = teams.at(job.team);
  const bool ended = job.status == JobStatus::completed || job.status == JobStatus::failed;
  const bool runs =
      std::any_of(calls.begin(), calls.end(), [&](const auto& call) { return call.second.job == job_id; });
  if (ended ? job.status != status : runs) return "refused: conflict";
  if (!ended) {
    team.held -= job.held;
    if (job.held > 0 && job.answered > 0) {
      charge(team, job.held);
      job.charged += job.held;
    }
    job.held = 0;
    job.status = status;
    job.remaining = team.balance - team.held;
  }
  return joined("ended", {job.charged, job.remaining.value_or(0)});
}

std::string Books::reserve(const std::string& call_id, const Call& call, std::int64_t tokens) {
  Team& team = teams.at(call.team);
  Job* job = call.job.empty() ? nullptr : &jobs.at(call.job);
  if (job != nullptr && job->team != call.team) return "refused: job unknown";
  if (job != nullptr && job->status >= JobStatus::completed) return "refused: job ended";
  const bool opens_job = job != nullptr && job->held == 0 && call.mode == BudgetMode::job_based;
  const MicroCredits for_job = opens_job ? kMicroPerCredit : 0;
  const MicroCredits for_call = price(call.mode, tokens, job != nullptr);
  const MicroCredits free = team.balance - team.held;
  if (for_job + for_call > free) return joined("refused: credits", {for_job + for_call, free});
  team.held += for_job + for_call;
  if (job != nullptr) {
    job->held += for_job;
    job->status = JobStatus::in_progress;
  }
  (calls[call_id] = call).held = for_call;
  return joined("reserved " + call_id, {for_job + for_call, free});
}

std::string Books::mark_answering(const std::string& call_id, std::int64_t tokens) {
  const auto call = calls.find(call_id);
  if (call != calls.end()) call->second.known_tokens = tokens;
  return "marked";
}

std::string Books::settle(const std::string& call_id, std::int64_t tokens) {
  const auto node = calls.extract(call_id);
  if (!node) return joined("charged", {0, 0});
  const Call& call = node.mapped();
  Team& team = teams.at(call.team);
  team.held -= call.held;
  const MicroCredits costs = price(call.mode, tokens, !call.job.empty());
  const MicroCredits taken = std::min(costs, team.balance - team.held);
  if (taken > 0) {
    charge(team, taken);
    charged[call_id] = taken;
  }
  if (taken < costs) team.entries += 1;  // the shortfall
  if (!call.job.empty()) {
    jobs.at(call.job).answered += 1;
    jobs.at(call.job).charged += taken;
  }
  return joined("charged", {taken, costs - taken});
}

std::string Books::release(const std::string& call_id, bool failed) {
  const auto node = calls.extract(call_id);
  if (!node) return "released";
  teams.at(node.mapped().team).held -= node.mapped().held;
  if (failed && !node.mapped().job.empty()) jobs.at(node.mapped().job).failed += 1;
  return "released";
}

std::string Books::recover(const std::set<std::string>& dead_owners) {
  Recovered recovered;
  const auto running = calls;
  for (const auto& [call_id, call] : running) {
    if (!dead_owners.contains(call.owner)) continue;
    if (call.known_tokens) {
      settle(call_id, *call.known_tokens);
    } else {
      release(call_id, true);
    }
    (call.known_tokens ? recovered.charged : recovered.released) += 1;
  }
  return in_words(recovered);
}

void Books::charge(Team& team, MicroCredits amount) {
  team.balance -= amount;
  team.entries += 1;
}

std::string difference(const Books& seen, const Books& expected) {
  std::string text;
  const auto compare = [&](const auto& those, const auto& these, const char* what) {
    for (const auto& [id, value] : those) {
      if (!these.contains(id)) text += std::string("  ") + what + " " + id + "\n";
    }
  };
  compare(seen.calls, expected.calls, "has the running call");
  compare(expected.calls, seen.calls, "lacks the running call");
  compare(seen.charged, expected.charged, "has charged");
  compare(expected.charged, seen.charged, "has not charged");
  compare(seen.jobs, expected.jobs, "has the job");
  compare(expected.jobs, seen.jobs, "lacks the job");
  compare(seen.credits_requests, expected.credits_requests, "has the credits of");
  compare(expected.credits_requests, seen.credits_requests, "lacks the credits of");
  for (const auto& [id, team] : seen.teams) {
    const Books::Team& other = expected.teams.at(id);
    if (team == other) continue;
    text += joined("  " + id, {team.allocated, team.balance, team.held, team.entries}) +
            joined(" instead of", {other.allocated, other.balance, other.held, other.entries}) + "\n";
  }
  return text;
}

std::string in_words(const CreditsAdded& added) {
  return joined("added",
                {added.balance.allocated, added.balance.used, added.balance.reserved, added.balance.remaining});
}
std::string in_words(const Reservation& reservation) {
  switch (reservation.outcome) {
    case ReserveOutcome::reserved:
      return joined("reserved " + reservation.call_id.str(), {reservation.needed, reservation.remaining});
    case ReserveOutcome::credits_exhausted:
      return joined("refused: credits", {reservation.needed, reservation.remaining});
    case ReserveOutcome::job_unknown:
      return "refused: job unknown";
    case ReserveOutcome::job_ended:
      return "refused: job ended";
  }
  std::abort();  // no such outcome can be made without a cast
}
std::string in_words(const Settlement& settlement) {
  return joined("charged", {settlement.charged, settlement.shortfall});
}
std::string in_words(const Recovered& recovered) {
  return joined("recovered", {recovered.released, recovered.charged});
}
std::string in_words(const saas_access::Job& job) {
  return joined("ended", {job.costs.credits_charged, job.costs.credits_remaining});
}

}  // namespace saas_access::simulation
