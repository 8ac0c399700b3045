"""Google's Gen AI SDK."""

from __future__ import annotations

from typing import Any

from acting import CITY_SCHEMA, PROMPT, PROXY_URL, TEAM_KEY, act
from google import genai
from google.genai import types

client = genai.Client(api_key=TEAM_KEY, http_options=types.HttpOptions(base_url=PROXY_URL))


def generate(model: str, **config: Any) -> types.GenerateContentResponse:
    return client.models.generate_content(
        model=model, contents=PROMPT, config=types.GenerateContentConfig(system_instruction="Be brief.", **config)
    )


def chat(model: str) -> str | None:
    return generate(model).text


def stream(model: str) -> str:
    return "".join(chunk.text or "" for chunk in client.models.generate_content_stream(model=model, contents=PROMPT))


def tools(model: str) -> Any:
    function = types.FunctionDeclaration(name="weather", parameters_json_schema=CITY_SCHEMA)
    calling = types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode.ANY)
    answer = generate(
        model,
        tools=[types.Tool(function_declarations=[function])],
        tool_config=types.ToolConfig(function_calling_config=calling),
    )
    (call,) = answer.function_calls or ()
    return [call.name, call.args]


def structured(model: str) -> Any:
    return generate(model, response_mime_type="application/json", response_json_schema=CITY_SCHEMA).parsed


def count(model: str) -> bool:
    return (client.models.count_tokens(model=model, contents=PROMPT).total_tokens or 0) > 0


act({"chat": chat, "stream": stream, "tools": tools, "structured": structured, "count": count})
