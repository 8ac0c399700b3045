"""The committed type stub describes the module that is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_committed_stub_is_what_the_generator_writes() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "make_stubs.py")]
    generated = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    committed = (ROOT / "python" / "saas_access" / "_core.pyi").read_text(encoding="utf-8")
    assert committed == generated, "run `make stubs`"
