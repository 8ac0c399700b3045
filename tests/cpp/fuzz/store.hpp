#pragma once

#include <exception>
#include <functional>
#include <string>

#include "fuzzing.hpp"
#include "saas_access/database.hpp"
#include "saas_access/errors.hpp"
#include "saas_access/ledger.hpp"
#include "saas_access/policy.hpp"
#include "temporary_database.hpp"

namespace saas_access::fuzz {

inline constexpr UnixMs kNow = 1'700'000'000'500;

inline KeyDigest digest_of(int number) {
  KeyDigest digest{};
  digest[0] = static_cast<std::uint8_t>(number % 256);
  digest[1] = static_cast<std::uint8_t>(number / 256);
  return digest;
}

/// Two of everything: organizations o0 and o1; aliases a0, a1 and an inactive a2; groups g0 of all three and g1 of a1;
/// teams t0 of g0 with a credit to spend, and t1 of nothing but a grant of g1; a key of each.
inline void fill(Write& write) {
  for (const char* id : {"o0", "o1"}) create_organization(write, {OrganizationId(id), id, "{}"});
  for (const char* alias : {"a0", "a1", "a2"}) {
    NewModelAlias document;
    document.alias = AliasName(alias);
    document.litellm_model = std::string("openai/") + alias;
    document.active = std::string(alias) != "a2";
    create_model_alias(write, document);
  }
  create_access_group(write, {GroupName("g0"), "", {AliasName("a0"), AliasName("a1"), AliasName("a2")}});
  create_access_group(write, {GroupName("g1"), "", {AliasName("a1")}});
  for (const int number : {0, 1}) {
    NewTeam team;
    team.organization_id = OrganizationId("o" + std::to_string(number));
    team.team_id = TeamId("t" + std::to_string(number));
    if (number == 0) team.access_groups = {GroupName("g0")};
    team.credits_allocated = 10 * kMicroPerCredit;
    team.first_key = KeySecret{digest_of(number), "wxyz"};
    create_team(write, team);
  }
  create_grant(write, TeamId("t1"), {GroupName("g1"), kNow - 10, kNow + 10, ""});
}

/// A filled database, one for the process. An input works inside a transaction that is undone when it is over, so that
/// every input finds the same.
class Store {
 public:
  static Store& shared() {
    static Store store;
    return store;
  }

  void in_undone_transaction(const std::function<void(Connection&)>& work) {
    database_.write([&](Connection& db) { return work(db), false; });
  }

 private:
  Store() {
    database_.write([](Connection& db) {
      const WriteOptions options;
      Write write{db, options, kNow, 1};
      fill(write);
      return db.exec("UPDATE policy_state SET revision = 1"), true;
    });
  }

  TemporaryDatabase file_;
  Database database_{file_.path()};
};

/// Runs one operation; tells whether it was done. A refusal undoes it. It may throw nothing but the core's own errors,
/// and none that blames the store: the store refuses only what validation should have refused before.
template <class Work>
bool is_done(Connection& db, Work&& work) {
  db.exec("SAVEPOINT operation");
  try {
    work();
    db.exec("RELEASE operation");
    return true;
  } catch (const StoreUnavailable& error) {
    require(false, "the store refused what was accepted: " + std::string(error.what()));
  } catch (const Error& error) {
    require(error.what()[0] != '\0', "a refusal says why");
    db.exec("ROLLBACK TO operation");
    db.exec("RELEASE operation");
  } catch (const std::exception& error) {
    require(false, "an error that is not the core's own: " + std::string(error.what()));
  }
  return false;
}

}  // namespace saas_access::fuzz
