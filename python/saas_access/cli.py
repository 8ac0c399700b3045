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

from saas_access import CoreError, __version__, verification
from saas_access.admin.access import Service
from saas_access.admin.app import create_app
from saas_access.admin.host import StandaloneHost
from saas_access.dashboard.app import beside, create_dashboard
from saas_access.runtime import Runtime
from saas_access.settings import SECTION, Settings, SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp

ADMIN_KEY_VARIABLE = "SAAS_ACCESS_ADMIN_KEY"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except (CoreError, OSError, SettingsError) as error:
        print(f"saas-access: {error}", file=sys.stderr)
        return int(options.status_of_failure)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="saas-access", description="Model access for the teams of a LiteLLM proxy.")
    parser.add_argument("--version", action="version", version=f"saas-access {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_serve(commands)
    _add_ledger(commands)
    return parser


def _add_serve(commands: Any) -> None:
    serve = commands.add_parser(
        "serve",
        help="serve the admin API alone, without a proxy",
        description=f"Serves the admin API. The admin key is the setting admin_key, else ${ADMIN_KEY_VARIABLE}.",
    )
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serve.add_argument("--port", type=int, default=8003, help="port to listen on (default: %(default)s)")
    _add_source(serve, "the database; other settings are the defaults")
    serve.add_argument(
        "--local-admin", action="store_true", help="requests from this machine without a key are the operator's"
    )
    serve.set_defaults(run=_serve, status_of_failure=1)


def _add_ledger(commands: Any) -> None:
    ledger = commands.add_parser("ledger", help="look after the teams' credits")
    verify = ledger.add_subparsers(required=True, metavar="COMMAND").add_parser(
        "verify",
        help="check that every balance is the sum of its entries, and all else that must hold",
        description="Checks every team's ledger and names the first wrong row. Changes nothing; proxies may run on. "
        f"Exit status: {verification.SOUND} sound, {verification.WRONG} wrong, {verification.UNREADABLE} unreadable.",
    )
    _add_source(verify, "the database")
    verify.add_argument("--team", metavar="ID", help="check this team alone")
    verify.add_argument("--json", action="store_true", help="print the findings as JSON")
    verify.set_defaults(run=_verify, status_of_failure=verification.UNREADABLE)


def _add_source(command: argparse.ArgumentParser, database_help: str) -> None:
    source = command.add_mutually_exclusive_group()
    source.add_argument("--config", type=Path, metavar="FILE", help=f"a LiteLLM configuration; its {SECTION} is read")
    source.add_argument("--database", type=Path, metavar="PATH", help=database_help)


def _verify(options: argparse.Namespace) -> int:
    # Of the configuration the database alone: its keys may come from an environment that isn't this shell's.
    section = {name: value for name, value in _given(options).items() if name == "database_url"}
    database = Settings.parse(section).database_path
    report = verification.check(database, options.team)
    print(verification.json_text(report) if options.json else verification.text(report))
    return verification.exit_status(report)


def _serve(options: argparse.Namespace) -> int:
    settings = _settings(options)
    with _listen(options.host, options.port) as listener:
        runtime = Runtime.open(settings)
        try:
            service = Service(runtime=runtime, host=StandaloneHost())
            app: ASGIApp = create_app(runtime=runtime, host=service.host)
            print(f"The API is at {_url(listener)}/api, its documentation at /api/docs")
            if settings.dashboard:
                app = beside(app, create_dashboard(admin=app, service=service))
                print(f"The dashboard is at {_url(listener)}/admin")
            # A proxy's word for who is calling must not make a request look local.
            uvicorn.Server(uvicorn.Config(app, proxy_headers=False)).run(sockets=[listener])
        finally:
            runtime.close()
    return 0


def _given(options: argparse.Namespace) -> dict[str, Any]:
    section: dict[str, Any] = _section(options.config) if options.config else {}
    if options.database:
        section["database_url"] = f"sqlite:///{options.database}"
    return section


def _settings(options: argparse.Namespace) -> Settings:
    section = _given(options)
    section.setdefault("dashboard", True)
    if options.local_admin:
        section["local_admin"] = True
    if ADMIN_KEY_VARIABLE in os.environ:
        section.setdefault("admin_key", f"os.environ/{ADMIN_KEY_VARIABLE}")
    settings = Settings.parse(section)
    if not settings.operator_keys and not settings.local_admin:
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
