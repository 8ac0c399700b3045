"""Who is calling the admin API, and whether they may."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from saas_access import problems, refusal, virtual_keys
from saas_access._core import Reason
from saas_access.admin import errors
from saas_access.failed_attempts import source_of
from saas_access.refusal import Protocol

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.requests import Request

    from saas_access.admin.host import Host
    from saas_access.runtime import Runtime

# Where code in this process that has identified a caller itself, as by a session, puts the Operator. A client can't: a
# scope holds headers and addresses under names of their own.
CALLER_IN_SCOPE = "saas_access.caller"

_BEARER = re.compile(r"bearer +(\S+) *", flags=re.IGNORECASE)
# What a reverse proxy, tunnel or CDN adds: a request with one of these doesn't come from this machine's own user.
_FORWARDING = re.compile(
    r"forwarded|x-forwarded(-.+)?|x-real-ip|x-client-ip|x-cluster-client-ip|x-original-.+|x-envoy-.+|true-client-ip|via|"
    r"cf-.+|cdn-loop|fastly-.+|fly-.+|x-vercel-.+|x-azure-.+|x-amzn-.+|x-appengine-.+|x-cloud-trace-context"
)


@dataclass(frozen=True, kw_only=True)
class Operator:
    """May do everything but act as a team; a viewer may see everything and change nothing. `actor` is their name in the
    audit.
    """

    actor: str
    viewer: bool = False


@dataclass(frozen=True, kw_only=True)
class TeamCaller:
    """A team, by one of its virtual keys. May see and do what is its own."""

    team_id: str
    key_id: str


Caller = Operator | TeamCaller


@dataclass(frozen=True, kw_only=True)
class Service:
    """What the API works on."""

    runtime: Runtime
    host: Host

    def operator_keys_digest(self) -> bytes:
        """Another one as soon as any key changes that makes an operator or viewer. It stays in this process."""
        return hashlib.sha256(self.runtime.settings.operator_keys_digest() + self.host.operator_key_digest()).digest()


def identify(request: Request, service: Service) -> Caller | None:
    """The caller that the scope holds, else by credential, else the local operator, or None. Refuses a wrong credential
    with 401, and with 429 an operator's, right or wrong, from where too many wrong ones came.
    """
    known = request.scope.get(CALLER_IN_SCOPE)
    if isinstance(known, Operator):
        return known
    credential = _credential(request.headers)
    if credential is None:
        local = service.runtime.settings.local_admin and is_local(request)
        return Operator(actor="local operator") if local else None
    source = source_of(request.client.host if request.client else None)
    wait_s = service.runtime.failed_attempts.wait_s(source)
    operator = operator_of(credential, service) if wait_s == 0 else None
    if operator is not None:
        return operator
    found = service.runtime.engine.authenticate(digest=virtual_keys.digest(credential))
    if found.reason is Reason.GRANTED:
        service.runtime.engine.touch_key(key_id=found.key_id)
        return TeamCaller(team_id=found.team_id, key_id=found.key_id)
    if wait_s > 0:
        raise errors.too_many_attempts(math.ceil(wait_s))
    if found.reason is Reason.KEY_UNKNOWN:  # one that was revoked or has expired is no guess
        service.runtime.failed_attempts.note(source)
    refused = refusal.key_refused(found.reason)
    raise errors.Refused(refused.status, **refused.body(Protocol.PAGE, request.state.request_id))


def _credential(headers: Headers) -> str | None:
    for name in ("x-admin-key", "x-api-key"):
        if name in headers:
            return headers[name]
    if "authorization" not in headers:
        return None
    match = _BEARER.fullmatch(headers["authorization"])
    return match[1] if match else ""  # another scheme is a credential too, one that nobody has


def operator_of(credential: str, service: Service) -> Operator | None:
    """Whose key this is, if an operator's or viewer's. Takes the same time however much of which key is right."""
    given = credential.encode("utf-8", "surrogatepass")
    found = Operator(actor="operator") if service.host.is_operator_key(credential) and credential else None
    for key in service.runtime.settings.operator_keys:
        if hmac.compare_digest(key.key.get_secret_value().encode(), given):
            found = Operator(actor=key.actor, viewer=key.viewer)
    return found


def is_local(request: Request) -> bool:
    """Does this come from a user of this machine, straight and not by way of a web page of somebody else's?"""
    headers = request.headers
    hosts = headers.getlist("host")
    return (
        request.client is not None
        and _is_loopback(request.client.host)
        and not any(_FORWARDING.fullmatch(name) for name in headers)
        and len(hosts) == 1
        and _is_loopback_name(hosts[0])
        and all(_is_origin(origin, hosts[0]) for origin in headers.getlist("origin"))
        and all(site in ("same-origin", "none") for site in headers.getlist("sec-fetch-site"))
    )


def _is_loopback(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(ip, "ipv4_mapped", None)
    return (mapped or ip).is_loopback


def _is_loopback_name(host: str) -> bool:
    """Is this Host header, with or without a port, 'localhost' or a loopback address?"""
    try:
        parts = urlsplit("//" + host)
        name, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return parts.netloc == host and "@" not in host and (name == "localhost" or _is_loopback(name or ""))


def _is_origin(origin: str, host: str) -> bool:
    return origin.lower() in (f"http://{host}".lower(), f"https://{host}".lower())


def require_own_team(caller: Caller | None, team_id: str) -> None:
    """For a team named in a path or query: to a team's key, every other one is absent."""
    if isinstance(caller, TeamCaller) and caller.team_id != team_id:
        raise errors.not_found(f"Team {problems.quoted(team_id)} does not exist")
