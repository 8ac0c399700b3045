"""`saas-access ledger verify`: what it prints, how it ends, and that it changes nothing."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import sys
from typing import TYPE_CHECKING, Any

import pytest

from saas_access import cli, verification
from saas_access._core import Engine, NewOrganization, NewTeam, verify_ledger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Path]:
    """The books of two teams, which a process has open."""
    path = tmp_path / "access.db"
    engine = Engine(database=str(path))
    engine.create_organization(organization=NewOrganization(organization_id="org", name="O"))
    for team_id in ("first", "second"):
        engine.create_team(team=NewTeam(organization_id="org", team_id=team_id, team_alias="", access_groups=[]))
        for _ in range(3):
            engine.add_credits(team_id=team_id, credits=5, description="", idempotency_key=None)
    yield path
    engine.close()


def spoil(database: Path) -> None:
    with sqlite3.connect(database) as db:
        db.execute("UPDATE ledger_entry SET balance_after_micro = 11000000 WHERE team = 2 AND seq = 2")
    db.close()


def ended(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = cli.main(["ledger", "verify", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_sound_books(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = "The ledger is sound: 6 entries of 2 teams checked.\n"
    assert ended(capsys, "--database", str(database)) == (verification.SOUND, told, "")
    told = "The ledger is sound: 3 entries of 1 team checked.\n"
    assert ended(capsys, "--database", str(database), "--team", "first") == (verification.SOUND, told, "")


def test_the_wrong_row_is_named(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(database)
    status, out, _ = ended(capsys, "--database", str(database))
    assert status == verification.WRONG
    assert out == (
        "Team 'second', transaction txn_2_2 (number 2): its balance is not the one before plus its amount: "
        "expected 10, found 11\n"
        "The ledger of 1 team is wrong: 5 entries of 2 teams checked.\n"
    )
    assert ended(capsys, "--database", str(database), "--team", "first")[0] == verification.SOUND


def test_the_findings_as_json(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = ended(capsys, "--database", str(database), "--json")
    assert (status, json.loads(out)) == (0, {"sound": True, "teams": 2, "entries": 6, "faults": []})
    spoil(database)
    status, out, _ = ended(capsys, "--database", str(database), "--json")
    fault = {
        "team_id": "second",
        "seq": 2,
        "transaction_id": "txn_2_2",
        "problem": "its balance is not the one before plus its amount",
        "expected": "10",
        "found": "11",
    }
    assert (status, json.loads(out)) == (1, {"sound": False, "teams": 2, "entries": 5, "faults": [fault]})


def test_what_can_not_be_read(tmp_path: Path, database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    absent = tmp_path / "absent.db"
    status, out, err = ended(capsys, "--database", str(absent))
    assert (status, out) == (verification.UNREADABLE, "")
    assert f"'{absent}' can't be opened" in err
    assert not absent.exists()
    assert list(tmp_path.glob("absent*")) == []
    status, _, err = ended(capsys, "--database", str(database), "--team", "nobody")
    assert (status, err) == (verification.UNREADABLE, "saas-access: Team 'nobody' does not exist\n")
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"not a database, and longer than its header would be" * 10)
    assert ended(capsys, "--database", str(damaged))[0] == verification.UNREADABLE


def test_the_database_of_a_configuration(
    tmp_path: Path, database: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else in it has to be right here: the proxy's keys are in the proxy's environment."""
    monkeypatch.delenv("NOT_HERE", raising=False)
    config = tmp_path / "config.yaml"
    section = f"database_url: sqlite:///{database}, admin_key: os.environ/NOT_HERE"
    config.write_text(f"callback_settings: {{saas_access: {{{section}}}}}", encoding="utf-8")
    assert ended(capsys, "--config", str(config))[0] == verification.SOUND


def test_it_changes_nothing(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def contents() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in database.parent.iterdir() if not path.name.endswith("-shm")}

    before = contents()
    assert ended(capsys, "--database", str(database))[0] == verification.SOUND
    assert contents() == before


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_is_told_how_far_it_is(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    assert cli.main(["ledger", "verify", "--database", str(database)]) == verification.SOUND
    assert "3 of 6 entries checked" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_progress_may_stop_it(database: Path) -> None:
    told: list[Any] = []

    def stop(*progress: int) -> None:
        told.append(progress)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify_ledger(database=os.fspath(database), progress=stop)
    assert told == [(3, 6)]
