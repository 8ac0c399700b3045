"""The documentation page itself: every command on it, in page order, against a running proxy; every answer printed
there.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from running import Proxy, Upstream, configuration, running_proxy

PAGE = Path(__file__).parents[2] / "docs" / "model-access-groups.md"
BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
RAW_REQUEST = re.compile(r"(?P<method>GET|POST|PUT|DELETE) (?P<path>/\S+)\n?(?P<body>.*)", re.DOTALL)

# What the page takes for granted: sold before its first command, by whoever set the proxy up.
ALIASES = {
    "gpt-4": ("openai/gpt-4", "Most capable GPT-4 model"),
    "gpt-3.5-turbo": ("openai/gpt-3.5-turbo", "Fast and efficient"),
    "gpt-4-turbo": ("openai/gpt-4-turbo", "Faster GPT-4"),
    "gpt-4-vision": ("openai/gpt-4-vision-preview", "Sees"),
    "claude-3-opus": ("anthropic/claude-3-opus-20240229", "Most capable Claude 3"),
    "claude-3-sonnet": ("anthropic/claude-3-sonnet-20240229", "Balanced"),
    "claude-3-haiku": ("anthropic/claude-3-haiku-20240307", "Fast"),
    "gemini-pro": ("gemini/gemini-pro", "Gemini"),
    "gemini-1.5-pro": ("gemini/gemini-1.5-pro", "Gemini, long context"),
    "new-model": ("openai/new-model", "New"),
}
GROUPS = {
    "claude-models": ("Anthropic Claude models", ["claude-3-opus", "claude-3-sonnet", "claude-3-haiku"]),
    "gemini-models": ("Gemini models", ["gemini-pro", "gemini-1.5-pro"]),
    "basic-models": ("Fast, cost-effective models", ["gpt-3.5-turbo", "claude-3-haiku"]),
    "pro-models": ("Balanced performance and cost", ["gpt-4-turbo", "claude-3-sonnet", "gemini-pro"]),
    "enterprise-models": ("Most capable models", ["gpt-4", "claude-3-opus", "gemini-1.5-pro"]),
    "old-models": ("", ["gpt-3.5-turbo"]),
    "current-models": ("", ["gpt-4"]),
    "experimental-models": ("", ["new-model"]),
    "existing-groups": ("", ["claude-3-haiku"]),
}


@dataclass
class Command:
    """One request of the page, and the JSON printed under "Response:" behind it."""

    line: int
    shell: str | None
    raw: tuple[str, str, str] | None
    printed: Any


def commands() -> list[Command]:
    text = PAGE.read_text()
    found: list[Command] = []
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start()) + 1
        inner = re.sub(rf"^{block['indent']}", "", block["text"], flags=re.MULTILINE)
        before = text[: block.start()].rstrip().rpartition("\n")[2].strip()
        if block["language"] == "bash":
            found += requests_of(line, inner)
        elif before == "**Response:**":
            found[-1].printed = json.loads(inner)
    return found


def requests_of(line: int, block: str) -> list[Command]:
    raw = RAW_REQUEST.fullmatch(block.strip())
    if raw:
        return [Command(line, None, (raw["method"], raw["path"], raw["body"]), None)]
    lines = [text for text in block.splitlines() if text and not text.lstrip().startswith("#")]
    joined = "\n".join(lines)
    return [Command(line, text, None, None) for text in re.split(r"^(?=curl )", joined, flags=re.MULTILINE) if text]


@pytest.fixture(scope="module")
def page_proxy(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    config = configuration(upstream, local_admin=True)
    openai = {"model": "openai/*", "api_base": f"{upstream.url}/v1", "api_key": "KEY"}
    config["model_list"] += [
        {"model_name": f"{provider}/*", "litellm_params": openai} for provider in ("openai", "anthropic", "gemini")
    ]
    with running_proxy(tmp_path_factory.mktemp("page"), config) as proxy:
        with proxy.admin() as admin:
            sell_what_the_page_assumes(admin)
        yield proxy


def sell_what_the_page_assumes(admin: httpx.Client) -> None:
    def create(path: str, **body: Any) -> None:
        answer = admin.post(f"/api/{path}/create", json=body)
        assert answer.status_code == 201, answer.text

    for alias, (model, description) in ALIASES.items():
        create("model-aliases", alias=alias, litellm_model=model, description=description)
    for group_name, (description, aliases) in GROUPS.items():
        create("model-access-groups", group_name=group_name, description=description, model_aliases=aliases)
    create("organizations", organization_id="org_acme", name="ACME")
    create("teams", organization_id="org_acme", team_id="acme-dev", access_groups=["current-models"])


def run(command: Command, proxy: Proxy, job_id: str, key: str) -> tuple[int, Any]:
    if command.shell is not None:
        script = command.shell.replace("http://localhost:8003", proxy.url)
        script = script.replace("curl ", "curl -s -w '\\n%{http_code}' ", 1)
        output = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout
        body, _, status = output.rpartition("\n")
        return int(status), json.loads(body)
    assert command.raw is not None
    method, path, body = command.raw
    path = path.replace("{job_id}", job_id).replace("{team_id}", "acme-prod").replace("{group_name}", "gpt-models")
    body = body.replace("[...]", '[{"role": "user", "content": "hi"}]')
    headers = {"authorization": f"Bearer {key}"} if "/jobs/" in path else {}
    answer = httpx.request(method, proxy.url + path, content=body, headers=headers, timeout=60)
    return answer.status_code, answer.json()


def same_shape(printed: Any, answered: Any, where: str = "$") -> None:
    """The same fields in the same order with the same types, all the way down; times as the page writes them."""
    if isinstance(printed, dict):
        assert list(answered) == list(printed), where
        for name, value in printed.items():
            same_shape(value, answered[name], f"{where}.{name}")
    elif isinstance(printed, list):
        assert isinstance(answered, list), where
        assert answered, where
        for value in answered:
            same_shape(printed[0], value, f"{where}[]")
    elif isinstance(printed, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", printed):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", answered), where
    else:
        assert type(answered) is type(printed), where


def test_every_command_of_the_page(page_proxy: Proxy) -> None:
    answers: list[tuple[Command, Any]] = []
    key = job_id = ""
    for command in commands():
        if command.shell is not None and not command.shell.startswith("curl "):
            assert command.shell.startswith("docker compose restart"), command  # no request, and never needed here
            continue
        if command.raw is not None and "{job_id}" in command.raw[1]:
            with page_proxy.admin() as admin:
                body = {"team_id": "acme-prod", "job_type": "page"}
                job_id = admin.post("/api/jobs/create", json=body).json()["job_id"]
        status, answer = run(command, page_proxy, job_id, key)
        again = status == 409 and "already exists" in answer["message"]
        assert status in (200, 201) or again, f"{PAGE.name}:{command.line}: {status} {answer}"
        if isinstance(answer, dict) and answer.get("team_id") == "acme-prod":
            key = answer.get("virtual_key", key)
        if command.printed is not None:
            same_shape(command.printed, answer)
            answers.append((command, answer))
    assert [command.line for command, _ in answers]
    created, listed, detail = [answer for _, answer in answers]
    printed_created, printed_listed, printed_detail = [command.printed for command, _ in answers]
    assert {**created, "created_at": 0} == {**printed_created, "created_at": 0}
    rows = {row["group_name"]: row for row in listed["access_groups"]}
    for printed in printed_listed["access_groups"]:
        assert rows[printed["group_name"]]["model_count"] == printed["model_count"]
        assert rows[printed["group_name"]]["team_count"] == 1
    assert rows["gpt-models"]["description"] == printed_listed["access_groups"][0]["description"]
    for printed in printed_detail["model_aliases"]:
        assert printed in detail["model_aliases"]
    assert detail["group_name"] == printed_detail["group_name"]
    assert detail["teams_with_access"] == ["acme-prod"]


def test_the_refusal_that_the_page_prints(page_proxy: Proxy) -> None:
    """Step 5 of "When Team Makes API Call"."""
    with page_proxy.admin() as admin:
        organization = {"organization_id": "org_refused", "name": "Refused"}
        assert admin.post("/api/organizations/create", json=organization).status_code == 201
        team = {"organization_id": "org_refused", "team_id": "refused", "access_groups": ["basic-models"]}
        key = admin.post("/api/teams/create", json=team).json()["virtual_key"]
    with page_proxy.client(authorization=f"Bearer {key}") as client:
        job_id = client.post("/api/jobs/create", json={"team_id": "refused", "job_type": "page"}).json()["job_id"]
        answer = client.post(f"/api/jobs/{job_id}/llm-call", json={"model": "gpt-4", "messages": []})
    printed = next(
        json.loads(block["text"])
        for block in BLOCK.finditer(PAGE.read_text())
        if '"Model access denied"' in block["text"]
    )
    assert answer.status_code == 403
    assert {name: answer.json()[name] for name in printed} == printed
