"""The dashboard as a browser sees it, over the same server that the API's tests use."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import httpx
from admin.serving import ADMIN_KEY, Client, Server

from saas_access.admin.access import Service
from saas_access.dashboard.app import create_dashboard

if TYPE_CHECKING:
    from starlette.types import ASGIApp

ADDRESS = "http://127.0.0.1:8000"
VIEWER_KEY = "viewer-key-of-the-tests"
Fields = Mapping[str, str | Sequence[str]] | Sequence[tuple[str, str]]


def dashboard_of(server: Server) -> ASGIApp:
    return create_dashboard(admin=server.app, service=Service(runtime=server.runtime, host=server.host))


def ask(
    dashboard: ASGIApp,
    method: str,
    path: str,
    fields: Fields | None = None,
    *,
    address: str = "127.0.0.1",
    cookies: httpx.Cookies | None = None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    """The answer to one request from `address`; `fields`: of a form, a list standing for several of one name."""
    content = None if fields is None else urlencode(fields, doseq=True).encode()

    async def answer() -> httpx.Response:
        transport = httpx.ASGITransport(dashboard, client=(address, 40_000))
        async with httpx.AsyncClient(transport=transport, base_url=ADDRESS, cookies=cookies) as client:
            return await client.request(method, path, content=content, headers=headers)

    return asyncio.run(answer())


@dataclass(frozen=True)
class Browser:
    """The local operator's: `server` must have the setting `local_admin`."""

    dashboard: ASGIApp

    def get(self, path: str) -> httpx.Response:
        return ask(self.dashboard, "GET", path)

    def page(self, path: str, status: int = 200) -> str:
        """The page's HTML, having looked at what every page keeps to."""
        response = self.get(path)
        assert response.status_code == status, response.text
        assert " style=" not in response.text
        assert len(re.findall("<h1", response.text)) == 1
        return response.text


def browser_of(server: Server) -> Browser:
    return Browser(dashboard_of(server))


def operator_of(server: Server) -> Client:
    return server.client(ADMIN_KEY)


def words(html: str) -> str:
    """What a page or a piece of it says, without its marks."""
    without_head = re.sub(r"<head>.*?</head>", "", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", without_head)).split())


def card(html: str, label: str) -> str:
    """The section of that heading or label, as HTML."""
    for section in re.findall(r"<section.*?</section>", html, flags=re.DOTALL):
        if f">{label}</h2>" in section or f'aria-label="{label}"' in section:
            return str(section)
    raise AssertionError(f"no card {label!r}")
