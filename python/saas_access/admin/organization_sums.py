"""Organizations with their teams, credits and use summed."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response
from pydantic import Field

from saas_access import credits, times
from saas_access._core import OrganizationSums
from saas_access.admin import routes
from saas_access.admin.answers import Answer, Credits, Cursor, OrganizationId, Time
from saas_access.admin.pages import PageOf
from saas_access.admin.routes import EngineOf
from saas_access.admin.writes import shown

router = routes.router("Organizations")


class OrganizationSum(Answer):
    organization_id: OrganizationId
    teams: int = Field(examples=[4])
    active_teams: int = Field(examples=[3], description="Not suspended themselves")
    credits_allocated: Credits
    credits_used: Credits
    credits_reserved: Credits
    credits_remaining: Credits
    calls: int = Field(examples=[14975], description="Answered")
    denials: int = Field(examples=[3])
    last_call_at: Time | None

    @classmethod
    def of(cls, sums: OrganizationSums) -> OrganizationSum:
        return cls(
            organization_id=sums.organization_id,
            teams=sums.teams,
            active_teams=sums.active_teams,
            credits_allocated=credits.from_micro(sums.allocated),
            credits_used=credits.from_micro(sums.used),
            credits_reserved=credits.from_micro(sums.held),
            credits_remaining=credits.from_micro(sums.allocated - sums.used - sums.held),
            calls=sums.calls,
            denials=sums.denials,
            last_call_at=times.optional_text(sums.last_call_at_ms),
        )


class OrganizationSumList(Answer):
    counted_from: Time
    organizations: list[OrganizationSum]
    next_cursor: Cursor = None


@router.get("/organization-sums", response_model=OrganizationSumList)
def list_organization_sums(
    engine: EngineOf,
    page: PageOf,
    organization_id: Annotated[
        str | None, Query(description="Only these, separated by commas", examples=["org_acme,org_techco"])
    ] = None,
    days: Annotated[int, Query(ge=1, le=3660, description="Of use, today (in UTC) being one of them")] = 7,
) -> Response:
    """Of all organizations, in the order of their list, or of those that are named, in the order given."""
    following = None
    if organization_id is None:
        found, following = engine.list_organizations(**page.position)
        ids = [each.organization_id for each in found]
    else:
        ids = list(dict.fromkeys(organization_id.split(",")))
    from_ms = max(times.first_day_ms(engine.now_ms(), days), 0)
    sums = engine.sum_organizations(organization_ids=ids, from_ms=from_ms)
    return shown(
        OrganizationSumList(
            counted_from=times.text(from_ms),
            organizations=[OrganizationSum.of(each) for each in sums],
            **page.following(following),
        )
    )
