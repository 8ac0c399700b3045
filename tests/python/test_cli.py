from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from saas_access import __version__, cli

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(cli.ADMIN_KEY_VARIABLE, raising=False)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(["serve", *arguments]) == 1
    return capsys.readouterr().err


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"saas-access {__version__}\n"


def test_a_server_that_nobody_could_use_does_not_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.ADMIN_KEY_VARIABLE in refused(capsys, "--database", str(tmp_path / "a.db"))
    assert not (tmp_path / "a.db").exists()


def test_a_taken_port_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        message = refused(capsys, "--database", str(tmp_path / "a.db"), "--local-admin", "--port", port)
    assert f"port {port}" in message
    assert "in use" in message
    assert "Traceback" not in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [", "not YAML"),
        ("model_list: []", "no section callback_settings.saas_access"),
        ("callback_settings:\n  saas_access:\n    locl_admin: true", "did you mean local_admin?"),
    ],
)
def test_a_wrong_configuration_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, expected: str
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(text, encoding="utf-8")
    assert expected in refused(capsys, "--config", str(config))


def test_an_absent_configuration_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert "nowhere.yaml" in refused(capsys, "--config", "nowhere.yaml")


def test_it_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    section = f"callback_settings:\n  saas_access:\n    database_url: sqlite:///{tmp_path / 'a.db'}\n"
    config = tmp_path / "config.yaml"
    config.write_text(section, encoding="utf-8")
    command = [sys.executable, "-u", "-m", "saas_access.cli", "serve", "--port", "0", "--config", str(config)]
    environment = {**os.environ, cli.ADMIN_KEY_VARIABLE: "key-of-the-test"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        told = re.search(r"http://127\.0\.0\.1:\d+/api", server.stdout.readline())
        assert told is not None
        try:
            look_at(told[0], tmp_path / "a.db")
        finally:
            server.send_signal(signal.SIGINT)
    assert server.returncode in (0, 130, -signal.SIGINT)


def look_at(url: str, database: Path) -> None:
    key = {"X-Admin-Key": "key-of-the-test"}
    assert httpx.get(f"{url}/health").json() == {"status": "ok"}
    assert httpx.get(f"{url}/teams").status_code == 401
    assert httpx.get(f"{url}/health", headers=key).json()["database"] == str(database)
    endless = iter([b" " * 1024] * 2000)
    assert httpx.post(f"{url}/teams/create", content=endless, headers=key).status_code == 413
