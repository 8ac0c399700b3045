"""What users of gateways found wrong with lists of models, with the check of a call, and with the credits for it.

Each test bears the number of its ask in docs/field-asks.md, which also names the tests elsewhere that answer others.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from running import MASTER_KEY, Proxy, Upstream
from selling import Customer, sell
from test_calls import CONTENTS, ROUTES, post

CHAT = "/v1/chat/completions"
MESSAGES = [{"role": "user", "content": "hi"}]
FAR_FUTURE = "2100-01-01T00:00:00Z"
# Words that mean "every model", or none, in LiteLLM and elsewhere.
SENTINELS = ["all-proxy-models", "all-team-models", "all-org-models", "no-default-models", "default", "all", "*"]


def listed(customer: Customer) -> list[str]:
    with customer.client() as client:
        answer = client.get("/v1/models")
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["data"]]


def called(customer: Customer, names: Iterable[str]) -> set[str]:
    """Those of the names under which a model answers this customer. Anything but an answer must be a 403."""
    with customer.client() as client:
        statuses = {name: client.post(CHAT, json={"model": name, "messages": MESSAGES}).status_code for name in names}
    assert set(statuses.values()) <= {200, 403}, statuses
    return {name for name, status in statuses.items() if status == 200}


def written(proxy: Proxy, method: str, path: str, body: Any = None) -> dict[str, Any]:
    with proxy.admin() as admin:
        answer = admin.request(method, path, json=body)
    assert answer.status_code in (200, 201), answer.text
    document: dict[str, Any] = answer.json()
    return document


def with_new_key(customer: Customer, **key: Any) -> Customer:
    made = written(customer.proxy, "POST", f"/api/teams/{customer.team_id}/keys", key)
    return Customer(customer.proxy, customer.team_id, made["virtual_key"], customer.groups)


def chat(customer: Customer, model: str) -> httpx.Response:
    with customer.client() as client:
        return client.post(CHAT, json={"model": model, "messages": MESSAGES})


def wait_for(answered: threading.Semaphore, calls: int) -> None:
    """Returns after so many more calls were answered."""
    for _ in range(calls):
        assert answered.acquire(timeout=60)


def test_ask_02_a_groups_name_is_no_model(proxy: Proxy, seen: Upstream) -> None:
    """Not even where somebody else is sold a model of that name."""
    customer = sell(proxy, {"ask-02": "real-a"})
    (group,) = customer.groups
    sell(proxy, {group: "forbidden"})
    assert listed(customer) == ["ask-02"]
    assert called(customer, [group, "ask-02"]) == {"ask-02"}
    assert seen.models() == ["up-a"]


def test_ask_06_an_alias_carries_what_litellm_tells_of_its_model(proxy: Proxy) -> None:
    customer = sell(proxy, {"ask-06": "real-a"})
    with proxy.client(authorization=f"Bearer {MASTER_KEY}") as operator, customer.client() as client:
        actual = operator.get("/v1/models/real-a").json()
        row = client.get("/v1/models/ask-06").json()
        assert client.get("/v1/models").json()["data"] == [row]
    assert row == {**actual, "id": "ask-06"}


def test_ask_08_a_star_in_an_alias_stands_for_itself(proxy: Proxy, seen: Upstream) -> None:
    customer = sell(proxy, {"ask-08-*": "sold/gpt-new"})
    assert listed(customer) == ["ask-08-*"]
    assert called(customer, ["ask-08-*", "ask-08-x", "ask-08-", "*", "sold/*", "sold/gpt-new"]) == {"ask-08-*"}
    assert seen.models() == ["gpt-new"]


def test_ask_09_no_word_stands_for_every_model(proxy: Proxy, customer: Customer, seen: Upstream) -> None:
    with proxy.admin() as admin:
        for word in SENTINELS:
            as_group = admin.put(f"/api/teams/{customer.team_id}", json={"access_groups": [word]})
            as_alias = admin.post(f"/api/teams/{customer.team_id}/keys", json={"model_aliases": [word]})
            assert (as_group.status_code, as_alias.status_code) == (422, 422), word
    assert listed(customer) == ["chat", "other"]
    assert called(customer, SENTINELS) == set()
    assert seen.seen() == []


def test_ask_12_what_was_deleted_leaves_no_ghost_and_its_name_no_grant(proxy: Proxy, seen: Upstream) -> None:
    customer = sell(proxy, {"ask-12": "real-a", "ask-12-stays": "real-a"})
    narrowed = with_new_key(customer, model_aliases=["ask-12"])
    (group,) = customer.groups
    written(proxy, "DELETE", "/api/model-aliases/ask-12?force=true")
    for another_of_that_name in (False, True):
        if another_of_that_name:
            written(proxy, "POST", "/api/model-aliases/create", {"alias": "ask-12", "litellm_model": "forbidden"})
        assert (listed(customer), listed(narrowed)) == (["ask-12-stays"], [])
        assert called(customer, ["ask-12"]) | called(narrowed, ["ask-12", "ask-12-stays"]) == set()
        in_group = written(proxy, "GET", f"/api/model-access-groups/{group}")["model_aliases"]
        assert [model["alias"] for model in in_group] == ["ask-12-stays"]
    written(proxy, "DELETE", f"/api/model-access-groups/{group}")
    again = {"group_name": group, "model_aliases": ["ask-12", "ask-12-stays"]}
    written(proxy, "POST", "/api/model-access-groups/create", again)
    assert listed(customer) == []
    assert called(customer, ["ask-12", "ask-12-stays"]) == set()
    assert seen.seen() == []


def test_ask_15_what_is_listed_can_be_called_and_nothing_else(proxy: Proxy) -> None:
    """After each kind of write that changes what a team may use."""
    a, b, c = aliases = ["ask-15-a", "ask-15-b", "ask-15-c"]
    customer = sell(proxy, {a: "real-a", b: "real-b"})
    (own,), (bought,) = customer.groups, sell(proxy, {c: "real-a", b: "real-b"}).groups
    team = f"/api/teams/{customer.team_id}"
    grant = {"access_group": own, "expires_at": FAR_FUTURE}
    steps: list[tuple[str, str, Any, list[str]]] = [
        ("PUT", team, {"access_groups": [own, bought]}, [a, b, c]),
        ("POST", f"/api/model-access-groups/{own}/remove-models", {"model_aliases": [b]}, [a, c, b]),
        ("PUT", f"/api/model-aliases/{c}", {"active": False}, [a, b]),
        ("PUT", f"/api/model-aliases/{c}", {"active": True}, [a, c, b]),
        ("PUT", team, {"access_groups": [bought]}, [c, b]),
        ("POST", f"{team}/grants", grant, [c, b, a]),
        ("DELETE", f"/api/model-access-groups/{bought}", None, [a]),
        ("DELETE", f"/api/model-access-groups/{own}", None, []),
    ]
    narrowed = with_new_key(customer, model_aliases=[a, b])
    names = [*aliases, own, "real-a", "real-b", "forbidden"]
    for method, path, body, expected in steps:
        written(proxy, method, path, body)
        assert listed(customer) == expected, (method, path)
        assert called(customer, names) == set(expected), (method, path)
        assert listed(narrowed) == [alias for alias in expected if alias != c], (method, path)
        assert called(narrowed, aliases) == set(expected) - {c}, (method, path)
        assert written(proxy, "GET", team)["available_models"] == expected


def test_ask_17_a_key_is_never_wider_than_its_team(proxy: Proxy, seen: Upstream) -> None:
    customer = sell(proxy, {"ask-17": "real-a"})
    sell(proxy, {"ask-17-theirs": "real-b"})
    key = with_new_key(customer, model_aliases=["ask-17", "ask-17-theirs"])
    assert listed(key) == ["ask-17"]
    assert called(key, ["ask-17", "ask-17-theirs"]) == {"ask-17"}
    written(proxy, "PUT", f"/api/teams/{customer.team_id}", {"access_groups": []})
    assert listed(key) == []
    assert called(key, ["ask-17", "ask-17-theirs"]) == set()
    assert seen.models() == ["up-a"]


def test_ask_19_a_grant_is_of_the_alias_and_not_of_what_it_resolves_to(proxy: Proxy, seen: Upstream) -> None:
    customer = sell(proxy, {"ask-19": "real-a"})
    sell(proxy, {"ask-19-dear": "real-a"})
    assert called(customer, ["ask-19", "ask-19-dear"]) == {"ask-19"}
    assert seen.models() == ["up-a"]


def test_ask_19_an_alias_named_as_an_actual_model_leads_where_it_was_sold_to(proxy: Proxy, seen: Upstream) -> None:
    """`sold/ask-19` would be a model of the proxy's too, by its wildcard."""
    customer = sell(proxy, {"sold/ask-19": "real-a"})
    assert chat(customer, "sold/ask-19").status_code == 200
    assert seen.models() == ["up-a"]


def test_ask_19_an_alias_does_not_lead_on_to_another_alias(proxy: Proxy, seen: Upstream) -> None:
    sell(proxy, {"ask-19-end": "real-a"})
    customer = sell(proxy, {"ask-19-chain": "ask-19-end"})
    answer = chat(customer, "ask-19-chain")
    assert answer.status_code >= 400
    assert seen.seen() == []
    assert customer.balance()["credits_remaining"] == 1000


def test_ask_21_a_keys_limit_holds_however_the_model_is_named(customer: Customer, seen: Upstream) -> None:
    key = with_new_key(customer, model_aliases=["chat"])
    body = {"messages": MESSAGES, "contents": CONTENTS["contents"], "model": "chat"}
    ways = [
        "/openai/deployments/{}/chat/completions",
        "/engines/{}/chat/completions",
        "/v1/chat/completions?model={}",
        "/v1beta/models/{}:generateContent",
    ]
    with key.client() as client:
        for way in ways:
            statuses = [client.post(way.format(alias), json=body).status_code for alias in ("chat", "other")]
            assert statuses == [200, 403], way
    assert set(seen.models()) == {"up-a"}


def test_ask_25_a_new_model_is_nobodys_until_it_is_granted(proxy: Proxy, customer: Customer, seen: Upstream) -> None:
    written(proxy, "POST", "/api/model-aliases/create", {"alias": "ask-25", "litellm_model": "real-a"})
    assert listed(customer) == ["chat", "other"]
    assert called(customer, ["ask-25"]) == set()
    assert seen.seen() == []
    path = f"/api/model-access-groups/{customer.groups[0]}/add-models"
    written(proxy, "POST", path, {"model_aliases": ["ask-25"]})
    assert listed(customer) == ["chat", "other", "ask-25"]
    assert called(customer, ["ask-25"]) == {"ask-25"}


def test_ask_30_the_first_calls_of_a_new_team_find_no_default_budget(proxy: Proxy, seen: Upstream) -> None:
    """A team that nobody gave credits has none, however many calls it begins with at once."""
    seller = sell(proxy, {"ask-30": "real-a"})
    body = {
        "organization_id": seller.team_id.replace("team", "org"),
        "team_id": "ask-30",
        "access_groups": seller.groups,
    }
    key = written(proxy, "POST", "/api/teams/create", body)["virtual_key"]
    customer = Customer(proxy, "ask-30", key, seller.groups)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: chat(customer, "ask-30"), range(8)))
    assert {answer.status_code for answer in answers} == {402}
    assert seen.seen() == []


def test_ask_31_without_credits_no_route_answers(proxy: Proxy, seen: Upstream) -> None:
    customer = sell(proxy, {"chat": "real-a", "ranker": "real-rerank", "claude": "real-claude"}, credits_allocated=0)
    statuses = {
        name: post(customer, path, alias, body, files).status_code
        for name, (path, body, files, alias, *_) in ROUTES.items()
    }
    with customer.client() as client:
        statuses["Google"] = client.post("/v1beta/models/chat:generateContent", json=CONTENTS).status_code
        job = client.post("/api/jobs/create", json={"team_id": customer.team_id, "job_type": "t"}).json()["job_id"]
        for call in ("llm-call", "llm-call-stream"):
            asked = client.post(f"/api/jobs/{job}/{call}", json={"model": "chat", "messages": MESSAGES})
            statuses[call] = asked.status_code
    assert statuses == dict.fromkeys(statuses, 402)
    assert seen.seen() == []


def test_ask_32_prepaid_credits_can_be_topped_up_and_last_until_they_are_used(proxy: Proxy) -> None:
    customer = sell(proxy, {"chat": "real-a"}, credits_allocated=1)
    assert [chat(customer, "chat").status_code for _ in range(2)] == [200, 402]
    added = written(proxy, "POST", "/api/credits/add", {"team_id": customer.team_id, "amount": 2})
    assert added["credits_remaining"] == 2
    assert [chat(customer, "chat").status_code for _ in range(3)] == [200, 200, 402]
    assert customer.balance()["credits_used"] == 3


def test_ask_35_a_model_that_moved_leaves_no_grant_behind(proxy: Proxy) -> None:
    before, after = sell(proxy, {"ask-35": "real-a"}), sell(proxy, {"ask-35-other": "real-b"})
    narrowed = with_new_key(before, model_aliases=["ask-35"])
    assert called(before, ["ask-35"]) & called(narrowed, ["ask-35"]) == {"ask-35"}
    for group, action in ((before.groups[0], "remove-models"), (after.groups[0], "add-models")):
        written(proxy, "POST", f"/api/model-access-groups/{group}/{action}", {"model_aliases": ["ask-35"]})
    assert (listed(before), listed(narrowed), listed(after)) == ([], [], ["ask-35-other", "ask-35"])
    assert called(before, ["ask-35"]) | called(narrowed, ["ask-35"]) == set()
    assert called(after, ["ask-35"]) == {"ask-35"}


def test_ask_36_nothing_brings_a_revoked_key_back_under_load(proxy: Proxy) -> None:
    """Calls run all the time; those that begin after the revocation was answered are refused, whatever is written
    then.
    """
    customer = sell(proxy, {"chat": "real-a"}, credits_allocated=1_000_000)
    team = f"/api/teams/{customer.team_id}"
    made = written(proxy, "POST", f"{team}/keys", {})
    key = Customer(proxy, customer.team_id, made["virtual_key"], customer.groups)
    answered, revoked, done = threading.Semaphore(0), threading.Event(), threading.Event()

    def call_on(_: int) -> list[tuple[bool, int]]:
        """Of each call, whether it began after the revocation, and its status."""
        seen: list[tuple[bool, int]] = []
        with key.client() as client:
            while not done.is_set():
                after = revoked.is_set()
                status = client.post(CHAT, json={"model": "chat", "messages": MESSAGES}).status_code
                seen.append((after, status))
                answered.release()
        return seen

    with ThreadPoolExecutor(4) as pool:
        callers = pool.map(call_on, range(4))
        try:
            wait_for(answered, 8)
            written(proxy, "DELETE", f"{team}/keys/{made['key_id']}")
            revoked.set()
            writes: list[tuple[str, str, Any]] = [
                ("PUT", team, {"team_alias": "renamed"}),
                ("PUT", team, {"access_groups": customer.groups}),
                ("POST", f"{team}/keys", {"name": "another"}),
                ("PUT", f"{team}/suspend", None),
                ("PUT", f"{team}/resume", None),
            ]
            for write in writes:
                written(proxy, *write)
                wait_for(answered, 4)
            wait_for(answered, 8)
        finally:
            done.set()
    calls = list(itertools.chain.from_iterable(callers))
    assert {status for after, status in calls if after} == {401}
    assert (False, 200) in calls


def test_ask_38_an_edited_alias_leads_elsewhere_at_once_and_can_be_read_back(proxy: Proxy, seen: Upstream) -> None:
    customer = sell(proxy, {"ask-38": "real-a"})
    for actual in ("real-b", "real-a"):
        written(proxy, "PUT", "/api/model-aliases/ask-38", {"litellm_model": actual})
        assert called(customer, ["ask-38"]) == {"ask-38"}
        (model,) = written(proxy, "GET", f"/api/teams/{customer.team_id}")["models"]
        assert model == {"alias": "ask-38", "litellm_model": actual, "via": customer.groups}
    assert seen.models() == ["up-b", "up-a"]


def test_ask_40_one_write_gives_a_model_to_every_team_of_a_group(proxy: Proxy) -> None:
    first = sell(proxy, {"ask-40": "real-a"})
    others = [sell(proxy, {}, access_groups=first.groups) for _ in range(2)]
    written(proxy, "POST", "/api/model-aliases/create", {"alias": "ask-40-new", "litellm_model": "real-b"})
    path, body = f"/api/model-access-groups/{first.groups[0]}/add-models", {"model_aliases": ["ask-40-new"]}
    foreseen = written(proxy, "POST", f"{path}?dry_run=true", body)["changes"]
    teams = {customer.team_id for customer in (first, *others)}
    assert {change["team_id"] for change in foreseen if change["gains"] == ["ask-40-new"]} == teams
    assert called(first, ["ask-40-new"]) == set()
    written(proxy, "POST", path, body)
    for customer in (first, *others):
        assert listed(customer) == ["ask-40", "ask-40-new"]
        assert called(customer, ["ask-40-new"]) == {"ask-40-new"}


@pytest.mark.parametrize("nothing", ["no group", "an empty group", "a key for nothing"])
def test_ask_44_an_empty_list_means_nothing(proxy: Proxy, seen: Upstream, nothing: str) -> None:
    customer = sell(proxy, {} if nothing == "an empty group" else {"ask-44": "real-a"})
    if nothing == "no group":
        written(proxy, "PUT", f"/api/teams/{customer.team_id}", {"access_groups": []})
    if nothing == "a key for nothing":
        customer = with_new_key(customer, model_aliases=[])
    assert listed(customer) == []
    assert called(customer, ["ask-44", "real-a", "forbidden", "sold/x", "", "*"]) == set()
    assert seen.seen() == []


def test_ask_45_another_teams_models_are_neither_listed_nor_reached(proxy: Proxy, seen: Upstream) -> None:
    """Neither beside one's own nor, once these are gone, in their place."""
    customer = sell(proxy, {"ask-45": "real-a"})
    sell(proxy, {"ask-45-theirs": "real-b"})
    for own in (["ask-45"], []):
        assert listed(customer) == own
        assert called(customer, ["ask-45", "ask-45-theirs"]) == set(own)
        with customer.client() as client:
            assert client.get("/v1/models/ask-45-theirs").status_code == 404
        if own:
            written(proxy, "DELETE", f"/api/model-access-groups/{customer.groups[0]}")
    assert seen.models() == ["up-a"]
