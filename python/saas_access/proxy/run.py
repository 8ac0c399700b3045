"""`python -m saas_access.proxy.run`: a real LiteLLM proxy with a configuration of ours, for a first look."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from pathlib import Path

from saas_access.proxy.litellm_versions import UnsupportedLiteLLMError, litellm_version, require_supported

_WELCOME = """\
saas_access in LiteLLM {version}
  address    http://{host}:{port}            admin API docs  http://{host}:{port}/api/docs
  data       {database}
  next       curl http://{host}:{port}/api/model-aliases
"""


def main() -> None:
    """Checks what can be checked before the proxy starts, says where things are, and becomes the proxy."""
    arguments = _arguments()
    try:
        require_supported(litellm_version())
    except UnsupportedLiteLLMError as problem:
        sys.exit(str(problem))
    _require_free(arguments.host, arguments.port)
    database = Path(arguments.database).resolve()
    os.environ["SAAS_ACCESS_DATABASE_URL"] = f"sqlite:///{database}"
    # LiteLLM would ask the network for its price list first; the one that came with it is as good for this.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    where = {"host": arguments.host, "port": arguments.port, "database": database, "version": litellm_version()}
    print(_WELCOME.format(**where), flush=True)
    litellm = str(Path(sys.executable).with_name("litellm"))
    command = [litellm, "--config", arguments.config, "--host", arguments.host, "--port", str(arguments.port)]
    os.execv(litellm, [*command, "--num_workers", str(arguments.workers)])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m saas_access.proxy.run", description=__doc__)
    parser.add_argument(
        "--config", default="config.example.yaml", help="LiteLLM configuration file (default: %(default)s)"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8003, help="port to listen on (default: %(default)s)")
    parser.add_argument("--database", default="saas_access.db", help="SQLite file (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="worker processes (default: %(default)s)")
    return parser.parse_args()


def _require_free(host: str, port: int) -> None:
    """LiteLLM moves to another port by itself when one is taken; whoever asked for this one wants to know."""
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError) as problem:
        sys.exit(
            f"port {port} on {host} can't be used ({problem}): stop what listens there or choose another, PORT=8004"
        )


if __name__ == "__main__":
    main()
