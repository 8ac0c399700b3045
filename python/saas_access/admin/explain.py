"""Why would a call be allowed or refused, and what would change that? Decides nothing and costs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import Response

from saas_access import credits, problems, refusal
from saas_access._core import (
    MICRO_PER_CREDIT,
    BudgetMode,
    Engine,
    Explanation,
    NotFound,
    Pricing,
    Reason,
    slug,
)
from saas_access.admin import errors, routes
from saas_access.admin.bodies import ExplainBody
from saas_access.admin.report_answers import ExplanationAnswer, Remedy
from saas_access.admin.routes import EngineOf
from saas_access.admin.writes import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

router = routes.router("Explain")

_OFFERED_GROUPS = 10


@dataclass(frozen=True, kw_only=True)
class _Case:
    """One question, with all that the answer rests on."""

    engine: Engine
    explanation: Explanation
    reason: Reason
    remaining: int
    needed: int


@router.post("/authorize/explain", response_model=ExplanationAnswer)
@routes.reads_only
def explain(body: ExplainBody, engine: EngineOf) -> Response:
    case = _examine(engine, _ask(engine, body))
    decision = case.explanation.decision
    named_key = {"virtual_key_id": body.virtual_key_id} if body.virtual_key_id is not None else {}
    return shown(
        ExplanationAnswer(
            allowed=case.reason is Reason.GRANTED,
            reason=slug(case.reason),
            message=_message(case),
            team_id=decision.team_id,
            **named_key,
            model=body.model,
            litellm_model=decision.litellm_model or None,
            groups=decision.groups,
            groups_with_alias=case.explanation.groups_with_alias,
            remedies=list(_remedies(case)),
            revision=decision.policy_revision,
        )
    )


def _ask(engine: Engine, body: ExplainBody) -> Explanation:
    if body.team_id is not None:
        try:
            engine.find_team(team_id=body.team_id)
        except NotFound as error:
            raise errors.invalid("team_id", str(error)) from error
        return engine.explain(team_id=body.team_id, alias=body.model)
    key_id = body.virtual_key_id or ""
    explanation = engine.explain(key_id=key_id, alias=body.model)
    if explanation.decision.reason is Reason.KEY_UNKNOWN:
        raise errors.invalid("virtual_key_id", f"Virtual key {problems.quoted(key_id)} does not exist")
    return explanation


def _examine(engine: Engine, explanation: Explanation) -> _Case:
    decision = explanation.decision
    if not decision.allowed:
        return _Case(engine=engine, explanation=explanation, reason=decision.reason, remaining=0, needed=0)
    remaining = engine.find_balance(team_id=decision.team_id).remaining
    needed = _least_price(decision.pricing)
    reason = Reason.GRANTED if remaining >= needed else Reason.CREDITS_EXHAUSTED
    return _Case(engine=engine, explanation=explanation, reason=reason, remaining=remaining, needed=needed)


def _least_price(pricing: Pricing) -> int:
    """What must be left for a call outside of any job, in micro-credits; where use is billed, the least that can be."""
    return pricing.credits_per_call if pricing.mode is BudgetMode.JOB_BASED else 1


def _message(case: _Case) -> str:
    """What the refused client would read, or that it isn't refused."""
    decision, reason = case.explanation.decision, case.reason
    if reason is Reason.GRANTED:
        return f"Team '{decision.team_id}' may call model '{decision.alias}' through {_listed(decision.groups)}"
    if reason is Reason.CREDITS_EXHAUSTED:
        remaining, needed = credits.from_micro(case.remaining), credits.from_micro(case.needed)
        return f"Team '{decision.team_id}' has {remaining:f} credits left; a call of this model needs {needed:f}"
    if reason is Reason.MODEL_NOT_GRANTED:
        return refusal.model_not_granted(decision.alias, []).message
    if reason in (Reason.TEAM_SUSPENDED, Reason.ORGANIZATION_SUSPENDED):
        return refusal.suspended(reason, decision.team_id).message
    return refusal.key_refused(reason).message


def _remedies(case: _Case) -> Iterator[Remedy]:
    """Each change that is needed; of several access groups that would do, one suffices."""
    team_id, reason = case.explanation.decision.team_id, case.reason
    if reason is Reason.MODEL_NOT_GRANTED:
        yield from _grant_remedies(case)
    elif reason is Reason.TEAM_SUSPENDED:
        yield Remedy(action="resume_team", message=f"Resume team '{team_id}'.")
    elif reason is Reason.ORGANIZATION_SUSPENDED:
        yield Remedy(action="resume_organization", message=f"Resume the organization of team '{team_id}'.")
    elif reason is Reason.CREDITS_EXHAUSTED:
        missing = -((case.remaining - case.needed) // MICRO_PER_CREDIT)
        yield Remedy(action="add_credits", message=f"Add at least {missing} credits to team '{team_id}'.")
    elif reason in (Reason.KEY_REVOKED, Reason.KEY_EXPIRED):
        yield Remedy(action="create_key", message=f"Create another virtual key for team '{team_id}'.")


def _grant_remedies(case: _Case) -> Iterator[Remedy]:
    explanation, decision = case.explanation, case.explanation.decision
    alias = f"model alias '{decision.alias}'"
    if not explanation.alias_exists:
        yield Remedy(action="create_model_alias", message=f"Create {alias} and add it to an access group.")
        return
    if not explanation.alias_active:
        yield Remedy(action="activate_model_alias", message=f"Set {alias} active.")
    if explanation.key_narrowed_away:
        yield Remedy(action="create_key", message=f"Create a key that is not narrowed, or narrowed to {alias} too.")
        return
    if not explanation.groups_with_alias:
        message = f"Add {alias} to an access group of team '{decision.team_id}'."
        yield Remedy(action="add_model_to_group", message=message)
    elif not _held(case).intersection(explanation.groups_with_alias):
        for group in explanation.groups_with_alias[:_OFFERED_GROUPS]:
            message = f"Give team '{decision.team_id}' the access group '{group}'."
            yield Remedy(action="add_access_group", message=message, access_group=group)


def _held(case: _Case) -> set[str]:
    """The team's own groups and those it is granted now."""
    engine, team_id = case.engine, case.explanation.decision.team_id
    now_ms = engine.now_ms()
    running = [
        grant.access_group
        for grant in engine.list_grants(team_id=team_id)
        if grant.starts_at_ms <= now_ms < grant.expires_at_ms
    ]
    return {*engine.find_team(team_id=team_id).access_groups, *running}


def _listed(names: list[str]) -> str:
    return ", ".join(f"access group '{name}'" for name in names)
