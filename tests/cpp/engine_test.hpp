#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "policy_test.hpp"
#include "saas_access/engine.hpp"

namespace saas_access {

/// A patch of one field: patch(&TeamPatch::team_alias, "Production").
template <class Patch, class Field, class Value>
Patch patch(Field Patch::* field, Value&& value) {
  Patch result;
  result.*field = std::forward<Value>(value);
  return result;
}

/// An engine on a database of its own, with a clock that only the test moves.
class EngineTest : public testing::Test {
 protected:
  static constexpr UnixMs kNow = 1'700'000'000'500;

  template <class Work>
  auto write(Work&& work) {
    return engine_.write({}, work);
  }

  std::vector<AccessChange> preview(const std::function<void(Write&)>& work) {
    WriteOptions options;
    options.dry_run = true;
    return engine_.write(options, work).receipt.changes;
  }

  static NewTeam new_team(const std::string& id, std::vector<GroupName> held = {}) {
    NewTeam team;
    team.organization_id = OrganizationId("org");
    team.team_id = TeamId(id);
    team.access_groups = std::move(held);
    return team;
  }

  static NewVirtualKey new_key(const KeyDigest& digest) {
    NewVirtualKey key;
    key.secret = KeySecret{digest, "wxyz"};
    return key;
  }

  static KeyDigest digest_of(int number) {
    KeyDigest digest{};
    digest[0] = static_cast<std::uint8_t>(number % 256);
    digest[1] = static_cast<std::uint8_t>(number / 256);
    return digest;
  }

  /// The aliases a, b, c, the group "ab" of the first two and "c" of the last, and the team "team" that holds "ab".
  void fill() {
    write([](Write& w) {
      create_organization(w, {OrganizationId("org"), "Org", "{}"});
      for (const char* alias : {"a", "b", "c"}) create_model_alias(w, new_alias(alias));
      create_access_group(w, {GroupName("ab"), "", aliases({"a", "b"})});
      create_access_group(w, {GroupName("c"), "", aliases({"c"})});
      create_team(w, new_team("team", groups({"ab"})));
    });
  }

  Clock clock() {
    return [this] { return now_ms_.load(); };
  }

  std::atomic<UnixMs> now_ms_{kNow};
  TemporaryDatabase file_;
  Engine engine_{file_.path(), clock()};
};

}  // namespace saas_access
