"""Is the product able to decide and to keep its books?"""

from __future__ import annotations

from fastapi import Response

from saas_access._core import CoreError, Engine, Health
from saas_access.admin import routes
from saas_access.admin.access import Operator, Service
from saas_access.admin.host import Host
from saas_access.admin.json_text import JsonAnswer
from saas_access.admin.report_answers import HealthAnswer
from saas_access.admin.routes import Audience, CallerOf, EngineOf, ServiceOf

router = routes.router("Health")

_LISTED = 10


@router.get(
    "/health",
    response_model=HealthAnswer,
    responses={503: {"model": HealthAnswer, "description": "Calls are refused; `warnings` say why"}},
)
@routes.open_to(Audience.ANYONE)
def get_health(engine: EngineOf, service: ServiceOf, caller: CallerOf) -> Response:
    """Whoever isn't the operator is answered `status` alone."""
    health = engine.health()
    hook_loaded = service.host.hook_loaded()
    ok = health.ok and hook_loaded is not False
    status = "ok" if ok else "unavailable"
    if not isinstance(caller, Operator):
        return JsonAnswer({"status": status}, status_code=200 if ok else 503)
    content = HealthAnswer(
        status=status,
        database=health.database,
        sqlite_version=health.sqlite_version,
        schema_version=health.schema_version,
        revision=health.revision,
        snapshot_revision=health.snapshot_revision,
        hook_loaded=hook_loaded,
        litellm_version=service.host.litellm_version,
        warnings=troubles(service, health) + _unroutable(engine, service.host),
    )
    return JsonAnswer(content.model_dump(), status_code=200 if ok else 503)


def troubles(service: Service, health: Health) -> list[str]:
    """A sentence on each fault of the store, the proxy or what is done in the background."""
    found = [health.problem] if health.problem else []
    if service.host.hook_loaded() is False:
        found.append("The proxy runs without the product's hook, so every model call is refused; see its callbacks.")
    if (trouble := service.host.trouble()) is not None:
        found.append(trouble)
    return found + service.runtime.upkeep.troubles()


def _unroutable(engine: Engine, host: Host) -> list[str]:
    try:
        model_aliases, _ = engine.list_model_aliases()
    except CoreError:
        return []  # health.problem says it already
    names = [f"'{item.alias}'" for item in model_aliases if item.active and host.can_route(item.litellm_model) is False]
    if not names:
        return []
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return [f"The proxy can't route what these aliases stand for: {', '.join(names[:_LISTED])}{more}."]
