// A call of anybody, by any secret, key or team, for anything, at any time, against a policy that stands still.

#include <algorithm>

#include "saas_access/authorizer.hpp"
#include "store.hpp"

namespace saas_access::fuzz {

std::vector<std::string> seeds() {
  return {std::string("\x01\x02\x00\x01", 4), std::string("\xF5\x85t0a0a1", 8), std::string(60, '\x05')};
}

namespace {

constexpr std::size_t kAliases = 4;  // a3 does not exist
constexpr std::size_t kTeams = 3;    // nor does t2

Snapshot load() {
  Snapshot snapshot;
  Store::shared().in_undone_transaction([&](Connection& db) { snapshot = load_snapshot(db); });
  return snapshot;
}

KeyId key_of(const Snapshot& snapshot, const KeyDigest& digest) {
  return snapshot.keys.find(snapshot.secrets.find(digest)->key)->key_id;
}

/// What holds for every decision, whoever asks.
template <class Subject>
Decision check(const Snapshot& snapshot, const Subject& subject, const AliasName& alias, UnixMs now_ms) {
  const Decision decision = authorize(snapshot, subject, alias, now_ms);
  require(decision.alias == alias, "the decision names what was asked for, as it was asked");
  require(decision.allowed() == (decision.reason == Reason::granted), "allowed is granted");
  require(decision.policy_revision == snapshot.revision, "the decision names its revision");
  const auto models = available_models(snapshot, subject, now_ms);
  const auto listed =
      std::find_if(models.begin(), models.end(), [&](const auto& model) { return model.alias == alias; });
  require(decision.allowed() == (listed != models.end()), "what is listed is what is allowed (nobody is suspended)");
  require(decision.groups.empty() == !decision.allowed() && decision.litellm_model.empty() == !decision.allowed(),
          "what is refused tells nothing");
  if (!decision.allowed()) return decision;
  require(decision.litellm_model == "openai/" + alias.str() && decision.groups == listed->via,
          "the model of the alias");
  require(alias == AliasName("a0") || alias == AliasName("a1"), "only what is sold is allowed");
  return decision;
}

template <class Subject>
void check_explanation(const Snapshot& snapshot, const Subject& subject, const Decision& decision, UnixMs now_ms) {
  const Explanation explanation = explain(snapshot, subject, decision.alias, now_ms);
  require(explanation.decision.reason == decision.reason && explanation.decision.groups == decision.groups,
          "the explanation is of the decision");
  require(explanation.alias_exists == (snapshot.catalog->find(decision.alias) != nullptr), "whether the alias exists");
  require(!decision.allowed() || explanation.alias_active, "what is allowed is active");
}

}  // namespace
}  // namespace saas_access::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace saas_access;
  using namespace saas_access::fuzz;
  static const Snapshot snapshot = load();
  static const std::array<KeyId, 2> keys = {key_of(snapshot, digest_of(0)), key_of(snapshot, digest_of(1))};
  Input input(data, size);
  const AliasName alias(input.name("a", kAliases));
  const UnixMs now_ms = input.flag() ? kNow : input.number();

  const TeamId team(input.name("t", kTeams));
  const Decision of_team = check(snapshot, team, alias, now_ms);
  require(of_team.team_id == (snapshot.team(team) == nullptr ? TeamId() : team), "only a team that exists is named");
  check_explanation(snapshot, team, of_team, now_ms);

  const KeyId key(input.flag() ? input.any(keys) : KeyId(input.text()));
  const Decision of_key = check(snapshot, key, alias, now_ms);
  require((of_key.reason == Reason::key_unknown) == (snapshot.key(key) == nullptr), "only a key that exists is known");
  check_explanation(snapshot, key, of_key, now_ms);

  KeyDigest digest = digest_of(static_cast<int>(input.pick(3)));
  if (input.flag()) std::generate(digest.begin(), digest.end(), [&] { return input.byte(); });
  const Decision of_secret = check(snapshot, digest, alias, now_ms);
  require(authenticate(snapshot, digest, now_ms).team_id == of_secret.team_id, "the team of a secret is one");
  require((of_secret.reason == Reason::key_unknown) == (snapshot.secrets.find(digest) == nullptr),
          "only a secret given out");
  return 0;
}
