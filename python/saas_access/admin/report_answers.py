"""What the API answers about what happened and why: jobs, audit, explanations, health."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from pydantic import Field

from saas_access import credits, times
from saas_access._core import AuditEntry, Call, CallStatus, Job, JobCosts, WebhookEvent, slug
from saas_access.admin.answers import (
    Alias,
    Answer,
    Credits,
    Cursor,
    GroupName,
    Groups,
    JobId,
    KeyId,
    LitellmModel,
    Metadata,
    Number,
    TeamId,
    Time,
)


class JobCreated(Answer):
    job_id: JobId | None = Field(description="null in a dry run")
    status: str = Field(examples=["pending"])
    created_at: Time


class JobCostsAnswer(Answer):
    total_calls: int
    successful_calls: int
    failed_calls: int
    total_tokens: int
    total_cost_usd: Number
    credit_applied: bool = Field(description="Did the job cost any credit so far?")
    credits_remaining: Credits = Field(description="The team's: when the job ended, or now while it is open")

    @classmethod
    def of(cls, costs: JobCosts) -> JobCostsAnswer:
        return cls(
            total_calls=costs.total_calls,
            successful_calls=costs.successful_calls,
            failed_calls=costs.failed_calls,
            total_tokens=costs.total_tokens,
            total_cost_usd=credits.dollars_from_pico(costs.total_cost),
            credit_applied=costs.credits_charged > 0,
            credits_remaining=credits.from_micro(costs.credits_remaining),
        )


class CallAnswer(Answer):
    call_id: str
    model: Alias
    purpose: str
    status: str = Field(examples=["succeeded"], description="running, succeeded or failed")
    total_tokens: int
    cost_usd: Number | None = Field(description="null: the model has no known price")
    latency_ms: int
    created_at: Time

    @classmethod
    def of(cls, call: Call) -> CallAnswer:
        ended = call.status is not CallStatus.RUNNING
        return cls(
            call_id=call.call_id,
            model=call.alias,
            purpose=call.purpose,
            status=slug(call.status),
            total_tokens=call.usage.total_tokens,
            cost_usd=credits.dollars_from_pico(call.usage.cost) if ended and call.usage.price_known else None,
            latency_ms=call.latency_ms,
            created_at=times.text(call.created_at_ms),
        )


class JobAnswer(Answer):
    job_id: JobId
    team_id: TeamId
    job_type: str = Field(examples=["document_analysis"])
    user_id: str | None
    status: str = Field(examples=["completed"], description="pending, in_progress, completed or failed")
    metadata: Metadata
    error_message: str | None
    created_at: Time
    completed_at: Time | None
    costs: JobCostsAnswer
    calls: list[CallAnswer] = Field(default=[], description="Not in lists")

    @classmethod
    def of(cls, job: Job, **also: Any) -> JobAnswer:
        return cls(
            job_id=job.job_id,
            team_id=job.team_id,
            job_type=job.job_type,
            user_id=job.user_id,
            status=slug(job.status),
            metadata=json.loads(job.metadata),
            error_message=job.error_message,
            created_at=times.text(job.created_at_ms),
            completed_at=times.optional_text(job.completed_at_ms),
            costs=JobCostsAnswer.of(job.costs),
            **also,
        )


class JobList(Answer):
    jobs: list[JobAnswer]
    next_cursor: Cursor = None


class CallMetadata(Answer):
    model: Alias
    tokens_used: int = Field(examples=[25])
    latency_ms: int = Field(examples=[840])


class CallMade(Answer):
    call_id: str = Field(examples=["call_5f2c9a7b1e3d4c6f8a0b1c2d"])
    response: dict[str, Any] = Field(description="The chat completion, its `model` being the alias")
    metadata: CallMetadata


class JobMade(Answer):
    job_id: JobId
    call_id: str = Field(examples=["call_5f2c9a7b1e3d4c6f8a0b1c2d"])
    status: str = Field(examples=["completed"], description="completed; in_progress if the store failed at the last")
    response: dict[str, Any] = Field(description="The chat completion, its `model` being the alias")
    metadata: CallMetadata
    costs: JobCostsAnswer | None = Field(description="null while the job is in_progress")


class AuditEntryAnswer(Answer):
    id: int
    at: Time
    actor: str = Field(examples=["operator"])
    action: str = Field(examples=["team.update"])
    target_type: str = Field(examples=["team"])
    target_id: str = Field(examples=["acme-prod"])
    before: dict[str, Any] | None = Field(examples=[{"access_groups": ["basic-models"]}])
    after: dict[str, Any] | None = Field(examples=[{"access_groups": ["basic-models", "pro-models"]}])
    revision: int = Field(examples=[7])
    undoable: bool = Field(description="Would undoing it now work?")

    @classmethod
    def of(cls, entry: AuditEntry, *, undoable: bool) -> AuditEntryAnswer:
        return cls(
            id=entry.id,
            at=times.text(entry.at_ms),
            actor=entry.actor,
            action=entry.action,
            target_type=entry.target_type,
            target_id=entry.target_id,
            before=json.loads(entry.before),
            after=json.loads(entry.after),
            revision=entry.revision,
            undoable=undoable,
        )


class Undone(Answer):
    undone: int = Field(examples=[7], description="The id of the entry that was undone")
    target_type: str = Field(examples=["team"])
    target_id: str = Field(examples=["acme-prod"])
    before: dict[str, Any] | None = Field(description="The fields that undoing changed; null: it was made again")
    after: dict[str, Any] | None = Field(description="The same fields now; null: it was deleted")


class AuditList(Answer):
    entries: list[AuditEntryAnswer]
    next_cursor: Cursor = None


class WebhookEventAnswer(Answer):
    event_id: str | None = Field(description="null in a dry run", examples=["evt_5f2c9a7b1e3d4c6f8a0b1c2d"])
    type: str = Field(examples=["credits.low"], description="credits.low, credits.exhausted or webhook.test")
    team_id: TeamId | None
    payload: dict[str, Any] = Field(description="The body that is sent")
    state: str = Field(examples=["delivered"], description="pending, delivered, failed or not_sent")
    attempts: int
    last_error: str | None = Field(examples=["the answer was 500"])
    created_at: Time
    next_attempt_at: Time | None
    delivered_at: Time | None

    @classmethod
    def of(cls, event: WebhookEvent, *, sends: bool) -> WebhookEventAnswer:
        """`sends`: does this server know where to send it?"""
        return cls(
            event_id=event.event_id,
            type=event.type,
            team_id=event.team_id,
            payload=json.loads(event.payload, parse_float=Decimal),
            state=_state_of(event, sends=sends),
            attempts=event.attempts,
            last_error=event.last_error,
            created_at=times.text(event.created_at_ms),
            next_attempt_at=times.optional_text(event.next_attempt_at_ms),
            delivered_at=times.optional_text(event.delivered_at_ms),
        )


def _state_of(event: WebhookEvent, *, sends: bool) -> str:
    if event.delivered_at_ms is not None:
        return "delivered"
    if event.next_attempt_at_ms is None:
        return "failed"
    return "pending" if sends or event.attempts > 0 else "not_sent"


class WebhookEventList(Answer):
    events: list[WebhookEventAnswer]
    next_cursor: Cursor = None


class Remedy(Answer):
    action: str = Field(examples=["add_access_group"], description="A stable slug for what would change the decision")
    message: str = Field(examples=["Give team 'acme-prod' the access group 'gpt-models'."])
    access_group: GroupName | None = None


class ExplanationAnswer(Answer):
    allowed: bool
    reason: str = Field(examples=["model_not_granted"], description="granted, or why a call would be refused")
    message: str
    team_id: TeamId
    virtual_key_id: KeyId | None = None
    model: Alias
    litellm_model: LitellmModel | None = Field(description="null unless the team is granted the model")
    groups: Groups = Field(description="The team's groups that grant the model")
    groups_with_alias: Groups = Field(description="Every group that lists the model")
    remedies: list[Remedy]
    revision: int = Field(examples=[7])


class HealthAnswer(Answer):
    status: str = Field(examples=["ok"], description="ok or unavailable")
    database: str = ""
    sqlite_version: str = ""
    schema_version: int = 0
    revision: int = 0
    snapshot_revision: int = 0
    hook_loaded: bool | None = Field(default=None, description="null where no calls are served")
    litellm_version: str | None = None
    warnings: list[str] = Field(default=[])
