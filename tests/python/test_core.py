"""The C++ module as Python sees it: what is there, which types come back, how errors arrive."""

from __future__ import annotations

import enum
import fcntl
import select
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from core_inputs import CREDIT, DIGEST, new_team, request_of

from saas_access import _core
from saas_access._core import (
    BudgetMode,
    Engine,
    KeySecret,
    LedgerWriter,
    NewAccessGroup,
    NewJob,
    NewModelAlias,
    NewOrganization,
    NewTeam,
    NewVirtualKey,
    Outcome,
    Pricing,
    Reason,
    ReserveOutcome,
    Synchronous,
    TeamPatch,
    Usage,
    WriteOptions,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "access.db"


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    opened = Engine(database=str(path))
    yield opened
    opened.close()


@pytest.fixture
def team(engine: Engine) -> str:
    """A team with 100 credits, the model `fast`, and a key whose digest is DIGEST."""
    engine.bootstrap(
        model_aliases=[NewModelAlias(alias="fast", litellm_model="openai/gpt-4o-mini", description="")],
        access_groups=[NewAccessGroup(group_name="basic", description="", model_aliases=["fast"])],
    )
    engine.create_organization(organization=NewOrganization(organization_id="acme", name="Acme"))
    engine.create_team(team=new_team(credits_allocated=100 * CREDIT))
    return "acme-prod"


def test_an_object_that_was_never_made_raises() -> None:
    with pytest.raises(TypeError):
        Engine.__new__(Engine).now_ms()


def test_errors_arrive_as_their_own_classes_under_one_base() -> None:
    leaves = {_core.NotFound, _core.Conflict, _core.PreconditionFailed, _core.Invalid, _core.StoreUnavailable}
    assert set(_core.CoreError.__subclasses__()) == leaves
    assert _core.CoreError.__bases__ == (Exception,)


def test_not_found_names_the_absent_thing(engine: Engine) -> None:
    with pytest.raises(_core.NotFound, match="'nobody'"):
        engine.find_team(team_id="nobody")


def test_conflict_names_what_exists(engine: Engine, team: str) -> None:
    with pytest.raises(_core.Conflict, match=f"'{team}'"):
        engine.create_team(team=new_team(first_key=None), options=WriteOptions(dry_run=True))


def test_a_stale_revision_is_precondition_failed(engine: Engine, team: str) -> None:
    stale = WriteOptions(if_revision=engine.find_team(team_id=team).revision + 1)
    with pytest.raises(_core.PreconditionFailed):
        engine.update_team(team_id=team, patch=TeamPatch(team_alias="x"), options=stale)


def test_invalid_lists_every_problem_with_its_field(engine: Engine) -> None:
    group = NewAccessGroup(group_name="Not Good", description="", model_aliases=["absent"])
    with pytest.raises(_core.Invalid) as caught:
        engine.create_access_group(access_group=group)
    assert [field for field, _ in caught.value.problems] == ["group_name", "model_aliases"]
    assert all(problem in str(caught.value) for _, problem in caught.value.problems)


def test_a_file_of_another_kind_is_store_unavailable(path: Path) -> None:
    path.write_text("This is no database.")
    with pytest.raises(_core.StoreUnavailable, match=str(path)):
        Engine(database=str(path))


def test_patches_leave_what_is_none_and_clear_what_is_told_to_be_cleared(engine: Engine, team: str) -> None:
    limited, _ = engine.update_team(team_id=team, patch=TeamPatch(rpm_limit=60, tpm_limit=1000))
    assert (limited.rpm_limit, limited.tpm_limit) == (60, 1000)
    kept, _ = engine.update_team(team_id=team, patch=TeamPatch(team_alias="Renamed"))
    assert (kept.team_alias, kept.rpm_limit, kept.tpm_limit) == ("Renamed", 60, 1000)
    patch = TeamPatch()
    patch.clear_rpm_limit()
    cleared, _ = engine.update_team(team_id=team, patch=patch)
    assert (cleared.rpm_limit, cleared.tpm_limit) == (None, 1000)
    patch = TeamPatch(rpm_limit=5)
    patch.clear_tpm_limit()
    cleared, _ = engine.update_team(team_id=team, patch=patch)
    assert (cleared.rpm_limit, cleared.tpm_limit) == (5, None)


def test_a_narrowed_key_differs_from_one_that_is_narrowed_to_nothing(engine: Engine, team: str) -> None:
    dry_run = WriteOptions(dry_run=True)
    free, _ = engine.create_key(team_id=team, key=NewVirtualKey(name=""), options=dry_run)
    none, _ = engine.create_key(team_id=team, key=NewVirtualKey(name="", model_aliases=[]), options=dry_run)
    assert (free.model_aliases, none.model_aliases) == (None, [])
    assert (free.expires_at_ms, free.last_used_at_ms) == (None, None)


def test_a_dry_run_says_what_would_change(engine: Engine, team: str) -> None:
    before = engine.revision()
    _, receipt = engine.remove_models(group_name="basic", model_aliases=["fast"], options=WriteOptions(dry_run=True))
    assert [(change.team_id, change.gains, change.loses) for change in receipt.changes] == [(team, [], ["fast"])]
    assert (receipt.revision, engine.revision()) == (before, before)


def test_pages_end_with_none(engine: Engine) -> None:
    for name in ("a", "b", "c"):
        engine.create_organization(organization=NewOrganization(organization_id=name, name=name))
    first, after = engine.list_organizations(limit=2)
    rest, end = engine.list_organizations(after=after, limit=2)
    assert [each.organization_id for each in (*first, *rest)] == ["a", "b", "c"]
    assert end is None


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_digest_of_another_length_is_a_value_error(engine: Engine, length: int) -> None:
    with pytest.raises(ValueError, match=f"32 bytes long, not {length}"):
        engine.authenticate(digest=bytes(length))
    with pytest.raises(ValueError, match="32 bytes"):
        KeySecret(digest=bytes(length), last_four="0000")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda engine: engine.find_team("acme-prod"),
        lambda engine: engine.find_team(),
        lambda engine: engine.find_team(team_id=None),
        lambda engine: engine.find_team(team_id=b"acme-prod"),
        lambda engine: engine.find_team(team_id="\ud800"),
        lambda engine: engine.find_team(key_id="acme-prod"),
        lambda engine: engine.authenticate(digest="0" * 32),
        lambda engine: engine.authorize(alias="fast"),
        lambda engine: engine.authorize(team_id="a", key_id="b", alias="fast"),
        lambda engine: engine.suspend_team(team_id="acme-prod", suspended=1),
        lambda engine: engine.list_teams(limit=1.0),
        lambda engine: engine.list_teams(limit=2**63),
        lambda engine: cast("Any", Usage)(total_tokens=Decimal("1.5")),
        lambda engine: cast("Any", Pricing)(mode=0),
        lambda engine: cast("Any", NewTeam)(team_id="a"),
    ],
)
def test_arguments_of_another_name_or_type_are_type_errors(engine: Engine, wrong: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError):
        wrong(engine)


def test_ids_keep_every_character(engine: Engine) -> None:
    odd = "modèle/δοκιμή-🙂'\\\x7f\x00"
    assert engine.authorize(team_id="nobody", alias=odd).alias == odd


def test_decisions_and_reservations_print_what_they_rest_on(engine: Engine, team: str) -> None:
    allowed = engine.authorize(team_id=team, alias="fast")
    assert (allowed.outcome, allowed.reason, allowed.groups) == (Outcome.ALLOWED, Reason.GRANTED, ["basic"])
    assert repr(allowed).startswith("Decision(allowed, reason=granted, team_id='acme-prod'")
    assert "litellm_model='openai/gpt-4o-mini', groups=['basic']" in repr(allowed)
    reserved = engine.reserve(request=request_of(team))
    assert reserved.outcome is ReserveOutcome.RESERVED
    assert repr(reserved).startswith(f"Reservation(ReserveOutcome.RESERVED, call_id='{reserved.call_id}'")


SLUGGED = [
    _core.Outcome,
    _core.Reason,
    _core.KeyStatus,
    _core.BudgetMode,
    _core.EntryType,
    _core.RefillPeriod,
    _core.RefillMode,
    _core.JobStatus,
    _core.CallStatus,
    _core.UsageBy,
]


@pytest.mark.parametrize("kind", SLUGGED, ids=lambda kind: kind.__name__)
def test_slugs_are_the_members_names_in_lower_case(kind: type[enum.Enum]) -> None:
    slug: Callable[[Any], str] = _core.slug
    assert [slug(member) for member in kind] == [member.name.lower() for member in kind]
    assert [member.value for member in kind] == list(range(len(kind)))


def test_every_enum_of_the_module_has_slugs_but_a_few() -> None:
    enums = {each for each in vars(_core).values() if isinstance(each, type) and issubclass(each, enum.Enum)}
    assert enums == {*SLUGGED, ReserveOutcome, Synchronous, _core.UsageFigure}


def test_amounts_are_exact_and_checked() -> None:
    assert _core.credits_for_cost(cost=1, credits_per_dollar=CREDIT) == 1
    assert _core.credits_for_tokens(tokens=1, tokens_per_credit=3) == 333_334
    by_tokens = Pricing(mode=BudgetMode.CONSUMPTION_TOKENS, tokens_per_credit=10)
    assert _core.price_of_call(pricing=by_tokens, usage=Usage(total_tokens=25), in_job=False) == 2_500_000
    assert _core.price_of_call(pricing=Pricing(), usage=Usage(), in_job=True) == 0
    with pytest.raises(_core.Invalid) as caught:
        _core.credits_for_cost(cost=-1, credits_per_dollar=CREDIT)
    assert [field for field, _ in caught.value.problems] == ["cost"]


def test_a_write_of_one_engine_is_seen_by_the_next_decision_of_another(engine: Engine, team: str, path: Path) -> None:
    other = Engine(database=str(path), check_interval_ms=3_600_000)
    assert other.authorize(digest=DIGEST, alias="fast").allowed
    _, receipt = engine.suspend_team(team_id=team, suspended=True)
    decision = other.authorize(digest=DIGEST, alias="fast")
    assert (decision.reason, decision.policy_revision) == (Reason.TEAM_SUSPENDED, receipt.revision)
    other.close()


def test_a_closed_engine_is_store_unavailable_but_still_tells_its_health(path: Path) -> None:
    engine = Engine(database=str(path))
    engine.close()
    engine.close()
    for call in (engine.now_ms, engine.revision, engine.list_teams, lambda: engine.authenticate(digest=DIGEST)):
        with pytest.raises(_core.StoreUnavailable, match=f"'{path}' was closed"):
            call()
    health = engine.health()
    assert (health.ok, health.database) == (False, str(path))
    assert "was closed" in health.problem


def test_closing_lets_go_of_the_file(path: Path) -> None:
    Engine(database=str(path)).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")  # refused while anyone else has the file open
    connection.close()


WRITES: dict[str, Callable[[Engine], object]] = {
    "an admin write": lambda engine: engine.suspend_team(team_id="acme-prod", suspended=False),
    "a reservation": lambda engine: engine.reserve(request=request_of("acme-prod")),
    "a job": lambda engine: engine.create_job(job=NewJob(team_id="acme-prod", job_type="report")),
}


@pytest.fixture
def no_preemption() -> Iterator[None]:
    """Another thread gets the GIL only from a thread that gives it up by itself."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("team", "no_preemption")
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_write_that_waits_for_the_database_lets_other_threads_run(
    engine: Engine, path: Path, write: Callable[[Engine], object]
) -> None:
    gate = threading.Lock()
    gate.acquire()
    with Path(f"{path}-lock").open("rb") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)  # as another process that writes

        def let_go() -> None:
            with gate:
                fcntl.flock(lock_file, fcntl.LOCK_UN)

        other = threading.Thread(target=let_go)
        other.start()
        gate.release()
        write(engine)  # StoreUnavailable after some seconds if the other thread can't let go
        other.join()


def test_the_ledgers_writer_tells_by_its_descriptor_what_is_durable_and_what_failed(engine: Engine, team: str) -> None:
    writer = LedgerWriter(engine=engine)
    good, bad = writer.reserve(request=request_of(team)), writer.reserve(request=request_of("nobody"))
    ended: list[int] = []
    while len(ended) < 2:
        assert select.select([writer.fileno()], [], [], 10)[0]
        ended += writer.ended()
    assert ended == [good, bad]
    with pytest.raises(_core.CoreError, match="'nobody'"):
        writer.take(number=bad)
    assert isinstance(writer.take(number=good), _core.Reservation)
    with pytest.raises(_core.CoreError, match="no such write"):
        writer.take(number=good)
    assert writer.transactions() in (1, 2)
