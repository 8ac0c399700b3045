"""Instructor, on the OpenAI SDK: objects by forced tool calls, and streamed."""

from __future__ import annotations

from typing import Any

import instructor
import openai
from acting import PROMPT, PROXY_URL, TEAM_KEY, act
from pydantic import BaseModel

MESSAGES: Any = [{"role": "user", "content": PROMPT}]


class Place(BaseModel):
    """A city."""

    city: str
    population: int


def client(mode: instructor.Mode) -> instructor.Instructor:
    return instructor.from_openai(openai.OpenAI(base_url=f"{PROXY_URL}/v1", api_key=TEAM_KEY), mode=mode)


def tools(model: str) -> Any:
    asked = client(instructor.Mode.TOOLS).chat.completions
    return ["weather", asked.create(model=model, messages=MESSAGES, response_model=Place).model_dump()]


def structured(model: str) -> Any:
    asked = client(instructor.Mode.JSON_SCHEMA).chat.completions
    return asked.create(model=model, messages=MESSAGES, response_model=Place).model_dump()


def structured_stream(model: str) -> Any:
    asked = client(instructor.Mode.TOOLS).chat.completions
    *_, last = asked.create_partial(model=model, messages=MESSAGES, response_model=Place)
    return last.model_dump()


act({"tools": tools, "structured": structured, "structured_stream": structured_stream})
