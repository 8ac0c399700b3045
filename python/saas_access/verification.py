"""`saas-access ledger verify`: is every team's ledger sound?"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

from saas_access._core import LedgerFault, LedgerReport, verify_ledger

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

SOUND, WRONG, UNREADABLE = 0, 1, 2
_BETWEEN_LINES_S = 0.1


def check(database: Path, team_id: str | None) -> LedgerReport:
    """Checks the books of one team or of all, telling a terminal how far it is. Raises CoreError if they can't be
    read.
    """
    progress = _Progress(sys.stderr)
    try:
        return verify_ledger(database=str(database), team_id=team_id, progress=progress)
    finally:
        progress.clear()


def exit_status(report: LedgerReport) -> int:
    return WRONG if report.faults else SOUND


class _Progress:
    """One line on a terminal, written anew as it goes; nothing elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream if stream.isatty() else None
        self._written = 0.0

    def __call__(self, entries: int, of: int) -> None:
        now = time.monotonic()
        if self._stream is not None and now - self._written >= _BETWEEN_LINES_S:
            self._written = now
            self._stream.write(f"\r{entries:,} of {max(entries, of):,} entries checked\x1b[K")
            self._stream.flush()

    def clear(self) -> None:
        if self._stream is not None:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def text(report: LedgerReport) -> str:
    """For people."""
    checked = f"{_counted(report.entries, 'entry', 'entries')} of {_counted(report.teams, 'team', 'teams')} checked"
    if not report.faults:
        return f"The ledger is sound: {checked}."
    wrong = _counted(len(report.faults), "team", "teams")
    return "\n".join([*map(_line, report.faults), f"The ledger of {wrong} is wrong: {checked}."])


def _line(fault: LedgerFault) -> str:
    row = f", transaction {fault.transaction_id} (number {fault.seq})" if fault.seq is not None else ""
    return f"Team '{fault.team_id}'{row}: {fault.problem}: expected {fault.expected}, found {fault.found}"


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def json_text(report: LedgerReport) -> str:
    """For programs."""
    faults = [
        {
            "team_id": fault.team_id,
            "seq": fault.seq,
            "transaction_id": fault.transaction_id or None,
            "problem": fault.problem,
            "expected": fault.expected,
            "found": fault.found,
        }
        for fault in report.faults
    ]
    return json.dumps(
        {"sound": not faults, "teams": report.teams, "entries": report.entries, "faults": faults}, indent=2
    )
