// Admin writes with any content, in any order. What is accepted is kept unchanged, what is refused changes nothing, and
// a snapshot that is caught up with a write equals one that is loaded afresh.

#include <algorithm>
#include <optional>
#include <vector>

#include "saas_access/authorizer.hpp"
#include "saas_access/directory.hpp"
#include "snapshot_text.hpp"
#include "store.hpp"

namespace saas_access::fuzz {

std::vector<std::string> seeds() {
  std::vector<std::string> all;
  for (char operation = 0; operation < 18; ++operation) {
    all.push_back(std::string(1, operation) + std::string("\x01\x05\x80\x02\xA3\x40\x03\x00\x01\x06\x11\x70\x02", 14));
  }
  all.emplace_back("\x00\x02\x81n\x02\x03\x02\xF1x\x04\x05\x07\x08\x02\x01\x01\x0A\x02\x0B\x02\x0D\x01\x00", 23);
  return all;
}

namespace {

class Writes {
 public:
  Writes(Connection& db, Input& input) : db_(db), input_(input), snapshot_(load_snapshot(db)) {}

  /// One write; then the comparison of the snapshots.
  void step() {
    WriteOptions options;
    options.actor = input_.flag() ? "operator" : input_.text();
    if (input_.byte() == 1) options.if_revision = input_.number();
    Write write{db_, options, kNow + input_.byte(), snapshot_.revision + 1};
    const std::int64_t audits = count_audits();
    const bool done = is_done(db_, [&] { run(write); });
    require(count_audits() == audits + (done ? 1 : 0), "one audit entry for a write, none for a refusal");
    const ChangeSet changes = done ? write.changes : ChangeSet{};
    if (done) db_.exec("UPDATE policy_state SET revision = " + std::to_string(write.revision));
    const Snapshot loaded = load_snapshot(db_);
    snapshot_ = apply_changes(db_, snapshot_, changes, loaded.revision);
    require(SnapshotText(snapshot_).text() == SnapshotText(loaded).text(), "catching up equals loading afresh");
    if (done) check_audit(options.actor);
  }

 private:
  void run(Write& write) {
    switch (input_.pick(18)) {
      case 0:
        return make_organization(write);
      case 1:
        return change_organization(write);
      case 2:
        return delete_organization(write, organization());
      case 3:
        return make_alias(write);
      case 4:
        return change_alias(write);
      case 5:
        return drop_alias(write);
      case 6:
        return make_group(write);
      case 7:
        return change_group(write);
      case 8:
        return change_members(write, add_models);
      case 9:
        return change_members(write, remove_models);
      case 10:
        return static_cast<void>(delete_access_group(write, group()));
      case 11:
        return make_team(write);
      case 12:
        return change_team(write);
      case 13:
        return suspend_or_delete(write);
      case 14:
        return grant(write);
      case 15:
        return make_key(write);
      default:
        return change_key(write);
    }
  }

  void make_organization(Write& write) {
    const NewOrganization given{organization(), input_.text(), metadata()};
    create_organization(write, given);
    const Organization kept = find_organization(db_, given.organization_id);
    require(kept.name == given.name && kept.metadata == given.metadata && !kept.suspended, "an organization is kept");
  }

  void change_organization(Write& write) {
    const OrganizationId id = organization();
    if (input_.flag()) return static_cast<void>(suspend_organization(write, id, input_.flag()));
    const OrganizationPatch patch{optional([&] { return input_.text(); }), optional([&] { return metadata(); })};
    update_organization(write, id, patch);
    const Organization kept = find_organization(db_, id);
    require(kept.name == patch.name.value_or(kept.name) && kept.metadata == patch.metadata.value_or(kept.metadata),
            "an organization's change is kept");
  }

  void make_alias(Write& write) {
    NewModelAlias given;
    given.alias = alias();
    given.litellm_model = input_.text();
    given.description = input_.text();
    given.active = input_.flag();
    given.credits_per_call = amount();
    given.metadata = metadata();
    create_model_alias(write, given);
    const ModelAlias kept = find_model_alias(db_, given.alias);
    require(kept.alias == given.alias && kept.litellm_model == given.litellm_model &&
                kept.description == given.description && kept.active == given.active &&
                kept.credits_per_call == given.credits_per_call && kept.metadata == given.metadata,
            "an alias is kept");
  }

  void change_alias(Write& write) {
    const AliasName name = alias();
    ModelAliasPatch patch;
    patch.litellm_model = optional([&] { return input_.text(); });
    patch.active = optional([&] { return input_.flag(); });
    patch.credits_per_call = optional([&] { return amount(); });
    update_model_alias(write, name, patch);
    const ModelAlias kept = find_model_alias(db_, name);
    require(kept.litellm_model == patch.litellm_model.value_or(kept.litellm_model) &&
                kept.active == patch.active.value_or(kept.active) &&
                kept.credits_per_call == patch.credits_per_call.value_or(kept.credits_per_call),
            "an alias's change is kept");
  }

  void drop_alias(Write& write) {
    const AliasName name = alias();
    delete_model_alias(write, name, input_.flag());
  }

  void make_group(Write& write) {
    const NewAccessGroup given{group(), input_.text(), list<AliasName>("a")};
    create_access_group(write, given);
    const AccessGroup kept = find_access_group(db_, given.group_name, kNow);
    require(kept.description == given.description, "a group's description is kept");
    require(kept.model_aliases == each_once(given.model_aliases), "a group's list is kept, in order");
  }

  void change_group(Write& write) {
    const GroupName name = group();
    const AccessGroupPatch patch{optional([&] { return input_.text(); }),
                                 optional([&] { return list<AliasName>("a"); })};
    update_access_group(write, name, patch);
    const AccessGroup kept = find_access_group(db_, name, kNow);
    require(kept.description == patch.description.value_or(kept.description), "a group's new description is kept");
    if (patch.model_aliases)
      require(kept.model_aliases == each_once(*patch.model_aliases), "a group's new list is kept");
  }

  void change_members(Write& write, AccessGroup (*operation)(Write&, const GroupName&, const std::vector<AliasName>&)) {
    const GroupName name = group();
    operation(write, name, list<AliasName>("a"));
  }

  void make_team(Write& write) {
    NewTeam given;
    given.organization_id = organization();
    given.team_id = team();
    given.team_alias = input_.text();
    given.access_groups = list<GroupName>("g");
    given.credits_allocated = amount();
    given.budget_mode = static_cast<BudgetMode>(input_.pick(3));
    given.credits_per_dollar = amount();
    given.tokens_per_credit = amount();
    given.rpm_limit = optional([&] { return amount(); });
    given.metadata = metadata();
    if (input_.flag()) given.first_key = secret();
    create_team(write, given);
    const Team kept = find_team(db_, given.team_id);
    require(kept.organization_id == given.organization_id && kept.team_alias == given.team_alias &&
                kept.access_groups == each_once(given.access_groups) && kept.budget_mode == given.budget_mode &&
                kept.credits_per_dollar == given.credits_per_dollar &&
                kept.tokens_per_credit == given.tokens_per_credit && kept.rpm_limit == given.rpm_limit &&
                kept.metadata == given.metadata,
            "a team is kept");
    require(find_balance(db_, given.team_id).remaining == given.credits_allocated, "a team's credits are kept");
  }

  void change_team(Write& write) {
    const TeamId id = team();
    TeamPatch patch;
    patch.team_alias = optional([&] { return input_.text(); });
    patch.access_groups = optional([&] { return list<GroupName>("g"); });
    patch.credits_allocated = optional([&] { return amount(); });
    patch.tpm_limit = optional([&] { return optional([&] { return amount(); }); });
    update_team(write, id, patch);
    const Team kept = find_team(db_, id);
    require(kept.team_alias == patch.team_alias.value_or(kept.team_alias) &&
                kept.tpm_limit == patch.tpm_limit.value_or(kept.tpm_limit),
            "a team's change is kept");
    if (patch.access_groups) require(kept.access_groups == each_once(*patch.access_groups), "a team's groups are kept");
    if (patch.credits_allocated)
      require(find_balance(db_, id).allocated == *patch.credits_allocated, "credits are set");
  }

  void suspend_or_delete(Write& write) {
    const TeamId id = team();
    if (input_.byte() < 64) return delete_team(write, id);
    suspend_team(write, id, input_.flag());
  }

  void grant(Write& write) {
    const TeamId id = team();
    if (input_.flag()) return delete_grant(write, id, any_grant(id));
    const NewGrant given{group(), optional([&] { return time(); }), time(), input_.text()};
    const GrantId grant_id = create_grant(write, id, given).grant_id;
    const auto grants = list_grants(db_, id);
    const auto kept =
        std::find_if(grants.begin(), grants.end(), [&](const Grant& g) { return g.grant_id == grant_id; });
    require(kept != grants.end() && kept->access_group == given.access_group && kept->reason == given.reason &&
                kept->expires_at_ms == given.expires_at_ms && kept->expires_at_ms > kept->starts_at_ms,
            "a grant is kept");
  }

  void make_key(Write& write) {
    const TeamId id = team();
    NewVirtualKey given;
    given.name = input_.text();
    given.expires_at_ms = optional([&] { return time(); });
    given.model_aliases = optional([&] { return list<AliasName>("a"); });
    given.secret = optional([&] { return secret(); });
    const VirtualKey made = create_key(write, id, given);
    const VirtualKey kept = find_key(db_, id, made.key_id, write.now_ms);
    require(kept.name == given.name && kept.expires_at_ms == given.expires_at_ms && kept.status == KeyStatus::active &&
                kept.last_four == given.secret->last_four &&
                kept.model_aliases.has_value() == given.model_aliases.has_value(),
            "a key is kept");
    if (given.model_aliases)
      require(*kept.model_aliases == each_once(*given.model_aliases), "a key's narrowing is kept");
  }

  void change_key(Write& write) {
    const TeamId id = team();
    const KeyId key = any_key(id);
    if (input_.flag()) return static_cast<void>(revoke_key(write, id, key));
    const std::int64_t grace_seconds = amount();
    rotate_key(write, id, key, grace_seconds, secret());
    require(find_key(db_, id, key, write.now_ms).status == KeyStatus::active, "a key that was rotated is active");
  }

  OrganizationId organization() { return OrganizationId(input_.name("o", 3)); }
  TeamId team() { return TeamId(input_.name("t", 3)); }
  AliasName alias() { return AliasName(input_.name("a", 4)); }
  GroupName group() { return GroupName(input_.name("g", 3)); }
  std::string metadata() { return input_.byte() < 192 ? R"({"plan": "gold"})" : input_.text(); }
  UnixMs time() { return input_.byte() < 224 ? kNow + input_.byte() : input_.number(); }
  std::int64_t amount() { return input_.byte() < 224 ? 1 + input_.amount() : input_.number(); }
  KeySecret secret() { return {digest_of(input_.byte()), input_.text()}; }

  template <class Make>
  auto optional(Make&& make) -> std::optional<decltype(make())> {
    if (input_.flag()) return make();
    return std::nullopt;
  }

  template <class Name>
  std::vector<Name> list(const char* prefix) {
    std::vector<Name> names;
    for (std::size_t left = input_.pick(5); left > 0; --left)
      names.emplace_back(input_.name(prefix, input_.byte() < 224 ? 2 : 4));
    return names;
  }

  template <class Name>
  static std::vector<Name> each_once(const std::vector<Name>& names) {
    std::vector<Name> once;
    for (const Name& name : names) {
      if (std::find(once.begin(), once.end(), name) == once.end()) once.push_back(name);
    }
    return once;
  }

  KeyId any_key(const TeamId& id) {
    const auto keys = list_keys(db_, id, kNow);
    return keys.empty() || input_.byte() == 0 ? KeyId(input_.text()) : input_.any(keys).key_id;
  }

  GrantId any_grant(const TeamId& id) {
    const auto grants = list_grants(db_, id);
    return grants.empty() || input_.byte() == 0 ? GrantId(input_.text()) : input_.any(grants).grant_id;
  }

  std::int64_t count_audits() { return db_.execAndGet("SELECT count(*) FROM audit").getInt64(); }

  void check_audit(const std::string& actor) {
    const AuditEntry entry = list_audit(db_, {}, {std::nullopt, 1}).items.at(0);
    require(entry.actor == actor, "the audit names who did it");
    for (const std::string& side : {entry.before, entry.after}) {
      const Json object = Json::parse(side, nullptr, false);
      require(object.is_object() || object.is_null(), "the audit holds JSON objects");
    }
  }

  Connection& db_;
  Input& input_;
  Snapshot snapshot_;
};

}  // namespace
}  // namespace saas_access::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace saas_access;
  using namespace saas_access::fuzz;
  Input input(data, std::min<std::size_t>(size, 400));
  Store::shared().in_undone_transaction([&](Connection& db) {
    Writes writes(db, input);
    while (!input.done()) writes.step();
  });
  return 0;
}
