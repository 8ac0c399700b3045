from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from admin.serving import answered, created

from saas_access._core import Reason

from .browsing import card, words
from .forms import form_of
from .test_teams import make_call

if TYPE_CHECKING:
    from admin.serving import Client, Server

    from .forms import Person

TEAM = "/admin/teams/acme-prod"


def team(api: Client) -> Any:
    return answered(api.get("/api/teams/acme-prod"))


def key_named(api: Client, name: str) -> Any:
    keys = answered(api.get("/api/teams/acme-prod/keys"))["keys"]
    return next(key for key in keys if key["name"] == name)


def shown_secret(page: str) -> str:
    [secret] = re.findall(r'<output id="secret"[^>]*>([^<]*)<', page)
    return str(secret)


def test_the_page_says_what_the_api_does(stocked_server: Server, person: Person) -> None:
    make_call(stocked_server, "gpt-4", calls=2)
    page = person.get(TEAM)
    assert "gpt-4 maker/gpt-4 gpt-models 2" in words(card(page, "Models it can call"))
    keys = words(card(page, "Keys"))
    assert "2 active" in keys
    assert "claude-3-haiku never never" in keys
    credits = words(card(page, "Credits"))
    assert "98 of 100 credits left" in credits
    assert "call to gpt-4 \u22121 98" in credits
    assert "+100" in credits
    assert "<script>\u202e" not in page
    assert " style=" not in page
    person.get("/admin/teams/nobody", status=404)


@pytest.mark.parametrize(
    "path",
    ["/access", "/keys/new", "/credits/add", "/grants/new", "/settings", "/suspend", "/resume", "/delete"],
)
def test_a_viewer_sees_the_page_and_no_form(viewer: Person, path: str) -> None:
    for page in (viewer.get(TEAM), viewer.get(TEAM + path)):
        assert "Models it can call" in page
        assert 'method="post"' not in page.replace('<form method="post" action="/admin/sign-out">', "")
    assert viewer.request("POST", TEAM + path, []).status_code == 403


def test_a_key_is_created_narrowed_and_shown_once(api: Client, person: Person) -> None:
    page = person.get(TEAM + "/keys/new")
    answer = person.send(
        page, "Create", name='"><img>', expires_at="2100-01-01T12:30", model_aliases=["gpt-4", "claude-3-opus"]
    )
    assert answer.status_code == 200
    assert shown_secret(answer.text).startswith("sk-")
    assert '"><img>' not in answer.text
    key = key_named(api, '"><img>')
    assert key["model_aliases"] == ["gpt-4", "claude-3-opus"]
    assert key["expires_at"] == "2100-01-01T12:30:00Z"
    assert "<output" not in person.get(TEAM)


def test_a_refused_key_keeps_what_was_typed(person: Person) -> None:
    page = person.get(TEAM + "/keys/new")
    answer = person.send(page, "Create", name="late", expires_at="1999-01-01T00:00", model_aliases=["gpt-4"])
    assert answer.status_code == 422
    for kept in ('value="late"', 'value="1999-01-01T00:00"', 'value="gpt-4" checked', 'id="e-expires_at"'):
        assert kept in answer.text


def test_a_key_is_rotated_with_time_for_the_old_one(stocked_server: Server, api: Client, person: Person) -> None:
    key = key_named(api, "ci")
    page = person.get(f"{TEAM}/keys/{key['key_id']}/rotate")
    answer = person.send(page, "Rotate", grace_seconds="86400")
    secret = shown_secret(answer.text)
    assert secret.endswith(key_named(api, "ci")["last_four"])
    assert answered(stocked_server.client(secret).get("/api/teams/acme-prod"))["team_id"] == "acme-prod"


def test_a_key_says_what_stops_before_it_is_revoked(api: Client, person: Person) -> None:
    key = key_named(api, "ci")
    page = person.get(f"{TEAM}/keys/{key['key_id']}/revoke")
    assert "It made no call in 7 days" in words(page)
    assert "Other active keys 1" in words(page)
    person.saved(page, "Revoke")
    assert key_named(api, "ci")["status"] == "revoked"
    last = person.get(f"{TEAM}/keys/{key_named(api, 'default')['key_id']}/revoke")
    assert "The last active key." in words(last)
    person.get(f"{TEAM}/keys/key_ffffffffffffffffffffffff/revoke", status=404)


def test_a_form_that_is_sent_twice_adds_credits_once(api: Client, person: Person) -> None:
    page = person.get(TEAM + "/credits/add")
    for _ in range(2):
        shown = person.saved(page, "Add credits", amount="1,000", description="Invoice <7>")
    assert team(api)["credits_allocated"] == 1100
    assert "Invoice &lt;7&gt;" in shown
    again = person.get(TEAM + "/credits/add")
    person.saved(again, "Add credits", amount="1000")
    assert team(api)["credits_allocated"] == 2100


def test_refused_credits_keep_what_was_typed(api: Client, person: Person) -> None:
    answer = person.send(person.get(TEAM + "/credits/add"), "Add credits", amount="a lot", description="x")
    assert answer.status_code == 422
    assert 'value="a lot"' in answer.text
    assert 'id="e-amount"' in answer.text
    person.saved(answer.text, "Add credits", amount="5")
    assert team(api)["credits_allocated"] == 105


def test_the_ledger_has_pages_and_filters(stocked_server: Server, person: Person) -> None:
    make_call(stocked_server, "gpt-4", calls=55)
    first = person.get(TEAM + "/ledger")
    assert first.count("call to") == 50
    following = first.split('">Next page')[0].rsplit('href="', 1)[1].replace("&amp;", "&")
    rest = person.get(following)
    assert rest.count("call to") == 5
    assert "added" in words(card(rest, "Ledger"))
    added = card(person.get(TEAM + "/ledger?type=allocation"), "Ledger")
    assert "call to" not in added
    assert "+100" in words(added)
    assert "No entry matches" in person.get(TEAM + "/ledger?to=1999-01-01")


def test_a_group_is_granted_for_a_time_and_ended(api: Client, person: Person) -> None:
    answered(api.put("/api/teams/acme-prod", json={"access_groups": ["gpt-models"]}))
    page = person.get(TEAM + "/grants/new")
    assert form_of(page, "Grant").value("expires_at")
    shown = person.saved(page, "Grant", access_group="mixed", expires_at="2100-01-01T00:00", reason="Trial")
    [grant] = team(api)["grants"]
    assert (grant["access_group"], grant["expires_at"], grant["reason"]) == ("mixed", "2100-01-01T00:00:00Z", "Trial")
    assert "mixed just now" in words(card(shown, "Temporary grants"))
    end = person.get(f"{TEAM}/grants/{grant['grant_id']}/end")
    assert "Loses 1 model Models that are lost Model Calls, 7 days Last call claude-3-opus 0 none" in words(end)
    person.saved(end, "End, takes 1 model away")
    assert team(api)["grants"] == []


def test_a_refused_grant_keeps_what_was_typed(person: Person) -> None:
    answer = person.send(person.get(TEAM + "/grants/new"), "Grant", access_group="mixed", expires_at="", reason="Trial")
    assert answer.status_code == 422
    assert '<option value="mixed" selected>' in answer.text
    assert 'value="Trial"' in answer.text
    assert 'id="e-expires_at"' in answer.text


def test_settings_are_changed(api: Client, person: Person) -> None:
    page = person.get(TEAM + "/settings")
    person.saved(
        page,
        "Save",
        team_alias="New name",
        budget_mode="consumption_tokens",
        tokens_per_credit="500",
        tpm_limit="1 000",
        refill_period="monthly",
        refill_credits="50.5",
        refill_mode="top_up",
        low_balance_thresholds="100, 10 0.5",
    )
    now = team(api)
    assert (now["team_alias"], now["budget_mode"], now["tokens_per_credit"]) == ("New name", "consumption_tokens", 500)
    assert (now["rpm_limit"], now["tpm_limit"], now["credits_allocated"]) == (None, 1000, 100)
    assert now["refill"] == {"credits": 50.5, "period": "monthly", "mode": "top_up"}
    assert now["low_balance_thresholds"] == [100, 10, 0.5]
    person.saved(person.get(TEAM + "/settings"), "Save", tpm_limit="", refill_period="", low_balance_thresholds="")
    assert (team(api)["tpm_limit"], team(api)["refill"], team(api)["low_balance_thresholds"]) == (None, None, [])


def test_credits_that_are_added_meanwhile_stay(api: Client, person: Person) -> None:
    page = person.get(TEAM + "/settings")
    answered(api.post("/api/credits/add", json={"team_id": "acme-prod", "amount": 50}))
    person.saved(page, "Save", team_alias="x")
    assert team(api)["credits_allocated"] == 150
    person.saved(person.get(TEAM + "/settings"), "Save", credits_allocated="20")
    assert team(api)["credits_allocated"] == 20


def test_refused_settings_keep_what_was_typed(person: Person) -> None:
    page = person.get(TEAM + "/settings")
    answer = person.send(page, "Save", rpm_limit="fast", refill_period="daily", refill_credits="some")
    assert answer.status_code == 422
    for kept in ('value="fast"', 'value="some"', 'id="e-rpm_limit"', 'id="e-refill_credits"'):
        assert kept in answer.text


def test_settings_that_changed_meanwhile_are_shown_beside_ones_own(api: Client, person: Person) -> None:
    page = person.get(TEAM + "/settings")
    answered(api.put("/api/teams/acme-prod", json={"rpm_limit": 7}))
    conflict = person.send(page, "Save", rpm_limit="9")
    assert conflict.status_code == 412
    assert "Requests a minute 9 7" in words(conflict.text)
    assert team(api)["rpm_limit"] == 7
    person.saved(conflict.text, "Save")
    assert team(api)["rpm_limit"] == 9


def test_suspending_says_what_stops(stocked_server: Server, api: Client, person: Person) -> None:
    make_call(stocked_server, "gpt-4", calls=2)
    page = person.get(TEAM + "/suspend")
    assert "Every call with its 2 keys is refused" in words(page)
    assert "What stops Models that it called in 7 days Model Calls, 7 days Last call gpt-4 2" in words(page)
    assert team(api)["status"] == "active"
    shown = person.saved(page, "Suspend, stops 2 keys")
    assert team(api)["status"] == "suspended"
    assert "Every call of this team is refused until it is resumed" in words(shown)
    person.saved(person.get(TEAM + "/resume"), "Resume")
    assert team(api)["status"] == "active"


def test_deleting_asks_for_the_id(api: Client, person: Person) -> None:
    page = person.get(TEAM + "/delete")
    assert "4 models are lost" in words(page)
    mistyped = person.send(page, "Delete, stops 2 keys", confirm="acme")
    assert mistyped.status_code == 422
    assert "This isn't the team's id" in words(mistyped.text) or "This isn&#39;t the team&#39;s id" in mistyped.text
    assert team(api)["status"] == "active"
    person.saved(mistyped.text, "Delete, stops 2 keys", confirm="acme-prod")
    person.get(TEAM, status=404)


def test_jobs_are_listed_and_shown_with_their_calls(stocked_server: Server, api: Client, person: Person) -> None:
    job = created(api.post("/api/jobs/create", json={"team_id": "acme-prod", "job_type": "<b>report"}))["job_id"]
    assert "No stuck or failed job in 7 days" in person.get(TEAM)
    failed = {"status": "failed", "error_message": "<i>broke"}
    answered(api.post(f"/api/jobs/{job}/complete", json=failed))
    look = card(person.get(TEAM), "Jobs that need a look")
    assert job in look
    assert "&lt;i&gt;broke" in look
    assert job in person.get(TEAM + "/jobs?status=failed")
    assert "No job matches" in person.get(TEAM + "/jobs?status=completed")
    page = person.get(f"{TEAM}/jobs/{job}")
    assert "&lt;b&gt;report" in page
    assert "No call yet" in page
    person.get(TEAM + "/jobs/job_ffffffffffffffffffffffff", status=404)


def test_the_latest_refusals_lead_to_their_explanation(stocked_server: Server, api: Client, person: Person) -> None:
    assert "Nothing was refused" in person.get(TEAM)
    key = stocked_server.runtime.engine.list_keys(team_id="acme-prod")[1]
    stocked_server.runtime.engine.note_denial(
        reason=Reason.MODEL_NOT_GRANTED, team_id="acme-prod", key_id=key.key_id, alias="gpt-4"
    )
    while not answered(api.get("/api/teams/acme-prod/denials"))["denials"]:
        pass  # a background thread writes them, once a second
    refusals = card(person.get(TEAM), "Latest refusals")
    assert "gpt-4 model not granted ci narrowed to claude-3-haiku Explain" in words(refusals)
    assert "/admin/explain?team_id=acme-prod&amp;model=gpt-4" in refusals
