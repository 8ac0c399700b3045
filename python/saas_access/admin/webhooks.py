"""Webhooks: what was to be told to the operator's systems, and what became of it."""

from __future__ import annotations

from fastapi import Response

from saas_access.admin import routes
from saas_access.admin.pages import PageOf
from saas_access.admin.report_answers import WebhookEventAnswer, WebhookEventList
from saas_access.admin.routes import EngineOf, ServiceOf
from saas_access.admin.writes import NewOf, shown

router = routes.router("Webhooks")


@router.get("/webhooks/events", response_model=WebhookEventList)
def list_webhook_events(engine: EngineOf, service: ServiceOf, page: PageOf) -> Response:
    """Newest first."""
    sends = service.runtime.settings.webhook_url is not None
    found, following = engine.list_webhook_events(**page.position)
    events = [WebhookEventAnswer.of(event, sends=sends) for event in found]
    return shown(WebhookEventList(events=events, **page.following(following)))


@router.post("/webhooks/test", status_code=201, response_model=WebhookEventAnswer)
def write_test_event(engine: EngineOf, service: ServiceOf, conditions: NewOf) -> Response:
    """Writes an event that tells of nothing, to try out what receives them. It is sent as every other one."""
    event, receipt = conditions.run(lambda options: engine.add_test_webhook_event(options=options))
    content = WebhookEventAnswer.of(event, sends=service.runtime.settings.webhook_url is not None)
    if conditions.dry_run:
        content = content.model_copy(update={"event_id": None})
    return conditions.answer(content, receipt, created=True)
