"""LlamaIndex with its package for OpenAI-like services."""

from __future__ import annotations

from typing import Any

from acting import PROMPT, PROXY_URL, TEAM_KEY, act
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel


class Place(BaseModel):
    """A city."""

    city: str
    population: int


def weather(city: str, population: int) -> str:
    """The weather in a city."""
    return f"sunny in {city} for {population}"


def llm(model: str) -> OpenAILike:
    return OpenAILike(
        model=model,
        api_base=f"{PROXY_URL}/v1",
        api_key=TEAM_KEY,
        is_chat_model=True,
        is_function_calling_model=True,
        should_use_structured_outputs=True,
    )


def chat(model: str) -> Any:
    return llm(model).chat([ChatMessage(role="user", content=PROMPT)]).message.content


def stream(model: str) -> str:
    return "".join(chunk.delta or "" for chunk in llm(model).stream_complete(PROMPT))


def tools(model: str) -> Any:
    answer = llm(model).chat_with_tools([FunctionTool.from_defaults(weather)], user_msg=PROMPT, tool_required=True)
    (call,) = llm(model).get_tool_calls_from_response(answer)
    return [call.tool_name, call.tool_kwargs]


def structured(model: str) -> Any:
    return llm(model).as_structured_llm(Place).complete(PROMPT).raw.model_dump()


def embeddings(model: str) -> list[float]:
    embedder = OpenAILikeEmbedding(model_name=model, api_base=f"{PROXY_URL}/v1", api_key=TEAM_KEY)
    return embedder.get_text_embedding(PROMPT)


act({"chat": chat, "stream": stream, "tools": tools, "structured": structured, "embeddings": embeddings})
