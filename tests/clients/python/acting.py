"""What the drivers of Python clients share: which actions to do, for whom, and saying what came of each.

A driver is run as `python drive_X.py MODEL ACTION...` with the proxy's address in PROXY_URL and the team's virtual key
in TEAM_KEY. It prints one JSON object for each action: `{"action", "answer"}`, or `{"action", "error"}` with what the
client's user reads.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

PROXY_URL = os.environ["PROXY_URL"]
TEAM_KEY = os.environ["TEAM_KEY"]
PROMPT = "hi"
CITY_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "population": {"type": "integer"}},
    "required": ["city", "population"],
    "additionalProperties": False,
}


class NotAsExpectedError(Exception):
    """The client answered, but not as it should."""


def same(name: str, found: object, expected: object) -> None:
    """For what every answer must be, whatever the action: the model that it names, say."""
    if found != expected:
        raise NotAsExpectedError(f"{name} is {found!r}, not {expected!r}")


def said_by(*command: str, **environment: str) -> str:
    """What a command prints, when it ends well. It has no terminal and nothing to read."""
    variables = {**os.environ, **environment}
    ended = subprocess.run(command, env=variables, input="", text=True, capture_output=True, check=False)
    if ended.returncode != 0:
        raise NotAsExpectedError(ended.stdout + ended.stderr)
    return ended.stdout


def act(actions: dict[str, Callable[[str], Any]]) -> None:
    """Does the actions that the command line names. Each function is given the model's name."""
    model, *names = sys.argv[1:]
    for name in names:
        try:
            said = {"action": name, "answer": actions[name](model)}
        except Exception as error:  # noqa: BLE001 every client has errors of its own
            said = {"action": name, "error": str(error)}
        print(json.dumps(said), flush=True)
