"""Entries of the audit in plain words."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from saas_access import times
from saas_access.dashboard.api import segment
from saas_access.dashboard.differences import amount, changed_fields, gained_and_lost
from saas_access.dashboard.sessions import PATH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from saas_access.dashboard.api import Json

_FOLDER_OF = {
    "team": "teams",
    "access_group": "model-access",
    "model_alias": "aliases",
    "organization": "organizations",
}
_KIND = {"access_group": "group", "model_alias": "alias", "key": "key", "team": "team", "organization": "organization"}
_ITEMS_NAMED = 5


def link(target_type: str, target_id: str) -> Markup:
    """The name of what was changed, leading to its page if it has one."""
    folder = _FOLDER_OF.get(target_type)
    if folder is None:
        return Markup('<span class="name">{}</span>').format(target_id)
    return Markup('<a class="name" href="{}/{}/{}">{}</a>').format(PATH, folder, segment(target_id), target_id)


def said(entry: Json) -> Markup:
    """What was done, without who did it: 'gave <a>acme-prod</a> the group <a>pro-models</a>'."""
    before, after = entry["before"] or {}, entry["after"] or {}
    tell = _SENTENCES.get(entry["action"]) or _SENTENCES.get("*." + entry["action"].partition(".")[2])
    return tell(entry, before, after) if tell else _done_to(entry)


def _done_to(entry: Json) -> Markup:
    kind, _, verb = entry["action"].partition(".")
    text = Markup("did “{}” to {} {}")
    return text.format(verb.replace("_", " "), _KIND.get(kind, kind.replace("_", " ")), _target(entry))


def _target(entry: Json) -> Markup:
    return link(entry["target_type"], entry["target_id"])


def _created(entry: Json, before: Json, after: Json) -> Markup:  # noqa: ARG001 all are called alike
    return Markup("created {} {}").format(_KIND[entry["target_type"]], _target(entry))


def _deleted(entry: Json, before: Json, after: Json) -> Markup:  # noqa: ARG001
    return Markup("deleted {} {}").format(
        _KIND[entry["target_type"]], Markup('<span class="name">{}</span>').format(entry["target_id"])
    )


def _verb(verb: str) -> Callable[[Json, Json, Json], Markup]:
    return lambda entry, before, after: Markup("{} {}").format(verb, _target(entry))  # noqa: ARG005


def _changed(entry: Json, before: Json, after: Json) -> Markup:
    fields = changed_fields(before, after)
    if not fields:
        return Markup("changed nothing about {}").format(_target(entry))
    alone = _OF_ONE_FIELD.get(fields[0]) if len(fields) == 1 else None
    if alone:
        return alone(entry, before, after)
    named = [name.removesuffix("_ms").replace("_", " ") for name in fields]
    return Markup("changed the {} of {}").format(_and(map(str, named)), _target(entry))


def _suspended(entry: Json, before: Json, after: Json) -> Markup:  # noqa: ARG001
    return Markup("{} {}").format("suspended" if after["suspended"] else "resumed", _target(entry))


def _activated(entry: Json, before: Json, after: Json) -> Markup:  # noqa: ARG001
    return Markup("set {} {}").format(_target(entry), "active" if after["active"] else "not active")


def _led(entry: Json, before: Json, after: Json) -> Markup:  # noqa: ARG001
    return Markup("led {} to {}").format(_target(entry), _mono(after["litellm_model"]))


def _regrouped(entry: Json, before: Json, after: Json) -> Markup:
    gained, lost = gained_and_lost(before["access_groups"], after["access_groups"])
    groups = [link("access_group", name) for name in gained], [link("access_group", name) for name in lost]
    if gained and lost:
        return Markup("gave {} {} and took {}").format(_target(entry), *map(_and, groups))
    if gained or lost:
        text = Markup("gave {} the {} {}") if gained else Markup("took from {} the {} {}")
        found = groups[0] or groups[1]
        return text.format(_target(entry), "group" if len(found) == 1 else "groups", _and(found))
    return Markup("put the groups of {} in another order").format(_target(entry))


def _relisted(entry: Json, before: Json, after: Json) -> Markup:
    gained, lost = gained_and_lost(before.get("model_aliases") or [], after.get("model_aliases") or [])
    added, removed = _and(map(_mono, gained)), _and(map(_mono, lost))
    if gained and lost:
        return Markup("added {} to {} and removed {}").format(added, _target(entry), removed)
    if gained:
        return Markup("added {} to {}").format(added, _target(entry))
    if lost:
        return Markup("removed {} from {}").format(removed, _target(entry))
    if before.get("model_aliases") == after.get("model_aliases"):
        return Markup("changed nothing about {}").format(_target(entry))
    return Markup("put the models of {} in another order").format(_target(entry))


def _granted(entry: Json, before: Json, after: Json) -> Markup:  # noqa: ARG001
    until = _moment(after["expires_at_ms"])
    group = link("access_group", after["access_group"])
    return Markup("granted {} the group {} until {}").format(_target(entry), group, until)


def _ended(entry: Json, before: Json, after: Json) -> Markup:  # noqa: ARG001
    return Markup("ended the grant of {} to {}").format(link("access_group", before["access_group"]), _target(entry))


def _credited(entry: Json, before: Json, after: Json) -> Markup:
    added = Decimal(after["credits_allocated"]) - Decimal(before["credits_allocated"])
    return Markup("added {} credits to {}").format(amount(added), _target(entry))


def _key(verb: str) -> Callable[[Json, Json, Json], Markup]:
    def tell(entry: Json, before: Json, after: Json) -> Markup:
        key = {**before, **after}
        name = _mono(key.get("name") or entry["target_id"])
        return Markup("{} key {} of {}").format(verb, name, link("team", key["team_id"]))

    return tell


_OF_ONE_FIELD: dict[str, Callable[[Json, Json, Json], Markup]] = {
    "suspended": _suspended,
    "active": _activated,
    "access_groups": _regrouped,
    "model_aliases": _relisted,
    "litellm_model": _led,
}
_SENTENCES: dict[str, Callable[[Json, Json, Json], Markup]] = {
    "*.create": _created,
    "*.update": _changed,
    "*.delete": _deleted,
    "*.suspend": _verb("suspended"),
    "*.resume": _verb("resumed"),
    "access_group.add_models": _relisted,
    "access_group.remove_models": _relisted,
    "grant.create": _granted,
    "grant.delete": _ended,
    "credits.add": _credited,
    "key.create": _key("created"),
    "key.rotate": _key("rotated"),
    "key.revoke": _key("revoked"),
    "webhook.test": lambda entry, before, after: Markup("sent a test event to the webhook"),  # noqa: ARG005
}

# What the page offers as a filter, in the order of the sidebar.
ACTIONS = {
    "Teams": [
        ("team.create", "created"),
        ("team.update", "changed"),
        ("team.suspend", "suspended"),
        ("team.resume", "resumed"),
        ("team.delete", "deleted"),
        ("grant.create", "granted for a time"),
        ("grant.delete", "grant ended"),
        ("credits.add", "credits added"),
    ],
    "Keys": [("key.create", "created"), ("key.rotate", "rotated"), ("key.revoke", "revoked")],
    "Access groups": [
        ("access_group.create", "created"),
        ("access_group.update", "changed"),
        ("access_group.add_models", "models added"),
        ("access_group.remove_models", "models removed"),
        ("access_group.delete", "deleted"),
    ],
    "Model aliases": [
        ("model_alias.create", "created"),
        ("model_alias.update", "changed"),
        ("model_alias.delete", "deleted"),
    ],
    "Organizations": [
        ("organization.create", "created"),
        ("organization.update", "changed"),
        ("organization.suspend", "suspended"),
        ("organization.resume", "resumed"),
        ("organization.delete", "deleted"),
    ],
}


def _moment(unix_ms: int) -> Markup:
    text = times.text(unix_ms)
    shown = f"{text[:10]} {text[11:16]} UTC"
    return Markup('<time datetime="{}">{}</time>').format(text, shown)


def _mono(name: str) -> Markup:
    return Markup('<span class="mono">{}</span>').format(name)


def _and(names: Iterable[Any]) -> Markup:
    """'a', 'a and b', 'a, b and 3 more'."""
    listed = list(names)
    shown = listed if len(listed) <= _ITEMS_NAMED else [*listed[: _ITEMS_NAMED - 1], f"{len(listed) - 4} more"]
    if len(shown) < 2:
        return Markup("").join(map(escape, shown))
    return Markup(", ").join(map(escape, shown[:-1])) + Markup(" and ") + escape(shown[-1])
