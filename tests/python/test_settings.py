from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from saas_access.settings import Settings, SettingsError

PREFIX = "callback_settings.saas_access"


def problems(section: Any) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        Settings.parse(section)
    return str(caught.value).splitlines()


def test_an_absent_section_gives_the_documented_defaults() -> None:
    settings = Settings.parse(None)
    assert settings == Settings.parse({})
    assert settings.database_path == Path("saas_access.db")
    assert (settings.admin_key, settings.local_admin, settings.bootstrap) == (None, False, None)
    assert (settings.default_max_tokens, settings.failed_jobs_are_free) == (1000, False)
    assert (settings.show_actual_model, settings.proxy_url) == (False, None)
    assert settings.job_timeout_hours == 24


WEBHOOK = {"webhook_url": "https://example.com/hook", "webhook_secret": "s" * 24}


def test_webhooks_take_an_address_and_a_secret() -> None:
    assert Settings.parse(WEBHOOK).webhook_url is not None
    assert "example" not in repr(Settings.parse(WEBHOOK))
    encoded = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert Settings.parse(WEBHOOK | {"webhook_secret": encoded}).webhook_secret is not None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"webhook_url": "example.com/hook"}, ".webhook_url - must begin with https:// or http:// and name a host"),
        ({"webhook_url": "ftp://user:secret@example.com"}, "not 'ftp://...'"),
        ({"webhook_url": "https://"}, ".webhook_url - must begin with"),
        ({"webhook_url": 5}, ".webhook_url - must be a string"),
        ({"webhook_secret": "s" * 23}, ".webhook_secret - must have at least 24 characters"),
        ({"webhook_secret": "whsec_" + "a" * 20}, ".webhook_secret - must stand for at least 24 bytes"),
        ({"webhook_secret": "whsec_" + "?" * 40}, ".webhook_secret - must have Base64 after whsec_"),
        ({"webhook_secret": None}, ".webhook_secret - has no value"),
    ],
)
def test_a_wrong_webhook_is_refused_without_telling_it(change: dict[str, Any], problem: str) -> None:
    [line] = problems(WEBHOOK | change)
    assert problem in line
    assert "secret@" not in line
    assert "sssss" not in line


def test_webhooks_are_never_unsigned() -> None:
    [line] = problems({"webhook_url": "https://example.com/hook"})
    assert "webhook_url needs webhook_secret" in line


def test_a_misspelt_setting_is_named_with_its_right_name() -> None:
    assert problems({"locl_admin": True}) == [f"{PREFIX}.locl_admin - unknown setting; did you mean local_admin?"]


def test_a_misspelt_setting_inside_bootstrap_is_named_too() -> None:
    alias = {"alias": "a", "litellm_model": "m", "credit_per_call": 1}
    assert problems({"bootstrap": {"model_aliases": [alias], "groups": []}}) == [
        f"{PREFIX}.bootstrap.model_aliases.0.credit_per_call - unknown setting; did you mean credits_per_call?",
        f"{PREFIX}.bootstrap.groups - unknown setting; did you mean access_groups?",
    ]


def test_every_wrong_setting_has_its_line() -> None:
    assert problems({"local_admin": "yes", "default_max_tokens": 0, "x": 1}) == [
        f"{PREFIX}.local_admin - must be true or false, not 'yes'",
        f"{PREFIX}.default_max_tokens - must be greater than or equal to 1, not 0",
        f"{PREFIX}.x - unknown setting",
    ]


@pytest.mark.parametrize("section", [[], "text", 5, True])
def test_a_section_that_is_no_mapping_is_refused(section: Any) -> None:
    [line] = problems(section)
    assert line.startswith(f"{PREFIX} - must be an object")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///relative.db", "relative.db"),
        ("sqlite:///a/b c.db", "a/b c.db"),
        ("sqlite:////var/lib/saas.db", "/var/lib/saas.db"),
    ],
)
def test_a_sqlite_address_names_a_file(url: str, path: str) -> None:
    assert Settings.parse({"database_url": url}).database_path == Path(path)


@pytest.mark.parametrize(
    "url",
    ["mysql://host/db", "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///a.db?mode=ro", "saas.db", ""],
)
def test_any_other_address_is_refused_by_name(url: str) -> None:
    [line] = problems({"database_url": url})
    assert line.startswith(f"{PREFIX}.database_url - '")
    assert url.partition("://")[0] in line


def test_a_password_in_an_address_is_not_repeated() -> None:
    [line] = problems({"database_url": "postgresql://user:hunter2@host/db"})
    assert "postgresql" in line
    assert "hunter2" not in line


def test_an_admin_key_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "from-the-environment")
    key = Settings.parse({"admin_key": "os.environ/SOME_KEY"}).admin_key
    assert key is not None
    assert key.get_secret_value() == "from-the-environment"


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("SOME_KEY", value)
    [line] = problems({"admin_key": "os.environ/SOME_KEY"})
    assert line == f"{PREFIX}.admin_key - the environment variable SOME_KEY is not set"


@pytest.mark.parametrize("key", ["", " padded ", "line\n", 1234567, ["secret-in-a-list"]])
def test_a_useless_admin_key_is_refused_and_not_repeated(key: Any) -> None:
    [line] = problems({"admin_key": key})
    assert line.startswith(f"{PREFIX}.admin_key - must ")
    assert not str(key).strip() or str(key) not in line


def test_the_admin_key_stays_out_of_text_and_tracebacks() -> None:
    settings = Settings.parse({"admin_key": "very-secret"})
    assert "very-secret" not in repr(settings)
    with pytest.raises(SettingsError) as caught:
        Settings.parse({"admin_key": "very-secret", "unknown": 1})
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_bootstrap_is_read_in_the_products_units() -> None:
    alias = {"alias": "a", "litellm_model": "m", "credits_per_call": 0.5, "metadata": {"b": [1]}}
    group = {"group_name": "g", "model_aliases": ["a"]}
    bootstrap = Settings.parse({"bootstrap": {"model_aliases": [alias], "access_groups": [group]}}).bootstrap
    assert bootstrap is not None
    [parsed] = bootstrap.model_aliases
    assert (parsed.credits_per_call, parsed.metadata, parsed.active) == (500_000, '{"b":[1]}', True)
    assert bootstrap.access_groups[0].model_aliases == ["a"]


@pytest.mark.parametrize("hours", [0, 8761, 1.5, "24"])
def test_the_time_out_of_jobs_is_an_hour_to_a_year(hours: Any) -> None:
    assert [Settings.parse({"job_timeout_hours": most}).job_timeout_hours for most in (1, 8760)] == [1, 8760]
    assert problems({"job_timeout_hours": hours})[0].startswith(f"{PREFIX}.job_timeout_hours - must be ")


def test_a_proxy_address_must_be_one_of_http() -> None:
    assert Settings.parse({"proxy_url": "https://proxy.example"}).proxy_url == "https://proxy.example"
    assert "http" in problems({"proxy_url": "proxy.example"})[0]


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings.parse(None).__setattr__("local_admin", True)


KEYS: dict[str, Any] = {
    "admin_key": "admin",
    "viewer_key": "viewer",
    "operators": {"alice": "a", "b.o_b@x-1": "b"},
    "viewers": {"c": "c"},
}


def test_operators_and_viewers_have_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALICES", "from-the-environment")
    settings = Settings.parse({**KEYS, "operators": {"alice": "os.environ/ALICES"}})
    assert [(key.actor, key.key.get_secret_value(), key.viewer) for key in settings.operator_keys] == [
        ("operator", "admin", False),
        ("viewer", "viewer", True),
        ("alice", "from-the-environment", False),
        ("c", "c", True),
    ]
    assert "from-the-environment" not in repr(settings)
    assert Settings.parse(None).operator_keys == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"operators": "very-secret"}, ".operators - must map names to keys"),
        ({"viewers": ["very-secret"]}, ".viewers - must map names to keys"),
        ({"operators": None}, ".operators - must map names to keys"),
        ({"operators": {"operator": "very-secret"}}, ".operators - 'operator' can't be a name here"),
        ({"viewers": {"configuration": "very-secret"}}, ".viewers - 'configuration' can't be a name here"),
        ({"operators": {"local operator": "very-secret"}}, ".operators - 'local operator' is no name of 1 to 64"),
        ({"operators": {"": "very-secret"}}, ".operators - '' is no name of 1 to 64"),
        ({"operators": {"a" * 65: "very-secret"}}, "is no name of 1 to 64"),
        ({"operators": {"\u00e9ve": "very-secret"}}, "is no name of 1 to 64"),
        ({"operators": {"sk-very-secret-" + "y" * 20: "x"}}, "a key ending in 'yyyy' is no name"),
        ({"operators": {7: "very-secret"}}, ".operators - 7 is no name"),
        ({"operators": {"alice": None}}, ".operators.alice - has no value"),
        ({"operators": {"alice": ""}}, ".operators.alice - must not be empty"),
        ({"operators": {"alice": ["very-secret"]}}, ".operators.alice - must be a string"),
        ({"operators": {"alice": " very-secret"}}, ".operators.alice - must not be empty, nor begin"),
        ({"operators": {"alice": "os.environ/NOT_SET_ANYWHERE"}}, ".operators.alice - the environment variable NOT_"),
        ({"operators": {"alice": "admin"}}, " - operators.alice must not be the same as admin_key"),
        ({"viewers": {"c": "viewer"}}, " - viewers.c must not be the same as viewer_key"),
        ({"viewers": {"c": "a"}}, " - viewers.c must not be the same as operators.alice"),
        ({"viewer_key": "admin"}, " - viewer_key must not be the same as admin_key"),
    ],
)
def test_a_wrong_operator_is_refused_without_telling_the_key(change: dict[str, Any], problem: str) -> None:
    [line] = problems(KEYS | change)
    assert problem in line
    assert "very-secret" not in line


def test_the_digest_of_the_keys_changes_with_what_they_may_and_with_nothing_else() -> None:
    def digest(**change: Any) -> bytes:
        return Settings.parse({**KEYS, **change}).operator_keys_digest()

    assert digest(operators=dict(reversed(KEYS["operators"].items())), local_admin=True) == digest()
    changed = [
        digest(admin_key="other"),
        digest(operators={"alice": "b", "b.o_b@x-1": "a"}),
        digest(operators={"alice": "a"}),
        digest(operators={}, viewers={**KEYS["operators"], **KEYS["viewers"]}),
        Settings.parse(None).operator_keys_digest(),
    ]
    assert len({digest(), *changed}) == 6
