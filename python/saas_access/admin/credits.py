"""Credits: adding them, what is left of them, and where they went."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Header, Query, Response

from saas_access._core import EntryType, slug
from saas_access.admin import access, routes
from saas_access.admin.bodies import AddCreditsBody
from saas_access.admin.credit_answers import CreditDayAnswer, CreditHistory, LowestAnswer, LowestList, PaceAnswer
from saas_access.admin.pages import MAX_LIMIT, PageOf
from saas_access.admin.ranges import From, To, milliseconds
from saas_access.admin.routes import Audience, CallerOf, EngineOf
from saas_access.admin.team_answers import (
    BalanceAnswer,
    CreditsAddedAnswer,
    Transaction,
    TransactionList,
    balance_fields,
)
from saas_access.admin.writes import NewOf, shown

router = routes.router("Credits")

IdempotencyKey = Annotated[
    str | None,
    Header(
        description="A repeated request with the same key and body is answered as the first was, and adds nothing",
        min_length=1,
        max_length=255,
        examples=["invoice-1234"],
    ),
]
TeamQuery = Annotated[str, Query(examples=["acme-prod"])]
_ENTRY_TYPES = {slug(entry_type): entry_type for entry_type in EntryType}
Type = Literal["allocation", "adjustment", "charge", "refund", "interrupted", "shortfall"]


@router.post("/credits/add", response_model=CreditsAddedAnswer)
def add_credits(
    body: AddCreditsBody, engine: EngineOf, conditions: NewOf, idempotency_key: IdempotencyKey = None
) -> Response:
    added, receipt = conditions.run(
        lambda options: engine.add_credits(
            team_id=body.team_id,
            credits=body.amount,
            description=body.description,
            idempotency_key=idempotency_key,
            options=options,
        )
    )
    content = CreditsAddedAnswer.of(added)
    if conditions.dry_run:
        content = content.model_copy(update={"transaction_id": None})
    return conditions.answer(content, receipt)


@router.get("/credits/balance", response_model=BalanceAnswer)
@routes.open_to(Audience.TEAMS)
def get_balance(team_id: TeamQuery, engine: EngineOf, caller: CallerOf) -> Response:
    """`credits_remaining` = allocated - used - reserved."""
    access.require_own_team(caller, team_id)
    balance = engine.find_balance(team_id=team_id)
    thresholds = engine.find_low_balance_thresholds(team_id=team_id)
    return shown(BalanceAnswer(team_id=team_id, **balance_fields(balance, thresholds)))


@router.get("/credits/pace", response_model=PaceAnswer)
@routes.open_to(Audience.TEAMS)
def get_pace(team_id: TeamQuery, engine: EngineOf, caller: CallerOf) -> Response:
    """A look back, not a promise: refills and whatever else is to come are not in it."""
    access.require_own_team(caller, team_id)
    return shown(PaceAnswer.of(engine.find_pace(team_id=team_id), engine.now_ms()))


@router.get("/credits/history", response_model=CreditHistory)
@routes.open_to(Audience.TEAMS)
def get_history(
    team_id: TeamQuery, engine: EngineOf, caller: CallerOf, days: Annotated[int, Query(ge=1, le=3660)] = 30
) -> Response:
    """The last days of UTC, today among them, oldest first; none before the team's first. From the ledger."""
    access.require_own_team(caller, team_id)
    found = engine.list_credit_days(team_id=team_id, days=days)
    return shown(CreditHistory(team_id=team_id, days=[CreditDayAnswer.of(day) for day in found]))


@router.get("/credits/lowest", response_model=LowestList)
def list_lowest(engine: EngineOf, limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 10) -> Response:
    """Active teams with an allocation: first what runs out first, then those without a pace by the share left."""
    now_ms = engine.now_ms()
    return shown(LowestList(teams=[LowestAnswer.of(pace, now_ms) for pace in engine.lowest_paces(limit=limit)]))


@router.get("/credits/transactions", response_model=TransactionList)
@routes.open_to(Audience.TEAMS)
def list_transactions(
    *,
    team_id: TeamQuery,
    engine: EngineOf,
    caller: CallerOf,
    page: PageOf,
    type: Type | None = None,  # noqa: A002 the parameter's name in the query
    from_time: From = None,
    to_time: To = None,
) -> Response:
    """Newest first. The sum of all amounts is the balance."""
    access.require_own_team(caller, team_id)
    found, following = engine.list_entries(
        team_id=team_id,
        type=None if type is None else _ENTRY_TYPES[type],
        from_ms=milliseconds("from", from_time),
        to_ms=milliseconds("to", to_time),
        **page.position,
    )
    transactions = [Transaction.of(entry) for entry in found]
    return shown(TransactionList(transactions=transactions, **page.following(following)))
