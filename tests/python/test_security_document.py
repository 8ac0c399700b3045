"""docs/security.md shows the tables that the code enforces."""

from __future__ import annotations

import importlib.util
from pathlib import Path

PROJECT = Path(__file__).parent.parent.parent


def test_the_tables_are_those_of_the_code() -> None:
    spec = importlib.util.spec_from_file_location("tables", PROJECT / "scripts" / "make_security_tables.py")
    assert spec is not None
    assert spec.loader is not None
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    document = tables.DOCUMENT.read_text(encoding="utf-8")
    assert document == tables.with_tables(document), "run scripts/make_security_tables.py"
    assert "| `/v1/chat/completions`" not in document
    assert "`POST /v1/chat/completions`" in document
