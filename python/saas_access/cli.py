"""The command `saas-access`."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
import yaml

from saas_access import CoreError, __version__
from saas_access.admin.app import create_app
from saas_access.admin.host import StandaloneHost
from saas_access.runtime import Runtime
from saas_access.settings import SECTION, Settings, SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

ADMIN_KEY_VARIABLE = "SAAS_ACCESS_ADMIN_KEY"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        _serve(options)
    except (CoreError, OSError, SettingsError) as error:
        print(f"saas-access: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="saas-access", description="Model access for the teams of a LiteLLM proxy.")
    parser.add_argument("--version", action="version", version=f"saas-access {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = commands.add_parser(
        "serve",
        help="serve the admin API alone, without a proxy",
        description=f"Serves the admin API. The admin key is the setting admin_key, else ${ADMIN_KEY_VARIABLE}.",
    )
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serve.add_argument("--port", type=int, default=8003, help="port to listen on (default: %(default)s)")
    source = serve.add_mutually_exclusive_group()
    source.add_argument("--config", type=Path, metavar="FILE", help=f"a LiteLLM configuration; its {SECTION} is read")
    source.add_argument("--database", type=Path, metavar="PATH", help="the database; other settings are the defaults")
    serve.add_argument(
        "--local-admin", action="store_true", help="requests from this machine without a key are the operator's"
    )
    return parser


def _serve(options: argparse.Namespace) -> None:
    settings = _settings(options)
    with _listen(options.host, options.port) as listener:
        runtime = Runtime.open(settings)
        try:
            app = create_app(runtime=runtime, host=StandaloneHost())
            print(f"The API is at {_url(listener)}/api, its documentation at /api/docs")
            # A proxy's word for who is calling must not make a request look local.
            uvicorn.Server(uvicorn.Config(app, proxy_headers=False)).run(sockets=[listener])
        finally:
            runtime.close()


def _settings(options: argparse.Namespace) -> Settings:
    section: dict[str, Any] = _section(options.config) if options.config else {}
    if options.database:
        section["database_url"] = f"sqlite:///{options.database}"
    if options.local_admin:
        section["local_admin"] = True
    if ADMIN_KEY_VARIABLE in os.environ:
        section.setdefault("admin_key", f"os.environ/{ADMIN_KEY_VARIABLE}")
    settings = Settings.parse(section)
    if settings.admin_key is None and not settings.local_admin:
        raise SettingsError(f"nobody could use this server: set {ADMIN_KEY_VARIABLE}, or give --local-admin")
    return settings


def _section(config: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(config.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"'{config}' is not YAML: {error}") from error
    found = document
    for name in SECTION.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        raise SettingsError(f"'{config}' has no section {SECTION}")
    return dict(found)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        raise OSError(f"can't listen on {host} port {port}: {error}") from error


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


if __name__ == "__main__":
    sys.exit(main())
