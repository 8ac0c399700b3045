"""Jobs: several model calls that a team is charged for as one."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import Response

from saas_access import problems, times
from saas_access._core import CallStatus, Engine, Job, JobCompletion, JobStatus, NewJob, NotFound, slug
from saas_access.admin import access, errors, routes
from saas_access.admin.access import Caller, Operator, Service, TeamCaller
from saas_access.admin.bodies import END_STATUSES, JobCompletionBody, NewJobBody
from saas_access.admin.json_text import JsonAnswer
from saas_access.admin.pages import PageOf
from saas_access.admin.ranges import From, To, milliseconds
from saas_access.admin.report_answers import CallAnswer, CallMade, JobAnswer, JobCreated, JobList, JobMade
from saas_access.admin.routes import Audience, CallerOf, EngineOf, ServiceOf
from saas_access.admin.writes import DryRun, dry_run_fields, shown

router = routes.router("Jobs")

StatusFilter = Literal["pending", "in_progress", "completed", "failed"] | None
_STATUSES: dict[str, JobStatus] = {slug(status): status for status in JobStatus}

_CALL_FIELDS: dict[str, Any] = {
    "model": {"type": "string", "description": "An alias"},
    "messages": {"type": "array", "items": {"type": "object"}},
    "purpose": {"type": "string", "maxLength": 256, "description": "Your word for this call, shown in the job"},
}
_CALL_EXAMPLE: dict[str, Any] = {
    "model": "gpt-4",
    "messages": [{"role": "user", "content": "Summarize this document."}],
    "purpose": "summary",
    "temperature": 0.2,
}
_JOB_FIELDS: dict[str, Any] = {
    "team_id": {"type": "string", "description": "The key's own team, which it is if left out"},
    "job_type": {"type": "string", "minLength": 1, "maxLength": 256},
    "user_id": {"type": ["string", "null"], "maxLength": 256},
    "metadata": {"type": "object", "additionalProperties": True, "description": "The job's"},
}


def _call_body(required: list[str], fields: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    """The document of a body that goes on to the chat route, which knows its other fields."""
    schema = {"type": "object", "required": required, "properties": fields, "additionalProperties": True}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}}


_CALL_BODY = _call_body(["model", "messages"], _CALL_FIELDS, _CALL_EXAMPLE)
_JOB_BODY = _call_body(
    ["job_type", "model", "messages"],
    {**_JOB_FIELDS, **_CALL_FIELDS},
    {"job_type": "document_analysis", "user_id": "user-42", "metadata": {"document": 7}, **_CALL_EXAMPLE},
)
_EVENTS: dict[str, Any] = {
    "description": "Server-sent events, as the proxy's chat route sends them",
    "content": {"text/event-stream": {}},
}
_EVENTS_OF_JOB: dict[str, Any] = {
    **_EVENTS,
    "headers": {"X-Job-Id": {"description": "The job's id", "schema": {"type": "string"}}},
}


@router.post("/jobs/create", status_code=201, response_model=JobCreated)
@routes.open_to(Audience.TEAMS)
def create_job(body: NewJobBody, engine: EngineOf, caller: CallerOf, dry_run: DryRun = False) -> Response:
    """Costs nothing: the job's credit is reserved by its first call."""
    if isinstance(caller, TeamCaller) and caller.team_id != body.team_id:
        raise _no_such_team(body.team_id)
    if dry_run:
        return _tried_creation(body, engine)
    new = NewJob(team_id=body.team_id, job_type=body.job_type, user_id=body.user_id, metadata=body.metadata)
    job = engine.create_job(job=new)
    made = JobCreated(job_id=job.job_id, status=slug(job.status), created_at=times.text(job.created_at_ms))
    return JsonAnswer(made.model_dump(), status_code=201)


# The next four stand here for the document and for a server without calls: the proxy answers them before they come
# here.
@router.post("/jobs/create-and-call", response_model=JobMade, openapi_extra=_JOB_BODY)
@routes.open_to(Audience.TEAMS)
def create_and_call(service: ServiceOf, caller: CallerOf) -> Response:
    """A job of one chat completion, made and ended with it. Takes any other chat parameter of OpenAI but `metadata`,
    which is the job's; `"stream": true` streams.
    """
    _refuse_operator(caller)
    raise _calls_elsewhere(service)


@router.post("/jobs/create-and-call-stream", openapi_extra=_JOB_BODY, responses={200: _EVENTS_OF_JOB})
@routes.open_to(Audience.TEAMS)
def create_and_stream(service: ServiceOf, caller: CallerOf) -> Response:
    """The same, answered as server-sent events. The job has ended when the stream has."""
    _refuse_operator(caller)
    raise _calls_elsewhere(service)


@router.post("/jobs/{job_id}/llm-call", response_model=CallMade, openapi_extra=_CALL_BODY)
@routes.open_to(Audience.TEAMS)
def call_model(job_id: str, engine: EngineOf, service: ServiceOf, caller: CallerOf) -> Response:
    """A chat completion inside a job. Takes any other chat parameter of OpenAI; `"stream": true` streams."""
    _refuse_operator(caller)
    _own_job(job_id, engine, caller)
    raise _calls_elsewhere(service)


@router.post("/jobs/{job_id}/llm-call-stream", openapi_extra=_CALL_BODY, responses={200: _EVENTS})
@routes.open_to(Audience.TEAMS)
def stream_model(job_id: str, engine: EngineOf, service: ServiceOf, caller: CallerOf) -> Response:
    """The same, answered as server-sent events."""
    _refuse_operator(caller)
    _own_job(job_id, engine, caller)
    raise _calls_elsewhere(service)


@router.post("/jobs/{job_id}/complete", response_model=JobAnswer)
@routes.open_to(Audience.TEAMS)
def complete_job(
    *,
    job_id: str,
    body: JobCompletionBody,
    engine: EngineOf,
    service: ServiceOf,
    caller: CallerOf,
    dry_run: DryRun = False,
) -> Response:
    """Charges the job. Again with the same status it answers the same."""
    job = _own_job(job_id, engine, caller)
    if not service.host.serves_calls:
        raise _calls_elsewhere(service)
    if dry_run:
        return _tried_completion(job, body)
    completion = JobCompletion(
        status=END_STATUSES[body.status],
        metadata=body.metadata,
        error_message=body.error_message,
        failed_jobs_are_free=service.runtime.settings.failed_jobs_are_free,
    )
    return shown(_with_calls(engine.complete_job(job_id=job_id, completion=completion)))


@router.get("/jobs/{job_id}", response_model=JobAnswer)
@routes.open_to(Audience.TEAMS)
def get_job(job_id: str, engine: EngineOf, caller: CallerOf) -> Response:
    return shown(_with_calls(_own_job(job_id, engine, caller)))


@router.get("/teams/{team_id}/jobs", response_model=JobList)
@routes.open_to(Audience.TEAMS)
def list_team_jobs(
    *,
    team_id: str,
    engine: EngineOf,
    caller: CallerOf,
    page: PageOf,
    status: StatusFilter = None,
    from_time: From = None,
    to_time: To = None,
) -> Response:
    """Newest first, without their calls; `from` and `to` are about `created_at`."""
    access.require_own_team(caller, team_id)
    found, following = engine.list_jobs(
        team_id=team_id,
        status=None if status is None else _STATUSES[status],
        from_ms=milliseconds("from", from_time),
        to_ms=milliseconds("to", to_time),
        **page.position,
    )
    return shown(JobList(jobs=[JobAnswer.of(job) for job in found], **page.following(following)))


def _with_calls(job: Job) -> JobAnswer:
    return JobAnswer.of(job, calls=[CallAnswer.of(call) for call in job.calls])


def _own_job(job_id: str, engine: Engine, caller: Caller | None) -> Job:
    job = _find_job(job_id, engine)
    if job is None or (isinstance(caller, TeamCaller) and caller.team_id != job.team_id):
        raise errors.not_found(f"Job {problems.quoted(job_id)} does not exist")
    return job


def _find_job(job_id: str, engine: Engine) -> Job | None:
    try:
        return engine.find_job(job_id=job_id)
    except NotFound:
        return None


def _no_such_team(team_id: str) -> errors.Refused:
    return errors.invalid("team_id", f"Team {problems.quoted(team_id)} does not exist")


def _refuse_operator(caller: Caller | None) -> None:
    if isinstance(caller, Operator):
        message = "Only a team's key may make calls in its jobs."
        raise errors.Refused(403, "Forbidden", message, reason="team_only")


def _calls_elsewhere(service: Service) -> errors.Refused:
    proxy_url = service.runtime.settings.proxy_url
    where = f"the one at {proxy_url} (setting proxy_url)" if proxy_url else "the setting proxy_url can name it here"
    return errors.conflict(f"Model calls and the completion of jobs work where the proxy runs; {where}.")


# Jobs are no policy, so the core has no dry run of them: what it would refuse is looked up here.


def _tried_creation(body: NewJobBody, engine: Engine) -> Response:
    try:
        engine.find_team(team_id=body.team_id)
    except NotFound:
        raise _no_such_team(body.team_id) from None
    now_ms = engine.now_ms() // 1000 * 1000
    tried = JobCreated(job_id=None, status=slug(JobStatus.PENDING), created_at=times.text(now_ms))
    return JsonAnswer(tried.model_dump() | dry_run_fields([]))


def _tried_completion(job: Job, body: JobCompletionBody) -> Response:
    ended = job.status in (JobStatus.COMPLETED, JobStatus.FAILED)
    if ended and job.status is not END_STATUSES[body.status]:
        raise errors.conflict(f"Job '{job.job_id}' has already ended as '{slug(job.status)}'")
    if any(call.status is CallStatus.RUNNING for call in job.calls):
        raise errors.conflict(f"Job '{job.job_id}' still has a running call")
    tried = _with_calls(job).model_copy(update={"status": body.status})
    return JsonAnswer(tried.model_dump() | dry_run_fields([]))
