"""A small model provider that answers in the OpenAI, Anthropic and Google dialects and records what reached it.

Run as `python upstream.py PORT`. Besides the providers' routes: `GET /log` answers everything recorded as a JSON list
of `{method, path, model, key, body}`, `DELETE /log` empties it. A model whose name contains "failing" answers 500;
one that contains "cut" stops its stream in the middle and breaks it off there at `POST /cut`. The listing `GET
/v1/models` is not recorded: LiteLLM asks for it by itself at start.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

TEXT = "Hello from upstream"
PROMPT_TOKENS, COMPLETION_TOKENS = 21, 12
TOKENS = PROMPT_TOKENS + COMPLETION_TOKENS
OPENAI_USAGE = {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": COMPLETION_TOKENS, "total_tokens": TOKENS}
RESPONSES_USAGE = {"input_tokens": PROMPT_TOKENS, "output_tokens": COMPLETION_TOKENS, "total_tokens": TOKENS}
GOOGLE_USAGE = {
    "promptTokenCount": PROMPT_TOKENS,
    "candidatesTokenCount": COMPLETION_TOKENS,
    "totalTokenCount": TOKENS,
}

log: list[dict[str, Any]] = []
cut_asked_for = asyncio.Event()


def sse(*events: dict[str, Any], named: bool = False, done: bool = False) -> list[str]:
    lines = [(f"event: {event['type']}\n" if named else "") + f"data: {json.dumps(event)}\n\n" for event in events]
    return [*lines, "data: [DONE]\n\n"] if done else lines


async def stream(chunks: list[str], *, cut: bool) -> AsyncIterator[str]:
    for index, chunk in enumerate(chunks):
        if cut and index == len(chunks) // 2:
            await cut_asked_for.wait()
            raise ConnectionResetError("the upstream breaks off, as asked")
        yield chunk
        await asyncio.sleep(0)


async def read(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type", "").startswith("multipart/"):
        form = await request.form()
        return {name: value if isinstance(value, str) else value.filename for name, value in form.items()}
    raw = await request.body()
    return json.loads(raw) if raw else {}


def chat(body: dict[str, Any]) -> Response:
    base = {"id": "chatcmpl-1", "created": int(time.time()), "model": body["model"]}
    if not body.get("stream"):
        message = {"role": "assistant", "content": TEXT}
        choices = [{"index": index, "message": message, "finish_reason": "stop"} for index in range(body.get("n") or 1)]
        return JSONResponse({**base, "object": "chat.completion", "choices": choices, "usage": OPENAI_USAGE})
    base["object"] = "chat.completion.chunk"
    deltas = [{"role": "assistant", "content": ""}, *({"content": word + " "} for word in TEXT.split())]
    events = [{**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    events.append({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    if (body.get("stream_options") or {}).get("include_usage"):
        events.append({**base, "choices": [], "usage": OPENAI_USAGE})
    return event_stream(sse(*events, done=True), body)


def event_stream(chunks: list[str], body: dict[str, Any]) -> Response:
    return StreamingResponse(stream(chunks, cut="cut" in str(body.get("model"))), media_type="text/event-stream")


def completion(body: dict[str, Any]) -> Response:
    base = {"id": "cmpl-1", "object": "text_completion", "created": int(time.time()), "model": body["model"]}
    if not body.get("stream"):
        choices = [{"index": 0, "text": TEXT, "finish_reason": "stop", "logprobs": None}]
        return JSONResponse({**base, "choices": choices, "usage": OPENAI_USAGE})
    events: list[dict[str, Any]] = [
        {**base, "choices": [{"index": 0, "text": word + " ", "finish_reason": None, "logprobs": None}]}
        for word in TEXT.split()
    ]
    if (body.get("stream_options") or {}).get("include_usage"):
        events.append({**base, "choices": [], "usage": OPENAI_USAGE})
    return event_stream(sse(*events, done=True), body)


def responses(body: dict[str, Any]) -> Response:
    output: list[dict[str, Any]] = [
        {
            "type": "message",
            "id": "msg_1",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": TEXT, "annotations": []}],
        }
    ]
    answer = {
        "id": "resp_1",
        "object": "response",
        "created_at": int(time.time()),
        "status": "completed",
        "model": body["model"],
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
        "usage": RESPONSES_USAGE,
    }
    if not body.get("stream"):
        return JSONResponse(answer)
    started = {**answer, "status": "in_progress", "output": [], "usage": None}
    part = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": started},
        {"type": "response.output_item.added", "output_index": 0, "item": {**output[0], "content": []}},
        {"type": "response.content_part.added", **part, "part": {**output[0]["content"][0], "text": ""}},
        {"type": "response.output_text.delta", **part, "delta": TEXT, "logprobs": []},
        {"type": "response.output_text.done", **part, "text": TEXT, "logprobs": []},
        {"type": "response.content_part.done", **part, "part": output[0]["content"][0]},
        {"type": "response.output_item.done", "output_index": 0, "item": output[0]},
        {"type": "response.completed", "response": answer},
    ]
    numbered = [{**event, "sequence_number": number} for number, event in enumerate(events)]
    return event_stream(sse(*numbered, named=True), body)


def messages(body: dict[str, Any]) -> Response:
    usage = {"input_tokens": PROMPT_TOKENS, "output_tokens": COMPLETION_TOKENS}
    answer = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": usage,
    }
    if not body.get("stream"):
        return JSONResponse(answer)
    started = {
        **answer,
        "content": [],
        "stop_reason": None,
        "usage": {"input_tokens": PROMPT_TOKENS, "output_tokens": 1},
    }
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": started},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": TEXT}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage},
        {"type": "message_stop"},
    ]
    return event_stream(sse(*events, named=True), body)


def google(body: dict[str, Any], action: str) -> Response:
    if action == "countTokens":
        return JSONResponse({"totalTokens": PROMPT_TOKENS})
    answer = {
        "candidates": [{"content": {"role": "model", "parts": [{"text": TEXT}]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": GOOGLE_USAGE,
        "modelVersion": body["model"],
    }
    if action == "streamGenerateContent":
        return event_stream(sse(answer), body)
    return JSONResponse(answer)


def counted(_body: dict[str, Any]) -> Response:
    return JSONResponse({"input_tokens": PROMPT_TOKENS, "object": "response.input_tokens"})


def embeddings(body: dict[str, Any]) -> Response:
    inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
    data = [{"object": "embedding", "index": index, "embedding": [0.5, 0.25]} for index in range(len(inputs))]
    usage = {"prompt_tokens": PROMPT_TOKENS, "total_tokens": PROMPT_TOKENS}
    return JSONResponse({"object": "list", "model": body["model"], "data": data, "usage": usage})


def image(_body: dict[str, Any]) -> Response:
    return JSONResponse({"created": 1, "data": [{"b64_json": "aGVsbG8="}]})


def speech(_body: dict[str, Any]) -> Response:
    return Response(b"ID3audio", media_type="audio/mpeg")


def transcription(_body: dict[str, Any]) -> Response:
    return JSONResponse({"text": TEXT})


def moderation(body: dict[str, Any]) -> Response:
    flags = {"violence": False}
    result = {"flagged": False, "categories": flags, "category_scores": {"violence": 0.0}}
    return JSONResponse({"id": "modr-1", "model": body.get("model"), "results": [result]})


def rerank(_body: dict[str, Any]) -> Response:
    results = [{"index": 0, "relevance_score": 0.9}]
    return JSONResponse({"id": "rr-1", "results": results, "meta": {"billed_units": {"search_units": 1}}})


ANSWERS: dict[str, Callable[[dict[str, Any]], Response]] = {
    "chat/completions": chat,
    "completions": completion,
    "responses": responses,
    "responses/input_tokens": counted,
    "messages": messages,
    "messages/count_tokens": counted,
    "embeddings": embeddings,
    "images/generations": image,
    "images/edits": image,
    "audio/speech": speech,
    "audio/transcriptions": transcription,
    "moderations": moderation,
    "rerank": rerank,
}


def answer(path: str, body: dict[str, Any]) -> Response:
    name = path.removeprefix("/v1/").removeprefix("/")
    if ":" in name:
        return google(body, name.rpartition(":")[2])
    if name in ANSWERS:
        return ANSWERS[name](body)
    return JSONResponse({"error": {"message": f"no such route {path}"}}, status_code=404)


async def provider(request: Request) -> Response:
    path = request.url.path
    body = await read(request)
    if "/models/" in path:  # Google names the model in the path
        body = {**body, "model": path.rpartition("/models/")[2].partition(":")[0]}
    key = (
        request.headers.get("authorization", "").removeprefix("Bearer ")
        or request.headers.get("x-api-key")
        or request.headers.get("x-goog-api-key")
    )
    log.append({"method": request.method, "path": path, "model": body.get("model"), "key": key, "body": body})
    if "failing" in str(body.get("model")):
        error = {"message": f"model {body['model']} is out of order", "type": "server_error"}
        return JSONResponse({"error": error}, status_code=500)
    return answer(path, body)


async def read_log(request: Request) -> Response:
    if request.method == "DELETE":
        log.clear()
    return JSONResponse(log)


async def cut(_request: Request) -> Response:
    cut_asked_for.set()
    cut_asked_for.clear()
    return JSONResponse({})


async def models(_request: Request) -> Response:
    return JSONResponse({"object": "list", "data": []})


app = Starlette(
    routes=[
        Route("/log", read_log, methods=["GET", "DELETE"]),
        Route("/cut", cut, methods=["POST"]),
        Route("/v1/models", models),
        Route("/{path:path}", provider, methods=["GET", "POST", "DELETE"]),
    ]
)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
