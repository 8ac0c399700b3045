"""Taking back what the audit tells of."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from saas_access._core import PreconditionFailed, WriteOptions
from saas_access.admin.undoing import Undoing

from .serving import answered, created, refused

if TYPE_CHECKING:
    from .serving import Acme, Client, Server

FAR = "2999-01-01T00:00:00Z"


def newest(operator: Client) -> Any:
    return answered(operator.get("/api/audit?limit=1"))["entries"][0]


def undo(operator: Client, entry: Any, **headers: str) -> Any:
    return answered(operator.post(f"/api/audit/{entry['id']}/undo", headers=headers))


def state(operator: Client) -> Any:
    """Everything that an operator can set. A grant made again has another id, place and time of creation."""
    teams = [team["team_id"] for team in answered(operator.get("/api/teams"))["teams"]]
    details = [answered(operator.get(f"/api/teams/{team_id}")) for team_id in teams]
    for detail in details:
        for grant in detail["grants"]:
            del grant["grant_id"], grant["created_at"]
        detail["grants"].sort(key=str)
    groups = answered(operator.get("/api/model-access-groups"))["access_groups"]
    return {
        "organizations": answered(operator.get("/api/organizations")),
        "aliases": answered(operator.get("/api/model-aliases")),
        "groups": [answered(operator.get(f"/api/model-access-groups/{group['group_name']}")) for group in groups],
        "teams": details,
    }


class Changes:
    """Changes at random that the API takes, some of which change nothing."""

    def __init__(self, operator: Client, seed: int) -> None:
        self._operator = operator
        self._random = random.Random(seed)
        self._made = 0

    def make(self) -> None:
        self._made += 1
        kinds = (self._team, self._group, self._models, self._alias, self._organization, self._suspension, self._grant)
        self._random.choice((*kinds, self._creation))()

    def _some(self, names: list[str]) -> list[str]:
        return self._random.sample(names, self._random.randint(0, len(names)))

    def _listed(self, path: str, field: str, name: str) -> list[str]:
        return [item[name] for item in answered(self._operator.get(path))[field]]

    def _groups(self) -> list[str]:
        return self._listed("/api/model-access-groups", "access_groups", "group_name")

    def _aliases(self) -> list[str]:
        return self._listed("/api/model-aliases", "model_aliases", "alias")

    def _metadata(self) -> Any:
        return self._random.choice(
            [{}, {"plan": "pro", "n": 2**63 - 1}, {"x": [0.1, 1e300, None, True], "\u00e4": "\u0000"}]
        )

    def _team(self) -> None:
        choose = self._random.choice
        fields = {
            "team_alias": choose(["", "Production", "\U0001f600"]),
            "access_groups": self._some(self._groups()),
            "budget_mode": choose(["job_based", "consumption_usd", "consumption_tokens"]),
            "credits_per_dollar": choose([10, 0.000001, 999999999.999999, 10**11]),
            "tokens_per_credit": choose([1, 10_000]),
            "rpm_limit": choose([None, 60]),
            "tpm_limit": choose([None, 1, 10**12]),
            "refill": choose(
                [None, {"credits": 2.5, "period": "weekly"}, {"credits": 7, "period": "daily", "mode": "top_up"}]
            ),
            "low_balance_thresholds": self._some([100, 10.5, 0]),  # type: ignore[list-item]
            "metadata": self._metadata(),
        }
        body = {name: fields[name] for name in self._some(list(fields))}
        answered(self._operator.put(f"/api/teams/{choose(['acme-prod', 'techco-dev'])}", json=body))

    def _group(self) -> None:
        fields = {"description": self._random.choice(["", "New"]), "model_aliases": self._some(self._aliases())}
        body = {name: fields[name] for name in self._some(list(fields))}
        answered(self._operator.put(f"/api/model-access-groups/{self._random.choice(self._groups())}", json=body))

    def _models(self) -> None:
        path = f"/api/model-access-groups/{self._random.choice(self._groups())}"
        body = {"model_aliases": self._some(self._aliases())}
        answered(self._operator.post(f"{path}/{self._random.choice(['add', 'remove'])}-models", json=body))

    def _alias(self) -> None:
        fields = {
            "litellm_model": self._random.choice(["openai/a", "openai/b"]),
            "description": self._random.choice(["", "New"]),
            "active": self._random.choice([True, False]),
            "credits_per_call": self._random.choice([0, 0.1, 3]),
            "metadata": self._metadata(),
        }
        body = {name: fields[name] for name in self._some(list(fields))}
        answered(self._operator.put(f"/api/model-aliases/{self._random.choice(self._aliases())}", json=body))

    def _organization(self) -> None:
        body = {"name": self._random.choice(["A", "B"]), "metadata": self._metadata()}
        answered(self._operator.put("/api/organizations/org_acme", json=body))

    def _suspension(self) -> None:
        what = self._random.choice(["/api/organizations/org_acme", "/api/teams/techco-dev"])
        answered(self._operator.put(f"{what}/{self._random.choice(['suspend', 'resume'])}"))

    def _grant(self) -> None:
        path = "/api/teams/techco-dev/grants"
        grants = answered(self._operator.get("/api/teams/techco-dev"))["grants"]
        if grants and self._random.random() < 0.5:
            answered(self._operator.delete(f"{path}/{self._random.choice(grants)['grant_id']}"))
        else:
            body = {"access_group": self._random.choice(self._groups()), "expires_at": FAR, "reason": "Trial"}
            created(self._operator.post(path, json=body))

    def _creation(self) -> None:
        kind, body = self._random.choice(
            [
                ("organizations", {"organization_id": f"o{self._made}", "name": "New"}),
                ("model-aliases", {"alias": f"a{self._made}", "litellm_model": "openai/a"}),
                ("model-access-groups", {"group_name": f"g{self._made}", "model_aliases": self._some(self._aliases())}),
            ]
        )
        created(self._operator.post(f"/api/{kind}/create", json=body))


@pytest.mark.parametrize("seed", range(3))
def test_what_was_done_and_undone_leaves_no_trace_but_in_the_audit(operator: Client, stocked: Acme, seed: int) -> None:
    changes = Changes(operator, seed)
    undone = set()
    for _ in range(40):
        before = state(operator)
        changes.make()
        entry = newest(operator)
        if not entry["undoable"]:
            assert entry["before"] == entry["after"]
            assert "changed nothing" in refused(operator.post(f"/api/audit/{entry['id']}/undo"), 409)["message"]
            continue
        after = state(operator)
        path = f"/api/audit/{entry['id']}/undo"
        tried = answered(operator.post(f"{path}?dry_run=true"))
        assert state(operator) == after
        told = answered(operator.post(path))
        assert {name: tried[name] for name in told} == told
        assert state(operator) == before
        assert newest(operator)["id"] == entry["id"] + 1
        undone.add(entry["action"])
        if newest(operator)["undoable"] and changes._random.random() < 0.5:
            undo(operator, newest(operator))
            assert state(operator) == after
    assert len(undone) >= 6


def test_undo_tells_what_it_brings_back(operator: Client, stocked: Acme) -> None:
    answered(operator.put("/api/teams/acme-prod", json={"access_groups": ["claude-models"], "team_alias": "New"}))
    entry = newest(operator)
    path = f"/api/audit/{entry['id']}/undo"
    assert answered(operator.post(f"{path}?dry_run=true")) == {
        "undone": entry["id"],
        "target_type": "team",
        "target_id": "acme-prod",
        "before": {"team_alias": "New", "access_groups": ["claude-models"]},
        "after": {"team_alias": "Production", "access_groups": ["gpt-models"]},
        "dry_run": True,
        "changes": [{"team_id": "acme-prod", "gains": ["gpt-4", "gpt-3.5-turbo"], "loses": ["claude-3-opus"]}],
    }
    etag = operator.get("/api/teams/acme-prod").headers["etag"]
    refused(operator.post(path, headers={"If-Match": '"1"'}), 412)
    undo(operator, entry, **{"If-Match": etag})
    team = answered(operator.get("/api/teams/acme-prod"))
    assert (team["access_groups"], team["team_alias"]) == (["gpt-models"], "Production")
    assert (newest(operator)["action"], newest(operator)["before"]) == ("team.update", entry["after"])


def test_the_announced_end_of_an_alias_is_brought_back(operator: Client, stocked: Acme) -> None:
    announced = {"retires_at": "2030-01-31T12:00:00Z", "successor": "gpt-3.5-turbo"}
    answered(operator.put("/api/model-aliases/gpt-4", json=announced))
    first = newest(operator)
    answered(operator.put("/api/model-aliases/gpt-4", json={"retires_at": None, "successor": None, "active": False}))
    second = newest(operator)
    assert not answered(operator.get(f"/api/audit/{first['id']}"))["undoable"]
    undo(operator, second)
    found = answered(operator.get("/api/model-aliases/gpt-4"))
    assert ({name: found[name] for name in announced}, found["active"]) == (announced, True)
    undo(operator, first)
    found = answered(operator.get("/api/model-aliases/gpt-4"))
    assert (found.get("retires_at"), found.get("successor")) == (None, None)


def test_an_end_whose_successor_was_deleted_is_not_brought_back(operator: Client, stocked: Acme) -> None:
    created(operator.post("/api/model-aliases/create", json={"alias": "next", "litellm_model": "openai/next"}))
    answered(operator.put("/api/model-aliases/gpt-4", json={"successor": "next"}))
    answered(operator.put("/api/model-aliases/gpt-4", json={"successor": None}))
    entry = newest(operator)
    answered(operator.delete("/api/model-aliases/next"))
    assert not answered(operator.get(f"/api/audit/{entry['id']}"))["undoable"]
    assert "'next' was deleted since" in refused(operator.post(f"/api/audit/{entry['id']}/undo"), 409)["message"]


def test_what_changed_since_is_told_and_kept(operator: Client, stocked: Acme) -> None:
    answered(operator.put("/api/teams/acme-prod", json={"rpm_limit": 5}))
    entry = newest(operator)
    answered(operator.put("/api/teams/acme-prod", json={"rpm_limit": 7, "team_alias": "Mine"}))
    assert not answered(operator.get(f"/api/audit/{entry['id']}"))["undoable"]
    message = refused(operator.post(f"/api/audit/{entry['id']}/undo"), 412)["message"]
    assert message == (
        f"Team 'acme-prod' was changed since audit entry {entry['id']}: "
        'team_alias is "Mine" now, not "Production"; rpm_limit is 7 now, not 5'
    )
    assert answered(operator.get("/api/teams/acme-prod"))["rpm_limit"] == 7
    undo(operator, newest(operator))
    undo(operator, entry)  # it is again as this one left it
    assert answered(operator.get("/api/teams/acme-prod"))["rpm_limit"] is None


def test_a_write_that_comes_between_is_not_overwritten(server: Server, operator: Client, stocked: Acme) -> None:
    answered(operator.put("/api/model-access-groups/gpt-models", json={"description": "New"}))
    entry = newest(operator)
    found, _ = server.runtime.engine.list_audit(limit=1)
    inverse = Undoing(server.runtime.engine).inverse_of(found[0])
    answered(operator.put("/api/model-access-groups/gpt-models", json={"description": "Newer"}))
    with pytest.raises(PreconditionFailed):
        inverse.write(WriteOptions(if_revision=inverse.revision))
    assert not answered(operator.get(f"/api/audit/{entry['id']}"))["undoable"]


def test_what_has_no_exact_inverse_says_why(operator: Client, stocked: Acme) -> None:
    answered(operator.delete("/api/model-access-groups/claude-models"))
    answered(operator.post("/api/credits/add", json={"team_id": "acme-prod", "amount": 5}))
    answered(operator.put("/api/teams/acme-prod", json={"credits_allocated": 500, "rpm_limit": 5}))
    created(operator.post("/api/teams/acme-prod/keys", json={}))
    answered(operator.put("/api/teams/acme-prod", json={"access_groups": []}))
    answered(operator.delete("/api/teams/techco-dev"))
    for entry in answered(operator.get("/api/audit"))["entries"]:
        response = operator.post(f"/api/audit/{entry['id']}/undo?dry_run=true")
        assert entry["undoable"] == (response.status_code == 200), entry
    reasons = {
        entry["action"]: refused(operator.post(f"/api/audit/{entry['id']}/undo"), 409)["message"]
        for entry in answered(operator.get("/api/audit"))["entries"]
        if not entry["undoable"] and entry["action"] != "access_group.create"
    }
    assert "can't be made again as it was" in reasons["access_group.delete"]
    assert "the ledger only grows" in reasons["credits.add"]
    assert "set credits_allocated" in reasons["team.update"]
    assert "revoke it" in reasons["key.create"]
    assert "never free again" in reasons["team.delete"]
    assert "'gpt-models' lists it" in reasons["model_alias.create"]
    assert "belongs to it" in reasons["organization.create"]


def test_what_a_change_listed_must_still_exist(operator: Client, stocked: Acme) -> None:
    answered(operator.put("/api/teams/acme-prod", json={"access_groups": []}))
    entry = newest(operator)
    answered(operator.delete("/api/model-access-groups/gpt-models"))
    message = refused(operator.post(f"/api/audit/{entry['id']}/undo"), 409)["message"]
    assert "access group 'gpt-models' was deleted since" in message


def test_a_created_group_that_somebody_has_by_now_stays(operator: Client, stocked: Acme) -> None:
    created(operator.post("/api/model-access-groups/create", json={"group_name": "g"}))
    entry = newest(operator)
    grant = {"access_group": "g", "starts_at": "2998-01-01T00:00:00Z", "expires_at": FAR}
    created(operator.post("/api/teams/acme-prod/grants", json=grant))
    assert "granted to one" in refused(operator.post(f"/api/audit/{entry['id']}/undo"), 409)["message"]
    undo(operator, newest(operator))
    undo(operator, entry)
    refused(operator.get("/api/model-access-groups/g"), 404)
    refused(operator.post(f"/api/audit/{entry['id']}/undo"), 412)
    created(operator.post("/api/model-access-groups/create", json={"group_name": "g"}))
    refused(operator.post(f"/api/audit/{entry['id']}/undo"), 412)


def test_the_audit_is_read_by_entry_action_and_type(operator: Client, stocked: Acme) -> None:
    every = answered(operator.get("/api/audit"))["entries"]
    for entry in every:
        assert answered(operator.get(f"/api/audit/{entry['id']}")) == entry
    found = answered(operator.get("/api/audit?action=team.create"))["entries"]
    assert [entry["target_id"] for entry in found] == ["techco-dev", "acme-prod"]
    found = answered(operator.get("/api/audit?target_type=team"))["entries"]
    assert found == [entry for entry in every if entry["target_type"] == "team"]
    for path in ("/api/audit/99", f"/api/audit/{2**62 - 1}"):
        assert "does not exist" in refused(operator.get(path), 404)["message"]
        refused(operator.post(f"{path}/undo"), 404)
    refused(operator.get("/api/audit/0"), 422)
