#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "engine_test.hpp"
#include "snapshot_text.hpp"

namespace saas_access {
namespace {

class SnapshotTest : public EngineTest {
 protected:
  Snapshot loaded() { return engine_.read(load_snapshot); }

  void add_team(const std::string& id, const std::vector<GroupName>& held) {
    write([&](Write& w) { create_team(w, new_team(id, held)); });
  }
};

TEST_F(SnapshotTest, LoadsWhatWasWritten) {
  fill();
  const KeyDigest digest = digest_of(7);
  NewVirtualKey key = new_key(digest);
  key.expires_at_ms = kNow + 5'000;
  key.model_aliases = aliases({"b"});
  write([&](Write& w) {
    create_key(w, TeamId("team"), key);
    create_grant(w, TeamId("team"), {GroupName("c"), kNow, kNow + 1'000, ""});
  });
  const Snapshot snapshot = loaded();
  EXPECT_EQ(snapshot.revision, 2U);
  EXPECT_TRUE(authorize(snapshot, TeamId("team"), AliasName("c"), kNow).allowed());
  EXPECT_FALSE(authorize(snapshot, TeamId("team"), AliasName("c"), kNow + 1'000).allowed());
  EXPECT_TRUE(authorize(snapshot, digest, AliasName("b"), kNow).allowed());
  EXPECT_EQ(authorize(snapshot, digest, AliasName("a"), kNow).reason, Reason::model_not_granted);
  EXPECT_EQ(authorize(snapshot, digest, AliasName("b"), kNow + 5'000).reason, Reason::key_expired);
}

TEST_F(SnapshotTest, LoadsThatAKeyWasRevoked) {
  fill();
  write([&](Write& w) {
    const VirtualKey key = create_key(w, TeamId("team"), new_key(digest_of(7)));
    revoke_key(w, TeamId("team"), key.key_id);
  });
  EXPECT_EQ(authenticate(loaded(), digest_of(7), kNow).reason, Reason::key_revoked);
}

TEST_F(SnapshotTest, ADeletedTeamIsGoneAndItsKeysSayRevoked) {
  fill();
  const KeyDigest digest = digest_of(7);
  write([&](Write& w) { create_key(w, TeamId("team"), new_key(digest)); });
  const Snapshot before = loaded();
  write([](Write& w) { delete_team(w, TeamId("team")); });
  const Snapshot after = loaded();
  EXPECT_EQ(after.team(TeamId("team")), nullptr);
  EXPECT_EQ(authenticate(before, digest, kNow).reason, Reason::granted);
  EXPECT_EQ(authenticate(after, digest, kNow).reason, Reason::key_revoked);
}

TEST_F(SnapshotTest, CatchingUpSharesWhatDidNotChange) {
  fill();
  for (int i = 0; i < 50; ++i) add_team("team-" + std::to_string(i), {GroupName("c")});
  const Snapshot before = loaded();
  write([](Write& w) { suspend_team(w, TeamId("team"), true); });
  const Snapshot after = engine_.read([&](Connection& db) {
    return apply_changes(db, before, read_changes(db, before.revision).value(), before.revision + 1);
  });
  EXPECT_EQ(after.catalog, before.catalog);
  EXPECT_TRUE(after.team(TeamId("team"))->suspended);
  EXPECT_FALSE(before.team(TeamId("team"))->suspended);
  int shared = 0;
  for (int i = 0; i < 50; ++i) {
    const TeamId id("team-" + std::to_string(i));
    shared += before.team(id) == after.team(id) ? 1 : 0;
  }
  EXPECT_GE(shared, 49);  // one at most lives in the changed team's shard
}

// Writes of every kind in random order; those that the policy refuses are simply not done.
class RandomWrites {
 public:
  explicit RandomWrites(unsigned seed) : random_(seed) {}

  void operator()(Write& w) {
    switch (pick(16)) {
      case 0:
        create_organization(w, {OrganizationId(name("o", 3)), "x", "{}"});
        break;
      case 1:
        suspend_organization(w, OrganizationId(name("o", 3)), pick(2) == 0);
        break;
      case 2:
        delete_organization(w, OrganizationId(name("o", 3)));
        break;
      case 3:
        create_model_alias(w, new_alias(name("a", 6)));
        break;
      case 4:
        update_model_alias(w, AliasName(name("a", 6)), patch(&ModelAliasPatch::active, pick(3) != 0));
        break;
      case 5:
        delete_model_alias(w, AliasName(name("a", 6)), true);
        break;
      case 6:
        create_access_group(w, {GroupName(name("g", 5)), "", names<AliasName>("a", 6)});
        break;
      case 7:
        update_access_group(w, GroupName(name("g", 5)),
                            patch(&AccessGroupPatch::model_aliases, names<AliasName>("a", 6)));
        break;
      case 8:
        delete_access_group(w, GroupName(name("g", 5)));
        break;
      case 9: {
        NewTeam document;
        document.organization_id = OrganizationId(name("o", 3));
        document.team_id = team();
        document.access_groups = names<GroupName>("g", 5);
        document.first_key = secret();
        create_team(w, document);
        break;
      }
      case 10:
        update_team(w, team(), patch(&TeamPatch::access_groups, names<GroupName>("g", 5)));
        break;
      case 11:
        pick(3) == 0 ? delete_team(w, team()) : static_cast<void>(suspend_team(w, team(), pick(2) == 0));
        break;
      case 12:
        grant(w);
        break;
      case 13: {
        const TeamId id = team();
        NewVirtualKey document;
        document.model_aliases = narrowing();
        document.secret = secret();
        keys_.emplace_back(id, create_key(w, id, document).key_id);
        break;
      }
      case 14:
        if (const auto* key = any(keys_)) rotate_key(w, key->first, key->second, pick(3) * 60, secret());
        break;
      case 15:
        if (const auto* key = any(keys_)) revoke_key(w, key->first, key->second);
        break;
      default:
        break;
    }
  }

 private:
  std::int64_t pick(std::int64_t below) { return static_cast<std::int64_t>(random_() % static_cast<unsigned>(below)); }
  std::string name(const std::string& prefix, std::int64_t below) { return prefix + std::to_string(pick(below)); }
  TeamId team() { return TeamId(name("t", 40)); }

  template <class Name>
  std::vector<Name> names(const std::string& prefix, std::int64_t below) {
    std::vector<Name> list;
    while (pick(3) != 0) list.emplace_back(name(prefix, below));
    return list;
  }

  std::optional<std::vector<AliasName>> narrowing() {
    if (pick(2) == 0) return std::nullopt;
    return names<AliasName>("a", 6);
  }

  KeySecret secret() {
    ++secrets_;
    KeyDigest digest{};
    digest[0] = static_cast<std::uint8_t>(secrets_ % 256);
    digest[1] = static_cast<std::uint8_t>(secrets_ / 256);
    return {digest, "wxyz"};
  }

  void grant(Write& w) {
    if (const auto* ended = pick(3) == 0 ? any(grants_) : nullptr) {
      delete_grant(w, ended->first, ended->second);
      return;
    }
    const TeamId id = team();
    grants_.emplace_back(id, create_grant(w, id, {GroupName(name("g", 5)), w.now_ms, w.now_ms + 1'000, ""}).grant_id);
  }

  template <class List>
  const typename List::value_type* any(const List& list) {
    return list.empty() ? nullptr : &list[static_cast<std::size_t>(pick(static_cast<std::int64_t>(list.size())))];
  }

  std::mt19937 random_;
  int secrets_ = 0;
  std::vector<std::pair<TeamId, KeyId>> keys_;
  std::vector<std::pair<TeamId, GrantId>> grants_;
};

TEST_F(SnapshotTest, CatchingUpAfterAnyWritesEqualsLoadingFromScratch) {
  RandomWrites random_write(20'240'604);
  Snapshot snapshot = loaded();
  int done = 0;
  for (int round = 0; round < 1'000; ++round) {
    try {
      write([&](Write& w) { random_write(w); });
      ++done;
    } catch (const StoreUnavailable&) {
      throw;
    } catch (const Error&) {
      continue;  // refused, so nothing changed
    }
    if (round % 3 != 0) continue;  // several writes at once, too
    snapshot = engine_.read([&](Connection& db) {
      return apply_changes(db, snapshot, read_changes(db, snapshot.revision).value(), read_revision(db));
    });
    ASSERT_EQ(SnapshotText(snapshot).text(), SnapshotText(loaded()).text()) << "round " << round;
  }
  EXPECT_GT(done, 300);
  EXPECT_EQ(SnapshotText(*engine_.snapshot()).text(), SnapshotText(loaded()).text());
}

TEST_F(SnapshotTest, TheFeedSaysWhenItNoLongerReachesBack) {
  const auto changes_since = [&](Revision since) {
    return engine_.read([&](Connection& db) { return read_changes(db, since); });
  };
  engine_.transact([](Connection& db) {
    ChangeSet changes;
    changes.team(1);
    append_changes(db, changes, 2);
    changes.key(2);
    db.exec("UPDATE policy_state SET revision = " + std::to_string(kFeedLength + 2));
    append_changes(db, changes, kFeedLength + 2);
  });
  EXPECT_FALSE(changes_since(1).has_value());
  const auto changes = changes_since(2);
  ASSERT_TRUE(changes.has_value());
  EXPECT_EQ(std::distance(changes->begin(), changes->end()), 2);
  EXPECT_TRUE(changes_since(kFeedLength + 2).value().empty());
  EXPECT_FALSE(changes_since(kFeedLength + 3).has_value());  // an older copy of the file was put back
  EXPECT_EQ(engine_.read([](Connection& db) { return db.execAndGet("SELECT count(*) FROM policy_change").getInt(); }),
            2);
  engine_.transact([](Connection& db) { db.exec("UPDATE policy_change SET kind = 9 WHERE kind = 4"); });
  EXPECT_FALSE(changes_since(2).has_value());  // a kind of a newer build: load everything
}

TEST_F(SnapshotTest, PreviewNamesEveryTeamThatWouldGainOrLose) {
  fill();
  add_team("other", {GroupName("ab"), GroupName("c")});
  add_team("bare", {});
  write([](Write& w) { create_grant(w, TeamId("bare"), {GroupName("ab"), kNow, kNow + 1'000, ""}); });

  const auto changes = preview([](Write& w) {
    update_access_group(w, GroupName("ab"), patch(&AccessGroupPatch::model_aliases, aliases({"c", "b"})));
  });
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(changes[0].team_id, TeamId("bare"));
  EXPECT_EQ(changes[0].gains, aliases({"c"}));
  EXPECT_EQ(changes[0].loses, aliases({"a"}));
  EXPECT_EQ(changes[1].team_id, TeamId("other"));
  EXPECT_TRUE(changes[1].gains.empty());  // it had c through another group
  EXPECT_EQ(changes[1].loses, aliases({"a"}));
  EXPECT_EQ(changes[2].team_id, TeamId("team"));
}

TEST_F(SnapshotTest, PreviewOfTeamsInOrderOfTheirModels) {
  fill();
  const auto created = preview([](Write& w) { create_team(w, new_team("new", {GroupName("c"), GroupName("ab")})); });
  ASSERT_EQ(created.size(), 1U);
  EXPECT_EQ(created[0].gains, aliases({"c", "a", "b"}));

  const auto deleted = preview([](Write& w) { delete_team(w, TeamId("team")); });
  ASSERT_EQ(deleted.size(), 1U);
  EXPECT_EQ(deleted[0].loses, aliases({"a", "b"}));

  const auto inactive =
      preview([](Write& w) { update_model_alias(w, AliasName("b"), patch(&ModelAliasPatch::active, false)); });
  ASSERT_EQ(inactive.size(), 1U);
  EXPECT_EQ(inactive[0].loses, aliases({"b"}));
}

TEST_F(SnapshotTest, PreviewIsEmptyWhereNobodysModelsChange) {
  fill();
  EXPECT_TRUE(preview([](Write& w) { suspend_organization(w, OrganizationId("org"), true); }).empty());
  EXPECT_TRUE(preview([](Write& w) { suspend_team(w, TeamId("team"), true); }).empty());
  EXPECT_TRUE(preview([](Write& w) {
                update_model_alias(w, AliasName("a"), patch(&ModelAliasPatch::litellm_model, "other"));
              }).empty());
  EXPECT_TRUE(preview([](Write& w) { delete_access_group(w, GroupName("c")); }).empty());
}

TEST(ShardedMapTest, ACopyIsChangedWithoutTheOriginal) {
  ShardedMap<int, int> original;
  for (int i = 0; i < 5'000; ++i) original.put(i, i);
  ShardedMap<int, int> copy = original;
  copy.put(7, -7);
  copy.erase(8);
  EXPECT_EQ(*original.find(7), 7);
  EXPECT_EQ(*original.find(8), 8);
  EXPECT_EQ(*copy.find(7), -7);
  EXPECT_EQ(copy.find(8), nullptr);
  EXPECT_EQ(original.size(), 5'000U);
  EXPECT_EQ(copy.size(), 4'999U);
}

}  // namespace
}  // namespace saas_access
