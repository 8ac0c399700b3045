"""An invented world for pages to show: customers of some weeks, with what they use, lack and owe.

Everything in it went through the API and the engine. Its past is made by letting days go by: each day's calls are
charged and counted as any calls are, spread over its hours, and then all times in the store are moved a day back.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from saas_access._core import Engine, Pricing, Reason, ReserveOutcome, ReserveRequest, Synchronous, Usage

_HOUR_MS = 60 * 60 * 1000
_DAY_MS = 24 * _HOUR_MS
# alias: model, description, credits a call
ALIASES = {
    "gpt-4": ("openai/gpt-4", "Most capable GPT-4 model", 3),
    "gpt-4-turbo": ("openai/gpt-4-turbo", "Large context, lower price", 2),
    "gpt-3.5-turbo": ("openai/gpt-3.5-turbo", "Fast and efficient", 1),
    "gpt-4-vision": ("openai/gpt-4-vision-preview", "GPT-4 that sees", 3),
    "claude-3-opus": ("anthropic/claude-3-opus-20240229", "Most capable Claude 3", 4),
    "claude-3-sonnet": ("anthropic/claude-3-sonnet-20240229", "Balanced Claude 3", 2),
    "claude-3-haiku": ("anthropic/claude-3-haiku-20240307", "Fast Claude 3", 1),
    "gemini-pro": ("gemini/gemini-pro", "Google's Gemini Pro", 1),
    "gemini-1.5-pro": ("gemini/gemini-1.5-pro", "Gemini with a long context", 2),
    "mistral-large": ("mistral/mistral-large-latest", "Mistral's largest", 2),
    "gpt-3.5-legacy": ("openai/gpt-3.5-turbo-0301", "The first GPT-3.5", 1),
    "embed-small": ("openai/text-embedding-3-small", "Embeddings", 0.1),
}
GROUPS = {
    "gpt-models": ("OpenAI GPT models", ["gpt-4", "gpt-3.5-turbo", "gpt-4-turbo"]),
    "claude-models": ("Anthropic Claude models", ["claude-3-opus", "claude-3-sonnet", "claude-3-haiku"]),
    "gemini-models": ("Google Gemini models", ["gemini-pro", "gemini-1.5-pro"]),
    "starter-models": ("What the starter plan has", ["gpt-3.5-turbo", "claude-3-haiku"]),
    "pro-models": ("What the pro plan has", ["gpt-4-turbo", "claude-3-sonnet", "gemini-pro"]),
    "enterprise-models": ("The best of each provider", ["gpt-4", "claude-3-opus", "gemini-1.5-pro"]),
    "chat-models": ("For chat", ["gpt-3.5-turbo", "claude-3-sonnet", "claude-3-haiku"]),
    "experimental-models": ("May vanish", ["gpt-4-vision", "mistral-large"]),
    "embedding-models": ("Embeddings", ["embed-small"]),
    "legacy-models": ("No longer sold", ["gpt-3.5-legacy"]),
}
# organization: its name, and its teams: groups, credits, calls a day
ORGANIZATIONS: dict[str, tuple[str, dict[str, tuple[list[str], int, int]]]] = {
    "org_acme": (
        "ACME Corp",
        {
            "acme-batch": (["claude-models", "gemini-models"], 3000, 22),
            "acme-dev": (["gpt-models", "chat-models"], 2500, 14),
            "acme-prod": (["gpt-models", "claude-models"], 6000, 48),
            "acme-support": (["starter-models"], 330, 18),
        },
    ),
    "org_brightline": (
        "Brightline Media",
        {
            "brightline-cms": (["claude-models", "starter-models"], 2000, 12),
            "brightline-prod": (["gpt-models", "pro-models"], 4000, 30),
        },
    ),
    "org_client": (
        "Client Studio",
        {
            "client-prod": (["gpt-models", "gemini-models"], 640, 20),
            "client-staging": (["starter-models"], 300, 4),
        },
    ),
    "org_helio": (
        "Helio Health",
        {
            "helio-dev": (["gpt-models", "starter-models"], 1500, 2),
            "helio-prod": (["gpt-models", "claude-models", "embedding-models"], 5000, 36),
            "helio-research": (["pro-models", "gemini-models"], 2000, 9),
        },
    ),
    "org_newclient": ("New Client Inc", {"newclient-prod": (["starter-models"], 500, 7)}),
    "org_nordwind": (
        "Nordwind Logistics",
        {
            "nordwind-ops": (["gpt-models", "starter-models"], 1000, 8),
            "nordwind-prod": (["enterprise-models"], 4500, 26),
        },
    ),
    "org_quarry": (
        "Quarry Data",
        {
            "quarry-etl": (["legacy-models", "gemini-models"], 1200, 10),
            "quarry-lab": (["gemini-models"], 700, 5),
            "quarry-prod": (["gpt-models", "pro-models"], 3500, 24),
        },
    ),
    "org_techco": (
        "TechCo",
        {
            "techco-prod": (["gpt-models", "enterprise-models"], 4000, 28),
            "techco-qa": (["starter-models"], 400, 3),
        },
    ),
}
# What teams ask for in vain, why it is refused, and how often a day at most.
_REFUSED = {
    ("newclient-prod", "gpt-4-turbo"): (Reason.MODEL_NOT_GRANTED, 21),
    ("client-staging", "claude-3-sonnet"): (Reason.MODEL_NOT_GRANTED, 9),
    ("techco-qa", "gpt-4"): (Reason.MODEL_NOT_GRANTED, 3),
    ("helio-dev", "gpt-4"): (Reason.TEAM_SUSPENDED, 4),
}
TEAMS = {team: facts for _, teams in ORGANIZATIONS.values() for team, facts in teams.items()}


def fill(operator: httpx.Client, database: Path, *, days: int, colleague: httpx.Client | None = None) -> None:
    """Fills an empty store through its server's API, with so many days up to now. `colleague`: another operator, who
    does some of it.
    """
    _sell(operator)
    _make_keys(operator)
    for day in range(days, -1, -1):
        calls = random.Random(day)
        keys = {team: _key(operator, team) for team in TEAMS}
        weekend = time.gmtime(time.time() - day * _DAY_MS / 1000).tm_wday >= 5
        with contextlib.closing(Engine(database=str(database), synchronous=Synchronous.NORMAL)) as engine:
            for team, (groups, _, often) in TEAMS.items():
                _call(engine, calls, team, key_id=keys[team], groups=groups, often=often // 4 if weekend else often)
            for (team, alias), (reason, often) in _REFUSED.items():
                for _ in range(calls.randrange(often)):
                    engine.note_denial(reason=reason, team_id=team, key_id=keys[team], alias=alias)
        _spread_over_the_day(database, calls)
        if day > 0:
            _let_a_day_go_by(database)
    _keep_books(operator, colleague or operator)


def _sell(operator: httpx.Client) -> None:
    for alias, (model, description, credits) in ALIASES.items():
        facts = {"alias": alias, "litellm_model": model, "description": description, "credits_per_call": credits}
        _made(operator.post("/api/model-aliases/create", json=facts))
    for group, (description, aliases) in GROUPS.items():
        listed = {"group_name": group, "description": description, "model_aliases": aliases}
        _made(operator.post("/api/model-access-groups/create", json=listed))
    for organization, (name, teams) in ORGANIZATIONS.items():
        _made(operator.post("/api/organizations/create", json={"organization_id": organization, "name": name}))
        for team, (groups, credits, _) in teams.items():
            facts = {
                "organization_id": organization,
                "team_id": team,
                "team_alias": team.replace("-", " ").title(),
                "access_groups": groups,
                "credits_allocated": credits,
            }
            _made(operator.post("/api/teams/create", json=facts))


def _make_keys(operator: httpx.Client) -> None:
    _made(operator.post("/api/teams/acme-prod/keys", json={"name": "backend"}))
    _made(operator.post("/api/teams/acme-prod/keys", json={"name": "ci", "model_aliases": ["claude-3-haiku"]}))
    old = _made(operator.post("/api/teams/acme-prod/keys", json={"name": "web-2023"}))
    _made(operator.delete(f"/api/teams/acme-prod/keys/{old['key_id']}"))


def _keep_books(operator: httpx.Client, colleague: httpx.Client) -> None:
    """What has been changed today."""
    soon, later = _from_now(28 / 24), _from_now(20)
    _made(colleague.put("/api/teams/client-prod", json={"low_balance_thresholds": [100]}))
    trial = {"access_group": "experimental-models", "expires_at": soon, "reason": "Trial of vision"}
    _made(operator.post("/api/teams/acme-dev/grants", json=trial))
    pilot = {"access_group": "enterprise-models", "expires_at": later, "reason": "Pilot"}
    _made(colleague.post("/api/teams/quarry-lab/grants", json=pilot))
    _made(operator.put("/api/teams/helio-dev/suspend"))
    _made(colleague.put("/api/model-aliases/gpt-3.5-legacy", json={"retires_at": later, "successor": "gpt-3.5-turbo"}))
    _made(operator.put("/api/model-access-groups/pro-models", json={"description": "What the pro plan has now"}))
    more = ["gpt-3.5-turbo", "claude-3-sonnet", "claude-3-haiku", "gemini-pro"]
    _made(colleague.put("/api/model-access-groups/chat-models", json={"model_aliases": more}))
    for job in range(3):
        _made(operator.post("/api/jobs/create", json={"team_id": "acme-batch", "job_type": f"summary-{job + 1}"}))
    top_up = {"team_id": "acme-prod", "amount": 2000, "description": "Top-up by invoice"}
    _made(operator.post("/api/credits/add", json=top_up))


def _made(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code in (200, 201), answer.text
    made: dict[str, Any] = answer.json()
    return made


def _from_now(days: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + days * _DAY_MS / 1000))


def _key(operator: httpx.Client, team: str) -> str:
    keys = operator.get(f"/api/teams/{team}/keys").json()["keys"]
    return str(next(key["key_id"] for key in keys if key["status"] == "active"))


def _call(engine: Engine, calls: random.Random, team: str, *, key_id: str, groups: list[str], often: int) -> None:
    """A day's calls of a team, or as many as its credits are enough for."""
    for _ in range(calls.randrange(often // 2, often + 1)):
        group = calls.choice(groups)
        alias = calls.choice(GROUPS[group][1])
        tokens = calls.randrange(300, 2500)
        request = ReserveRequest(
            team_id=team,
            key_id=key_id,
            alias=alias,
            purpose="",
            access_group=group,
            pricing=Pricing(credits_per_call=int(ALIASES[alias][2] * 1_000_000)),
            estimate=Usage(total_tokens=tokens),
        )
        reservation = engine.reserve(request=request)
        if reservation.outcome is not ReserveOutcome.RESERVED:
            return
        engine.settle(
            call_id=reservation.call_id,
            usage=Usage(total_tokens=tokens, price_known=True, cost=tokens * 10**7),
            latency_ms=int(calls.lognormvariate(6.6, 0.5)),
        )


@contextlib.contextmanager
def _rows(database: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(database, timeout=60)) as db, db:
        yield db


def _spread_over_the_day(database: Path, calls: random.Random) -> None:
    """Moves what was counted and charged just now to times of this UTC day at which people work, none to come."""
    now = int(time.time() * 1000)
    hour = now // _HOUR_MS
    midnight = hour - hour % 24
    hours: dict[tuple[int, ...], int] = {}  # one for all rows of a kind, whose sums have to agree
    kind = "alias, access_group, outcome"
    with _rows(database) as db:
        for row in db.execute(f"SELECT DISTINCT {kind} FROM usage_hour WHERE period = ?", (hour,)).fetchall():
            hours[row] = midnight + min(int(calls.triangular(5, 22, 13)), hour - midnight)
        for row, at in hours.items():
            last = calls.randrange(min(_HOUR_MS, now - at * _HOUR_MS))
            db.execute(
                f"UPDATE usage_hour SET period = ?, last_ms = ? WHERE period = ? AND ({kind}) = (?, ?, ?)",
                (at, last, hour, *row),
            )
            db.execute(
                f"UPDATE usage_day SET last_ms = ? WHERE period = ? AND ({kind}) = (?, ?, ?)",
                ((at - midnight) * _HOUR_MS + last, midnight // 24, *row),
            )
        begin, end = (midnight + 5) * _HOUR_MS, min(now, (midnight + 22) * _HOUR_MS)
        for table, column in (("ledger_entry", "created_at_ms"), ("recent_denial", "at_ms")):
            _spread_rows(db, table, column, begin=min(begin, end), end=end, since=now - _HOUR_MS)
        db.execute(
            "UPDATE virtual_key SET last_used_at_ms = (SELECT max(created_at_ms) FROM ledger_entry e"
            " WHERE e.virtual_key = virtual_key.row)"
        )


def _spread_rows(db: sqlite3.Connection, table: str, column: str, *, begin: int, end: int, since: int) -> None:
    """Each team's rows of the last hour, in their order, evenly from `begin` to `end`."""
    order = "seq" if table == "ledger_entry" else "row"
    rows = db.execute(f"SELECT team, {order} FROM {table} WHERE {column} > ? ORDER BY 1, 2", (since,)).fetchall()
    for team, group in itertools.groupby(rows, key=lambda row: row[0]):
        keys = [key for _, key in group]
        for number, key in enumerate(keys, 1):
            at = begin + (end - begin) * number // (len(keys) + 1)
            db.execute(f"UPDATE {table} SET {column} = ? WHERE team = ? AND {order} = ?", (at, team, key))


def _let_a_day_go_by(database: Path) -> None:
    with _rows(database) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        for table in tables:
            for column in (str(row[1]) for row in db.execute(f"PRAGMA table_info({table})")):
                if column.endswith("at_ms"):
                    db.execute(f"UPDATE {table} SET {column} = {column} - {_DAY_MS}")
        for table, units in (("usage_hour", 24), ("usage_day", 1)):
            db.execute(f"UPDATE {table} SET period = -period")  # by way of numbers that no other row has
            db.execute(f"UPDATE {table} SET period = -period - {units}")
