"""A model provider that answers fixed bytes at once, so that it takes the proxies' time as little as can be.

Run as `python canned_upstream.py PORT`. Chat (whole and streamed), embeddings and messages answer 200; `GET` of
anything answers an empty list of models.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

_WORDS = 40
TEXT = " ".join(["word"] * _WORDS)
_USAGE = {"prompt_tokens": 200, "completion_tokens": _WORDS, "total_tokens": 200 + _WORDS}


def _answer(body: bytes, content_type: str = "application/json") -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def _json(body: dict[str, Any]) -> bytes:
    return _answer(json.dumps(body).encode())


def _streamed_chat() -> bytes:
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "up"}
    choices: list[dict[str, Any]] = [
        {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None},
        *({"index": 0, "delta": {"content": f"{word} "}, "finish_reason": None} for word in TEXT.split()),
        {"index": 0, "delta": {}, "finish_reason": "stop"},
    ]
    events = [*({**base, "choices": [choice]} for choice in choices), {**base, "choices": [], "usage": _USAGE}]
    text = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    return _answer(text.encode(), "text/event-stream")


_MESSAGE = {"role": "assistant", "content": TEXT}
_MODELS = _json({"object": "list", "data": []})
_STREAMED_CHAT = _streamed_chat()
_ANSWERS = {
    "chat/completions": _json(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "up",
            "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop"}],
            "usage": _USAGE,
        }
    ),
    "embeddings": _json(
        {
            "object": "list",
            "model": "up",
            "data": [{"object": "embedding", "index": 0, "embedding": [round(0.001 * n, 3) for n in range(256)]}],
            "usage": {"prompt_tokens": 200, "total_tokens": 200},
        }
    ),
    "messages": _json(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "up",
            "content": [{"type": "text", "text": TEXT}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 200, "output_tokens": _WORDS},
        }
    ),
}


def answer(method: str, path: str, body: bytes) -> bytes:
    """The whole HTTP answer to one request."""
    if method == "GET":
        return _MODELS
    route = path.partition("?")[0].removeprefix("/v1/")
    return _STREAMED_CHAT if route == "chat/completions" and json.loads(body).get("stream") else _ANSWERS[route]


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, kept alive until the client closes it."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, path, _ = head.split(" ", 2)
            lengths = [line for line in head.lower().split("\r\n") if line.startswith("content-length:")]
            body = await reader.readexactly(int(lengths[0].partition(":")[2])) if lengths else b""
            writer.write(answer(method, path, body))
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
