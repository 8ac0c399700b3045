"""What there is: finding a thing by a part of its name, and how many there are of each kind."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from saas_access.admin import routes
from saas_access.admin.routes import EngineOf
from saas_access.admin.search_answers import CountsAnswer, FoundAnswer
from saas_access.admin.writes import shown

router = routes.router("Search")

Sought = Annotated[
    str,
    Query(
        description="Any part of an id or name; of a key's last four characters too",
        min_length=1,
        max_length=256,
        examples=["acme"],
    ),
]
Limit = Annotated[int, Query(ge=1, le=50, description="At most so many of each kind")]


@router.get("/search", response_model=FoundAnswer)
def search(engine: EngineOf, q: Sought, limit: Limit = 5) -> Response:
    """Of each kind, first what is named exactly so, then what begins so. `a` to `z` match in either case."""
    return shown(FoundAnswer.of(engine.search(text=q, limit=limit)))


@router.get("/counts", response_model=CountsAnswer)
def get_counts(engine: EngineOf) -> Response:
    """Nothing of deleted teams counts."""
    return shown(CountsAnswer.of(engine.count_records()))
