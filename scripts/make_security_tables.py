"""Writes the tables of docs/security.md from the code that enforces them (or to the standard output with `-`)."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from saas_access import request_fields
from saas_access._core import slug
from saas_access.proxy.routes import TEAM_ROUTES, TeamRoute
from saas_access.refusal import ANSWERS

DOCUMENT = Path(__file__).parent.parent / "docs" / "security.md"
BEGIN, END = "<!-- tables: made by scripts/make_security_tables.py -->\n", "<!-- end of tables -->\n"


def main() -> None:
    if sys.argv[1:] == ["-"]:
        sys.stdout.write(tables())
    else:
        DOCUMENT.write_text(with_tables(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")


def with_tables(document: str) -> str:
    """The document with its tables made anew."""
    head, _, rest = document.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}{tables()}{END}{tail}"


def tables() -> str:
    """All tables, as Markdown."""
    parts = [
        "### Routes that a team's key may use\n\nEverything else, in any method, is `route_not_allowed`.",
        _table(
            (
                "method and path",
                "model named in",
                "call type",
                "charged, without a usage event, by",
                "fields of the body",
            ),
            _routes(),
        ),
        "### Fields that are refused by name (422)",
        _table(("field", "because it would choose"), _by_reason(request_fields.REFUSED)),
        _table(("pattern", "because it would choose"), _by_reason(request_fields.REFUSED_PATTERNS)),
        "### Tools that are refused (422)",
        _table(("type", "because it"), _by_reason(request_fields.REFUSED_TOOLS)),
        "### Fields that are always dropped",
        _table(("field", "because"), _by_reason(request_fields.STRIPPED)),
        "### Query parameters that pass",
        _table(("parameter", "meaning"), _by_reason(request_fields.QUERY)),
        "### Headers that are dropped",
        _table(("header", "because"), _by_reason(request_fields.HEADERS)),
        "### Refusals",
        _table(
            ("reason", "status", "error"),
            ((f"`{slug(reason)}`", str(answer.status), answer.error) for reason, answer in ANSWERS.items()),
        ),
    ]
    return "\n\n".join(["", *parts]) + "\n\n"


def _routes() -> Iterable[tuple[str, ...]]:
    grouped: dict[TeamRoute, list[str]] = {}
    for (method, template), route in TEAM_ROUTES.items():
        grouped.setdefault(route, []).append(f"`{method} {template}`")
    for route, paths in grouped.items():
        fields = " ".join(f"`{name}`" for name in sorted(route.fields)) or "-"
        call_types = " ".join(sorted(route.call_types)) or f"none: {route.kind.value}"
        yield "<br>".join(paths), route.named.value, call_types, route.used.value, fields


def _by_reason(names: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    grouped: dict[str, list[str]] = {}
    for name, reason in names.items():
        grouped.setdefault(reason, []).append(f"`{name}`")
    return ((", ".join(found), reason) for reason, found in grouped.items())


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    main()
