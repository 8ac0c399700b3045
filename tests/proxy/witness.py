"""The test provider (upstream.py) behind a front that records requests as they came, byte for byte.

Run as `python witness.py PORT`. Each deployment has an address of its own here, `/<deployment>/...`: the front takes
the first part of the path as its name. `GET /seen` answers everything recorded as a JSON list of `{deployment, path,
query, headers, body}`, `DELETE /seen` empties it. What opens a WebSocket is recorded and turned away.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from running import Upstream, free_port, wait_until_answers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass
class Witness(Upstream):
    """A running witness."""

    def statements(self) -> list[dict[str, Any]]:
        """Everything that reached it since the last `forget`."""
        recorded: list[dict[str, Any]] = httpx.get(f"{self.url}/seen").json()
        return recorded

    def forget(self) -> None:
        httpx.delete(f"{self.url}/seen")


@contextlib.contextmanager
def running_witness(folder: Path) -> Iterator[Witness]:
    witness = Witness(free_port())
    log = folder / "witness.log"
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, __file__, str(witness.port)], stdout=output, stderr=output)
    try:
        wait_until_answers(f"{witness.url}/v1/models", process, log)
        yield witness
    finally:
        process.terminate()
        process.wait(timeout=20)


class Front:
    """Records, then passes on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._seen: list[dict[str, Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] in ("/log", "/v1/models"):
            await self._app(scope, receive, send)
        elif scope["path"] == "/seen":
            answer = JSONResponse(self._seen)
            if scope["method"] == "DELETE":
                self._seen.clear()
            await answer(scope, receive, send)
        else:
            await self._record(scope, receive, send)

    async def _record(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        body = b"" if scope["type"] == "websocket" else await whole(receive)
        _, deployment, rest = scope["path"].split("/", 2) if scope["path"].count("/") > 1 else ("", "", scope["path"])
        listing = scope.get("method") == "GET" and rest.endswith("models")  # asked for by LiteLLM itself, at start
        if not listing:
            entry = {"deployment": deployment, "path": scope["path"], "query": scope["query_string"].decode("latin-1")}
            headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]]
            self._seen.append({**entry, "headers": headers, "body": body.decode("latin-1")})
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return
        path = f"/{rest.lstrip('/')}"
        await self._app({**scope, "path": path, "raw_path": path.encode()}, again(body, receive), send)


async def whole(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


def again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives this body, and then what the client does next."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


if __name__ == "__main__":
    from upstream import app

    uvicorn.run(Front(app), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
