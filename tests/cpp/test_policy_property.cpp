#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <numeric>
#include <optional>
#include <random>
#include <sstream>
#include <vector>

#include "engine_test.hpp"
#include "snapshot_text.hpp"

namespace saas_access {
namespace {

constexpr UnixMs kNow = 1'700'000'000'500;

// What a policy is to be in the end. Names are numbers behind a letter.
struct Target {
  static constexpr int kAliases = 5;
  static constexpr int kGroups = 4;
  static constexpr int kTeams = 3;

  std::array<bool, kAliases> active{};
  std::array<std::vector<int>, kGroups> lists;  // in the operator's order
  std::array<std::vector<int>, kTeams> own;
  std::array<std::vector<int>, kTeams> granted;
  std::array<bool, kTeams> suspended{};
  std::array<std::optional<std::vector<int>>, kTeams> narrowed_to;  // of the team's key

  explicit Target(std::mt19937& random) {
    const auto some = [&](int count) {
      std::vector<int> numbers(static_cast<std::size_t>(count));
      std::iota(numbers.begin(), numbers.end(), 0);
      std::shuffle(numbers.begin(), numbers.end(), random);
      numbers.resize(random() % (numbers.size() + 1));
      return numbers;
    };
    for (bool& is_active : active) is_active = random() % 4 != 0;
    for (auto& list : lists) list = some(kAliases);
    for (auto& groups : own) groups = some(kGroups);
    for (auto& groups : granted) groups = some(2);
    for (bool& is_suspended : suspended) is_suspended = random() % 4 == 0;
    for (auto& narrowing : narrowed_to) {
      if (random() % 2 == 0) narrowing = some(kAliases);
    }
  }
};

template <class Name>
std::vector<Name> names(const char* prefix, const std::vector<int>& numbers) {
  std::vector<Name> list;
  for (const int number : numbers) list.emplace_back(prefix + std::to_string(number));
  return list;
}

KeyDigest digest_of(int team) { return {static_cast<std::uint8_t>(team + 1)}; }

// Brings a database to the target by writes in an order of their own, some of them wrong at first and put right.
class Builder {
 public:
  Builder(const Target& target, std::mt19937::result_type seed)
      : target_(target), random_(seed), engine_(file_.path(), [] { return kNow; }) {
    write([](Write& w) { create_organization(w, {OrganizationId("o"), "", "{}"}); });
    make_catalog();
    make_teams();
  }

  Engine& engine() { return engine_; }

 private:
  void write(const std::function<void(Write&)>& work) {
    engine_.write({}, work);
    engine_.snapshot();  // caught up with each write alone
  }
  bool chance() { return random_() % 2 == 0; }

  std::vector<int> shuffled(int count) {
    std::vector<int> numbers(static_cast<std::size_t>(count));
    std::iota(numbers.begin(), numbers.end(), 0);
    std::shuffle(numbers.begin(), numbers.end(), random_);
    return numbers;
  }

  void make_catalog() {
    for (const int number : shuffled(Target::kAliases)) {
      NewModelAlias document = new_alias("a" + std::to_string(number));
      const bool active = target_.active.at(static_cast<std::size_t>(number));
      document.active = chance() == active;
      write([&](Write& w) {
        create_model_alias(w, document);
        if (document.active != active) update_model_alias(w, document.alias, patch(&ModelAliasPatch::active, active));
      });
    }
    for (const int number : shuffled(Target::kGroups)) {
      make_group(GroupName("g" + std::to_string(number)),
                 names<AliasName>("a", target_.lists.at(static_cast<std::size_t>(number))));
    }
  }

  void make_group(const GroupName& name, const std::vector<AliasName>& list) {
    if (chance()) return write([&](Write& w) { create_access_group(w, {name, "", list}); });
    write([&](Write& w) { create_access_group(w, {name, "", names<AliasName>("a", shuffled(Target::kAliases))}); });
    if (chance())
      return write([&](Write& w) { update_access_group(w, name, patch(&AccessGroupPatch::model_aliases, list)); });
    write([&](Write& w) { remove_models(w, name, names<AliasName>("a", shuffled(Target::kAliases))); });
    for (const AliasName& alias : list) write([&](Write& w) { add_models(w, name, {alias}); });
  }

  void make_teams() {
    std::vector<std::function<void()>> later;
    for (const int number : shuffled(Target::kTeams)) {
      const TeamId id("t" + std::to_string(number));
      const auto index = static_cast<std::size_t>(number);
      const auto own = names<GroupName>("g", target_.own.at(index));
      NewTeam document;
      document.organization_id = OrganizationId("o");
      document.team_id = id;
      document.access_groups = chance() ? own : names<GroupName>("g", shuffled(Target::kGroups));
      write([&](Write& w) { create_team(w, document); });
      later.emplace_back(
          [=, this] { write([&](Write& w) { update_team(w, id, patch(&TeamPatch::access_groups, own)); }); });
      later.emplace_back([=, this] { set_suspended(id, target_.suspended.at(index)); });
      later.emplace_back([=, this] { make_key(id, number); });
      for (const GroupName& group : names<GroupName>("g", target_.granted.at(index))) {
        later.emplace_back([=, this] { write([&](Write& w) { create_grant(w, id, {group, kNow, kNow + 1, ""}); }); });
      }
    }
    std::shuffle(later.begin(), later.end(), random_);
    for (const auto& step : later) step();
  }

  void set_suspended(const TeamId& id, bool suspended) {
    for (const bool now : {!suspended, suspended}) write([&](Write& w) { suspend_team(w, id, now); });
  }

  void make_key(const TeamId& id, int number) {
    NewVirtualKey document;
    document.secret = KeySecret{digest_of(number), ""};
    const auto& narrowing = target_.narrowed_to.at(static_cast<std::size_t>(number));
    if (narrowing) document.model_aliases = names<AliasName>("a", *narrowing);
    write([&](Write& w) { create_key(w, id, document); });
  }

  const Target& target_;
  std::mt19937 random_;
  TemporaryDatabase file_;
  Engine engine_;
};

// What everybody gets, as text. Groups and models that a grant gives come in the order of the grants' creation, which
// differs: they are sorted where a team has grants.
std::string outcome_of(Engine& engine, const Target& target) {
  const auto snapshot = engine.snapshot();
  std::ostringstream text;
  const auto tell = [&](const auto& subject, bool sort) {
    std::vector<std::string> lines;
    for (const AvailableModel& model : available_models(*snapshot, subject, kNow)) {
      std::vector<std::string> via;
      for (const GroupName& group : model.via) via.push_back(group.str());
      if (sort) std::sort(via.begin(), via.end());
      lines.push_back(model.alias.str() + " " + model.litellm_model);
      for (const std::string& group : via) lines.back() += " " + group;
    }
    if (sort) std::sort(lines.begin(), lines.end());
    for (const std::string& line : lines) text << line << "\n";
    for (int alias = 0; alias <= Target::kAliases; ++alias) {  // the last does not exist
      text << slug(authorize(*snapshot, subject, AliasName("a" + std::to_string(alias)), kNow).reason) << "\n";
    }
  };
  for (int team = 0; team < Target::kTeams; ++team) {
    const bool has_grants = !target.granted.at(static_cast<std::size_t>(team)).empty();
    tell(TeamId("t" + std::to_string(team)), has_grants);
    tell(digest_of(team), has_grants);
  }
  return text.str();
}

TEST(PolicyProperty, TheOrderOfWritesDoesNotMatter) {
  std::mt19937 random(20'240'611);
  std::map<std::string, int> outcomes;
  for (int round = 0; round < 8; ++round) {
    const Target target(random);
    std::optional<std::string> expected;
    for (int order = 0; order < 3; ++order) {
      Builder builder(target, random());
      const std::string outcome = outcome_of(builder.engine(), target);
      ASSERT_EQ(outcome, expected.value_or(outcome)) << "round " << round;
      expected = outcome;
      const Snapshot loaded = builder.engine().read(load_snapshot);
      ASSERT_EQ(SnapshotText(*builder.engine().snapshot()).text(), SnapshotText(loaded).text()) << "round " << round;
    }
    ++outcomes[*expected];
  }
  EXPECT_EQ(outcomes.size(), 8U);  // the targets differ, and so does what comes of them
}

}  // namespace
}  // namespace saas_access
