"""The client programs of the suite: where each is installed, how it is driven, and what it does when it is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selling import Customer

HERE = Path(__file__).parent
ENVIRONMENTS = Path(os.environ.get("CLIENTS", HERE.parents[1] / ".venv-clients")).absolute()
SECONDS = 240  # aider repeats a refused call for more than a minute


@dataclass(frozen=True)
class Program:
    """One client program.

    environment: the folder under ENVIRONMENTS that it is installed in; "node" for those of npm
    actions: what its driver can do, the model of each being `model`
    calls: how many answered calls those actions make together; listing models and counting tokens are none, except that
        Claude Code lists them beside a call
    tries: how many requests it makes for one refused call
    lists_available: whether its user reads which models there are instead
    """

    environment: str
    driver: str
    model: str
    actions: str
    calls: int
    tries: int = 1
    lists_available: bool = True

    def run(self, customer: Customer, folder: Path, model: str, actions: Sequence[str]) -> dict[str, dict[str, Any]]:
        """What the driver says about each action. `folder` is the client's home and working directory."""
        environment = ENVIRONMENTS / self.environment
        assert (environment / ".installed").exists(), f"'{environment}' is not installed; `make test-clients` does it"
        variables = {
            "PATH": f"{environment}/bin:/usr/bin:/bin",
            "HOME": str(folder),
            "PROXY_URL": customer.proxy.url,
            "TEAM_KEY": customer.key,
            # Nobody but the proxy is to be asked: nothing listens on port 9.
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "NO_PROXY": "127.0.0.1",
        }
        ended = subprocess.run(
            [*self._command(environment), model, *actions],
            cwd=folder,
            env=variables,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        said = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith('{"action"')]
        assert [about["action"] for about in said] == list(actions), ended.stdout + ended.stderr
        return {about.pop("action"): about for about in said}

    def _command(self, environment: Path) -> list[str]:
        if self.environment != "node":
            return [str(environment / "bin/python"), str(HERE / "python" / self.driver)]
        for module in (HERE / "node").glob("*.mjs"):  # Node looks for packages beside the file that asks for them
            shutil.copy(module, environment)
        return [str(environment / "bin/node"), str(environment / self.driver)]


_OPENAI = "list chat stream tools structured embeddings responses responses_stream"
_ANTHROPIC = "list chat stream tools structured count"

PROGRAMS = {
    "openai": Program("newest", "drive_openai.py", "chat", _OPENAI, calls=7),
    "openai 2": Program("previous", "drive_openai.py", "chat", _OPENAI, calls=7),
    "openai for Node": Program("node", "drive_openai.mjs", "chat", _OPENAI, calls=7),
    "anthropic": Program("newest", "drive_anthropic.py", "claude", _ANTHROPIC, calls=4),
    "anthropic 0": Program("previous", "drive_anthropic.py", "claude", _ANTHROPIC, calls=4),
    "anthropic for Node": Program("node", "drive_anthropic.mjs", "claude", _ANTHROPIC, calls=4, lists_available=False),
    "anthropic, a model of OpenAI's dialect": Program("newest", "drive_anthropic.py", "chat", _ANTHROPIC, calls=4),
    "google-genai": Program("newest", "drive_google_genai.py", "gemini", "chat stream tools structured", calls=4),
    "langchain": Program(
        "newest", "drive_langchain.py", "chat", "chat stream tools structured embeddings responses", calls=6
    ),
    "llama-index": Program(
        "previous", "drive_llama_index.py", "chat", "chat stream tools structured embeddings", calls=5
    ),
    "instructor": Program("previous", "drive_instructor.py", "chat", "tools structured structured_stream", calls=3),
    "pydantic-ai": Program("newest", "drive_pydantic_ai.py", "chat", "chat stream structured responses", calls=4),
    "openai-agents": Program(
        "newest", "drive_openai_agents.py", "chat", "chat tools structured responses responses_stream", calls=6
    ),
    "vercel": Program(
        "node",
        "drive_vercel.mjs",
        "chat",
        "chat stream tools structured embeddings responses responses_stream",
        calls=8,
    ),
    "vercel, openai-compatible": Program(
        "node", "drive_vercel_compatible.mjs", "chat", "chat stream tools structured embeddings", calls=6
    ),
    "llm": Program("newest", "drive_llm.py", "chat", "chat stream structured", calls=3),
    "aider": Program("aider", "drive_aider.py", "chat", "stream", calls=1, tries=9),
    "claude-code": Program("node", "drive_claude_code.mjs", "claude", "stream", calls=1, lists_available=False),
    "claude-code, a model of OpenAI's dialect": Program(
        "node", "drive_claude_code.mjs", "chat", "stream list picked", calls=3, lists_available=False
    ),
    "codex": Program("node", "drive_codex.mjs", "chat", "stream structured", calls=2, tries=6),
}
