"""A server of the admin API on a database, clients of it, and how their answers are looked at."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from saas_access.admin.app import create_app
from saas_access.runtime import Runtime
from saas_access.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi import FastAPI

ADMIN_KEY = "admin-key-of-the-tests"
MASTER_KEY = "sk-master-key-of-the-tests"


class ProxyHost:
    """A proxy that routes everything but models that begin with 'unroutable/'."""

    serves_calls = True
    litellm_version = "1.2.3"

    def __init__(self) -> None:
        self.hook_is_loaded = True
        self.told: str | None = None
        self.master_key = MASTER_KEY

    def is_operator_key(self, key: str) -> bool:
        return key == self.master_key

    def operator_key_digest(self) -> bytes:
        return hashlib.sha256(self.master_key.encode()).digest()

    def can_route(self, litellm_model: str) -> bool:
        return not litellm_model.startswith("unroutable/")

    def litellm_models(self) -> list[str]:
        return ["openai/*", "openai/gpt-4"]

    def hook_loaded(self) -> bool:
        return self.hook_is_loaded

    def trouble(self) -> str | None:
        return self.told

    def ledger_transactions(self) -> int | None:
        return 17


@dataclass(frozen=True, kw_only=True)
class Client:
    """A caller with a key, an address, and a name for the server. Any exception of the application comes through."""

    app: FastAPI
    key: str | None
    address: str
    host: str

    def request(self, method: str, path: str, headers: dict[str, str] | None = None, **options: Any) -> httpx.Response:
        return asyncio.run(self._request(method, path, headers or {}, options))

    async def _request(
        self, method: str, path: str, headers: dict[str, str], options: dict[str, Any]
    ) -> httpx.Response:
        credential = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        transport = httpx.ASGITransport(app=self.app, client=(self.address, 40_000))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{self.host}") as client:
            return await client.request(method, path, headers=credential | headers, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> httpx.Response:
        return self.request("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", path, **options)


@dataclass(frozen=True)
class Server:
    """The application under test. A client without a key is anonymous, and not on this machine unless told."""

    app: FastAPI
    runtime: Runtime
    host: ProxyHost

    def client(self, key: str | None = None, *, address: str = "192.0.2.7", host: str = "saas.example") -> Client:
        return Client(app=self.app, key=key, address=address, host=host)


def make_server(tmp_path: Path, **settings: Any) -> Server:
    section = {"database_url": f"sqlite:///{tmp_path / 'test.db'}", "admin_key": ADMIN_KEY, **settings}
    runtime = Runtime.open(Settings.parse(section), upkeep=False)  # a test runs a round where it wants one
    host = ProxyHost()
    return Server(app=create_app(runtime=runtime, host=host), runtime=runtime, host=host)


def created(response: httpx.Response) -> Any:
    assert response.status_code == 201, response.text
    return response.json()


def answered(response: httpx.Response) -> Any:
    assert response.status_code == 200, response.text
    return response.json()


def refused(response: httpx.Response, status: int) -> Any:
    """The body of an error, having looked at what every error has."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"]
    body = response.json()
    assert body["error"]
    assert body["message"]
    return body


@dataclass(frozen=True)
class Acme:
    """What `stocked` made: the keys of two teams of two organizations."""

    acme_key: str
    techco_key: str
