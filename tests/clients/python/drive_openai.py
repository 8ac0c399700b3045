"""The OpenAI SDK."""

from __future__ import annotations

import json
from typing import Any

import openai
from acting import CITY_SCHEMA, PROMPT, PROXY_URL, TEAM_KEY, act, same

client = openai.OpenAI(base_url=f"{PROXY_URL}/v1", api_key=TEAM_KEY)
MESSAGES: Any = [{"role": "user", "content": PROMPT}]
NAMED_SCHEMA: Any = {"name": "place", "schema": CITY_SCHEMA, "strict": True}


def list_models(_model: str) -> list[str]:
    return [model.id for model in client.models.list()]


def chat(model: str) -> str | None:
    answer = client.chat.completions.create(model=model, messages=MESSAGES)
    same("model", answer.model, model)
    return answer.choices[0].message.content


def stream(model: str) -> str:
    chunks = list(client.chat.completions.create(model=model, messages=MESSAGES, stream=True))
    same("the chunks' model", {chunk.model for chunk in chunks}, {model})
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def tools(model: str) -> Any:
    tool: Any = {"type": "function", "function": {"name": "weather", "parameters": CITY_SCHEMA}}
    with client.chat.completions.stream(
        model=model, messages=MESSAGES, tools=[tool], tool_choice="required", parallel_tool_calls=False
    ) as streamed:
        (call,) = streamed.get_final_completion().choices[0].message.tool_calls or ()
    return [call.function.name, json.loads(call.function.arguments)]


def structured(model: str) -> Any:
    answer = client.chat.completions.create(
        model=model, messages=MESSAGES, response_format={"type": "json_schema", "json_schema": NAMED_SCHEMA}
    )
    return json.loads(answer.choices[0].message.content or "")


def embeddings(model: str) -> list[float]:
    return client.embeddings.create(model=model, input=PROMPT).data[0].embedding


def responses(model: str) -> str:
    answer = client.responses.create(model=model, input=PROMPT, store=False, metadata={"plan": "test"})
    same("model", answer.model, model)
    return answer.output_text


def responses_stream(model: str) -> str:
    with client.responses.stream(model=model, input=PROMPT) as streamed:
        return streamed.get_final_response().output_text


act(
    {
        "list": list_models,
        "chat": chat,
        "stream": stream,
        "tools": tools,
        "structured": structured,
        "embeddings": embeddings,
        "responses": responses,
        "responses_stream": responses_stream,
    }
)
