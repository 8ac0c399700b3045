"""Writes the type stub of `saas_access._core`, as installed, to the given file (or to the standard output)."""

from __future__ import annotations

import enum
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from saas_access import _core


def main() -> None:
    stub = make_stub()
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(stub, encoding="utf-8")
    else:
        sys.stdout.write(stub)


def make_stub() -> str:
    """The stub as pybind11-stubgen writes it, with what it can't know set right, in the project's format."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pybind11_stubgen", "saas_access._core", "--exit-code", "-o", folder]
        subprocess.run(command, check=True, stdout=sys.stderr)
        stub = Path(folder, "saas_access", "_core.pyi").read_text(encoding="utf-8")
    return _formatted(_with_problems(_with_enum_members(stub)).replace("| None | None", "| None"))


def _with_enum_members(stub: str) -> str:
    """Native enums come with annotated members, which type checkers don't take for members."""

    def rewritten(found: re.Match[str]) -> str:
        members = getattr(_core, found["name"])
        if not issubclass(members, enum.Enum):
            raise TypeError(f"'{found['name']}' is no enum")
        return "\n".join([found["head"], *(f"    {member.name} = {member.value}" for member in members), ""])

    return re.sub(r"(?P<head>class (?P<name>\w+)\(enum\.Enum\):)\n(?:    .*\n)+", rewritten, stub)


def _with_problems(stub: str) -> str:
    """The one attribute that an exception carries is set on the instance, where no generator sees it."""
    with_problems, found = re.subn(
        r'(class Invalid\(CoreError\):\n    """\n.*\n    """\n)', r"\1    problems: list[tuple[str, str]]\n", stub
    )
    if found != 1:
        raise ValueError("the stub has no class 'Invalid'")
    return with_problems


def _formatted(stub: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", "_core.pyi", "-"]
    root = Path(__file__).parent.parent
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, input=stub, text=True, cwd=root).stdout


if __name__ == "__main__":
    main()
