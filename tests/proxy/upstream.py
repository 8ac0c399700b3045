"""A small model provider that answers in the OpenAI, Anthropic and Google dialects and records what reached it.

Run as `python upstream.py PORT`. Besides the providers' routes: `GET /log` answers everything recorded as a JSON list
of `{method, path, model, key, body}`, `DELETE /log` empties it. What a model does depends on its name: one that
contains "failing" answers 500, "flaky" does so the first, third, ... time; "detailed" states cached and reasoning
tokens, "silent" no usage at all; "cut" stops its stream in the middle and breaks it off there at `POST /cut`, and `GET
/abandoned` answers the models of such streams that the caller left before; "held" stops its stream there, or comes to
no answer, until `POST /go`, which waits for one to stand there; "slow" takes its time. The listing `GET /v1/models` is
not recorded: LiteLLM asks for it by itself at start. A request that forces a tool call gets one, and one that asks for
JSON of a schema gets the smallest such JSON, with "Paris" for a string and 7 for a number.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import struct
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, NamedTuple, NoReturn

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

# A model that answers from a cache of the provider's, and thinks before.
CACHED_TOKENS, REASONING_TOKENS = 16, 8

log: list[dict[str, Any]] = []
cut_asked_for = asyncio.Event()
abandoned: list[str] = []  # the models of streams that were left while they stood in the middle
somebody_stands = asyncio.Event()
go_asked_for = asyncio.Event()
PACE_S = 0.02  # of a slow model: before each chunk of a stream, or before the answer


def sse(*events: dict[str, Any], named: bool = False, done: bool = False) -> list[str]:
    lines = [(f"event: {event['type']}\n" if named else "") + f"data: {json.dumps(event)}\n\n" for event in events]
    return [*lines, "data: [DONE]\n\n"] if done else lines


async def stand() -> None:
    somebody_stands.set()
    await go_asked_for.wait()


async def stream(chunks: list[str], *, model: str) -> AsyncIterator[str]:
    for index, chunk in enumerate(chunks):
        if index == len(chunks) // 2:
            if "cut" in model:
                await until_cut(model)
            if "held" in model:
                await stand()
        yield chunk
        await asyncio.sleep(PACE_S if "slow" in model else 0)


async def until_cut(model: str) -> NoReturn:
    try:
        await cut_asked_for.wait()
    except asyncio.CancelledError:
        abandoned.append(model)
        raise
    raise ConnectionResetError("the upstream breaks off, as asked")


def openai_usage(body: dict[str, Any]) -> dict[str, Any]:
    """`{"usage": ...}` as the model called `body["model"]` states it, or nothing."""
    if "silent" in body["model"]:
        return {}
    if "detailed" not in body["model"]:
        return {"usage": OPENAI_USAGE}
    details = {
        "prompt_tokens_details": {"cached_tokens": CACHED_TOKENS},
        "completion_tokens_details": {"reasoning_tokens": REASONING_TOKENS},
    }
    return {"usage": {**OPENAI_USAGE, **details}}


def words(said: str) -> list[str]:
    """The pieces in which a text is streamed."""
    return re.findall(r"\S+\s*", said)


async def read(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type", "").startswith("multipart/"):
        form = await request.form()
        return {name: value if isinstance(value, str) else value.filename for name, value in form.items()}
    raw = await request.body()
    return json.loads(raw) if raw else {}


def example(schema: dict[str, Any], definitions: dict[str, Any]) -> Any:
    """The smallest JSON value that fits a JSON schema."""
    if "$ref" in schema:
        return example(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    for choice in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
        return example(choice, definitions)
    if "enum" in schema or "const" in schema:
        return schema.get("const", *schema.get("enum", ())[:1])
    kind = str(schema.get("type", "object")).lower()  # Google writes them in capitals
    if kind == "object":
        return {name: example(part, definitions) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [example(schema["items"], definitions)]
    return {"string": "Paris", "boolean": True, "null": None}.get(kind, 7)


class Wanted(NamedTuple):
    """A tool call that the client forces, as an answer to it is written."""

    name: str
    arguments: dict[str, Any]

    @property
    def json(self) -> str:
        return json.dumps(self.arguments)


def offered(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and schema of each tool, whatever the dialect."""
    for tool in body.get("tools") or ():
        for function in tool.get("functionDeclarations") or [tool.get("function") or tool]:
            keys = ("parameters", "input_schema", "parametersJsonSchema", "parameters_json_schema")
            yield function.get("name", ""), next(filter(None, map(function.get, keys)), {})


def forced_tool(body: dict[str, Any]) -> Wanted | None:
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    choice = body.get("tool_choice") or {"type": str(calling.get("mode")).lower()}
    if isinstance(choice, str):
        choice = {"type": choice}
    if choice["type"] not in ("required", "any", "tool", "function"):
        return None
    named = choice.get("name") or choice.get("function", {}).get("name")
    tools = ((name, schema) for name, schema in offered(body) if named in (None, name))
    return next((Wanted(name, example(schema, schema.get("$defs", {}))) for name, schema in tools), None)


def text(body: dict[str, Any]) -> str:
    """What to say: JSON where the client asks for JSON of a schema."""
    generation = body.get("generationConfig") or {}
    schema: dict[str, Any] | None = (
        ((body.get("response_format") or {}).get("json_schema") or {}).get("schema")
        or ((body.get("text") or {}).get("format") or {}).get("schema")
        or ((body.get("output_config") or {}).get("format") or {}).get("schema")
        or generation.get("responseJsonSchema")
        or generation.get("responseSchema")
    )
    return json.dumps(example(schema, schema.get("$defs", {}))) if schema else TEXT


def chat(body: dict[str, Any]) -> Response:
    base = {"id": "chatcmpl-1", "created": int(time.time()), "model": body["model"]}
    said: dict[str, Any] = {"content": text(body)}
    finish = "stop"
    if tool := forced_tool(body):
        call = {"id": "call_1", "type": "function", "function": {"name": tool.name, "arguments": tool.json}}
        said, finish = {"content": None, "tool_calls": [{"index": 0, **call}]}, "tool_calls"
    if not body.get("stream"):
        message = {"role": "assistant", **said}
        choices = [{"index": index, "message": message, "finish_reason": finish} for index in range(body.get("n") or 1)]
        return JSONResponse({**base, "object": "chat.completion", "choices": choices, **openai_usage(body)})
    base["object"] = "chat.completion.chunk"
    pieces = [said] if tool else [{"content": word} for word in words(text(body))]
    deltas = [{"role": "assistant", "content": ""}, *pieces]
    events = [{**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    events.append({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    if (body.get("stream_options") or {}).get("include_usage"):
        events.append({**base, "choices": [], **openai_usage(body)})
    return event_stream(sse(*events, done=True), body)


def event_stream(chunks: list[str], body: dict[str, Any]) -> Response:
    return StreamingResponse(stream(chunks, model=str(body.get("model"))), media_type="text/event-stream")


def completion(body: dict[str, Any]) -> Response:
    base = {"id": "cmpl-1", "object": "text_completion", "created": int(time.time()), "model": body["model"]}
    if not body.get("stream"):
        choices = [{"index": 0, "text": TEXT, "finish_reason": "stop", "logprobs": None}]
        return JSONResponse({**base, "choices": choices, "usage": OPENAI_USAGE})
    events: list[dict[str, Any]] = [
        {**base, "choices": [{"index": 0, "text": word, "finish_reason": None, "logprobs": None}]}
        for word in words(TEXT)
    ]
    if (body.get("stream_options") or {}).get("include_usage"):
        events.append({**base, "choices": [], "usage": OPENAI_USAGE})
    return event_stream(sse(*events, done=True), body)


def response_item(body: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The one output item of a response, and the events that stream it."""
    at = {"output_index": 0}
    if tool := forced_tool(body):
        item: dict[str, Any] = {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "call_1",
            "name": tool.name,
            "status": "completed",
        }
        place = {"item_id": "fc_1", **at}
        events: list[dict[str, Any]] = [
            {"type": "response.output_item.added", **at, "item": {**item, "arguments": ""}},
            {"type": "response.function_call_arguments.delta", **place, "delta": tool.json},
            {"type": "response.function_call_arguments.done", **place, "name": tool.name, "arguments": tool.json},
        ]
        item["arguments"] = tool.json
    else:
        said = text(body)
        part = {"type": "output_text", "text": said, "annotations": []}
        item = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant"}
        place = {"item_id": "msg_1", **at, "content_index": 0}
        events = [
            {"type": "response.output_item.added", **at, "item": {**item, "content": []}},
            {"type": "response.content_part.added", **place, "part": {**part, "text": ""}},
            *({"type": "response.output_text.delta", **place, "delta": word, "logprobs": []} for word in words(said)),
            {"type": "response.output_text.done", **place, "text": part["text"], "logprobs": []},
            {"type": "response.content_part.done", **place, "part": part},
        ]
        item["content"] = [part]
    return item, [*events, {"type": "response.output_item.done", **at, "item": item}]


def responses(body: dict[str, Any]) -> Response:
    item, item_events = response_item(body)
    answer = {
        "id": "resp_1",
        "object": "response",
        "created_at": int(time.time()),
        "status": "completed",
        "model": body["model"],
        "output": [item],
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
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": started},
        *item_events,
        {"type": "response.completed", "response": answer},
    ]
    numbered = [{**event, "sequence_number": number} for number, event in enumerate(events)]
    return event_stream(sse(*numbered, named=True), body)


def messages(body: dict[str, Any]) -> Response:
    usage = {"input_tokens": PROMPT_TOKENS, "output_tokens": COMPLETION_TOKENS}
    block: dict[str, Any] = {"type": "text", "text": text(body)}
    empty, deltas = {**block, "text": ""}, [{"type": "text_delta", "text": word} for word in words(block["text"])]
    if tool := forced_tool(body):
        block = {"type": "tool_use", "id": "toolu_1", "name": tool.name, "input": tool.arguments}
        empty, deltas = {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": tool.json}]
    stop_reason = "tool_use" if tool else "end_turn"
    answer = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [block],
        "stop_reason": stop_reason,
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
        {"type": "content_block_start", "index": 0, "content_block": empty},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": stop_reason, "stop_sequence": None}, "usage": usage},
        {"type": "message_stop"},
    ]
    return event_stream(sse(*events, named=True), body)


def google(body: dict[str, Any], action: str) -> Response:
    if action == "countTokens":
        return JSONResponse({"totalTokens": PROMPT_TOKENS})
    tool = forced_tool(body)
    parts = [{"functionCall": {"name": tool.name, "args": tool.arguments}}] if tool else [{"text": text(body)}]

    def said(parts: list[dict[str, Any]], usage: dict[str, int], **more: Any) -> dict[str, Any]:
        candidate = {"content": {"role": "model", "parts": parts}, "index": 0, **more}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": body["model"]}

    if action != "streamGenerateContent":
        return JSONResponse(said(parts, GOOGLE_USAGE, finishReason="STOP"))
    so_far = {"promptTokenCount": PROMPT_TOKENS, "totalTokenCount": PROMPT_TOKENS}
    pieces = parts if tool else [{"text": word} for word in words(text(body))]
    events = [said([piece], so_far) for piece in pieces[:-1]]
    return event_stream(sse(*events, said(pieces[-1:], GOOGLE_USAGE, finishReason="STOP")), body)


def counted(_body: dict[str, Any]) -> Response:
    return JSONResponse({"input_tokens": PROMPT_TOKENS, "object": "response.input_tokens"})


def embeddings(body: dict[str, Any]) -> Response:
    inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
    vector: Any = [0.5, 0.25]
    if body.get("encoding_format") == "base64":
        vector = base64.b64encode(struct.pack("<2f", *vector)).decode()
    data = [{"object": "embedding", "index": index, "embedding": vector} for index in range(len(inputs))]
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
    model = str(body.get("model"))
    if not body.get("stream"):
        await take_time(model)
    out_of_order = "failing" in model
    if "flaky" in model:
        out_of_order = sum(entry["model"] == model for entry in log) % 2 == 1
    if out_of_order:
        error = {"message": f"model {model} is out of order", "type": "server_error"}
        return JSONResponse({"error": error}, status_code=500)
    return answer(path, body)


async def take_time(model: str) -> None:
    """Before an answer that is no stream."""
    if "held" in model:
        await stand()
    if "slow" in model:
        await asyncio.sleep(PACE_S)


async def read_log(request: Request) -> Response:
    if request.method == "DELETE":
        log.clear()
    return JSONResponse(log)


async def read_abandoned(_request: Request) -> Response:
    return JSONResponse(abandoned)


async def cut(_request: Request) -> Response:
    cut_asked_for.set()
    cut_asked_for.clear()
    return JSONResponse({})


async def go(_request: Request) -> Response:
    await somebody_stands.wait()
    somebody_stands.clear()
    go_asked_for.set()
    go_asked_for.clear()
    return JSONResponse({})


async def models(_request: Request) -> Response:
    return JSONResponse({"object": "list", "data": []})


app = Starlette(
    routes=[
        Route("/log", read_log, methods=["GET", "DELETE"]),
        Route("/cut", cut, methods=["POST"]),
        Route("/abandoned", read_abandoned),
        Route("/go", go, methods=["POST"]),
        Route("/v1/models", models),
        Route("/{path:path}", provider, methods=["GET", "POST", "DELETE"]),
    ]
)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", timeout_keep_alive=3600)
