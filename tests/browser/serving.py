"""A server of the API and the dashboard without a proxy: for pages that need much data and no call."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from running import ADMIN_KEY, free_port, wait_until_answers

from browser.browsing import Site


@contextlib.contextmanager
def running_server(folder: Path, database: Path) -> Iterator[Site]:
    port = free_port()
    log = folder / "server.log"
    command = [sys.executable, "-m", "saas_access.cli", "serve", "--port", str(port), "--database", str(database)]
    environment = {**os.environ, "SAAS_ACCESS_ADMIN_KEY": ADMIN_KEY}
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    try:
        wait_until_answers(f"http://127.0.0.1:{port}/api/health", process, log)
        yield Site(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(timeout=20)
