"""LangChain's OpenAI package."""

from __future__ import annotations

from typing import Any

from acting import CITY_SCHEMA, PROMPT, PROXY_URL, TEAM_KEY, act, same
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings


def llm(model: str, **options: Any) -> ChatOpenAI:
    return ChatOpenAI(model=model, base_url=f"{PROXY_URL}/v1", api_key=TEAM_KEY, **options)


@tool
def weather(city: str, population: int) -> str:
    """The weather in a city."""
    return f"sunny in {city} for {population}"


def chat(model: str) -> Any:
    answer = llm(model).invoke(PROMPT)
    same("model_name", answer.response_metadata["model_name"], model)
    return answer.content


def stream(model: str) -> str:
    return "".join(str(chunk.content) for chunk in llm(model).stream(PROMPT))


def tools(model: str) -> Any:
    (call,) = llm(model).bind_tools([weather], tool_choice="weather").invoke(PROMPT).tool_calls
    return [call["name"], call["args"]]


def structured(model: str) -> Any:
    return llm(model).with_structured_output({"title": "place", **CITY_SCHEMA}).invoke(PROMPT)


def embeddings(model: str) -> list[float]:
    embedder = OpenAIEmbeddings(
        model=model, base_url=f"{PROXY_URL}/v1", api_key=TEAM_KEY, check_embedding_ctx_length=False
    )
    return embedder.embed_query(PROMPT)


def responses(model: str) -> str:
    return llm(model, use_responses_api=True).invoke(PROMPT).text


act(
    {
        "chat": chat,
        "stream": stream,
        "tools": tools,
        "structured": structured,
        "embeddings": embeddings,
        "responses": responses,
    }
)
