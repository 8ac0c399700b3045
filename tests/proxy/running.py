"""Starting the real LiteLLM proxy, and the upstream behind it, for a test."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

MASTER_KEY = "sk-master-for-tests-1234567890"
ADMIN_KEY = "admin-key-for-tests-1234567890"
HERE = Path(__file__).parent


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_answers(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 300) -> None:
    """Returns when `url` answers 200; fails, with the log's end, when the process ends before or the time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the server ended with {process.returncode}:\n{log.read_text()[-4000:]}")
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url, timeout=5).status_code == 200:
                return
        time.sleep(0.1)  # between two looks at a condition
    raise AssertionError(f"{url} did not answer in {seconds} s:\n{log.read_text()[-4000:]}")


@dataclass
class Upstream:
    """The recording provider."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def seen(self) -> list[dict[str, Any]]:
        """Everything that reached it since the last `forget`."""
        recorded: list[dict[str, Any]] = httpx.get(f"{self.url}/log").json()
        return recorded

    def models(self) -> list[str]:
        """The models it was asked for, in order."""
        return [str(entry["model"]) for entry in self.seen()]

    def cut(self) -> None:
        """Break off the streams that stand in the middle."""
        httpx.post(f"{self.url}/cut")

    def go(self) -> None:
        """Let the held models go on that stand there now: one at least, which is waited for."""
        httpx.post(f"{self.url}/go", timeout=60)

    def forget(self) -> None:
        httpx.delete(f"{self.url}/log")


@contextlib.contextmanager
def running_upstream(folder: Path) -> Iterator[Upstream]:
    upstream = Upstream(free_port())
    log = folder / "upstream.log"
    with log.open("wb") as output:
        command = [sys.executable, str(HERE / "upstream.py"), str(upstream.port)]
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        wait_until_answers(f"{upstream.url}/v1/models", process, log)
        yield upstream
    finally:
        process.terminate()
        process.wait(timeout=20)


@dataclass
class Proxy:
    """A running LiteLLM proxy."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    command: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "proxy.log"

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                env=self.environment,
                start_new_session=True,
            )
        wait_until_answers(f"{self.url}/health/liveliness", self.process, self.log)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends the server and its workers."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, how)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(timeout=20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process = None

    def client(self, **headers: str) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)

    def admin(self) -> httpx.Client:
        return self.client(authorization=f"Bearer {ADMIN_KEY}")


def deployment(name: str, model: str, upstream: Upstream, *, path: str = "", **info: Any) -> dict[str, Any]:
    params = {"model": model, "api_base": upstream.url + path, "api_key": f"KEY-{name}"}
    return {"model_name": name, "litellm_params": params, "model_info": info}


def configuration(upstream: Upstream, **settings: Any) -> dict[str, Any]:
    """A LiteLLM configuration with the plugin and some deployments: `real-*` for aliases, `forbidden` for nobody."""
    priced = {"input_cost_per_token": 0.000003, "output_cost_per_token": 0.000006}
    return {
        "model_list": [
            deployment("real-a", "openai/up-a", upstream, path="/v1", **priced),
            deployment("real-b", "openai/up-b", upstream, path="/v1"),
            deployment("real-claude", "anthropic/up-claude", upstream),
            deployment("real-gemini", "gemini/up-gemini", upstream),
            deployment("real-rerank", "cohere/up-rerank", upstream, path="/v1/rerank"),
            deployment("real-failing", "openai/up-failing", upstream, path="/v1"),
            deployment("real-cut", "openai/up-cut", upstream, path="/v1"),
            deployment("real-held", "openai/up-held", upstream, path="/v1"),
            deployment("real-slow", "openai/up-slow", upstream, path="/v1"),
            deployment("forbidden", "openai/up-forbidden", upstream, path="/v1"),
            deployment("sold/*", "openai/*", upstream, path="/v1"),
        ],
        "general_settings": {"master_key": MASTER_KEY, "custom_auth": "saas_access.proxy.user_api_key_auth"},
        "litellm_settings": {
            "callbacks": ["saas_access.proxy.access_hook"],
            "global_disable_no_log_param": True,
            "num_retries": 0,
            "fallbacks": [{"real-failing": ["forbidden", "real-b"]}],
        },
        "callback_settings": {
            "saas_access": {
                "database_url": "sqlite:///store.db",
                "admin_key": ADMIN_KEY,
                "failed_attempts_per_minute": 1_000_000,
                **settings,
            }
        },
    }


def new_proxy(folder: Path, config: dict[str, Any], *, server: tuple[str, ...] = (), workers: int = 1) -> Proxy:
    """A proxy that isn't started yet. `server`: LiteLLM's own arguments, such as "--run_gunicorn"."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    port = free_port()
    environment = {
        **os.environ,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "TIMEOUT_WORKER_HEALTHCHECK": "60",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(HERE), os.environ.get("PYTHONPATH")))),
    }
    litellm = str(Path(sys.executable).with_name("litellm"))
    command = [litellm, "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)]
    return Proxy(port, folder, None, [*command, "--num_workers", str(workers), *server], environment)


@contextlib.contextmanager
def running_proxy(folder: Path, config: dict[str, Any], **how: Any) -> Iterator[Proxy]:
    proxy = new_proxy(folder, config, **how)
    try:
        proxy.start()
        yield proxy
    finally:
        proxy.stop()
