"""Simon Willison's `llm`, the command."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from acting import PROMPT, PROXY_URL, TEAM_KEY, act, said_by


def llm(model: str, *arguments: str) -> str:
    settings = {"api_base": f"{PROXY_URL}/v1", "api_key_name": "saas", "supports_schema": True}
    Path("extra-openai-models.yaml").write_text(json.dumps([{"model_id": model, "model_name": model, **settings}]))
    command = (str(Path(sys.executable).with_name("llm")), "--model", model, "--key", TEAM_KEY, *arguments, PROMPT)
    return said_by(*command, LLM_USER_PATH=".")


def chat(model: str) -> str:
    return llm(model, "--no-stream")


def structured(model: str) -> Any:
    return json.loads(llm(model, "--schema", "city, population int"))


act({"chat": chat, "stream": llm, "structured": structured})
