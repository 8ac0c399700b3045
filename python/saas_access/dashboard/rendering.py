"""Templates, and how numbers and times are written in them."""

from __future__ import annotations

import hashlib
import importlib.resources
import json
import shlex
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from saas_access import times
from saas_access.dashboard import changes, differences
from saas_access.dashboard.api import segment
from saas_access.dashboard.sessions import PATH

_MINUTE_MS = 60_000
_FOLDER = importlib.resources.files("saas_access.dashboard") / "static"


def render(template: str, **context: Any) -> str:
    """The template's text. Everything that isn't markup by type is escaped; a name that isn't given is an error."""
    return _environment().get_template(template).render(**context)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("saas_access.dashboard", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "plural": plural,
        "ago": ago,
        "day": day,
        "segment": segment,
        "marked": marked,
        "said": changes.said,
        "shown_json": lambda body: json.dumps(body, indent=2, ensure_ascii=False, default=float),
        "line_json": json.dumps,
        "shell_json": lambda body: shlex.quote(json.dumps(body)),
        "difference": lambda entry: differences.difference(entry["before"], entry["after"]),
        "quoted": lambda text: quote(str(text), safe=""),
    }
    environment.globals |= {"static": static, "admin": PATH, "here": here}
    return environment


@cache
def static(name: str) -> str:
    """The address of a file of ours; it changes with the file, so that a browser may keep it for ever."""
    digest = hashlib.sha256((_FOLDER / name).read_bytes()).hexdigest()[:12]
    return f"{PATH}/static/{name}?v={digest}"


@pass_context
def here(context: Context, **changes: Any) -> str:
    """This page's address with other query parameters; None takes one out."""
    query = {**context["query"], **changes}
    kept = {name: value for name, value in query.items() if value is not None and name != "done"}
    return str(context["request_path"]) + (f"?{urlencode(kept)}" if kept else "")


def number(value: Decimal | int) -> str:
    """1234567.5 as '1,234,567.5'."""
    exact = Decimal(value)
    return f"{exact.to_integral_value():,}" if exact == exact.to_integral_value() else f"{exact.normalize():,f}"


def plural(count: int, one: str, many: str = "") -> str:
    """'1 team', '2 teams'."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def marked(text: str, sought: str) -> Markup:
    """The text with the first place that `sought` matches marked, `a` to `z` in either case."""
    at = text.lower().find(sought.lower()) if sought else -1
    if at < 0 or len(text.lower()) != len(text):
        return escape(text)
    end = at + len(sought)
    return Markup("{}<mark>{}</mark>{}").format(text[:at], text[at:end], text[end:])


@pass_context
def ago(context: Context, time: str | None, never: str = "never") -> Markup | str:
    """A time as people say it, relative to the page's own, with the exact one on hover. Within a week: '3 min ago',
    'in 2 days'; else its date.
    """
    if time is None:
        return never
    at_ms = times.parse(time)
    spoken = _spoken(at_ms - int(context["now_ms"]), at_ms)
    exact = _moment(at_ms).strftime("%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(time, exact, spoken)


def spoken_moment(unix_ms: int) -> str:
    """'Monday 18 November 2024, 09:42 UTC'."""
    moment = _moment(unix_ms)
    return f"{moment:%A} {moment.day} {moment:%B %Y, %H:%M} UTC"


def day(time: str | int) -> str:
    """A time's date as '18 Nov', with the year if it is another than that of today's clock."""
    moment = _moment(times.parse(time) if isinstance(time, str) else time)
    return (
        f"{moment.day} {moment:%b}"
        if moment.year == datetime.now(timezone.utc).year
        else f"{moment.day} {moment:%b %Y}"
    )


def _spoken(difference_ms: int, at_ms: int) -> str:
    distance = abs(difference_ms)
    if distance < _MINUTE_MS:
        return "just now" if difference_ms <= 0 else "in a moment"
    if distance >= 7 * times.DAY_MS:
        return day(at_ms)
    if distance < times.HOUR_MS:
        text = f"{distance // _MINUTE_MS} min"
    elif distance < 2 * times.DAY_MS:
        text = f"{distance // times.HOUR_MS} h"
    else:
        text = plural(distance // times.DAY_MS, "day")
    return f"{text} ago" if difference_ms < 0 else f"in {text}"


def _moment(unix_ms: int) -> datetime:
    return datetime.fromtimestamp(0, timezone.utc) + timedelta(milliseconds=unix_ms)
