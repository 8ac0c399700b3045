"""One id for one request: in its answer, its refusal and the logs."""

from __future__ import annotations

import re
import secrets

_SANE = re.compile(r"[A-Za-z0-9._:-]{1,128}", flags=re.ASCII)


def choose(candidate: str | None) -> str:
    """The caller's own id if it is 1 to 128 of `A-Z a-z 0-9 . _ : -`, else a new random one."""
    if candidate is not None and _SANE.fullmatch(candidate):
        return candidate
    return "req_" + secrets.token_hex(12)
