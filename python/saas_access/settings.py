"""The product's settings: the section `callback_settings.saas_access` of a LiteLLM proxy configuration."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import httpx
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from saas_access import credits, metadata, problems, request_fields, webhooks
from saas_access._core import MICRO_PER_CREDIT

if TYPE_CHECKING:
    from collections.abc import Mapping

SECTION = "callback_settings.saas_access"
_SQLITE = "sqlite:///"
_FROM_ENVIRONMENT = "os.environ/"
_SHORTEST_SECRET = 24
_NO_VALUE = "has no value; is the environment variable that it names set?"
_ACTOR = re.compile(r"(?!sk-)[A-Za-z0-9._@-]{1,64}", flags=re.ASCII)  # "sk-": a key where its name should be
_OPERATOR, _VIEWER = "operator", "viewer"
_RESERVED_ACTORS = (_OPERATOR, _VIEWER, "local operator", "configuration")


class SettingsError(ValueError):
    """The settings can't be used; one line for each wrong or unknown one."""


def _resolved(value: object) -> object:
    """The value, or the one of the environment variable that 'os.environ/NAME' names, as LiteLLM's own settings do."""
    if value is None:
        raise ValueError(_NO_VALUE)
    if not isinstance(value, str) or not value.startswith(_FROM_ENVIRONMENT):
        return value
    name = value.removeprefix(_FROM_ENVIRONMENT)
    if not os.environ.get(name):
        raise ValueError(f"the environment variable {name} is not set")
    return os.environ[name]


def _usable_key(key: SecretStr) -> SecretStr:
    if not key.get_secret_value() or key.get_secret_value() != key.get_secret_value().strip():
        raise ValueError("must not be empty, nor begin or end with white space")
    return key


def _named(keys: object) -> object:
    if not isinstance(keys, dict):
        raise ValueError("must map names to keys")  # noqa: TRY004 pydantic takes only a ValueError for an answer
    for name in keys:
        if not isinstance(name, str) or not _ACTOR.fullmatch(name):
            raise ValueError(f"{problems.quoted(name)} is no name of 1 to 64 of A-Z a-z 0-9 . _ @ -")
        if name in _RESERVED_ACTORS:
            raise ValueError(f"{problems.quoted(name)} can't be a name here: the audit means something else by it")
    return keys


def _webhook_url(url: SecretStr) -> SecretStr:
    try:
        given = httpx.URL(url.get_secret_value())
    except httpx.InvalidURL as error:
        raise ValueError(f"is no address: {error}") from error
    if given.scheme not in ("http", "https") or not given.host:
        # Only the scheme: the rest of such an address often is a password by itself.
        raise ValueError(f"must begin with https:// or http:// and name a host, not '{given.scheme}://...'")
    return url


def _webhook_secret(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < _SHORTEST_SECRET:
        raise ValueError(f"must have at least {_SHORTEST_SECRET} characters")
    if len(webhooks.signing_key(secret.get_secret_value())) < _SHORTEST_SECRET:
        raise ValueError(f"must stand for at least {_SHORTEST_SECRET} bytes")
    return secret


def _sqlite_url(url: str) -> str:
    path = url.removeprefix(_SQLITE)
    if not url.startswith(_SQLITE):
        scheme, separator, _ = url.partition("://")
        # Only the scheme: the rest of such an address may hold a password.
        named = f"'{scheme}://...'" if separator else problems.quoted(url)
        raise ValueError(f"{named} can't be used; only 'sqlite:///relative.db' and 'sqlite:////absolute.db' can")
    if not path or path.startswith(":") or set(path) & set("?#"):
        raise ValueError(f"{problems.quoted(url)} must name a file, as 'sqlite:///saas_access.db' does")
    return url


def _passable_fields(names: list[str]) -> list[str]:
    for name in names:
        if (would := request_fields.would_choose(name)) is not None:
            raise ValueError(f"{problems.quoted(name)} can't be let through: it would choose {would}")
        if name in request_fields.STRIPPED:
            raise ValueError(f"{problems.quoted(name)} can't be let through: {request_fields.STRIPPED[name]}")
    return names


# The configuration gives credits and a mapping; these are micro-credits and JSON text.
_MicroCredits = Annotated[int, BeforeValidator(credits.parse)]
_MetadataText = Annotated[str, BeforeValidator(metadata.to_text)]
_AdminKey = Annotated[SecretStr, AfterValidator(_usable_key), BeforeValidator(_resolved)]
_NamedKeys = Annotated[dict[str, _AdminKey], BeforeValidator(_named)]
_WebhookUrl = Annotated[SecretStr, AfterValidator(_webhook_url), BeforeValidator(_resolved)]
_WebhookSecret = Annotated[
    SecretStr, AfterValidator(_webhook_secret), AfterValidator(_usable_key), BeforeValidator(_resolved)
]
_SECRETS = ("admin_key", "viewer_key", "webhook_url", "webhook_secret")
_NAMED_SECRETS = ("operators", "viewers")


class OperatorKey(NamedTuple):
    """A configured key of somebody who is no team; `actor` is their name in the audit."""

    setting: str
    key: SecretStr
    actor: str
    viewer: bool


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class BootstrapAlias(_Section):
    alias: str
    litellm_model: str
    description: str = ""
    active: bool = True
    credits_per_call: _MicroCredits = MICRO_PER_CREDIT
    metadata: _MetadataText = "{}"


class BootstrapGroup(_Section):
    group_name: str
    description: str = ""
    model_aliases: list[str] = []


class Bootstrap(_Section):
    """What to create when the server starts and it isn't there yet; what exists stays as it is."""

    model_aliases: list[BootstrapAlias] = []
    access_groups: list[BootstrapGroup] = []


class Settings(_Section):
    """All settings, checked. docs/configuration.md says what each of them does."""

    database_url: Annotated[str, AfterValidator(_sqlite_url)] = "sqlite:///saas_access.db"
    admin_key: _AdminKey | None = None
    viewer_key: _AdminKey | None = None
    operators: _NamedKeys = {}
    viewers: _NamedKeys = {}
    local_admin: bool = False
    dashboard: bool = False
    synchronous: Literal["full", "normal"] = "full"
    failed_attempts_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    bootstrap: Bootstrap | None = None
    default_max_tokens: Annotated[int, Field(ge=1, le=10_000_000)] = 1000
    failed_jobs_are_free: bool = False
    job_timeout_hours: Annotated[int, Field(ge=1, le=8760)] = 24
    cached_answers: Literal["charged", "free"] = "charged"
    show_actual_model: bool = False
    unknown_fields: Literal["strip", "refuse"] = "strip"
    extra_fields: Annotated[list[str], AfterValidator(_passable_fields)] = []
    max_request_mb: Annotated[int, Field(ge=1, le=4096)] = 100
    proxy_url: str | None = None
    usage_hours_kept_days: Annotated[int, Field(ge=1, le=36_500)] = 35
    metrics_aliases: Annotated[int, Field(ge=0, le=10_000)] = 100
    metrics_teams: Annotated[int, Field(ge=0, le=10_000)] = 0
    webhook_url: _WebhookUrl | None = None
    webhook_secret: _WebhookSecret | None = None

    @field_validator(*_SECRETS, mode="before")
    @classmethod
    def _check_key_given(cls, key: object) -> object:
        """LiteLLM gives null for a variable of the environment that isn't set: a key was meant, so none isn't one."""
        if key is None:
            raise ValueError(_NO_VALUE)
        return key

    @field_validator("proxy_url")
    @classmethod
    def _check_proxy_url(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            raise ValueError(f"{problems.quoted(url)} must begin with http:// or https://")
        return url

    @model_validator(mode="after")
    def _check_keys_differ(self) -> Settings:
        for one, other in itertools.combinations(self.operator_keys, 2):
            if one.key == other.key:
                raise ValueError(f"{other.setting} must not be the same as {one.setting}")
        return self

    @model_validator(mode="after")
    def _check_webhooks_signed(self) -> Settings:
        if self.webhook_url is not None and self.webhook_secret is None:
            raise ValueError("webhook_url needs webhook_secret, by which its receiver knows who is calling")
        return self

    @property
    def operator_keys(self) -> list[OperatorKey]:
        """The keys of all operators and viewers."""
        alone = [
            OperatorKey("admin_key", self.admin_key, _OPERATOR, viewer=False) if self.admin_key else None,
            OperatorKey("viewer_key", self.viewer_key, _VIEWER, viewer=True) if self.viewer_key else None,
        ]
        named = [OperatorKey(f"operators.{name}", key, name, viewer=False) for name, key in self.operators.items()]
        named += [OperatorKey(f"viewers.{name}", key, name, viewer=True) for name, key in self.viewers.items()]
        return [found for found in alone if found is not None] + named

    def operator_keys_digest(self) -> bytes:
        """SHA-256 over who has which key: another one as soon as a key, a name or what it allows changes, whatever
        order they stand in. Guesses can be tried against it, so it stays in this process.
        """
        known = sorted((found.setting, found.key.get_secret_value()) for found in self.operator_keys)
        return hashlib.sha256(json.dumps(known).encode()).digest()

    @property
    def database_path(self) -> Path:
        """The file behind `database_url`; a relative one is relative to the working directory."""
        return Path(self.database_url.removeprefix(_SQLITE))

    @classmethod
    def parse(cls, section: Mapping[str, Any] | None) -> Settings:
        """The settings that a configuration's section gives, or the defaults for an absent one. Raises
        SettingsError.
        """
        try:
            return cls.model_validate({} if section is None else section)
        except ValidationError as error:
            lines = [_line(problem) for problem in error.errors()]
        # Outside of the handler, so that no traceback shows what was given: it may be the admin key.
        raise SettingsError("\n".join(lines))


def _line(error: Any) -> str:
    # Not "name: problem": LiteLLM's log takes what follows "database_url:" for a secret and hides it.
    location = [SECTION, *(part for part in error["loc"] if not str(part).startswith("function-"))]
    if error["type"] == "extra_forbidden":
        guess = problems.did_you_mean(str(location[-1]), _names_beside(location[1:-1]))
        return f"{problems.field(location)} - unknown setting{guess}"
    if location[1:2] and location[1] in (*_SECRETS, *_NAMED_SECRETS) and error["type"] != "value_error":
        return f"{problems.field(location)} - must be a string"
    return f"{problems.field(location)} - {problems.phrase(error)}"


def _names_beside(path: list[int | str]) -> list[str]:
    sections: dict[tuple[int | str, ...], type[_Section]] = {
        (): Settings,
        ("bootstrap",): Bootstrap,
        ("bootstrap", "model_aliases"): BootstrapAlias,
        ("bootstrap", "access_groups"): BootstrapGroup,
    }
    return list(sections[tuple(path[:2])].model_fields)
