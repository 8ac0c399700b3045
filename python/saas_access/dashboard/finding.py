"""Finding anything by a part of its name, on a page and in the palette; there, what can be done too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from saas_access.dashboard.visit import page

if TYPE_CHECKING:
    from starlette.responses import Response

    from saas_access.dashboard.visit import Visit

_KINDS = ("teams", "access_groups", "model_aliases", "organizations", "keys")
_NOTHING: dict[str, list[object]] = {kind: [] for kind in _KINDS}


@dataclass(frozen=True)
class Deed:
    """Something that can be done; `path` comes after /admin. `writes`: not by a viewer."""

    title: str
    about: str
    path: str
    mark: str
    writes: bool = False


_DEEDS = (
    Deed("Explain a refusal", "for a team and a model", "/explain", "chain"),
    Deed("Create team", "with its first key", "/teams?new=1", "team", writes=True),
    Deed("Create Access Group", "what a plan may call", "/model-access/new", "layers", writes=True),
    Deed("Create Model Alias", "a name for a model", "/aliases?new=1", "alias", writes=True),
    Deed("Create organization", "a customer", "/organizations?new=1", "org", writes=True),
    Deed("See who may use what", "access matrix", "/matrix", "grid"),
    Deed("See what was changed", "audit, with Undo", "/audit", "audit"),
    Deed("See what was used", "calls, refusals, credits", "/usage", "usage"),
)


async def _find(visit: Visit) -> Response:
    q = visit.query("q")
    found = await visit.api.get("/api/search", q=q) if q else _NOTHING
    if visit.query("part"):
        return visit.part("found.html", q=q, found=found, deeds=_deeds(visit, q), palette=True)
    return await visit.page(
        "find.html", title="Find", section="/find", q=q, found=found, deeds=_deeds(visit, q), palette=False
    )


def _deeds(visit: Visit, q: str) -> list[Deed]:
    """All of whose words one begins with each of the typed ones."""
    sought = q.lower().split()
    return [
        deed
        for deed in _DEEDS
        if (visit.may_write or not deed.writes)
        and all(any(word.startswith(each) for word in f"{deed.title} {deed.about}".lower().split()) for each in sought)
    ]


routes = [page("/find", _find)]
