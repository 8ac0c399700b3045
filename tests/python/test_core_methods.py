"""Every method of the C++ module's engine, once, with the types that it answers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from core_inputs import CREDIT, DIGEST, new_team, request_of

from saas_access import _core
from saas_access._core import (
    AccessGroupPatch,
    Engine,
    JobCompletion,
    JobStatus,
    KeySecret,
    ModelAliasPatch,
    NewAccessGroup,
    NewGrant,
    NewJob,
    NewModelAlias,
    NewOrganization,
    NewVirtualKey,
    OrganizationPatch,
    Reason,
    Refill,
    RefillMode,
    RefillPeriod,
    TeamPatch,
    Usage,
    WebhookAttempt,
    WriteOptions,
)


def test_every_method_of_the_engine_is_reachable_with_its_types(tmp_path: Path) -> None:
    called: set[str] = set()
    engine = Engine(database=str(tmp_path / "access.db"))

    def call(method: str, *types: type, **arguments: Any) -> Any:
        """Calls the method and checks the type of its answer, or of each part of the pair that it answers with."""
        called.add(method)
        answer = getattr(engine, method)(**arguments)
        parts = answer if len(types) > 1 else (answer,)
        assert tuple(type(part) for part in parts) == types, method
        return answer

    _walk_through_policy(call)
    _walk_through_reads(call)
    _walk_through_ledger(call)
    _walk_through_upkeep(call)
    _walk_through_usage(call)
    _walk_through_sessions(call)
    _walk_through_attention(call)
    _walk_through_removal(call)
    call("close", type(None))

    public = {name for name, member in vars(Engine).items() if callable(member) and not name.startswith("_")}
    assert called == public


def _walk_through_policy(call: Callable[..., Any]) -> None:
    alias = NewModelAlias(alias="fast", litellm_model="openai/gpt-4o-mini", description="")
    group = NewAccessGroup(group_name="basic", description="", model_aliases=["fast"])
    receipt = _core.Receipt
    call("bootstrap", _core.Bootstrapped, receipt, model_aliases=[alias], access_groups=[group])
    slow = NewModelAlias(alias="slow", litellm_model="openai/o3", description="")
    call("create_model_alias", _core.ModelAlias, receipt, model_alias=slow)
    call("update_model_alias", _core.ModelAlias, receipt, alias="slow", patch=ModelAliasPatch(active=False))
    pro = NewAccessGroup(group_name="pro", description="", model_aliases=["fast"])
    call("create_access_group", _core.AccessGroup, receipt, access_group=pro)
    call("update_access_group", _core.AccessGroup, receipt, group_name="pro", patch=AccessGroupPatch(description="x"))
    call("add_models", _core.AccessGroup, receipt, group_name="pro", model_aliases=["slow"])
    call("remove_models", _core.AccessGroup, receipt, group_name="pro", model_aliases=["slow"])
    acme = NewOrganization(organization_id="acme", name="Acme")
    call("create_organization", _core.Organization, receipt, organization=acme)
    patch = OrganizationPatch(name="Acme Ltd")
    call("update_organization", _core.Organization, receipt, organization_id="acme", patch=patch)
    call("suspend_organization", _core.Organization, receipt, organization_id="acme", suspended=False)
    call("create_team", _core.Team, receipt, team=new_team())
    call("update_team", _core.Team, receipt, team_id="acme-prod", patch=TeamPatch(team_alias="Prod"))
    call("suspend_team", _core.Team, receipt, team_id="acme-prod", suspended=False)
    call(
        "add_credits",
        _core.CreditsAdded,
        receipt,
        team_id="acme-prod",
        credits=100,
        description="",
        idempotency_key=None,
    )


def _walk_through_reads(call: Callable[..., Any]) -> None:
    call("find_organization", _core.Organization, organization_id="acme")
    call("find_model_alias", _core.ModelAlias, alias="fast")
    call("find_access_group", _core.AccessGroup, group_name="basic")
    call("find_team", _core.Team, team_id="acme-prod")
    call("find_balance", _core.Balance, team_id="acme-prod")
    for method, item in [
        ("list_organizations", _core.Organization),
        ("list_model_aliases", _core.ModelAlias),
        ("list_access_groups", _core.AccessGroupSummary),
        ("list_teams", _core.Team),
        ("list_audit", _core.AuditEntry),
    ]:
        items, _ = call(method, list, type(None))
        assert {type(each) for each in items} == {item}, method
    entries, _ = call("list_entries", list, type(None), team_id="acme-prod")
    assert [(type(entry), entry.amount) for entry in entries] == [(_core.LedgerEntry, 100 * CREDIT)]
    days = call("list_credit_days", list, team_id="acme-prod", days=1)
    assert [(type(day), day.added) for day in days] == [(_core.CreditDay, 100 * CREDIT)]
    assert call("find_pace", _core.Pace, team_id="acme-prod").charged == 0
    assert [type(pace) for pace in call("lowest_paces", list, limit=5)] == [_core.Pace]
    assert [team.team_id for team in call("search", _core.Found, text="acme", limit=5).teams] == ["acme-prod"]
    assert call("count_records", _core.Counts).teams == 1

    keys = call("list_keys", list, team_id="acme-prod")
    key_id = keys[0].key_id
    call("find_key", _core.VirtualKey, team_id="acme-prod", key_id=key_id)
    call("touch_key", type(None), key_id=key_id)
    call("authenticate", _core.Authentication, digest=DIGEST)
    for subject in ({"digest": DIGEST}, {"key_id": key_id}, {"team_id": "acme-prod"}):
        assert call("authorize", _core.Decision, **subject, alias="fast").allowed
        models = call("available_models", list, **subject)
        assert [(type(model), model.alias, model.via) for model in models] == [
            (_core.AvailableModel, "fast", ["basic"])
        ]
    for subject in ({"key_id": key_id}, {"team_id": "acme-prod"}):
        assert call("explain", _core.Explanation, **subject, alias="fast").groups_with_alias == ["basic", "pro"]
    call("revision", int)
    call("now_ms", int)
    assert call("health", _core.Health).ok


def _walk_through_ledger(call: Callable[..., Any]) -> None:
    job = call("create_job", _core.Job, job=NewJob(team_id="acme-prod", job_type="report"))
    reserved = call("reserve", _core.Reservation, request=request_of("acme-prod", job_id=job.job_id, purpose="outline"))
    settled = call("settle", _core.Settlement, call_id=reserved.call_id, usage=Usage(total_tokens=7), latency_ms=12)
    assert settled.shortfall == 0
    unanswered = call("reserve", _core.Reservation, request=request_of("acme-prod"))
    call("release", type(None), call_id=unanswered.call_id, failed=True, latency_ms=3)
    assert call("recover", _core.Recovered).released == 0
    assert call("complete_overdue_jobs", int, after_hours=1, failed_jobs_are_free=False, limit=10) == 0
    done = call("complete_job", _core.Job, job_id=job.job_id, completion=JobCompletion())
    assert (done.status, done.costs.credits_charged) == (JobStatus.COMPLETED, CREDIT)
    found = call("find_job", _core.Job, job_id=job.job_id)
    assert [(each.purpose, each.usage.total_tokens, each.latency_ms) for each in found.calls] == [("outline", 7, 12)]
    jobs, _ = call("list_jobs", list, type(None), team_id="acme-prod")
    assert [each.job_id for each in jobs] == [job.job_id]


def _walk_through_upkeep(call: Callable[..., Any]) -> None:
    patch = TeamPatch(
        refill=Refill(credits=CREDIT, period=RefillPeriod.DAILY, mode=RefillMode.TOP_UP), low_balance_thresholds=[0, 5]
    )
    team, _ = call("update_team", _core.Team, _core.Receipt, team_id="acme-prod", patch=patch)
    assert (team.refill.credits, team.refill.mode, team.low_balance_thresholds) == (CREDIT, RefillMode.TOP_UP, [5, 0])
    assert call("find_low_balance_thresholds", list, team_id="acme-prod") == [5, 0]
    assert call("apply_due_refills", int, now_ms=team.next_refill_at_ms - 1, limit=10) == 0
    assert call("apply_due_refills", int, now_ms=team.next_refill_at_ms, limit=10) == 1
    patch.clear_refill()
    team, _ = call("update_team", _core.Team, _core.Receipt, team_id="acme-prod", patch=patch)
    assert (team.refill, team.next_refill_at_ms) == (None, None)

    event, _ = call("add_test_webhook_event", _core.WebhookEvent, _core.Receipt)
    at_ms = event.created_at_ms + 1000
    claimed = call("claim_webhook_event", _core.WebhookEvent, now_ms=at_ms, lease_ms=60_000)
    call("claim_webhook_event", type(None), now_ms=at_ms, lease_ms=60_000)
    failed = WebhookAttempt(event_id=claimed.event_id, attempt=1, error="down", next_attempt_at_ms=at_ms)
    call("finish_webhook_attempt", type(None), attempt=failed, now_ms=at_ms)
    assert "down" in call("find_webhook_trouble", str)
    events, _ = call("list_webhook_events", list, type(None))
    assert [(each.event_id, each.attempts, each.last_error) for each in events] == [(event.event_id, 1, "down")]


def _walk_through_usage(call: Callable[..., Any]) -> None:
    call("note_denial", type(None), reason=Reason.MODEL_NOT_GRANTED, team_id="acme-prod", alias="slow")
    call("list_denials", list, team_id="acme-prod", limit=100)
    now_ms = call("now_ms", int)
    by_alias = [_core.UsageBy.ALIAS]
    report = call(
        "report_usage", _core.UsageReport, from_ms=0, to_ms=now_ms + 1, team_id="acme-prod", group_by=by_alias
    )
    [of_the_job, of_the_call] = [row for row in report.rows if row.denials == 0]
    assert (of_the_job.alias, of_the_job.calls, of_the_job.charged) == (None, 0, CREDIT)
    assert (of_the_call.alias, of_the_call.calls, of_the_call.failed_calls, of_the_call.tokens) == ("fast", 1, 1, 7)
    assert of_the_call.latency_percentile(part=0.5) == pytest.approx(12, abs=2)
    call("prune_usage", type(None), days_kept=90)


def _walk_through_sessions(call: Callable[..., Any]) -> None:
    keys = hashlib.sha256(b"keys").digest()
    in_an_hour = call("now_ms", int) + 3_600_000
    call("begin_session", type(None), digest=DIGEST, keys=keys, actor="viewer", viewer=True, expires_at_ms=in_an_hour)
    session = call("find_session", _core.Session, digest=DIGEST, keys=keys)
    assert (session.actor, session.viewer, session.expires_at_ms) == ("viewer", True, in_an_hour)
    assert session.created_at_ms <= call("now_ms", int)
    call("find_session", type(None), digest=DIGEST, keys=DIGEST)
    assert call("end_session", bool, digest=DIGEST)
    call("find_session", type(None), digest=DIGEST, keys=keys)


def _walk_through_attention(call: Callable[..., Any]) -> None:
    call("list_low_balances", list, limit=10)
    call("list_team_denials", list, since_ms=0, limit=10)
    assert all(type(each) is _core.CalledModel for each in call("list_called_models", list, since_ms=0))
    call("reach", _core.Reach)
    call("sum_organizations", list, organization_ids=["acme"], from_ms=0)


def _walk_through_removal(call: Callable[..., Any]) -> None:
    receipt = _core.Receipt
    secret = KeySecret(digest=hashlib.sha256(b"another").digest(), last_four="ther")
    key = NewVirtualKey(name="second", secret=secret)
    created, _ = call("create_key", _core.VirtualKey, receipt, team_id="acme-prod", key=key)
    named = {"team_id": "acme-prod", "key_id": created.key_id}
    call(
        "rotate_key",
        _core.VirtualKey,
        receipt,
        **named,
        grace_seconds=0,
        secret=None,
        options=WriteOptions(dry_run=True),
    )
    call("revoke_key", _core.VirtualKey, receipt, **named)
    tomorrow = call("now_ms", int) + 86_400_000
    grant = NewGrant(access_group="pro", expires_at_ms=tomorrow, reason="trial")
    granted, _ = call("create_grant", _core.Grant, receipt, team_id="acme-prod", grant=grant)
    assert [each.grant_id for each in call("list_grants", list, team_id="acme-prod")] == [granted.grant_id]
    [ending] = call("list_ending_grants", list, until_ms=tomorrow + 1)
    assert (ending.team_id, ending.grant.grant_id) == ("acme-prod", granted.grant_id)
    call("delete_grant", receipt, team_id="acme-prod", grant_id=granted.grant_id)
    call("delete_access_group", list, receipt, group_name="pro")
    call("delete_model_alias", receipt, alias="slow", force=False)
    call("delete_team", receipt, team_id="acme-prod")
    call("delete_organization", receipt, organization_id="acme")
