"""`make run`: the example configuration, the demonstration provider, and the page's workflows pasted as printed."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai
import pytest
import yaml
from running import MASTER_KEY, Proxy, Upstream, configuration, new_proxy, running_proxy

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config.example.yaml"
PAGE = (ROOT / "docs" / "model-access-groups.md").read_text()
README = (ROOT / "README.md").read_text()
ASK: Any = [{"role": "user", "content": "Are you there?"}]


def command(folder: Path, port: int, database: str = "example.db") -> list[str]:
    run = [sys.executable, "-m", "saas_access.proxy.run", "--config", str(EXAMPLE), "--port", str(port)]
    return [*run, "--database", str(folder / database)]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("example")
    proxy = new_proxy(folder, {})
    proxy.command = command(folder, proxy.port)
    try:
        proxy.start()
        yield proxy
    finally:
        proxy.stop()


def paste(proxy: Proxy, text: str) -> None:
    """Runs every curl command of a piece of the page or the README, down to a blank line or fence; all must succeed."""
    commands = re.findall(r"^ *(curl .*?)(?=\n\s*\n|\n```)", text, re.MULTILINE | re.DOTALL)
    assert commands
    for script in (part for found in commands for part in re.split(r"\n(?= *curl )", found)):
        local = script.replace("http://localhost:8003", proxy.url).replace("curl ", "curl -sS --fail-with-body ", 1)
        done = subprocess.run(["bash", "-c", local], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (script, done.stdout, done.stderr)


def section(heading: str, until: str) -> str:
    return PAGE[PAGE.index(heading) : PAGE.index(until)]


def test_the_start_says_where_things_are(example: Proxy) -> None:
    log = example.log.read_text()
    assert f"http://127.0.0.1:{example.port}" in log
    assert str(example.folder / "example.db") in log
    assert (example.folder / "example.db").exists()
    command_to_try = re.search(r"next +curl (\S+)", log)
    assert command_to_try
    assert httpx.get(command_to_try[1]).status_code == 200


def test_the_readme_then_the_pages_onboarding_and_workflows(example: Proxy) -> None:
    paste(example, README[README.index("In another shell") : README.index("The answer holds")])
    with example.client() as local:
        created = local.post("/api/teams/create", json={"organization_id": "org_acme", "team_id": "acme-dev"})
        assert created.status_code == 201
    paste(example, section("## Example: Complete Client Onboarding", "## Next Steps"))
    paste(example, section("## Common Workflows", "## Best Practices"))
    with example.client() as local:
        assert local.get("/api/teams/acme-prod").json()["available_models"] == [
            "gpt-4",
            "claude-3-opus",
            "gemini-1.5-pro",
        ]
        assert local.get("/api/teams/newclient-prod").json()["credits_remaining"] == 6000


def test_every_alias_answers_without_a_provider_account(example: Proxy) -> None:
    bootstrap = yaml.safe_load(EXAMPLE.read_text())["callback_settings"]["saas_access"]["bootstrap"]
    aliases = [alias["alias"] for alias in bootstrap["model_aliases"]]
    with example.client() as local:
        organization = {"organization_id": "everything", "name": "Everything"}
        assert local.post("/api/organizations/create", json=organization).status_code == 201
        group = {"group_name": "everything", "model_aliases": aliases}
        assert local.post("/api/model-access-groups/create", json=group).status_code == 201
        team = {
            "organization_id": "everything",
            "team_id": "everything",
            "access_groups": ["everything"],
            "credits_allocated": 100,
        }
        key = local.post("/api/teams/create", json=team).json()["virtual_key"]
    client = openai.OpenAI(base_url=f"{example.url}/v1", api_key=key, max_retries=0)
    assert [model.id for model in client.models.list()] == aliases
    for alias in aliases:
        answer = client.chat.completions.create(model=alias, messages=ASK)
        assert answer.model == alias
        assert "Are you there?" in str(answer.choices[0].message.content)
    chunks = client.chat.completions.create(model="gpt-4", messages=ASK, stream=True)
    assert "Are you there?" in "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert len(client.embeddings.create(model="gpt-4", input=["a", "b"]).data) == 2
    assert "Are you there?" in client.responses.create(model="gpt-4", input="Are you there?").output_text
    claude = anthropic.Anthropic(base_url=example.url, api_key=key, max_retries=0)
    with claude.messages.stream(model="claude-3-opus", max_tokens=99, messages=ASK) as stream:
        assert "Are you there?" in str(stream.get_final_message().content)


def test_the_readmes_three_entries_as_written(upstream: Upstream, tmp_path: Path) -> None:
    entries = yaml.safe_load(README[README.index("```yaml\n") + 8 :].partition("```")[0])
    config = configuration(upstream)
    entries["general_settings"]["master_key"] = MASTER_KEY
    with running_proxy(tmp_path, {"model_list": config["model_list"], **entries}) as proxy:
        assert httpx.get(f"{proxy.url}/api/teams").status_code == 401  # local_admin: false
        with proxy.client(authorization=f"Bearer {MASTER_KEY}") as operator:
            assert operator.get("/api/health").json()["status"] == "ok"
    assert (tmp_path / "saas_access.db").exists()


def test_a_taken_port_is_a_clear_error(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(command(tmp_path, port), capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"port {port} on 127.0.0.1 can't be used")
    assert "Traceback" not in done.stderr
