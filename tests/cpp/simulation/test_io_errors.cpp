#include <poll.h>

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "io_errors.hpp"
#include "saas_access/jobs.hpp"
#include "saas_access/ledger.hpp"
#include "saas_access/ledger_writer.hpp"
#include "saas_access/policy.hpp"

namespace saas_access::simulation {
namespace {

constexpr std::uint64_t kSeed = 7;

/// What there is to work on beside what the stage has.
struct Things {
  KeyId key;
  GrantId grant;
  JobId job;
  CallId call;
};

struct Case {
  const char* name;
  std::function<void(Write&, const Things&)> admin;
  std::function<void(Connection&, const Things&)> traffic;
};
std::ostream& operator<<(std::ostream& out, const Case& which) { return out << which.name; }

const TeamId kTeam = kTeams[0];
const AliasName kAlias{"a"};
const GroupName kGroup{"g"};
const OrganizationId kOrganization{"org"};

template <class Patch, class Field, class Value>
Patch patch(Field Patch::* field, Value&& value) {
  Patch result;
  result.*field = std::forward<Value>(value);
  return result;
}

ReserveRequest call_of_team() {
  ReserveRequest request;
  request.team_id = kTeam;
  request.alias = kAlias;
  return request;
}

NewVirtualKey new_key(std::uint8_t number) {
  NewVirtualKey key;
  key.secret = KeySecret{{number}, "wxyz"};
  return key;
}

NewGrant new_grant() {
  NewGrant grant;
  grant.access_group = kGroup;
  grant.expires_at_ms = 1'800'000'000'000;
  return grant;
}

NewTeam new_team() {
  NewTeam team;
  team.organization_id = kOrganization;
  team.team_id = TeamId("new");
  team.access_groups = {kGroup};
  team.credits_allocated = 5 * kMicroPerCredit;
  team.first_key = KeySecret{{9}, "wxyz"};
  return team;
}

NewJob new_job() {
  NewJob job;
  job.team_id = kTeam;
  job.job_type = "report";
  return job;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases = {
      {"create_organization",
       [](Write& w, const Things&) { create_organization(w, {OrganizationId("o"), "", "{}"}); },
       {}},
      {"update_organization",
       [](Write& w, const Things&) { update_organization(w, kOrganization, patch(&OrganizationPatch::name, "Other")); },
       {}},
      {"suspend_organization", [](Write& w, const Things&) { suspend_organization(w, kOrganization, true); }, {}},
      {"delete_organization", [](Write& w, const Things&) { delete_organization(w, OrganizationId("empty")); }, {}},
      {"create_model_alias",
       [](Write& w, const Things&) { create_model_alias(w, {AliasName("c"), "openai/c", "", true}); },
       {}},
      {"update_model_alias",
       [](Write& w, const Things&) { update_model_alias(w, kAlias, patch(&ModelAliasPatch::active, false)); },
       {}},
      {"delete_model_alias", [](Write& w, const Things&) { delete_model_alias(w, kAlias, true); }, {}},
      {"create_access_group",
       [](Write& w, const Things&) { create_access_group(w, {GroupName("h"), "", {kAlias}}); },
       {}},
      {"update_access_group",
       [](Write& w, const Things&) {
         update_access_group(w, kGroup, patch(&AccessGroupPatch::model_aliases, std::vector{AliasName("b")}));
       },
       {}},
      {"add_models", [](Write& w, const Things&) { add_models(w, kGroup, {AliasName("b")}); }, {}},
      {"remove_models", [](Write& w, const Things&) { remove_models(w, kGroup, {kAlias}); }, {}},
      {"delete_access_group", [](Write& w, const Things&) { delete_access_group(w, kGroup); }, {}},
      {"create_team", [](Write& w, const Things&) { create_team(w, new_team()); }, {}},
      {"update_team",
       [](Write& w, const Things&) {
         update_team(w, kTeam, patch(&TeamPatch::credits_allocated, 9 * kMicroPerCredit));
       },
       {}},
      {"suspend_team", [](Write& w, const Things&) { suspend_team(w, kTeam, true); }, {}},
      {"delete_team", [](Write& w, const Things&) { delete_team(w, kTeam); }, {}},
      {"create_grant", [](Write& w, const Things&) { create_grant(w, kTeams[1], new_grant()); }, {}},
      {"delete_grant", [](Write& w, const Things& things) { delete_grant(w, kTeam, things.grant); }, {}},
      {"create_key", [](Write& w, const Things&) { create_key(w, kTeam, new_key(2)); }, {}},
      {"rotate_key",
       [](Write& w, const Things& things) { rotate_key(w, kTeam, things.key, 60, KeySecret{{3}, "wxyz"}); },
       {}},
      {"revoke_key", [](Write& w, const Things& things) { revoke_key(w, kTeam, things.key); }, {}},
      {"bootstrap",
       [](Write& w, const Things&) {
         bootstrap(w, {{AliasName("c"), "openai/c", "", true}}, {{GroupName("h"), "", {AliasName("c")}}});
       },
       {}},
      {"add_credits", [](Write& w, const Things&) { add_credits(w, kTeam, 3, "Top-up", "key"); }, {}},
      {"reserve", {}, [](Connection& db, const Things&) { reserve(db, call_of_team(), "owner", 1); }},
      {"reserve_in_job",
       {},
       [](Connection& db, const Things& things) {
         ReserveRequest request = call_of_team();
         request.job_id = things.job;
         reserve(db, request, "owner", 1);
       }},
      {"settle", {}, [](Connection& db, const Things& things) { settle(db, things.call, {}, 1, 2); }},
      {"mark_answering",
       {},
       [](Connection& db, const Things& things) { mark_answering(db, things.call, {.total_tokens = 5}); }},
      {"recover", {}, [](Connection& db, const Things&) { recover(db, "owner", 10, 2); }},
      {"release", {}, [](Connection& db, const Things& things) { release(db, things.call, true, 1, 2); }},
      {"create_job", {}, [](Connection& db, const Things&) { create_job(db, new_job(), 1); }},
      {"complete_job", {}, [](Connection& db, const Things& things) { complete_job(db, things.job, {}, 1); }},
      {"several_in_one_transaction",
       {},
       [](Connection& db, const Things& things) {
         LedgerBatch batch(db, "owner", 2);
         batch.settle(things.call, {}, 1, std::nullopt);
         for (int count = 0; count < 3; ++count) batch.reserve(call_of_team());
         batch.finish();
       }},
  };
  return kCases;
}

/// Every operation of its own, on a database that has all that it needs.
class OperationTest : public IoErrorTest, public testing::WithParamInterface<Case> {
 protected:
  OperationTest() {
    stage_.reset(kSeed);
    const auto engine = open();
    engine->write({}, [&](Write& w) {
      create_organization(w, {OrganizationId("empty"), "", "{}"});
      things_.key = create_key(w, kTeam, new_key(1)).key_id;
      things_.grant = create_grant(w, kTeam, new_grant()).grant_id;
      things_.job = create_job(w.db, new_job(), 1).job_id;
      things_.call = reserve(w.db, call_of_team(), "owner", 1).call_id;
    });
    before_ = contents(*engine);
    stage_.keep();
  }

  /// Each commit ends with a checkpoint, so that its accesses fail as well.
  std::unique_ptr<Engine> open() {
    auto engine = stage_.open_engine(1);
    engine->transact([](Connection& db) { db.exec("PRAGMA wal_autocheckpoint = 1"); });
    return engine;
  }

  void run(Engine& engine) {
    kernel_randomness().seed(kSeed);  // so that it makes the same ids each time
    const Case& which = GetParam();
    if (which.admin) {
      engine.write({}, [&](Write& w) { which.admin(w, things_); });
    } else {
      engine.transact([&](Connection& db) { which.traffic(db, things_); });
    }
  }

  std::unique_ptr<Engine> begin() {
    stage_.reset(kSeed);
    return open();
  }

  Things things_;
  std::string before_;
};

TEST_P(OperationTest, SucceedsOrChangesNothing) {
  auto engine = begin();
  run(*engine);
  const std::string after = contents(*engine);
  ASSERT_NE(after, before_);
  engine.reset();

  for (const bool loses_power : {false, true}) {
    sweep([&](const Faults& faults) {
      engine = begin();
      const bool done = succeeds(faults, [&] { run(*engine); });
      if (loses_power) {
        cut_power(engine);
        const std::string left = contents(*engine);
        EXPECT_TRUE(left == after || (!done && left == before_)) << (done ? "was answered\n" : "failed\n") << left;
      } else {
        EXPECT_EQ(contents(*engine), done ? after : before_);
        if (!done) run(*engine);  // the same engine goes on
        EXPECT_EQ(contents(*engine), after);
      }
      engine.reset();
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Every, OperationTest, testing::ValuesIn(cases()),
                         [](const auto& which) { return std::string(which.param.name); });

TEST_F(IoErrorTest, OpeningANewDatabaseSucceedsOrCanBeRepeated) {
  stage_.reset(kSeed, false);
  const std::string empty = contents(*stage_.open_engine(1));
  for (const bool loses_power : {false, true}) {
    sweep([&](const Faults& faults) {
      stage_.reset(kSeed, false);
      std::unique_ptr<Engine> engine;
      succeeds(faults, [&] { engine = stage_.open_engine(1); });
      if (loses_power) {
        cut_power(engine);
      } else if (!engine) {
        engine = stage_.open_engine(2);
      }
      EXPECT_EQ(contents(*engine), empty);
    });
  }
}

TEST_F(IoErrorTest, OpeningAfterAPowerCutSucceedsOrCanBeRepeated) {
  stage_.reset(kSeed);
  const std::string before = contents(*stage_.open_engine(1));
  sweep([&](const Faults& faults) {
    stage_.reset(kSeed);
    std::unique_ptr<Engine> engine;
    succeeds(faults, [&] { engine = stage_.open_engine(1); });
    if (!engine) engine = stage_.open_engine(2);
    EXPECT_EQ(contents(*engine), before);
  });
}

TEST_F(IoErrorTest, AProcessHearsOfAnothersWriteOrRefuses) {
  sweep([&](const Faults& faults) {
    stage_.reset(kSeed);
    const auto engine = stage_.open_engine(1);
    const Revision written =
        stage_.open_engine(2)->write({}, [](Write& w) { suspend_team(w, kTeam, true); }).receipt.revision;
    const auto revision = [&] { return engine->snapshot()->revision; };
    stage_.disk.running_process = 1;
    Revision seen = 0;
    const bool told = succeeds(faults, [&] { seen = revision(); });
    EXPECT_EQ(told ? seen : written, written);
    EXPECT_EQ(revision(), written);
  });
}

// Its thread is the only one at the disk while this one waits.
TEST_F(IoErrorTest, TheWriterAnswersForWhatIsInTheStore) {
  sweep([&](const Faults& faults) {
    stage_.reset(kSeed);
    const auto engine = std::shared_ptr(stage_.open_engine(1));
    std::set<std::string> answered;
    {
      LedgerWriter writer(engine);
      arm(faults);
      for (int count = 0; count < 3; ++count) writer.reserve(call_of_team());
      for (std::size_t ended = 0; ended < 3;) {
        pollfd ready{writer.event_fd(), POLLIN, 0};
        poll(&ready, 1, -1);
        for (const LedgerWriter::Number number : writer.ended()) {
          ended += 1;
          try {
            answered.insert(std::get<Reservation>(writer.take(number)).call_id.str());
          } catch (const StoreUnavailable&) {
            EXPECT_TRUE(met_);
          }
        }
      }
    }
    stage_.disk.interference = nullptr;
    const auto held = engine->read([](Connection& db) { return read_books(db).calls; });
    std::set<std::string> stored;
    for (const auto& [call_id, call] : held) stored.insert(call_id);
    EXPECT_EQ(answered, stored);
  });
}

}  // namespace
}  // namespace saas_access::simulation
