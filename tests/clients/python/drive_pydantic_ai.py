"""Pydantic AI: an agent with a tool, objects, streams, on the chat and the responses interface."""

from __future__ import annotations

from typing import Any

from acting import PROMPT, PROXY_URL, TEAM_KEY, act
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

provider = OpenAIProvider(base_url=f"{PROXY_URL}/v1", api_key=TEAM_KEY)


class Place(BaseModel):
    """A city."""

    city: str
    population: int


def chat(model: str) -> str:
    return Agent(OpenAIChatModel(model, provider=provider)).run_sync(PROMPT).output


def stream(model: str) -> str:
    streamed = Agent(OpenAIChatModel(model, provider=provider)).run_stream_sync(PROMPT)
    return "".join(streamed.stream_text(delta=True))


def structured(model: str) -> Any:
    """By a forced call of an output tool."""
    return Agent(OpenAIChatModel(model, provider=provider), output_type=Place).run_sync(PROMPT).output.model_dump()


def responses(model: str) -> str:
    return Agent(OpenAIResponsesModel(model, provider=provider)).run_sync(PROMPT).output


act({"chat": chat, "stream": stream, "structured": structured, "responses": responses})
