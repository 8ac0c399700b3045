"""aider, the command; it streams."""

from __future__ import annotations

import sys
from pathlib import Path

from acting import PROMPT, PROXY_URL, TEAM_KEY, NotAsExpectedError, act, said_by

SWITCHED_OFF = ("git", "pretty", "check-update", "show-model-warnings", "show-release-notes", "analytics")
QUIET = ("--yes-always", *(f"--no-{what}" for what in SWITCHED_OFF))


def stream(model: str) -> str:
    """The answer alone, out of what aider prints: it stands between the settings and the count of tokens."""
    aider = str(Path(sys.executable).with_name("aider"))
    command = (aider, *QUIET, "--model", f"openai/{model}", "--message", PROMPT)
    printed = said_by(*command, OPENAI_API_BASE=f"{PROXY_URL}/v1", OPENAI_API_KEY=TEAM_KEY)
    _, _, said = printed.partition("Repo-map: disabled\n")
    answer, counted, _ = said.partition("Tokens: ")
    if not counted:
        raise NotAsExpectedError(said)
    return answer


act({"stream": stream})
