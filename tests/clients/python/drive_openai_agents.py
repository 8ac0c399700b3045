"""OpenAI's Agents SDK: an agent that has to use its tool, and then answers, on both interfaces."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
from acting import PROMPT, PROXY_URL, TEAM_KEY, act
from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from pydantic import BaseModel

set_tracing_disabled(True)
called: list[Any] = []


class Place(BaseModel):
    """A city."""

    city: str
    population: int


@function_tool
def weather(city: str, population: int) -> str:
    """The weather in a city."""
    called.append(["weather", {"city": city, "population": population}])
    return "sunny"


def on_chat(model: str) -> OpenAIChatCompletionsModel:
    return OpenAIChatCompletionsModel(model, openai.AsyncOpenAI(base_url=f"{PROXY_URL}/v1", api_key=TEAM_KEY))


def on_responses(model: str) -> OpenAIResponsesModel:
    return OpenAIResponsesModel(model, openai.AsyncOpenAI(base_url=f"{PROXY_URL}/v1", api_key=TEAM_KEY))


def run(model: Any, **agent: Any) -> Any:
    return Runner.run_sync(Agent(name="tester", model=model, **agent), PROMPT).final_output


def chat(model: str) -> Any:
    return run(on_chat(model))


def tools(model: str) -> Any:
    """Two calls: the one that the tool answers, and the one that is told what the tool said."""
    run(on_chat(model), tools=[weather], model_settings=ModelSettings(tool_choice="required"))
    (call,) = called
    return call


def structured(model: str) -> Any:
    return run(on_responses(model), output_type=Place).model_dump()


def responses(model: str) -> Any:
    return run(on_responses(model))


async def streamed_text(model: str) -> str:
    agent = Agent(name="tester", model=on_responses(model))
    result = Runner.run_streamed(agent, PROMPT)
    deltas = [
        event.data.delta
        async for event in result.stream_events()
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta"
    ]
    return "".join(deltas)


def responses_stream(model: str) -> str:
    return asyncio.run(streamed_text(model))


act(
    {
        "chat": chat,
        "tools": tools,
        "structured": structured,
        "responses": responses,
        "responses_stream": responses_stream,
    }
)
