#include <functional>

#include "policy_test.hpp"

namespace saas_access {
namespace {

// Organizations, model aliases, access groups, bootstrap.

TEST_F(PolicyTest, CreatesAnOrganization) {
  const auto made = write([](Write& w) {
    return create_organization(w, {OrganizationId("org_acme"), "ACME \xE2\x9C\x93", R"({"tier": 1})"});
  });
  EXPECT_EQ(made.organization_id, OrganizationId("org_acme"));
  EXPECT_EQ(made.name, "ACME \xE2\x9C\x93");
  EXPECT_EQ(made.metadata, R"({"tier": 1})");
  EXPECT_FALSE(made.suspended);
  EXPECT_EQ(made.created_at_ms, kNow / 1000 * 1000);
  EXPECT_EQ(made.revision, 1U);
  EXPECT_TRUE(changed(ChangeKind::organization));
}

TEST_F(PolicyTest, RefusesATakenOrganization) {
  make_team("t");
  const auto message = message_of<Conflict>([&] {
    write([](Write& w) { create_organization(w, {.organization_id = OrganizationId("org"), .name = "Again"}); });
  });
  EXPECT_EQ(message, "Organization 'org' already exists");
}

TEST_F(PolicyTest, ReportsAllProblemsOfADocumentTogether) {
  const auto fields = invalid_fields(
      [&] { write([](Write& w) { create_organization(w, {OrganizationId("a b"), std::string(257, 'n'), "[]"}); }); });
  EXPECT_EQ(fields, "organization_id name metadata");
  EXPECT_EQ(count("organization"), 0);
  EXPECT_EQ(count("audit"), 0);
}

TEST_F(PolicyTest, AcceptsOnlyAShortJsonObjectAsMetadata) {
  const auto create = [&](const std::string& metadata) {
    write([&](Write& w) { create_organization(w, {OrganizationId("org" + std::to_string(revision_)), "", metadata}); });
  };
  for (const std::string& metadata :
       {std::string(), std::string("null"), std::string("{"), std::string("{}x"), std::string("1"),
        std::string("{\"a\": \"\xFF\"}"), "{\"a\": \"" + std::string(16'384, 'x') + "\"}"}) {
    EXPECT_EQ(invalid_fields([&] { create(metadata); }), "metadata") << metadata.substr(0, 20);
  }
  create("{}");
  create("{\"a\": \"" + std::string(16'384 - 9, 'x') + "\"}");
}

TEST_F(PolicyTest, AcceptsNamesAsLongAsTheLimitInCharacters) {
  std::string name;
  for (int i = 0; i < 256; ++i) name += "\xC3\xBC";
  write([&](Write& w) { create_organization(w, {.organization_id = OrganizationId("a"), .name = name}); });
  for (const std::string& bad : {name + "x", std::string("a\0b", 3), std::string("\xFF")}) {
    EXPECT_EQ(invalid_fields([&] {
                write([&](Write& w) { create_organization(w, {.organization_id = OrganizationId("b"), .name = bad}); });
              }),
              "name");
  }
}

TEST_F(PolicyTest, UpdatesOnlyWhatAPatchNames) {
  make_team("t");
  const auto updated = write([](Write& w) {
    return update_organization(w, OrganizationId("org"), {.name = std::nullopt, .metadata = R"({"a":1})"});
  });
  EXPECT_EQ(updated.name, "Org");
  EXPECT_EQ(updated.metadata, R"({"a":1})");
  EXPECT_EQ(updated.revision, 2U);
}

TEST_F(PolicyTest, SuspendsAndResumesAnOrganization) {
  make_team("t");
  EXPECT_TRUE(write([](Write& w) { return suspend_organization(w, OrganizationId("org"), true); }).suspended);
  EXPECT_TRUE(changed(ChangeKind::organization));
  EXPECT_EQ(audit().front().action, "organization.suspend");
  EXPECT_FALSE(write([](Write& w) { return suspend_organization(w, OrganizationId("org"), false); }).suspended);
  EXPECT_EQ(audit().front().action, "organization.resume");
}

TEST_F(PolicyTest, KeepsAnOrganizationThatHasTeams) {
  make_team("a");
  make_team("b");
  const auto remove = [&] { write([](Write& w) { delete_organization(w, OrganizationId("org")); }); };
  EXPECT_EQ(message_of<Conflict>(remove), "Organization 'org' still has 2 teams");
  for (const char* id : {"a", "b"}) write([&](Write& w) { delete_team(w, TeamId(id)); });
  remove();
  EXPECT_TRUE(changed(ChangeKind::organization));
  EXPECT_EQ(message_of<NotFound>(remove), "Organization 'org' does not exist");
}

TEST_F(PolicyTest, CreatesAModelAlias) {
  const auto made = write([](Write& w) {
    return create_model_alias(w, {AliasName("org/gpt-4"), "openai/gpt-4", "GPT-4", false, 2'500'000, R"({"x":[]})"});
  });
  EXPECT_EQ(made.alias, AliasName("org/gpt-4"));
  EXPECT_EQ(made.litellm_model, "openai/gpt-4");
  EXPECT_EQ(made.description, "GPT-4");
  EXPECT_FALSE(made.active);
  EXPECT_EQ(made.credits_per_call, 2'500'000);
  EXPECT_EQ(made.metadata, R"({"x":[]})");
  EXPECT_TRUE(made.access_groups.empty());
  EXPECT_TRUE(changed(ChangeKind::catalog));
  EXPECT_EQ(audit().front().after,
            R"({"alias":"org/gpt-4","litellm_model":"openai/gpt-4","description":"GPT-4","active":false,)"
            R"("credits_per_call":2.5,"metadata":{"x":[]},"retires_at_ms":null,"successor":null})");
}

TEST_F(PolicyTest, RefusesABadOrTakenModelAlias) {
  const auto fields = invalid_fields([&] {
    write([](Write& w) {
      create_model_alias(w, {AliasName("a b"), "openai/gpt 4", std::string(1025, 'd'), true, -1, "7"});
    });
  });
  EXPECT_EQ(fields, "alias litellm_model description credits_per_call metadata");
  make_alias("gpt-4");
  EXPECT_EQ(message_of<Conflict>([&] { make_alias("gpt-4"); }), "Model alias 'gpt-4' already exists");
}

TEST_F(PolicyTest, ComparesAliasesExactly) {
  make_alias("gpt-4");
  make_alias("GPT-4");
  EXPECT_EQ(count("model_alias"), 2);
}

TEST_F(PolicyTest, UpdatesAModelAlias) {
  make_alias("gpt-4");
  const auto updated = write([](Write& w) {
    ModelAliasPatch patch;
    patch.active = false;
    patch.credits_per_call = 0;
    return update_model_alias(w, AliasName("gpt-4"), patch);
  });
  EXPECT_FALSE(updated.active);
  EXPECT_EQ(updated.credits_per_call, 0);
  EXPECT_EQ(updated.litellm_model, "openai/gpt-4");
  EXPECT_EQ(updated.revision, 2U);
  EXPECT_TRUE(changed(ChangeKind::catalog));
  const auto message =
      message_of<NotFound>([&] { write([](Write& w) { update_model_alias(w, AliasName("x"), {}); }); });
  EXPECT_EQ(message, "Model alias 'x' does not exist");
}

TEST_F(PolicyTest, AnnouncesAnAliasEndAndItsSuccessor) {
  make_alias("new");
  const auto made = write([](Write& w) {
    NewModelAlias old = new_alias("old");
    old.retires_at_ms = 5'000;
    old.successor = AliasName("new");
    return create_model_alias(w, old);
  });
  EXPECT_EQ(made.retires_at_ms, 5'000);
  EXPECT_EQ(made.successor, AliasName("new"));
  const auto update = [&](const ModelAliasPatch& patch) {
    return write([&](Write& w) { return update_model_alias(w, AliasName("old"), patch); });
  };
  ModelAliasPatch patch;
  patch.description = "unchanged otherwise";
  EXPECT_EQ(update(patch).successor, AliasName("new"));
  patch.retires_at_ms.emplace();
  EXPECT_FALSE(update(patch).retires_at_ms);
  patch.successor.emplace();
  EXPECT_FALSE(update(patch).successor);
}

TEST_F(PolicyTest, RefusesASuccessorThatIsNoOtherAlias) {
  make_alias("gpt-4");
  const auto update_to = [&](const char* successor) {
    ModelAliasPatch patch;
    patch.retires_at_ms.emplace(-1);
    patch.successor.emplace(successor);
    write([&](Write& w) { update_model_alias(w, AliasName("gpt-4"), patch); });
  };
  EXPECT_EQ(invalid_fields([&] { update_to("gpt-4"); }), "retires_at successor");
  EXPECT_EQ(invalid_fields([&] { update_to("gpt-5"); }), "retires_at successor");
}

TEST_F(PolicyTest, ADeletedSuccessorIsNone) {
  make_alias("new");
  make_alias("old");
  const auto announced = write([](Write& w) {
    ModelAliasPatch patch;
    patch.successor.emplace("new");
    return update_model_alias(w, AliasName("old"), patch);
  });
  const auto left = write([](Write& w) {
    delete_model_alias(w, AliasName("new"), false);
    return find_model_alias(w.db, AliasName("old"));
  });
  EXPECT_FALSE(left.successor);
  EXPECT_GT(left.revision, announced.revision);
}

TEST_F(PolicyTest, KeepsAnAliasThatGroupsHold) {
  make_alias("gpt-4");
  make_group("a", aliases({"gpt-4"}));
  const auto remove = [&] { write([](Write& w) { delete_model_alias(w, AliasName("gpt-4"), false); }); };
  EXPECT_EQ(message_of<Conflict>(remove), "Model alias 'gpt-4' is still in access group 'a'");
  make_group("b", aliases({"gpt-4"}));
  EXPECT_EQ(message_of<Conflict>(remove), "Model alias 'gpt-4' is still in access groups 'a', 'b'");
}

TEST_F(PolicyTest, ForceTakesAnAliasOutOfItsGroups) {
  make_alias("gpt-4");
  make_alias("other");
  make_group("holds", aliases({"gpt-4", "other"}));
  make_group("empty");
  write([](Write& w) { delete_model_alias(w, AliasName("gpt-4"), true); });
  EXPECT_EQ(group("holds").model_aliases, aliases({"other"}));
  EXPECT_EQ(group("holds").revision, revision_);
  EXPECT_LT(group("empty").revision, revision_);
  EXPECT_TRUE(changed(ChangeKind::catalog));
  EXPECT_EQ(audit().front().action, "model_alias.delete");
  EXPECT_EQ(audit().front().after, "null");
}

TEST_F(PolicyTest, CreatesAGroupInTheGivenOrderWithoutDuplicates) {
  for (const char* alias : {"a", "b", "c"}) make_alias(alias);
  make_group("g", aliases({"c", "a", "c", "b", "a"}));
  EXPECT_EQ(group("g").model_aliases, aliases({"c", "a", "b"}));
  EXPECT_EQ(group("g").created_at_ms, kNow / 1000 * 1000);
  EXPECT_EQ(message_of<Conflict>([&] { make_group("g"); }), "Access group 'g' already exists");
}

TEST_F(PolicyTest, NamesEveryUnknownAliasAndChangesNothing) {
  make_alias("known");
  EXPECT_EQ(message_of<Invalid>([&] { make_group("g", aliases({"x", "known"})); }),
            "model_aliases: Model alias 'x' does not exist");
  EXPECT_EQ(message_of<Invalid>([&] { make_group("g", aliases({"x", "known", "y", "x"})); }),
            "model_aliases: Model aliases 'x', 'y' do not exist");
  EXPECT_EQ(count("access_group"), 0);
  make_group("g", aliases({"known"}));
  for (const auto change : {add_models, remove_models}) {
    EXPECT_EQ(invalid_fields([&] { write([&](Write& w) { change(w, GroupName("g"), aliases({"known", "x"})); }); }),
              "model_aliases");
  }
  EXPECT_EQ(group("g").model_aliases, aliases({"known"}));
}

TEST_F(PolicyTest, LimitsTheAliasesOfAGroup) {
  const std::vector<AliasName> many(1001, AliasName("a"));
  EXPECT_EQ(invalid_fields([&] { make_group("g", many); }), "model_aliases");
  std::vector<AliasName> half;
  write([&](Write& w) {
    for (int i = 0; i < 1001; ++i) {
      const AliasName alias("a" + std::to_string(i));
      create_model_alias(w, new_alias(alias.str()));
      if (i < 1000) half.push_back(alias);
    }
  });
  make_group("g", half);
  const auto add = [&] { write([](Write& w) { add_models(w, GroupName("g"), aliases({"a1000"})); }); };
  EXPECT_EQ(invalid_fields(add), "model_aliases");
  EXPECT_EQ(group("g").model_aliases.size(), 1000U);
}

TEST_F(PolicyTest, AddsAndRemovesModels) {
  for (const char* alias : {"a", "b", "c"}) make_alias(alias);
  make_group("g", aliases({"b"}));
  const auto add = [&] {
    return write([](Write& w) { return add_models(w, GroupName("g"), aliases({"c", "b", "a"})); });
  };
  EXPECT_EQ(add().model_aliases, aliases({"b", "c", "a"}));
  EXPECT_EQ(group("g").revision, revision_);
  EXPECT_TRUE(changed(ChangeKind::catalog));
  EXPECT_EQ(add().model_aliases, aliases({"b", "c", "a"}));
  const auto remove = [&] { return write([](Write& w) { return remove_models(w, GroupName("g"), aliases({"c"})); }); };
  EXPECT_EQ(remove().model_aliases, aliases({"b", "a"}));
  EXPECT_EQ(group("g").revision, revision_);
  EXPECT_EQ(remove().model_aliases, aliases({"b", "a"}));
  EXPECT_EQ(add().model_aliases, aliases({"b", "a", "c"}));
}

TEST_F(PolicyTest, ReplacesTheListOfAGroup) {
  for (const char* alias : {"a", "b", "c"}) make_alias(alias);
  make_group("g", aliases({"a", "b"}));
  const auto updated =
      write([](Write& w) { return update_access_group(w, GroupName("g"), {"D", aliases({"c", "b"})}); });
  EXPECT_EQ(updated.model_aliases, aliases({"c", "b"}));
  EXPECT_EQ(updated.description, "D");
  EXPECT_EQ(updated.revision, revision_);
  const auto described = write([](Write& w) { return update_access_group(w, GroupName("g"), {"E", {}}); });
  EXPECT_EQ(described.model_aliases, aliases({"c", "b"}));
  const auto emptied =
      write([](Write& w) { return update_access_group(w, GroupName("g"), {{}, std::vector<AliasName>{}}); });
  EXPECT_TRUE(emptied.model_aliases.empty());
}

TEST_F(PolicyTest, DeletingAGroupTellsWhoHadIt) {
  make_group("g");
  make_group("other");
  make_team("granted");
  make_team("member", groups({"other", "g"}));
  make_team("elsewhere", groups({"other"}));
  make_team("ended");
  write([](Write& w) { create_grant(w, TeamId("granted"), {GroupName("g"), {}, kNow + 5000, ""}); });
  write([](Write& w) { create_grant(w, TeamId("member"), {GroupName("g"), {}, kNow + 5000, ""}); });
  write([](Write& w) { create_grant(w, TeamId("ended"), {GroupName("g"), {}, kNow + 1, ""}); });
  now_ms_ += 1000;
  const auto affected = write([](Write& w) { return delete_access_group(w, GroupName("g")); });
  EXPECT_EQ(affected, teams({"member", "granted"}));
  EXPECT_EQ(team("member").access_groups, groups({"other"}));
  EXPECT_EQ(count("team_grant"), 0);
  EXPECT_EQ(team("member").revision, revision_);
  EXPECT_EQ(team("granted").revision, revision_);
  EXPECT_LT(team("elsewhere").revision, revision_);
  EXPECT_TRUE(changed(ChangeKind::catalog));
}

TEST_F(PolicyTest, DeletesAGroupThatNobodyMayMiss) {
  for (const char* name : {"unused", "owned", "coming"}) make_group(name);
  make_team("t", groups({"owned"}));
  write([](Write& w) { create_grant(w, TeamId("t"), {GroupName("coming"), kNow + 5000, kNow + 6000, ""}); });
  for (const char* name : {"owned", "coming"}) {
    EXPECT_EQ(message_of<Conflict>([&] { write([&](Write& w) { delete_access_group(w, GroupName(name), true); }); }),
              "Access group '" + std::string(name) + "' is some team's, or granted to one");
  }
  write([](Write& w) { delete_access_group(w, GroupName("unused"), true); });
  EXPECT_EQ(count("access_group"), 2);
}

TEST_F(PolicyTest, RefusesAStaleRevision) {
  make_alias("a");
  make_group("g");
  make_team("t");
  const WriteOptions stale{.actor = "operator", .dry_run = false, .if_revision = 99};
  const auto message = message_of<PreconditionFailed>(
      [&] { write([](Write& w) { update_access_group(w, GroupName("g"), {"x", {}}); }, stale); });
  EXPECT_EQ(message, "Access group 'g' was changed since it was read: it is at revision 2, not 99");
  const std::vector<std::function<void(Write&)>> others = {
      [](Write& w) { update_organization(w, OrganizationId("org"), {}); },
      [](Write& w) { suspend_organization(w, OrganizationId("org"), true); },
      [](Write& w) { delete_organization(w, OrganizationId("org")); },
      [](Write& w) { update_model_alias(w, AliasName("a"), {}); },
      [](Write& w) { delete_model_alias(w, AliasName("a"), false); },
      [](Write& w) { add_models(w, GroupName("g"), aliases({"a"})); },
      [](Write& w) { remove_models(w, GroupName("g"), aliases({"a"})); },
      [](Write& w) { delete_access_group(w, GroupName("g")); },
      [](Write& w) { update_team(w, TeamId("t"), {}); },
      [](Write& w) { suspend_team(w, TeamId("t"), true); },
      [](Write& w) { delete_team(w, TeamId("t")); },
      [](Write& w) { create_grant(w, TeamId("t"), {GroupName("g"), {}, kNow + 5000, ""}); },
  };
  for (const auto& other : others) EXPECT_THROW(write(other, stale), PreconditionFailed);
  WriteOptions current;
  current.if_revision = 2;
  write([](Write& w) { update_access_group(w, GroupName("g"), {"x", {}}); }, current);
  EXPECT_EQ(group("g").description, "x");
}

TEST_F(PolicyTest, BootstrapsWhatIsAbsent) {
  make_alias("a");
  const auto run = [&] {
    return write([](Write& w) {
      NewModelAlias present = new_alias("a");
      present.litellm_model = "other";
      return bootstrap(w, {present, new_alias("b")}, {{GroupName("g"), "", aliases({"b", "a"})}});
    });
  };
  const auto created = run();
  EXPECT_EQ(created.model_aliases, aliases({"b"}));
  EXPECT_EQ(created.access_groups, groups({"g"}));
  const auto left = read([](Connection& db) { return find_model_alias(db, AliasName("a")); });
  EXPECT_EQ(left.litellm_model, "openai/a");
  EXPECT_EQ(left.access_groups, groups({"g"}));
  const auto again = run();
  EXPECT_TRUE(again.model_aliases.empty() && again.access_groups.empty());
  EXPECT_TRUE(changes_.empty());
}

TEST_F(PolicyTest, AuditsEveryWriteOnce) {
  WriteOptions options;
  options.actor = "ada";
  write([](Write& w) { create_access_group(w, {GroupName("g"), "old", {}}); }, options);
  write([](Write& w) { update_access_group(w, GroupName("g"), {"new", {}}); }, options);
  const auto entries = audit();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].actor, "ada");
  EXPECT_EQ(entries[0].action, "access_group.update");
  EXPECT_EQ(entries[0].target_type, "access_group");
  EXPECT_EQ(entries[0].target_id, "g");
  EXPECT_EQ(entries[0].at_ms, kNow);
  EXPECT_EQ(entries[0].revision, 2U);
  EXPECT_EQ(entries[0].before, R"({"group_name":"g","description":"old","model_aliases":[]})");
  EXPECT_EQ(entries[0].after, R"({"group_name":"g","description":"new","model_aliases":[]})");
  EXPECT_EQ(entries[1].before, "null");
}

TEST_F(PolicyTest, ADryRunLeavesNothing) {
  WriteOptions options;
  options.dry_run = true;
  const auto made = write([](Write& w) { return create_access_group(w, {GroupName("g"), "d", {}}); }, options);
  EXPECT_EQ(made.description, "d");
  EXPECT_EQ(count("access_group"), 0);
  EXPECT_EQ(count("audit"), 0);
}

}  // namespace
}  // namespace saas_access
