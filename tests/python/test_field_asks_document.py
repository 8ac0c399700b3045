"""docs/field-asks.md answers every ask, by tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "field-asks.md").read_text(encoding="utf-8")
ENTRY = re.compile(r"^- \*\*(?P<numbers>\d+(?:, \d+)*)\*\* (?P<text>.*?)(?=^- |^#|\Z)", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"`(test_\w+|[A-Z]\w+\.[A-Z]\w+)`")
CPP_TEST = re.compile(r"\bTEST(?:_F|_P)?\((\w+),\s*(\w+)\)")

# The asks that each entry of the document answers, and its text.
ENTRIES = [
    (frozenset(map(int, entry["numbers"].split(", "))), " ".join(entry["text"].split()))
    for entry in ENTRY.finditer(DOCUMENT)
]


def existing() -> set[str]:
    """The names of all tests: `test_name` of Python's, `Suite.Name` of C++'s."""
    names = {
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }
    for path in (ROOT / "tests" / "cpp").glob("*.cpp"):
        names |= {f"{suite}.{name}" for suite, name in CPP_TEST.findall(path.read_text(encoding="utf-8"))}
    return names


def test_every_ask_is_answered_once() -> None:
    assert sorted(number for numbers, _ in ENTRIES for number in numbers) == list(range(1, 46))


def test_every_test_that_it_names_exists() -> None:
    assert set(NAME.findall(DOCUMENT)) - existing() == set()


def test_an_ask_that_no_test_holds_says_so() -> None:
    plain = re.compile(r"Not yet|Does not apply")
    assert [sorted(numbers) for numbers, text in ENTRIES if not NAME.search(text) and not plain.search(text)] == []


def test_every_test_of_an_ask_is_named_under_its_number() -> None:
    written = {name: int(number[1]) for name in existing() if (number := re.match(r"test_ask_(\d+)_", name))}
    assert len(written) > 15
    named = {name: numbers for numbers, text in ENTRIES for name in NAME.findall(text) if written.get(name) in numbers}
    assert written.keys() - named.keys() == set()
