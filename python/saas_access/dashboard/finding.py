"""Finding anything by a part of its name, on a page and in the palette."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saas_access.dashboard.visit import page

if TYPE_CHECKING:
    from starlette.responses import Response

    from saas_access.dashboard.visit import Visit

_NOTHING: dict[str, list[object]] = {}


async def _find(visit: Visit) -> Response:
    q = visit.query("q")
    found = await visit.api.get("/api/search", q=q) if q else _NOTHING
    if visit.query("part"):
        return visit.part("found.html", q=q, found=found)
    return await visit.page("find.html", title="Find", q=q, found=found)


routes = [page("/find", _find)]
