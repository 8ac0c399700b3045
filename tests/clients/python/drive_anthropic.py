"""The Anthropic SDK."""

from __future__ import annotations

import json
from typing import Any

import anthropic
from acting import CITY_SCHEMA, PROMPT, PROXY_URL, TEAM_KEY, act, same

client = anthropic.Anthropic(base_url=PROXY_URL, api_key=TEAM_KEY)
MESSAGES: Any = [{"role": "user", "content": PROMPT}]


def list_models(_model: str) -> list[str]:
    return [model.id for model in client.models.list()]


def chat(model: str) -> Any:
    answer = client.messages.create(model=model, max_tokens=50, messages=MESSAGES, system="Be brief.")
    same("model", answer.model, model)
    return answer.content[0].text


def stream(model: str) -> str:
    with client.messages.stream(model=model, max_tokens=50, messages=MESSAGES) as streamed:
        same("model", streamed.get_final_message().model, model)
        return streamed.get_final_text()


def tools(model: str) -> Any:
    tool: Any = {"name": "weather", "input_schema": CITY_SCHEMA}
    with client.messages.stream(
        model=model, max_tokens=50, messages=MESSAGES, tools=[tool], tool_choice={"type": "any"}
    ) as streamed:
        (block,) = streamed.get_final_message().content
    return [block.name, block.input]


def structured(model: str) -> Any:
    output: Any = {"format": {"type": "json_schema", "schema": CITY_SCHEMA}}
    answer = client.messages.create(model=model, max_tokens=50, messages=MESSAGES, output_config=output)
    return json.loads(answer.content[0].text)


def count(model: str) -> bool:
    return client.messages.count_tokens(model=model, messages=MESSAGES).input_tokens > 0


act(
    {
        "list": list_models,
        "chat": chat,
        "stream": stream,
        "tools": tools,
        "structured": structured,
        "count": count,
    }
)
